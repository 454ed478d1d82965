//! What a shortcut or macro may know of a conversation: this and nothing else.

use crate::template::{Shape, Vocabulary};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The values that fill a shortcut. What is not known is `None` or empty, and the draft then shows what is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShortcutContext {
    /// The person who is written to.
    pub contact: ContactWords,
    /// The agent who writes.
    pub agent: AgentWords,
    /// The conversation.
    pub conversation: ConversationWords,
    /// Where it came in.
    pub inbox: InboxWords,
    /// What the agent was asked for.
    pub inputs: BTreeMap<String, String>,
    /// The present moment in RFC 3339; with the contact's offset where it is known.
    pub now: String,
    /// The hour of the day there, 0 to 23; none where the place is not known, and a greeting then names no hour.
    pub hour: Option<u8>,
}

/// What is known of the contact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactWords {
    /// Full name.
    pub name: Option<String>,
    /// First name; taken from the full name where it is left out.
    pub first_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Custom attributes.
    pub attributes: Map<String, Value>,
}

/// What is told of the agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentWords {
    /// The display name.
    pub name: Option<String>,
    /// First name; taken from the display name where it is left out.
    pub first_name: Option<String>,
}

/// What is known of the conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversationWords {
    /// Its id.
    pub id: String,
    /// Its language tag.
    pub language: Option<String>,
    /// What the bot has learnt.
    pub captured: BTreeMap<String, String>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// What is told of the inbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxWords {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl ShortcutContext {
    /// The values under the names of [`vocabulary`].
    pub(crate) fn to_json(&self) -> Value {
        let first = |given: &Option<String>, name: &Option<String>| {
            let taken = || name.as_deref().and_then(|name| name.split_whitespace().next()).map(str::to_owned);
            given.clone().filter(|given| !given.trim().is_empty()).or_else(taken)
        };
        json!({
            "contact": {
                "name": self.contact.name,
                "first_name": first(&self.contact.first_name, &self.contact.name),
                "email": self.contact.email,
                "phone": self.contact.phone,
                "attributes": self.contact.attributes,
            },
            "agent": { "name": self.agent.name, "first_name": first(&self.agent.first_name, &self.agent.name) },
            "conversation": {
                "id": self.conversation.id,
                "language": self.conversation.language,
                "captured": self.conversation.captured,
                "labels": self.conversation.labels,
            },
            "inbox": { "id": self.inbox.id, "name": self.inbox.name },
            "inputs": self.inputs,
            "now": self.now,
            "hour": self.hour,
        })
    }
}

/// The variables of every shortcut and macro; a shortcut's declared inputs come on top.
pub fn vocabulary() -> Vocabulary {
    use Shape::{List, Map, Text};
    Vocabulary::new([
        ("contact.name", Text),
        ("contact.first_name", Text),
        ("contact.email", Text),
        ("contact.phone", Text),
        ("contact.attributes", Map),
        ("agent.name", Text),
        ("agent.first_name", Text),
        ("conversation.id", Text),
        ("conversation.language", Text),
        ("conversation.captured", Map),
        ("conversation.labels", List),
        ("inbox.id", Text),
        ("inbox.name", Text),
        ("now", Text),
        ("hour", Text),
    ])
}
