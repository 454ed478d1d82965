//! What a fresh machine lacks: installed where that is possible, named where it is not.

use crate::stage::Stage;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// Chromium, for the story test.
pub(crate) fn chromium() -> Result<()> {
    let there = std::env::var_os("CHROMIUM").is_some() || Path::new("/usr/bin/chromium").exists();
    if there {
        return Ok(());
    }
    debian(&["chromium", "fonts-dejavu-core"], "or set CHROMIUM to the path of one")
}

fn debian(packages: &[&str], otherwise: &str) -> Result<()> {
    let list = packages.join(" ");
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root || !Path::new("/usr/bin/apt-get").exists() {
        bail!("this needs {list}: install it (`sudo apt-get install {list}`), {otherwise}");
    }
    let mut update = Command::new("apt-get");
    update.args(["-q", "update"]);
    Stage::begin("package lists").run(update)?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y", "--no-install-recommends", "install"]);
    install.args(packages);
    Stage::begin(&format!("install {list}")).run(install)
}
