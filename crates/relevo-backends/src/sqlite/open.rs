use super::writer::Writer;
use super::{SqliteStore, migrate};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many rows may wait for their reader: a page or a group of facts is then handed over without turns.
const ROWS: usize = 1_024;

/// How a store uses its file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// How many connections read at most.
    pub readers: u32,
    /// How long a write waits for another program that has locked the database (a backup, somebody's shell).
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, busy_timeout: Duration::from_secs(5) }
    }
}

/// Why a store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has it.
    #[error(
        "{} is in use by another server: stop that one first, or give this one another data folder \
         (the lock is on {})",
        file.display(), lock.display()
    )]
    InUse {
        /// The database.
        file: PathBuf,
        /// What is locked.
        lock: PathBuf,
    },
    /// Its tables are newer than this program.
    #[error(
        "{} was written by a newer Relevo: its tables have version {found}, this program knows versions up to {known}. \
         Start that newer Relevo, or give this one another data folder",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Anything else.
    #[error("{} cannot be opened: {reason}", file.display())]
    Unusable {
        /// The database, or its lock.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

pub(super) async fn open(path: &Path, options: &SqliteOptions) -> Result<SqliteStore, OpenError> {
    let unusable = |error: sqlx::Error| {
        let reason = super::fault::reason(&error);
        OpenError::Unusable { file: path.to_owned(), reason }
    };
    let lock = lock(path)?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .row_buffer_size(ROWS)
        .busy_timeout(options.busy_timeout)
        // Done beside the writer.
        .pragma("wal_autocheckpoint", "0");
    let mut connection: SqliteConnection = connect.connect().await.map_err(unusable)?;
    let found = migrate::migrate(&mut connection).await.map_err(unusable)?;
    if found > migrate::KNOWN {
        return Err(OpenError::Newer { file: path.to_owned(), found, known: migrate::KNOWN });
    }
    // Whoever had claimed them is gone, since nobody else has the lock: nobody waits for the end of their leases.
    let orphans = "UPDATE jobs SET due = 0 WHERE attempt > 0";
    sqlx::query(orphans).execute(&mut connection).await.map_err(unusable)?;
    // A statement keeps what it changes until its end, in case it fails: a group's is more than SQLite keeps in memory
    // otherwise, and a file would be made for it, written and deleted, with every large group.
    sqlx::query("PRAGMA temp_store = memory").execute(&mut connection).await.map_err(unusable)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(connect.clone().create_if_missing(false).pragma("query_only", "on"));
    let beside = connect.connect().await.map_err(unusable)?;
    let (writer, fresh) = Writer::start(connection, beside, lock).await.map_err(unusable)?;
    Ok(SqliteStore { writer, readers, fresh })
}

/// Locks a file beside the database, since SQLite locks and unlocks the database itself with every transaction. The
/// operating system ends the lock with the process, however that ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let unusable = |error: std::io::Error| OpenError::Unusable { file: lock.clone(), reason: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(&lock).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { file: path.to_owned(), lock }),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}
