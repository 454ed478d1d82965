//! Values as they stand in columns, and back. What cannot be read is a decoding error, and so `StoreError::Damaged`.

use relevo::store::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};
use std::error::Error;
use std::str::FromStr;

/// A column.
pub(super) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, column: &str) -> sqlx::Result<T> {
    row.try_get(column)
}

/// A column that holds an id.
pub(super) fn get_id<T: FromStr<Err: Error + Send + Sync + 'static>>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    get::<&str>(row, column)?.parse().map_err(decode)
}

/// A column that holds JSON.
pub(super) fn get_json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    from_json(get(row, column)?)
}

/// A column that holds one word of an enumeration.
pub(super) fn get_word<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    serde_json::from_value(Value::String(get(row, column)?)).map_err(decode)
}

/// A column that holds a number that is never negative.
pub(super) fn get_number(row: &SqliteRow, column: &str) -> sqlx::Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(decode)
}

pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> sqlx::Result<T> {
    serde_json::from_str(json).map_err(decode)
}

pub(super) fn decode(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What serde writes.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("the domain's values are maps with text keys")
}

/// The word of an enumeration.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => unreachable!("not one word: {other:?}"),
    }
}

/// A position, sequence number or limit as SQLite counts: what is beyond its numbers is beyond every row too.
pub(super) fn number(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// A limit or an offset.
pub(super) fn size(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
