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

/// What ships with Relevo, for a deployment that has no folder of its own.
#[derive(rust_embed::RustEmbed)]
#[folder = "../../shortcuts"]
struct BuiltIn;

/// The library, hot reloaded.
pub struct LiveLibrary {
    folder: Option<PathBuf>,
    now: RwLock<(Arc<Library>, Arc<Vec<TemplateError>>)>,
}

impl LiveLibrary {
    /// Reads a folder; without one, what ships with Relevo. Broken files are reported and left out; the good ones load.
    pub fn open(folder: Option<PathBuf>) -> std::io::Result<Arc<Self>> {
        let live = Self { folder, now: RwLock::default() };
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
        let files = self.folder.as_deref().map_or_else(|| Ok(built_in()), read_folder)?;
        let (library, problems) = Library::load(files);
        for problem in &problems {
            tracing::warn!(file = problem.file, line = problem.line, column = problem.column, "{}", problem.message);
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(library), Arc::new(problems));
        Ok(())
    }

    /// Follows the folder until `stop` is cancelled; whenever it was read again, `changed` hears of it before clients do.
    pub fn watch(
        self: &Arc<Self>,
        bus: Arc<dyn Bus>,
        stop: CancellationToken,
        changed: impl Fn(&Library) + Send + 'static,
    ) {
        let Some(folder) = &self.folder else { return };
        let this = Arc::clone(self);
        follow(folder, stop, move || match this.reload() {
            Ok(()) => {
                changed(&this.current());
                bus.publish(Signal::Library);
            }
            Err(error) => tracing::warn!(%error, "the shortcuts could not be read again"),
        });
    }
}

/// Calls `changed` whenever something below a folder has changed, until `stop` is cancelled.
pub fn follow(folder: &Path, stop: CancellationToken, changed: impl Fn() + Send + 'static) {
    let (told, mut changes) = mpsc::channel::<()>(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the files is an event too, and none that matters.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = told.try_send(());
        }
    })
    .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::Recursive).map(|()| watcher));
    let watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the folder is not followed: restart after a change");
            return;
        }
    };
    tokio::spawn(async move {
        let _watcher = watcher;
        while let Some(Some(())) = stop.run_until_cancelled(changes.recv()).await {
            tokio::time::sleep(SETTLE).await;
            let _ = changes.try_recv();
            changed();
        }
    });
}

fn built_in() -> Vec<(String, String)> {
    let read = |path: std::borrow::Cow<'static, str>| {
        let text = String::from_utf8_lossy(&BuiltIn::get(&path)?.data).into_owned();
        Some((format!("shortcuts/{path}"), text))
    };
    BuiltIn::iter().filter_map(read).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::bus::LocalBus;

    const GOOD: &str = "---\ntitle: Hola\nlanguage: es\n---\nHola.\n";

    #[test]
    fn what_ships_with_relevo_is_there_without_a_folder_and_without_a_mistake() {
        let library = LiveLibrary::open(None).unwrap();
        assert!(library.current().shortcuts().count() >= 12);
        assert!(library.problems().is_empty(), "{:?}", library.problems());
    }

    // covers: F02
    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_broken_one_is_reported_while_the_good_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hola.es.hbs"), GOOD).unwrap();
        let library = LiveLibrary::open(Some(folder.path().to_owned())).unwrap();
        assert_eq!(library.current().shortcuts().count(), 1);
        let (bus, stop) = (Arc::new(LocalBus::default()), CancellationToken::new());
        let mut signals = bus.subscribe();
        let (told, mut heard) = mpsc::unbounded_channel();
        library.watch(bus.clone(), stop.clone(), move |now| told.send(now.shortcuts().count()).unwrap());
        std::fs::write(folder.path().join("adios.es.hbs"), GOOD).unwrap();
        assert_eq!(signals.recv().await.unwrap(), Signal::Library);
        assert_eq!(heard.recv().await, Some(2));
        std::fs::write(folder.path().join("roto.es.hbs"), GOOD.replace("Hola.", "{{#if")).unwrap();
        assert_eq!(signals.recv().await.unwrap(), Signal::Library);
        assert_eq!(library.current().shortcuts().count(), 2);
        assert!(library.problems()[0].file.ends_with("roto.es.hbs"));
        stop.cancel();
    }
}
