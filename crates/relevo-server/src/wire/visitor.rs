//! What a visitor's page is told. Only `timeline::for_visitor` decides what that may be.

use super::{Actor, Message, Time};
use relevo::domain::id::{MessageId, Seq};
use relevo::domain::timeline::{self, VisitorKind, Who};
use serde::Serialize;

/// One entry of a visitor's view.
#[derive(Serialize)]
pub struct VisitorItem {
    seq: Seq,
    at: Time,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    Message { actor: Actor, message: Message },
    State { who: &'static str, name: Option<String> },
    Read { reader: &'static str, up_to: Seq },
    Removed { message: MessageId },
}

impl VisitorItem {
    /// `name` gives agents and bots the name that visitors see.
    pub fn new(item: &timeline::VisitorItem, name: &dyn Fn(&Who) -> Option<String>) -> Self {
        let what = match &item.kind {
            VisitorKind::Message(said) => {
                What::Message { actor: Actor::from(&said.author), message: Message::from(said) }
            }
            VisitorKind::State(state) => What::State { who: who(state), name: name(state) },
            VisitorKind::Read(up_to) => What::Read { reader: "agent", up_to: *up_to },
            VisitorKind::Removed(message) => What::Removed { message: *message },
        };
        Self { seq: item.seq, at: Time(item.at), what }
    }
}

/// Who answers, in one word.
pub fn who(who: &Who) -> &'static str {
    match who {
        Who::Bot(_) => "bot",
        Who::Queue => "queue",
        Who::Human(_) => "human",
        Who::Closed => "closed",
    }
}
