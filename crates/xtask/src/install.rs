//! What a fresh machine lacks: installed where that is possible, named where it is not.

use crate::stage::Stage;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Chromium, for the story test.
pub(crate) fn chromium() -> Result<()> {
    let there = std::env::var_os("CHROMIUM").is_some() || Path::new("/usr/bin/chromium").exists();
    if there {
        return Ok(());
    }
    debian(&["chromium", "fonts-dejavu-core"], "or set CHROMIUM to the path of one")
}

/// PostgreSQL's programs, for the tests of what several servers share: each run starts a server of its own.
pub(crate) fn postgres() -> Result<()> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin")).chain(in_path());
    if std::env::var_os("RELEVO_TEST_POSTGRES").is_some() || has(folders, "initdb") {
        return Ok(());
    }
    debian(&["postgresql"], "or set RELEVO_TEST_POSTGRES to the address of a server for tests")
}

/// NATS, for the same tests.
pub(crate) fn nats() -> Result<()> {
    if has(in_path(), "nats-server") { Ok(()) } else { debian(&["nats-server"], "or put the program into PATH") }
}

fn in_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn has(mut folders: impl Iterator<Item = PathBuf>, program: &str) -> bool {
    folders.any(|folder| folder.join(program).exists())
}

/// strace, for the fault bar that watches the disk being synced.
pub(crate) fn strace() -> Result<()> {
    if Command::new("strace").arg("-V").output().is_ok() {
        return Ok(());
    }
    debian(&["strace"], "or leave that bar out")
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
