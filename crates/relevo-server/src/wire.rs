//! From facts and states to the JSON of `docs/protocol.md`. Domain types never leave the server as they are: what is
//! spelt here is what clients may rely on.

mod artifact;
mod card;
mod item;
mod visitor;

pub use artifact::artifact;
pub use card::{card, control, status};
pub use item::item;
pub use visitor::{visitor_item, who};

use relevo::domain::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// RFC 3339 in UTC with milliseconds.
pub fn time(at: Timestamp) -> String {
    at.to_rfc3339()
}

/// A time that may be missing.
pub fn maybe_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(time(at)))
}

/// The JSON of a value whose own form is already the wire's (ids, plain enums, actors).
pub fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("ids and plain enums are JSON")
}
