//! What went wrong, in words that help whoever runs the server.

use relevo::store::StoreError;
use sqlx::postgres::PgDatabaseError;

/// An error of PostgreSQL as the port's callers know it. Classes of its codes:
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(super) fn fault(error: sqlx::Error) -> StoreError {
    let damaged = match &error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_) => true,
        // Data exceptions, broken constraints, damaged pages.
        _ => code(&error).is_some_and(|code| ["22", "23", "XX"].contains(&&code[..2])),
    };
    if damaged { StoreError::Damaged(reason(&error)) } else { StoreError::Unavailable(reason(&error)) }
}

/// Whether the connection is gone, and a new one may do better.
pub(super) fn is_gone(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || code(error).is_some_and(|code| code.starts_with("57P"))
}

/// An error for people.
pub(super) fn reason(error: &sqlx::Error) -> String {
    let advice = match code(error) {
        Some("53100") => "the database's disk is full: free some space",
        Some("53300") => {
            "the database has no connection left: raise its max_connections, or lower `postgres.connections`"
        }
        Some("57P01" | "57P02" | "57P03") => "the database is stopping or starting",
        Some("25006") => "the database takes no writes: is this address a replica?",
        Some("55P03") => "another server holds the lock on the log for too long",
        Some("57014") => "a statement took too long",
        Some("25P03") => "this server was silent for too long inside a transaction",
        Some("28P01" | "28000") => "the database does not accept this user or password",
        Some("3D000") => "there is no such database: make it with `createdb`",
        Some("42501") => "this user may not do that in the database: grant it CREATE on the database or the schema",
        _ => match error {
            sqlx::Error::PoolClosed => "it has been closed",
            sqlx::Error::PoolTimedOut => "every connection is busy, or the database does not answer",
            sqlx::Error::Io(_) => "the database does not answer: is it running, and is its address right?",
            _ => return error.to_string(),
        },
    };
    match error {
        sqlx::Error::PoolClosed => advice.to_owned(),
        _ => format!("{advice} ({error})"),
    }
}

fn code(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}
