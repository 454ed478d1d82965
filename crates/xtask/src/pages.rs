//! The pages: npm installs and builds only when something changed.

use crate::stage::{Stage, node};
use crate::{changes, root};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// When to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In any case.
    Always,
    /// When a source is newer than what was built.
    Changed,
}

/// The pages' workspace.
pub(crate) fn ui() -> PathBuf {
    root().join("crates/relevo-inbox/ui")
}

/// Installs npm's packages, if the lock file has changed since they were installed.
pub(crate) fn install() -> Result<()> {
    let (lock, installed) = (ui().join("package-lock.json"), ui().join("node_modules/.relevo-lock"));
    let wanted = fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    if fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    Stage::begin("npm packages").run(node(&["ci", "--no-audit", "--no-fund", "--prefer-offline"]))?;
    fs::write(&installed, wanted).context("node_modules cannot be written")
}

/// Builds the pages into `crates/relevo-inbox/dist`.
pub(crate) fn build(when: When) -> Result<()> {
    install()?;
    let built = root().join("crates/relevo-inbox/dist/.built");
    let then = fs::metadata(&built).and_then(|file| file.modified()).ok();
    if when == When::Changed && !is_stale(then, changes::newest(&ui(), &["node_modules"])?) {
        return Ok(());
    }
    Stage::begin("pages").run(node(&["run", "build"]))?;
    fs::write(&built, "").with_context(|| format!("{} cannot be written", built.display()))
}

fn is_stale(built: Option<SystemTime>, newest_source: SystemTime) -> bool {
    built.is_none_or(|built| built < newest_source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn pages_are_built_when_they_never_were_or_a_source_is_newer() {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let later = then + Duration::from_secs(1);
        assert!(is_stale(None, then));
        assert!(is_stale(Some(then), later));
        assert!(!is_stale(Some(later), then));
        assert!(!is_stale(Some(then), then));
    }
}
