//! Moves what was committed from the write-ahead log into the database, on a connection of its own: whoever writes does
//! not wait for it. That never quite catches up with a writer who goes on, and only a log that was moved whole begins
//! anew; so where it has become long the writer moves the rest itself, which is little by then.

use super::writer::Line;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Pages that are written again and again are moved once each time.
const PAUSE: Duration = Duration::from_millis(200);
/// A log of so many pages is long: 64 MB.
pub(super) const LONG: i64 = 16_384;

/// The task.
pub(super) struct Checkpoints {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    /// Moves what there is whenever something was `written`. Where that has become long, it tells the writer.
    pub(super) fn start(connection: SqliteConnection, written: Arc<Notify>, writer: Line) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(run(connection, written, writer, stopped)) }
    }

    /// Ends the task, and its connection.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // It only fails where it panicked, and has ended then, too.
        let _ = self.task.await;
    }
}

async fn run(mut connection: SqliteConnection, written: Arc<Notify>, writer: Line, mut stop: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut stop => break,
            () = written.notified() => {}
        }
        match checkpoint(&mut connection).await {
            Ok(pages) if pages > LONG => writer.checkpoint(),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the database was not brought up to date, trying again"),
        }
        tokio::select! {
            _ = &mut stop => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    // The writer, which is the last, repairs whatever this leaves.
    let _ = connection.close().await;
}

/// Moves what can be moved without making anybody wait; how many pages the log has.
pub(super) async fn checkpoint(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    let (_, pages, _) =
        sqlx::query_as::<_, (i64, i64, i64)>("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await?;
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{SqliteOptions, SqliteStore};

    #[tokio::test]
    async fn what_was_written_comes_into_the_database_and_its_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relevo.db");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        let log = path.with_extension("db-wal");
        let (mut longest, mut written) = (0, 0);
        // Three times as much as is long.
        while written < 3 * LONG * 4_096 {
            let sql = "INSERT INTO tickets VALUES ('one', hex(zeroblob(1000000)), 0)
                ON CONFLICT (token_hash) DO UPDATE SET holder = excluded.holder";
            let write = store.write(move |transaction| Box::pin(sqlx::query(sql).execute(transaction)));
            write.await.unwrap();
            written += 2_000_000;
            longest = longest.max(std::fs::metadata(&log).unwrap().len().cast_signed());
        }
        assert!(longest < 2 * LONG * 4_096, "the log has {longest} bytes, {written} were written");
        store.close().await;
        assert!(!log.exists(), "one complete file is left");
    }
}
