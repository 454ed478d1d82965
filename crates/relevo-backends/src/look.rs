//! A store looked at from outside, beside whatever server uses it. Nothing is made or changed.

use crate::postgres::{self, OpenError as PostgresError, PostgresOptions};
use crate::sqlite;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// How long a database may take to answer.
const WITHIN: Duration = Duration::from_secs(5);
/// The oldest PostgreSQL that is used.
pub const OLDEST_POSTGRES: i64 = 15;

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holds {
    /// The version of its tables; 0 where there are none yet.
    pub version: i64,
    /// The newest version that this program knows.
    pub known: i64,
    /// Facts.
    pub facts: u64,
    /// Conversations.
    pub conversations: u64,
    /// Agents.
    pub agents: u64,
    /// The release of the server that holds it, where it is one.
    pub server: Option<i64>,
}

/// Looks into an SQLite file.
pub async fn sqlite(file: &Path) -> sqlx::Result<Holds> {
    let mut connection = read_only(file).await?;
    let holds = count_sqlite(&mut connection).await;
    connection.close().await?;
    holds
}

pub(crate) async fn read_only(file: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(WITHIN).connect().await
}

pub(crate) async fn count_sqlite(connection: &mut SqliteConnection) -> sqlx::Result<Holds> {
    let version = sqlite::version(connection).await?;
    let mut holds = Holds { version, known: sqlite::KNOWN, ..Holds::default() };
    if version > 0 {
        let counts: (i64, i64, i64) = sqlx::query_as(COUNTS).fetch_one(connection).await?;
        holds.count(counts);
    }
    Ok(holds)
}

const COUNTS: &str =
    "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM conversations), (SELECT count(*) FROM agents)";

impl Holds {
    fn count(&mut self, (facts, conversations, agents): (i64, i64, i64)) {
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        (self.facts, self.conversations, self.agents) = (number(facts), number(conversations), number(agents));
    }
}

/// Looks into a schema of a PostgreSQL database.
pub async fn postgres(url: &str, options: &PostgresOptions) -> Result<Holds, PostgresError> {
    if !postgres::is_schema(&options.schema) {
        return Err(PostgresError::Schema(options.schema.clone()));
    }
    let connect = PgConnectOptions::from_str(url).map_err(|error| PostgresError::Address(error.to_string()))?;
    let connect = connect.application_name("relevo").options([("search_path", options.schema.clone())]);
    let looked = tokio::time::timeout(WITHIN, look_into(connect, &options.schema)).await;
    let late = |_| PostgresError::Unusable(format!("it does not answer within {} s", WITHIN.as_secs()));
    looked.map_err(late)?.map_err(|error| PostgresError::Unusable(error.to_string()))
}

async fn look_into(connect: PgConnectOptions, schema: &str) -> sqlx::Result<Holds> {
    let mut connection = connect.connect().await?;
    let release: i64 = sqlx::query_scalar("SELECT current_setting('server_version_num')::bigint / 10000")
        .fetch_one(&mut connection)
        .await?;
    let mut holds = Holds { known: postgres::KNOWN, server: Some(release), ..Holds::default() };
    let there: bool = sqlx::query_scalar("SELECT to_regclass($1 || '.schema_version') IS NOT NULL")
        .bind(schema)
        .fetch_one(&mut connection)
        .await?;
    if there {
        let version = "SELECT coalesce(max(version), 0) FROM schema_version";
        holds.version = sqlx::query_scalar(version).fetch_one(&mut connection).await?;
        holds.count(sqlx::query_as(AssertSqlSafe(COUNTS)).fetch_one(&mut connection).await?);
    }
    connection.close().await?;
    Ok(holds)
}
