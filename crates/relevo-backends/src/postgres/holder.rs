//! Who holds a claim. Each server draws a number and holds an advisory lock on it, on a connection of its own: the lock
//! ends with the connection, and that with the process. What a number without a lock had claimed is free at once, and
//! nobody waits for the end of its lease. A server that only lost this connection may see its work done by another, too,
//! which is what "at least once" allows.

use super::fault::reason;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often somebody looks for what the dead have left.
const LOOK: Duration = Duration::from_secs(1);

/// This server's number, as long as it is alive.
#[derive(Debug)]
pub(super) struct Holder {
    number: Arc<AtomicI32>,
    stop: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Holder {
    /// Draws a number, and looks after it and after what others leave behind.
    pub(super) async fn begin(connect: PgConnectOptions, schema: &str) -> sqlx::Result<Self> {
        let mut connection = connect.connect().await?;
        let number = Arc::new(AtomicI32::new(draw(&mut connection, schema).await?));
        let stop = CancellationToken::new();
        let looks = look(connect, connection, schema.to_owned(), Arc::clone(&number));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            // Dropped where it stands: the connection ends with it.
            stopped.run_until_cancelled(looks).await;
        });
        Ok(Self { number, stop, task: std::sync::Mutex::new(Some(task)) })
    }

    pub(super) fn number(&self) -> i32 {
        self.number.load(Ordering::Relaxed)
    }

    /// Lets go of the number: what this server had claimed and not finished is free.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Draws until it meets a number that nobody has.
async fn draw(connection: &mut PgConnection, schema: &str) -> sqlx::Result<i32> {
    loop {
        let drawn = "SELECT n, pg_try_advisory_lock(hashtext('relevo holder ' || $1), n)
            FROM (SELECT (random() * 2147483647)::int AS n) AS drawn";
        let (number, mine): (i32, bool) = sqlx::query_as(drawn).bind(schema).fetch_one(&mut *connection).await?;
        if mine {
            return Ok(number);
        }
    }
}

async fn look(connect: PgConnectOptions, mut connection: PgConnection, schema: String, number: Arc<AtomicI32>) {
    loop {
        match free(&mut connection, &schema).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "another server is gone: what it had claimed is free"),
            Err(error) => {
                tracing::warn!(error = reason(&error), "this server's number is lost, drawing another");
                if let Ok(new) = connect.connect().await {
                    connection = new;
                    if let Ok(drawn) = draw(&mut connection, &schema).await {
                        number.store(drawn, Ordering::Relaxed);
                    }
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Frees what the dead had claimed; how many jobs that were.
pub(super) async fn free(connection: &mut PgConnection, schema: &str) -> sqlx::Result<u64> {
    let sql = "UPDATE jobs SET due = 0, holder = NULL WHERE id IN (
        SELECT id FROM jobs WHERE holder IS NOT NULL AND holder::bigint NOT IN (
            SELECT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2
                AND classid = (hashtext('relevo holder ' || $1)::bigint & 4294967295)::oid
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ) FOR UPDATE SKIP LOCKED
    )";
    Ok(sqlx::query(sql).bind(schema).execute(connection).await?.rows_affected())
}
