//! The one task that writes. Whatever waits when it comes round is one group: one transaction, one sync of the disk,
//! and every caller is answered only after that. A caller alone pays for its own sync; a crowd shares one.

use super::append;
use super::checkpoint::{Checkpoints, checkpoint};
use super::fault::{fault, is_constraint};
use super::fresh::Fresh;
use crate::batch::Batch;
use async_trait::async_trait;
use relevo::store::{Append, AppendError, Position, StoreError};
use sqlx::{Connection, SqliteConnection};
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, mpsc, oneshot};

/// The most writes that share a transaction: bounds how long the first of them waits.
const MAX_GROUP: usize = 256;
/// The most writes that wait in line before their callers are held up.
const MAX_WAITING: usize = 1_024;

/// The future of a piece of work inside a transaction.
pub(super) type Making<'c, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>;

type Appended = Result<Position, AppendError>;

/// The callers' end of the line.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    line: mpsc::Sender<Request>,
    commits: Arc<AtomicU64>,
}

enum Request {
    Append(Box<Append>, oneshot::Sender<Appended>),
    Other(Box<dyn Work>),
    Checkpoint,
    Close(oneshot::Sender<()>),
}

/// The way to the writer of one who does not keep it.
pub(super) struct Line(mpsc::WeakSender<Request>);

impl Line {
    /// Asks for a checkpoint after the group that is being written. A line that is full asks again later.
    pub(super) fn checkpoint(&self) {
        if let Some(line) = self.0.upgrade() {
            let _ = line.try_send(Request::Checkpoint);
        }
    }
}

impl Writer {
    /// Starts the task, and keeps what it commits at hand. It ends, and with it the lock, when it is closed or when nobody
    /// can write any more.
    pub(super) async fn start(
        mut connection: SqliteConnection,
        beside: SqliteConnection,
        lock: File,
    ) -> sqlx::Result<(Self, Arc<Fresh>)> {
        let head = append::head(&mut connection).await?;
        let fresh = Arc::new(Fresh::new(head));
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let written = Arc::new(Notify::new());
        let checkpoints = Checkpoints::start(beside, written.clone(), Line(line.downgrade()));
        let task = Task { connection, head, commits: commits.clone(), fresh: fresh.clone(), written };
        tokio::spawn(task.run(waiting, checkpoints, lock));
        Ok((Self { line, commits }, fresh))
    }

