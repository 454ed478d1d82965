//! Values as they stand in columns, and back. What cannot be read is a decoding error, and so `StoreError::Damaged`.

use relevo::store::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use std::borrow::Cow;
use std::error::Error;
use std::str::FromStr;
use uuid::Uuid;

/// A column.
pub(super) fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: &str) -> sqlx::Result<T> {
    row.try_get(column)
}

/// A column that holds a minted id.
pub(super) fn get_id<T: From<Uuid>>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    Ok(get::<Uuid>(row, column)?.into())
}

/// A column that holds an id which a person chose.
pub(super) fn get_slug<T: FromStr<Err: Error + Send + Sync + 'static>>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    get::<&str>(row, column)?.parse().map_err(decode)
}

/// A column that holds JSON.
pub(super) fn get_json<T: DeserializeOwned>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    serde_json::from_str(get(row, column)?).map_err(decode)
}

/// A column that holds one word of an enumeration.
pub(super) fn get_word<T: DeserializeOwned>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    serde_json::from_value(Value::String(get(row, column)?)).map_err(decode)
}

/// A column that holds a number that is never negative.
pub(super) fn get_number(row: &PgRow, column: &str) -> sqlx::Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(decode)
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

/// Text as a column takes it: PostgreSQL has no NUL, which becomes the sign for something unreadable.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// A position, sequence number or limit as PostgreSQL counts: what is beyond its numbers is beyond every row too.
pub(super) fn number(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// A limit or an offset.
pub(super) fn size(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
