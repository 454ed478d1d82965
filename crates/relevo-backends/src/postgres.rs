//! PostgreSQL (15 or later), which several servers share. Each server has one task that appends, and commits what many
//! callers wait for together ([`writer`]); `synchronous_commit=on`: what was acknowledged is on disk.
//!
//! **The order of appends.** A follower pages through the log by position, so positions must become visible in order.
//! Numbers of a sequence do not: they are given before the commit. Here an append locks the one row of `head` from its
//! first statement to its commit; appends of all servers thus happen one group after the other, each conversation's
//! version is read under that lock, and no two groups can deadlock. A server that stops in the middle (a frozen
//! machine, a cut network) would hold the others up: PostgreSQL ends its session after [`PATIENCE`].

mod migrate;
mod open;

mod append;
mod writer;

mod log;

mod cards;
mod holder;
mod jobs;

mod accounts;
mod artifacts;
mod contacts;

mod fault;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use migrate::KNOWN;
pub(crate) use open::is_schema;
pub use open::{OpenError, PATIENCE, PostgresOptions};

use holder::Holder;
use sqlx::PgPool;
use writer::Writer;

/// A store in a schema of a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    writer: Writer,
    pool: PgPool,
    holder: Holder,
}

impl PostgresStore {
    /// Connects, makes the schema where it is missing, and brings its tables up to date. Several servers may do so at
    /// once.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self, OpenError> {
        open::open(url, &options).await
    }

    /// Ends the store: finishes what was begun, refuses what comes later.
    pub async fn close(&self) {
        self.writer.close().await;
        self.holder.end().await;
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How many transactions of appends this server committed since the store was opened.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }
}
