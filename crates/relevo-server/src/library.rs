//! Shortcuts and macros as they are on disk: read at start, read again when a file changes.

use notify::{RecursiveMode, Watcher};
use relevo::bus::{Bus, Signal};
use relevo::domain::shortcut::Library;
use relevo::domain::template::TemplateError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Editors write a file in several steps: this long after the last of them it is read.
const SETTLE: Duration = Duration::from_millis(200);

/// The library, hot reloaded.
pub struct LiveLibrary {
    folder: PathBuf,
    now: RwLock<(Arc<Library>, Arc<Vec<TemplateError>>)>,
}

impl LiveLibrary {
    /// Reads a folder. Broken files are reported and left out; the good ones load.
    pub fn open(folder: &Path) -> std::io::Result<Arc<Self>> {
        let live = Self { folder: folder.to_owned(), now: RwLock::default() };
        live.reload()?;
        Ok(Arc::new(live))
    }

    /// The library now.
    pub fn current(&self) -> Arc<Library> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What is wrong with files that were left out.
    pub fn problems(&self) -> Arc<Vec<TemplateError>> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads everything again.
    pub fn reload(&self) -> std::io::Result<()> {
        let (library, problems) = Library::load(read_folder(&self.folder)?);
        for problem in &problems {
            tracing::warn!(file = problem.file, line = problem.line, column = problem.column, "{}", problem.message);
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(library), Arc::new(problems));
        Ok(())
    }

    /// Follows the folder until `stop` is cancelled.
    pub fn watch(self: &Arc<Self>, bus: Arc<dyn Bus>, stop: CancellationToken) {
        let (told, mut changes) = mpsc::channel::<()>(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading the files is an event too, and none that matters.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = told.try_send(());
            }
        })
        .and_then(|mut watcher| watcher.watch(&self.folder, RecursiveMode::Recursive).map(|()| watcher));
        let watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "the shortcuts are not followed: restart after a change");
                return;
            }
        };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _watcher = watcher;
            while let Some(Some(())) = stop.run_until_cancelled(changes.recv()).await {
                tokio::time::sleep(SETTLE).await;
                let _ = changes.try_recv();
                match this.reload() {
                    Ok(()) => bus.publish(Signal::Library),
                    Err(error) => tracing::warn!(%error, "the shortcuts could not be read again"),
                }
            }
        });
    }
}

/// All files below a folder, with their paths as people would write them, in order.
pub fn read_folder(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| ["hbs", "toml", "md"].iter().any(|known| kind == *known)) {
                let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                files.push((path.display().to_string(), text));
            }
        }
    }
    files.sort();
    Ok(files)
}
