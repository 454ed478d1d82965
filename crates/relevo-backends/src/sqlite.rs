//! One SQLite file. One task writes it, and commits the writes of many callers together ([`writer`]); a few
//! connections read it. `synchronous=FULL`: what was acknowledged is on disk.
//!
//! ```
//! use relevo::store::Log;
//! use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await?;
//! assert_eq!(store.head().await?, 0);
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod migrate;
mod open;

mod append;
mod checkpoint;
mod fresh;
mod writer;

mod log;

mod cards;
mod jobs;

mod accounts;
mod artifacts;
mod contacts;

pub mod backup;

mod fault;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use migrate::{KNOWN, version};
pub use open::{OpenError, SqliteOptions};

use fresh::Fresh;
use relevo::store::StoreError;
use sqlx::{SqliteConnection, SqlitePool};
use std::path::Path;
use std::sync::Arc;
use writer::{Making, Writer};

/// A store in an SQLite file. Dropping it ends it too, but only [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    fresh: Arc<Fresh>,
}

impl SqliteStore {
    /// Opens a database file, or makes it, and brings its tables up to date. The folder must exist. A lock file beside
    /// it keeps a second server away until this store has ended.
    pub async fn open(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        open::open(path, &options).await
    }

    /// Ends the store: finishes every write that was begun, and leaves one complete database file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// How many transactions were committed since it was opened. Under load there are fewer than appends.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// What was committed last.
    fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// Writes in the next transaction, together with whoever else writes; see [`Writer::write`].
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Making<'c, T> + Send + 'static,
    {
        self.writer.write(work).await
    }
}
