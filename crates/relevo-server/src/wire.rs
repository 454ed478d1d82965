//! From facts and states to the JSON of `docs/protocol.md`. What clients may rely on is spelt here and nowhere else: the
//! description of the API is made from these types.

mod artifact;
mod card;
mod contact;
mod item;
mod visitor;
pub mod words;

pub use artifact::Artifact;
pub use card::{Card, Control, Holder, status_name};
pub use contact::Contact;
pub use item::{Attachment, Item, Message, Step};
pub use visitor::{VisitorItem, who};

use relevo::domain::message;
use relevo::domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An instant: RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(into = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-11-20T22:01:02.345Z")]
pub struct Time(pub Timestamp);

impl From<Time> for String {
    fn from(Time(at): Time) -> Self {
        at.to_rfc3339()
    }
}

/// Who wrote or did something.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The person who is served.
    Visitor,
    /// A bot.
    Bot {
        /// Its id.
        bot: String,
    },
    /// A member of the team.
    Agent {
        /// Their id.
        agent: String,
    },
    /// A person who wrote from outside Relevo.
    External {
        /// As the channel names them.
        name: String,
    },
    /// Relevo itself.
    System,
}

impl From<&message::Actor> for Actor {
    fn from(actor: &message::Actor) -> Self {
        match actor {
            message::Actor::Visitor => Self::Visitor,
            message::Actor::Bot { bot } => Self::Bot { bot: bot.to_string() },
            message::Actor::Agent { agent } => Self::Agent { agent: agent.to_string() },
            message::Actor::External { name } => Self::External { name: name.clone() },
            message::Actor::System => Self::System,
        }
    }
}

/// The JSON of a value whose own form is already the wire's (ids, plain enums, inputs of shortcuts).
pub fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("ids and plain enums are JSON")
}
