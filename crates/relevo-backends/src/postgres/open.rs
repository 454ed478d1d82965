use super::holder::Holder;
use super::writer::Writer;
use super::{PostgresStore, migrate};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;

/// After this long without a word inside a transaction PostgreSQL ends a session, and with it its locks.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long anybody waits for a lock: a little longer than a session that hangs may hold it.
const LOCK_WAIT: Duration = Duration::from_secs(15);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(30);
/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(10);

/// How a store uses its database.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The schema that holds its tables: small letters, digits and `_`, at most 63, not beginning with a digit.
    pub schema: String,
    /// How many connections at most, besides the one that appends.
    pub connections: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { schema: "relevo".into(), connections: 16 }
    }
}

/// Why a store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read.
    #[error(
        "the address of the database cannot be read ({0}): write it as postgres://user:password@host:5432/database"
    )]
    Address(String),
    /// The schema's name cannot be used.
    #[error(
        "`{0}` cannot be the name of a schema: use 1 to 63 small letters, digits and `_`, not beginning with a digit"
    )]
    Schema(String),
    /// Its tables are newer than this program.
    #[error(
        "the schema `{schema}` was written by a newer Relevo: its tables have version {found}, this program knows \
         versions up to {known}. Start that newer Relevo, or give this one another schema"
    )]
    Newer {
        /// The schema.
        schema: String,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database is not one that can be used.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
}

pub(super) async fn open(url: &str, options: &PostgresOptions) -> Result<PostgresStore, OpenError> {
    if !is_schema(&options.schema) {
        return Err(OpenError::Schema(options.schema.clone()));
    }
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(OpenError::Address("it does not begin with postgres://".into()));
    }
    let connect = PgConnectOptions::from_str(url).map_err(|error| OpenError::Address(error.to_string()))?;
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let connect = connect.application_name("relevo").statement_cache_capacity(200).options([
        ("search_path", options.schema.clone()),
        // Whatever the database's own settings are: an answer says "on disk".
        ("synchronous_commit", "on".to_owned()),
        ("idle_in_transaction_session_timeout", milliseconds(PATIENCE)),
        ("lock_timeout", milliseconds(LOCK_WAIT)),
        ("statement_timeout", milliseconds(STATEMENT)),
        // A page of a list is read in less time than its statement would take to compile.
        ("jit", "off".to_owned()),
    ]);
    let pool = |connections: u32| -> PgPool {
        let options = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE);
        options.test_before_acquire(false).connect_lazy_with(connect.clone())
    };
    let unusable = |error: sqlx::Error| OpenError::Unusable(super::fault::reason(&error));
    let (appending, others) = (pool(1), pool(options.connections));
    let mut connection = appending.acquire().await.map_err(unusable)?;
    let encoding: String =
        sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *connection).await.map_err(unusable)?;
    if encoding != "UTF8" {
        return Err(OpenError::Unusable(format!(
            "its encoding is {encoding}: make one with `createdb --encoding UTF8 --template template0`"
        )));
    }
    let found = migrate::migrate(&mut connection, &options.schema).await.map_err(unusable)?;
    if found > migrate::KNOWN {
        return Err(OpenError::Newer { schema: options.schema.clone(), found, known: migrate::KNOWN });
    }
    drop(connection);
    let holder = Holder::begin(connect, &options.schema).await.map_err(unusable)?;
    Ok(PostgresStore { writer: Writer::start(appending), pool: others, holder })
}

pub(crate) fn is_schema(name: &str) -> bool {
    let first = name.bytes().next();
    name.len() <= 63
        && first.is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
