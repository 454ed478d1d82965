//! The files of messages, in a folder: `incoming/` holds those that no message carries yet, `kept/` the others. Both keep
//! a file's bytes under its id, and beside them, as `<id>.json`, whose it is and what it is.
//!
//! ```
//! use relevo_backends::files::Files;
//! use relevo_domain::id::FileId;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let files = Files::open(folder.path())?;
//! let id: FileId = "0198a3b0-0000-7000-8000-000000000001".parse()?;
//! let brought = files.take_in("a-contact", id, "list.txt", 1_000, &mut &b"milk, bread"[..]).await?;
//! assert_eq!((brought.name.as_str(), brought.size), ("list.txt", 11));
//! // A message is about to carry it.
//! files.keep("a-contact", id).await?;
//! assert_eq!(std::fs::read(files.path(id))?, b"milk, bread");
//! # Ok(()) }
//! ```

mod clean;

use relevo_domain::id::FileId;
use relevo_domain::message::Attachment;
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::fs;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// The longest name of a file, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 200;
/// So much of a file tells what it is, in bytes.
const HEAD: usize = 8 * 1024;
/// Read and written at once, in bytes.
const PIECE: usize = 64 * 1024;
/// What nobody can name otherwise.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Why a file was not taken in or not found.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing is in it.
    #[error("the file is empty: choose another")]
    Empty,
    /// Too much is in it.
    #[error("the file is larger than {limit} bytes: send a smaller one")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// There is none, or it is somebody else's.
    #[error("there is no such file: send it again")]
    Unknown,
    /// Whoever sends it stopped in the middle.
    #[error("the file did not arrive whole: {0}")]
    Interrupted(io::Error),
    /// The disk is full, say. Nothing of it was kept.
    #[error("the file cannot be stored: {0}")]
    Disk(#[from] io::Error),
}

/// What is written beside a file.
#[derive(Serialize, Deserialize)]
struct Label {
    owner: String,
    #[serde(flatten)]
    attachment: Attachment,
}

/// A folder of files.
#[derive(Debug)]
pub struct Files {
    incoming: PathBuf,
    kept: PathBuf,
    /// A picture is cleaned as a whole in memory: one at a time.
    cleaning: Semaphore,
}

impl Files {
    /// Opens a folder, and makes it where there is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let (incoming, kept) = (folder.join("incoming"), folder.join("kept"));
        std::fs::create_dir_all(&incoming)?;
        std::fs::create_dir_all(&kept)?;
        Ok(Self { incoming, kept, cleaning: Semaphore::new(1) })
    }

    /// Takes a file in for `owner`, as it arrives; once this returns it would survive the loss of power. Its type is
    /// found in its bytes, and pictures lose what cameras write into them (place, time, device).
    pub async fn take_in(
        &self,
        owner: &str,
        id: FileId,
        name: &str,
        limit: u64,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<Attachment, FileError> {
        let path = self.incoming.join(id.to_string());
        let taken = self.write(&path, limit, body).await;
        if taken.is_err() {
            let _ = fs::remove_file(&path).await;
        }
        let (media_type, size) = taken?;
        let attachment = Attachment { id, name: plain_name(name), media_type, size };
        let label = Label { owner: owner.to_owned(), attachment };
        let text = serde_json::to_vec(&label).map_err(io::Error::from)?;
        durable(&self.incoming, &format!("{id}.json"), &text).await?;
        Ok(label.attachment)
    }

    async fn write(
        &self,
        path: &Path,
        limit: u64,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<(String, u64), FileError> {
        let mut file = fs::File::create(path).await?;
        let mut piece = vec![0; PIECE];
        let mut head = Vec::new();
        let mut size = 0;
        loop {
            let read = body.read(&mut piece).await.map_err(FileError::Interrupted)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            if size > limit {
                return Err(FileError::TooLarge { limit });
            }
            let missing = HEAD.saturating_sub(head.len());
            head.extend_from_slice(&piece[..read.min(missing)]);
            file.write_all(&piece[..read]).await?;
        }
        if size == 0 {
            return Err(FileError::Empty);
        }
        file.sync_all().await?;
        drop(file);
        let media_type = infer::get(&head).map_or(UNKNOWN_TYPE, |kind| kind.mime_type());
        if !clean::knows(media_type) {
            return Ok((media_type.to_owned(), size));
        }
        let _turn = self.cleaning.acquire().await.expect("it is never closed");
        let path = path.to_owned();
        let cleaned = tokio::task::spawn_blocking(move || clean::picture(media_type, &path));
        Ok(match cleaned.await.map_err(io::Error::other)?? {
            Some(size) => (media_type.to_owned(), size),
            // What only looks like a picture is a file to save.
            None => (UNKNOWN_TYPE.to_owned(), size),
        })
    }

    /// Keeps a file of `owner` for good, because a message is about to carry it. Doing so twice is doing so once.
    pub async fn keep(&self, owner: &str, id: FileId) -> Result<Attachment, FileError> {
        let (name, label) = (id.to_string(), format!("{id}.json"));
        let kept = match fs::read(self.kept.join(&label)).await {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let text = match &kept {
            Some(text) => text.clone(),
            None => match fs::read(self.incoming.join(&label)).await {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FileError::Unknown),
                Err(error) => return Err(error.into()),
            },
        };
        let Label { owner: whose, attachment } = serde_json::from_slice(&text).map_err(io::Error::from)?;
        if whose != owner {
            return Err(FileError::Unknown);
        }
        if kept.is_none() {
            // The label last: a file whose label is still there is simply kept again.
            for name in [&name, &label] {
                match fs::rename(self.incoming.join(name), self.kept.join(name)).await {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound && self.kept.join(name).exists() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            sync_folder(&self.kept).await?;
        }
        Ok(attachment)
    }

    /// Takes a kept file away, for good.
    pub async fn discard(&self, id: FileId) -> io::Result<()> {
        for name in [id.to_string(), format!("{id}.json")] {
            match fs::remove_file(self.kept.join(name)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_folder(&self.kept).await
    }

    /// Where a kept file's bytes are.
    pub fn path(&self, id: FileId) -> PathBuf {
        self.kept.join(id.to_string())
    }

    /// Forgets what came longer than `age` before `now` and was never put into a message. How many files that were.
    pub async fn forget(&self, now: Timestamp, age: Duration) -> io::Result<usize> {
        let now = SystemTime::UNIX_EPOCH + now.since(Timestamp(0));
        let mut forgotten = 0;
        let mut entries = fs::read_dir(&self.incoming).await?;
        while let Some(entry) = entries.next_entry().await? {
            let modified = entry.metadata().await?.modified()?;
            if now.duration_since(modified).is_ok_and(|old| old > age) {
                fs::remove_file(entry.path()).await?;
                forgotten += usize::from(entry.path().extension().is_none());
            }
        }
        Ok(forgotten)
    }
}

/// The last part of what the sender calls it, without control characters, and short.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    match plain.trim() {
        "" => "file".to_owned(),
        plain => plain.to_owned(),
    }
}

async fn durable(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(folder.join(name)).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    sync_folder(folder).await
}

/// A new name in a folder is durable once the folder is.
async fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder).await?.sync_all().await
}

#[cfg(test)]
mod tests;
