//! A copy of a deployment on SQLite, made while its server runs, and what becomes a deployment again.
//!
//! The database is copied as of one moment, and the files after it: a message's file is in its place before the message
//! is, so the copy is never short of one. `backup.json` names every file with its size and SHA-256 and is written last:
//! a folder without it is no backup.

use crate::compose::Stored;
use crate::config::Config;
use anyhow::{Context, Result, bail, ensure};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::event::Event;
use relevo::store::Log;
use relevo_backends::sqlite::backup;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

const DATABASE: &str = "relevo.db";
const MANIFEST: &str = "backup.json";
/// The shape of the manifest.
const FORMAT: u32 = 1;
/// Read and written at once, in bytes.
const PIECE: usize = 256 * 1024;

/// What is being done, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub doing: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// Of about how much.
    pub of: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The Relevo that made it.
    pub relevo: String,
    /// When it was begun, in microseconds since 1970.
    pub at: i64,
    /// Facts.
    pub facts: u64,
    /// Conversations.
    pub conversations: u64,
    files: BTreeMap<String, Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// How many files it names besides the database.
    pub fn files(&self) -> usize {
        self.files.len() - 1
    }

    /// How large all of it is.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|kept| kept.bytes).sum()
    }
}

/// The folders of a deployment that are copied, and their names in a backup.
fn folders(config: &Config) -> [(&'static str, PathBuf); 2] {
    [("files/kept", config.files_folder().join("kept")), ("knowledge", config.data.join("knowledge"))]
}

fn only_sqlite(config: &Config) -> Result<()> {
    let instead = "this is for deployments on SQLite: with [postgres], use pg_dump and pg_restore for the schema, and \
        copy the folders `files` and `knowledge` after it";
    ensure!(config.postgres.is_none(), instead);
    Ok(())
}

/// Copies the deployment into a new folder, whether or not its server runs.
pub async fn back_up(config: &Config, to: &Path, mut progress: impl FnMut(Step)) -> Result<Manifest> {
    only_sqlite(config)?;
    let database = config.data.join(DATABASE);
    ensure!(database.is_file(), "there is no {}: name the deployment's settings (--config)", database.display());
    ensure!(is_empty(to)?, "{} is not empty: name a new folder, nothing is overwritten", to.display());
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let at = SystemClock.now().0;
    let copied = to.join(DATABASE);
    let holds = backup::copy(&database, &copied, |done, of| progress(Step { doing: "database", done, of })).await?;
    let mut files = BTreeMap::from([(DATABASE.to_owned(), digest(&copied)?)]);
    for (name, folder) in folders(config) {
        let found = list(&folder)?;
        let of = found.len() as u64;
        for (done, path) in found.into_iter().enumerate() {
            progress(Step { doing: name, done: done as u64 + 1, of });
            let entry = format!("{name}/{path}");
            if let Some(kept) = copy(&folder.join(&path), &to.join(&entry))? {
                files.insert(entry, kept);
            }
        }
    }
    let relevo = env!("CARGO_PKG_VERSION").to_owned();
    let manifest =
        Manifest { format: FORMAT, relevo, at, facts: holds.facts, conversations: holds.conversations, files };
    let mut file = File::create_new(to.join(MANIFEST))?;
    file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    file.sync_all()?;
    sync_folders(to)?;
    Ok(manifest)
}

/// Makes a deployment out of a backup, where there is none yet: checks every file, copies it, and reads what came of it
/// as a server would.
pub async fn restore(config: &Config, from: &Path, mut progress: impl FnMut(Step)) -> Result<Manifest> {
    only_sqlite(config)?;
    let manifest = manifest(from)?;
    let targets = [config.data.clone(), config.files_folder()];
    for target in &targets {
        let there = format!("{} is not empty: nothing is overwritten: move it away, or name another", target.display());
        ensure!(is_empty(target)?, there);
    }
    let of = manifest.files.len() as u64;
    for (done, (name, kept)) in (1..).zip(&manifest.files) {
        progress(Step { doing: "checking", done, of });
        let found = digest(&from.join(name)).with_context(|| format!("the backup lacks {name}"))?;
        ensure!(found == *kept, "{name} is not what was backed up: this backup is damaged, nothing was restored");
    }
    backup::check(&from.join(DATABASE)).await?;
    let restored = async {
        for (done, name) in (1..).zip(manifest.files.keys()) {
            progress(Step { doing: "copying", done, of });
            let target =
                target(config, name).with_context(|| format!("the backup names {name}, which is no part of it"))?;
            copy(&from.join(name), &target)?.with_context(|| format!("the backup lacks {name}"))?;
        }
        fs::create_dir_all(config.files_folder().join("kept"))?;
        targets.iter().try_for_each(|target| sync_folders(target))?;
        verify(config, &manifest, &mut progress).await
    };
    if let Err(error) = restored.await {
        // They were empty before.
        for target in &targets {
            let _ = fs::remove_dir_all(target);
        }
        return Err(error.context("nothing was restored"));
    }
    Ok(manifest)
}

/// Opens what was restored, reads the whole log, and looks for the file of every message.
async fn verify(config: &Config, manifest: &Manifest, progress: &mut impl FnMut(Step)) -> Result<()> {
    let stored = Stored::open(config).await?;
    let read = read(stored.store().as_ref(), config, manifest, progress).await;
    stored.close().await;
    read
}

async fn read(log: &dyn Log, config: &Config, manifest: &Manifest, progress: &mut impl FnMut(Step)) -> Result<()> {
    let kept = config.files_folder().join("kept");
    let (mut after, mut facts, mut conversations) = (0, 0, BTreeSet::new());
    loop {
        let batch = log.follow(after, 1_000).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        facts += batch.len() as u64;
        progress(Step { doing: "reading", done: facts, of: manifest.facts });
        for fact in batch {
            conversations.insert(fact.envelope.conversation);
            let Event::MessagePosted { message, .. } = &fact.envelope.event else { continue };
            for file in &message.attachments {
                let size = fs::metadata(kept.join(file.id.to_string())).map(|found| found.len());
                ensure!(size.is_ok_and(|size| size == file.size), "a message's file is missing: {}", file.id);
            }
        }
    }
    ensure!(facts == manifest.facts, "{facts} facts were found in place of {}", manifest.facts);
    let found = conversations.len() as u64;
    ensure!(found == manifest.conversations, "{found} conversations were found in place of {}", manifest.conversations);
    Ok(())
}

fn manifest(from: &Path) -> Result<Manifest> {
    let place = from.join(MANIFEST);
    let text = match fs::read(&place) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{} is no backup, or one that was not finished: there is no {MANIFEST}", from.display())
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", place.display())),
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).with_context(|| format!("{} cannot be understood", place.display()))?;
    ensure!(manifest.format == FORMAT, "{} was made by a newer Relevo ({})", from.display(), manifest.relevo);
    ensure!(manifest.files.contains_key(DATABASE), "{} names no database", place.display());
    Ok(manifest)
}

