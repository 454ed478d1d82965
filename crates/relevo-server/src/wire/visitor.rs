//! What a visitor's page is told. Only `timeline::for_visitor` decides what that may be.

use super::{item::message, plain, time};
use relevo::domain::timeline::{VisitorItem, VisitorKind, Who};
use serde_json::{Value, json};

/// One entry of a visitor's view; `name` gives agents and bots the name that visitors see.
pub fn visitor_item(item: &VisitorItem, name: &dyn Fn(&Who) -> Option<String>) -> Value {
    let (seq, at) = (item.seq, time(item.at));
    match &item.kind {
        VisitorKind::Message(said) => {
            json!({"seq": seq, "at": at, "actor": plain(&said.author), "kind": "message", "message": message(said)})
        }
        VisitorKind::State(state) => {
            json!({"seq": seq, "at": at, "kind": "state", "who": who(state), "name": name(state)})
        }
        VisitorKind::Read(up_to) => json!({"seq": seq, "at": at, "kind": "read", "reader": "agent", "up_to": up_to}),
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
