//! The fault bars: builds the server and the program that mistreats it, and starts that. See `docs/faults.md`.

use crate::stage::{Stage, cargo};
use crate::{install, root, target};
use anyhow::Result;
use std::process::Command;

/// All or some bars, as the arguments say.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    install::strace()?;
    // The same build as the tests': another choice of packages would compile the dependencies anew.
    Stage::begin("server").run(cargo(&["test", "--workspace", "--no-run"]))?;
    let mut faults = Command::new("sh");
    // Thousands of sockets need as many files as this user may have.
    faults.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"]).arg(target().join("debug/faults"));
    faults.args(arguments).current_dir(root());
    Stage::begin("faults").run(faults)
}