    /// Appends; resolves once that is on disk.
    pub(super) async fn append(&self, append: Append) -> Appended {
        let (caller, answer) = oneshot::channel();
        self.line.send(Request::Append(Box::new(append), caller)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Any other write. `work` changes the database by **one statement at most**: a statement that fails changes
    /// nothing, and so no failure leaves something half done, although other callers share the transaction.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Making<'c, T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let work = Asked { work: Some(work), made: None, caller };
        self.line.send(Request::Other(Box::new(work))).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends the task after everything that was asked before.
    pub(super) async fn close(&self) {
        let (caller, answer) = oneshot::channel();
        if self.line.send(Request::Close(caller)).await.is_ok() {
            // An error means that another call closed it.
            let _ = answer.await;
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it has been closed".into())
}

/// A write that is not an append, and its caller.
#[async_trait]
trait Work: Send {
    /// Does it. An error condemns the whole transaction; one that concerns only this caller is kept for it.
    async fn make(&mut self, transaction: &mut SqliteConnection) -> sqlx::Result<()>;

    /// Answers the caller.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Asked<T, F> {
    work: Option<F>,
    made: Option<sqlx::Result<T>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

#[async_trait]
impl<T, F> Work for Asked<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Making<'c, T> + Send,
{
    async fn make(&mut self, transaction: &mut SqliteConnection) -> sqlx::Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        match work(transaction).await {
            Err(error) if !is_constraint(&error) && !matches!(error, sqlx::Error::Decode(_)) => Err(error),
            made => {
                self.made = Some(made);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.made) {
            (Ok(()), Some(made)) => made.map_err(fault),
            (Ok(()), None) => Err(closed()),
            (Err(fault), _) => Err(fault),
        };
        // A caller that went away needs no answer.
        let _ = self.caller.send(answer);
    }
}

struct Task {
    connection: SqliteConnection,
    head: Position,
    commits: Arc<AtomicU64>,
    fresh: Arc<Fresh>,
    written: Arc<Notify>,
}

#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    appenders: Vec<oneshot::Sender<Appended>>,
    others: Vec<Box<dyn Work>>,
}

impl Task {
    async fn run(mut self, mut waiting: mpsc::Receiver<Request>, checkpoints: Checkpoints, lock: File) {
        let mut requests = Vec::with_capacity(MAX_GROUP);
        let mut closers = Vec::new();
        while waiting.recv_many(&mut requests, MAX_GROUP).await > 0 {
            let (mut group, mut is_long) = (Group::default(), false);
            for request in requests.drain(..) {
                match request {
                    Request::Append(append, caller) => {
                        group.appends.push(*append);
                        group.appenders.push(caller);
                    }
                    Request::Other(work) => group.others.push(work),
                    Request::Checkpoint => is_long = true,
                    Request::Close(caller) => {
                        // What is in line already is still written.
                        waiting.close();
                        closers.push(caller);
                    }
                }
            }
            if !group.appenders.is_empty() || !group.others.is_empty() {
                self.commit(group).await;
            }
            if is_long && let Err(error) = checkpoint(&mut self.connection).await {
                tracing::warn!(%error, "the database was not brought up to date, trying again");
            }
        }
        checkpoints.stop().await;
        if let Err(error) = self.connection.close().await {
            tracing::warn!(error = %error, "the database was not closed cleanly; nothing is lost, the next start repairs it");
        }
        drop(lock);
        for closer in closers {
            let _ = closer.send(());
        }
    }

    async fn commit(&mut self, mut group: Group) {
        let size = group.appends.len() + group.others.len();
        match self.write(&mut group).await {
            Ok((batch, appended)) => {
                if let Some(batch) = batch {
                    self.head = batch.head;
                    // Before anybody is told that there is news.
                    self.fresh.committed(batch.facts, batch.states);
                }
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.written.notify_one();
                metrics::counter!("relevo_store_commits_total").increment(1);
                #[expect(clippy::cast_precision_loss, reason = "at most MAX_GROUP")]
                metrics::histogram!("relevo_store_group_size").record(size as f64);
                for (caller, answer) in group.appenders.into_iter().zip(appended) {
                    let _ = caller.send(answer);
                }
                group.others.into_iter().for_each(|work| work.answer(Ok(())));
            }
            Err(error) => {
                // Where the error has ended the transaction already, this one fails, and that is as good.
                let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
                let fault = fault(error);
                tracing::error!(error = %fault, "a transaction of {size} writes failed");
                for caller in group.appenders {
                    let _ = caller.send(Err(fault.clone().into()));
                }
                group.others.into_iter().for_each(|work| work.answer(Err(fault.clone())));
            }
        }
    }

    async fn write(&mut self, group: &mut Group) -> sqlx::Result<(Option<Batch>, Vec<Appended>)> {
        let connection = &mut self.connection;
        let (batch, appended) = append::begin(connection, self.head, std::mem::take(&mut group.appends)).await?;
        for work in &mut group.others {
            work.make(connection).await?;
        }
        if relevo::sabotaged!("early_ack") {
            for (caller, answer) in group.appenders.drain(..).zip(appended.clone()) {
                let _ = caller.send(answer);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        relevo::crash_point!("before_commit");
        append::commit(connection, batch.as_ref()).await?;
        relevo::crash_point!("after_commit");
        Ok((batch, appended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::checkpoint::LONG;
    use crate::sqlite::{SqliteOptions, SqliteStore};
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;
    use std::path::Path;
    use std::time::Duration;

    /// A connection of whom the store knows nothing.
    async fn stranger(store: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(store).pragma("wal_autocheckpoint", "0");
        options.connect().await.unwrap()
    }

    /// Makes the log longer by so many pages.
    async fn lengthen(connection: &mut SqliteConnection, pages: i64) {
        let sql = "INSERT INTO tickets VALUES ('long', hex(zeroblob(?1 * 2048)), 0)
            ON CONFLICT (token_hash) DO UPDATE SET holder = excluded.holder";
        sqlx::query(sql).bind(pages).execute(connection).await.unwrap();
    }

    #[tokio::test]
    async fn the_writer_moves_what_it_is_told_to_move() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relevo.db");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        let mut stranger = stranger(&path).await;
        lengthen(&mut stranger, LONG + 1).await;
        Line(store.writer.line.downgrade()).checkpoint();
        store.close().await;
        // Only a log that was moved whole begins anew.
        lengthen(&mut stranger, 1).await;
        let pages = checkpoint(&mut stranger).await.unwrap();
        assert!(pages < LONG, "the log has {pages} pages");
    }

    #[tokio::test]
    async fn the_writer_is_told_of_a_log_that_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relevo.db");
        SqliteStore::open(&path, SqliteOptions::default()).await.unwrap().close().await;
        let mut stranger = stranger(&path).await;
        lengthen(&mut stranger, LONG + 1).await;
        let (line, mut waiting) = mpsc::channel(1);
        let written = Arc::new(Notify::new());
        written.notify_one();
        let checkpoints = Checkpoints::start(self::stranger(&path).await, written, Line(line.downgrade()));
        let told = tokio::time::timeout(Duration::from_secs(30), waiting.recv()).await;
        assert!(matches!(told, Ok(Some(Request::Checkpoint))), "nobody told the writer");
        checkpoints.stop().await;
    }
}
