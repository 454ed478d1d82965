//! When sources were changed.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// When the newest file below a folder was changed; folders of the names `left_out` are not entered. A folder's own time
/// says little: tools put files beside sources and take them away again.
pub(crate) fn newest(folder: &Path, left_out: &[&str]) -> Result<SystemTime> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in entries.flatten() {
        let path = entry.path();
        if !path.is_dir() {
            newest = newest.max(of(&path));
        } else if !left_out.iter().any(|name| entry.file_name() == *name) {
            newest = newest.max(self::newest(&path, left_out)?);
        }
    }
    Ok(newest)
}

/// When a file was changed; what an editor has just taken away never was.
pub(crate) fn of(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_newest_is_found_at_any_depth_and_left_out_folders_are_not_entered() {
        let folder = std::env::temp_dir().join(format!("xtask-changes-{}", std::process::id()));
        let (inner, left_out) = (folder.join("a/b"), folder.join("a/node_modules"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(&left_out).unwrap();
        let later = |hours: u64| SystemTime::UNIX_EPOCH + Duration::from_hours(hours);
        for (path, at) in [(inner.join("new.rs"), later(1)), (left_out.join("newer.js"), later(2))] {
            fs::File::create(&path).unwrap().set_modified(at).unwrap();
        }
        let new = of(&inner.join("new.rs"));
        assert_eq!(newest(&folder, &["node_modules"]).unwrap(), new);
        assert_eq!(newest(&folder, &[]).unwrap(), of(&left_out.join("newer.js")));
        fs::remove_dir_all(&folder).unwrap();
    }
}
