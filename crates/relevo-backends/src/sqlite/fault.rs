//! What went wrong, in words that help whoever runs the server.

use relevo::store::StoreError;

// Primary result codes, https://www.sqlite.org/rescode.html
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;

/// An error of SQLite as the port's callers know it.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(super) fn fault(error: sqlx::Error) -> StoreError {
    match (&error, code(&error)) {
        (_, Some(CORRUPT | NOTADB | CONSTRAINT)) | (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }, _) => {
            StoreError::Damaged(reason(&error))
        }
        _ => StoreError::Unavailable(reason(&error)),
    }
}

/// Whether one statement broke a rule of the tables; the transaction around it goes on.
pub(super) fn is_constraint(error: &sqlx::Error) -> bool {
    code(error) == Some(CONSTRAINT)
}

/// An error for people.
pub(super) fn reason(error: &sqlx::Error) -> String {
    let advice = match code(error) {
        Some(FULL) => "the disk is full: free some space",
        Some(IOERR) => "reading or writing the database file failed: look at the disk",
        Some(BUSY | LOCKED) => "another program has locked the database file: end it",
        Some(READONLY) => "the database file or its folder may not be written: look at their rights",
        Some(CANTOPEN) => "the database file cannot be opened: look whether its folder is there, and at its rights",
        Some(NOTADB) => "the file is not a database",
        Some(CORRUPT) => "the database file is damaged: restore it from a backup",
        _ if matches!(error, sqlx::Error::PoolClosed) => "it has been closed",
        _ => return error.to_string(),
    };
    format!("{advice} ({error})")
}

fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