/// Where a file of a backup belongs.
fn target(config: &Config, name: &str) -> Option<PathBuf> {
    if name == DATABASE {
        return Some(config.data.join(DATABASE));
    }
    if name.split('/').any(|part| part.is_empty() || part == "..") {
        return None;
    }
    folders(config).into_iter().find_map(|(prefix, folder)| {
        let path = name.strip_prefix(prefix)?.strip_prefix('/')?;
        Some(folder.join(path))
    })
}

fn is_empty(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        // A data folder that holds its empty folder of files is as good as none.
        Ok(entries) => {
            for entry in entries {
                let path = entry?.path();
                if !path.is_dir() || !is_empty(&path)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", folder.display())),
    }
}

/// All files below a folder, by their paths in it.
fn list(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut left = vec![String::new()];
    while let Some(below) = left.pop() {
        let entries = match fs::read_dir(folder.join(&below)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", folder.display())),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a file's name is not readable text")?;
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.file_type()?.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a file durably; nothing where it has gone since it was listed (an article that was replaced meanwhile).
fn copy(from: &Path, to: &Path) -> Result<Option<Kept>> {
    let cannot = || format!("{} cannot be copied", from.display());
    let source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    let mut target = File::create_new(to).with_context(cannot)?;
    let kept = pieces(source, |piece| target.write_all(piece)).with_context(cannot)?;
    target.sync_all().with_context(cannot)?;
    Ok(Some(kept))
}

fn digest(path: &Path) -> Result<Kept> {
    Ok(pieces(File::open(path)?, |_| Ok(()))?)
}

fn pieces(mut source: File, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<Kept> {
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            let sha256 = hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            return Ok(Kept { bytes, sha256 });
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
        each(&piece[..read])?;
    }
}

/// New names are durable once their folders are.
fn sync_folders(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}
