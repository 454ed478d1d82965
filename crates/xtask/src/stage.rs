//! One step with its name, its time and its outcome.

use crate::root;
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::Instant;

/// A step under way.
pub(crate) struct Stage {
    name: String,
    began: Instant,
}

impl Stage {
    /// Says that a step begins.
    pub(crate) fn begin(name: &str) -> Self {
        println!("── {name}");
        Self { name: name.to_owned(), began: Instant::now() }
    }

    /// Runs the step's command; what it prints is seen.
    pub(crate) fn run(self, mut command: Command) -> Result<()> {
        let program = command.get_program().to_string_lossy().into_owned();
        let status = command.status().with_context(|| format!("`{program}` could not be started: is it installed?"))?;
        if !status.success() {
            bail!("{} failed ({status})", self.name);
        }
        println!("── {} · {} s", self.name, self.began.elapsed().as_secs());
        Ok(())
    }
}

/// A cargo command in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // What cargo told this program about itself: ring's build script watches these names, and whatever stands on TLS
    // would be compiled again each time that somebody changes between `cargo test` and `cargo xtask test`.
    let of_this_program = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_this_program(name)) {
        command.env_remove(name);
    }
    command
}

/// An npm command in the pages' workspace.
pub(crate) fn node(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(root().join("crates/relevo-inbox/ui"));
    command
}
