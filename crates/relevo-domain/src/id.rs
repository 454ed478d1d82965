//! Typed ids. They are minted outside (see `relevo::clock`), never here: the domain stays repeatable.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> { Uuid::from_str(s).map(Self) }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
    )+};
}

uuid_id! {
    /// One conversation between a contact and whoever holds it.
    ConversationId,
    /// A person on the other side, known or anonymous.
    ContactId,
    /// A member of the team that signs in to the inbox.
    AgentId,
    /// One message, whoever wrote it.
    MessageId,
    /// One file that came with a message.
    FileId,
    /// One private note.
    NoteId,
    /// One turn of a bot: what it does in answer to one visitor message. Equal to that message's id, so that a turn
    /// that is run again after a crash is the same turn.
    TurnId,
    /// Something the Copilot made.
    ArtifactId,
}

/// An id chosen by a person and written into configuration is not one of these: lower-case letters, digits and
/// hyphens, 1 to 40 characters, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit")]
pub struct BadSlug(pub String);

/// Whether `text` can serve as the id of something a person names (inbox, team, bot, shortcut).
pub fn is_slug(text: &str) -> bool {
    let first = text.bytes().next();
    text.len() <= 40
        && first.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! slug_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id, if `text` is a slug.
            pub fn new(text: impl Into<String>) -> Result<Self, BadSlug> {
                let text = text.into();
                if is_slug(&text) { Ok(Self(text)) } else { Err(BadSlug(text)) }
            }
            /// The id's text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = BadSlug;
            fn from_str(s: &str) -> Result<Self, Self::Err> { Self::new(s) }
        }
        impl TryFrom<String> for $name {
            type Error = BadSlug;
            fn try_from(s: String) -> Result<Self, Self::Error> { Self::new(s) }
        }
        impl From<$name> for String { fn from(id: $name) -> String { id.0 } }
    )+};
}

slug_id! {
    /// A place where conversations come in: one widget, one phone number, one mailbox.
    InboxId,
    /// A group of agents.
    TeamId,
    /// A bot that is plugged in.
    BotId,
    /// A step on the way that conversations take.
    StageId,
}

/// The number of a fact in its conversation: 1, 2, 3, … without gaps. 0 is "nothing yet".
pub type Seq = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_refuse_what_cannot_stand_in_a_url_or_a_file_name() {
        for good in ["shop", "2go", "a-b-c", &"x".repeat(40)] {
            assert!(BotId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Shop", "-x", "a b", "ñ", "a/b", &"x".repeat(41)] {
            assert!(BotId::new(bad).is_err(), "{bad}");
        }
    }
}
