//! Builds as people run it, and hands over to the driver: a program of its own, in `tests/bench`.

use crate::stage::{Stage, cargo};
use crate::{become_it, pages, root, target};
use anyhow::Result;
use std::process::Command;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    pages::build(pages::When::Changed)?;
    Stage::begin("server and driver").run(cargo(&["build", "--workspace", "--release"]))?;
    // Thousands of sockets are thousands of files: as many as this machine allows.
    let mut bench = Command::new("sh");
    bench.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"]).arg(target().join("release/bench"));
    bench.args(arguments).current_dir(root());
    become_it(&mut bench)
}
