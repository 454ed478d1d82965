//! The one task of this server that appends. Whatever waits when it comes round is one group: one transaction, one sync
//! of the disk, and every caller is answered only after that.

use super::append;
use super::fault::fault;
use relevo::store::{Append, AppendError, Position, StoreError};
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// The most appends that share a transaction: bounds how long the first of them waits.
const MAX_GROUP: usize = 256;
/// The most appends that wait in line before their callers are held up.
const MAX_WAITING: usize = 1_024;

type Appended = Result<Position, AppendError>;
type Request = (Append, oneshot::Sender<Appended>);

/// The callers' end of the line.
#[derive(Debug)]
pub(super) struct Writer {
    line: mpsc::Sender<Request>,
    pool: PgPool,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task on a pool of one connection. It ends when nobody can append any more.
    pub(super) fn start(pool: PgPool) -> Self {
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        tokio::spawn(run(pool.clone(), waiting, commits.clone()));
        Self { line, pool, commits }
    }

    /// Appends; resolves once that is on disk.
    pub(super) async fn append(&self, append: Append) -> Appended {
        let (caller, answer) = oneshot::channel();
        self.line.send((append, caller)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Finishes the group that is being written; later ones are refused.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    #[cfg(test)]
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("it has been closed".into())
}

async fn run(pool: PgPool, mut waiting: mpsc::Receiver<Request>, commits: Arc<AtomicU64>) {
    let mut requests = Vec::with_capacity(MAX_GROUP);
    while waiting.recv_many(&mut requests, MAX_GROUP).await > 0 {
        let (appends, callers): (Vec<_>, Vec<_>) = requests.drain(..).unzip();
        let size = appends.len();
        match append::append(&pool, appends).await {
            Ok(answers) => {
                commits.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("relevo_store_commits_total").increment(1);
                #[expect(clippy::cast_precision_loss, reason = "at most MAX_GROUP")]
                metrics::histogram!("relevo_store_group_size").record(size as f64);
                for (caller, answer) in callers.into_iter().zip(answers) {
                    // A caller that went away needs no answer.
                    let _ = caller.send(answer);
                }
            }
            Err(error) => {
                let fault = fault(error);
                tracing::error!(error = %fault, "a transaction of {size} appends failed");
                for caller in callers {
                    let _ = caller.send(Err(fault.clone().into()));
                }
            }
        }
    }
}
