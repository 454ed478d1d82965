//! Messages: who wrote them and what they say.

use crate::id::{AgentId, BotId, FileId, MessageId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest message text that Relevo takes, in Unicode scalar values. Channels may allow less.
pub const MAX_TEXT_CHARS: usize = 8_000;
/// The longest payload of a button, and of a visitor's message that pressed one.
pub const MAX_PAYLOAD_CHARS: usize = 1_000;
/// How many buttons one message may carry.
pub const MAX_BUTTONS: usize = 10;
/// How many files one message may carry.
pub const MAX_ATTACHMENTS: usize = 10;

/// Who wrote or did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The person who is served.
    Visitor,
    /// A bot.
    Bot {
        /// Which one.
        bot: BotId,
    },
    /// A member of the team.
    Agent {
        /// Which one.
        agent: AgentId,
    },
    /// A person who wrote from outside Relevo, for instance on the shop's own phone.
    External {
        /// As the channel names them.
        name: String,
    },
    /// Relevo itself: timers, rules, workers.
    System,
}

/// A ready answer that the visitor can press.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// What stands on it.
    pub title: String,
    /// What the bot receives; the title when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// A file of a message: what everybody may know of it. Its bytes are kept elsewhere, under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: FileId,
    /// The name that its sender gave it, without a path.
    pub name: String,
    /// Its media type, by what is in it and not by what its sender says.
    #[serde(rename = "type")]
    pub media_type: String,
    /// In bytes.
    pub size: u64,
}

impl Attachment {
    /// Whether a browser may show it in place: pictures, sound and film of the kinds that carry no script.
    pub fn is_inline(&self) -> bool {
        matches!(self.media_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
            || self.media_type.starts_with("audio/")
            || self.media_type.starts_with("video/")
    }
}

/// One message. Text is Markdown-lite and always data: it is never parsed as a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Actor,
    /// What it says; empty only where it carries files.
    pub text: String,
    /// Its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Ready answers under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// The payload of the button that the visitor pressed to write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The id that the writer's own program gave it, so that it can match its own copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Message {
    /// Takes out what it says and carries. An empty message without files is one that was removed: no other is taken.
    pub fn erase(&mut self) {
        self.text.clear();
        self.attachments.clear();
        self.buttons.clear();
        self.payload = None;
    }

    /// Whether it was removed.
    pub fn is_removed(&self) -> bool {
        self.text.is_empty() && self.attachments.is_empty()
    }

    /// What it carries and says, in words: for lists, searches, bots and summaries.
    pub fn in_words(&self) -> Cow<'_, str> {
        if self.attachments.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let files = self.attachments.iter().map(|file| format!("📎 {}", file.name));
        let said = (!self.text.is_empty()).then(|| self.text.clone());
        Cow::Owned(files.chain(said).collect::<Vec<_>>().join("\n"))
    }
}

/// How far an outgoing message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Accepted, waiting to be claimed.
    Queued,
    /// Claimed; a provider is being asked.
    Sending,
    /// With the provider; on the web, visible to the visitor.
    Sent,
    /// On the visitor's device.
    Delivered,
    /// Seen.
    Read,
    /// Refused, with a reason.
    Failed,
    /// Interrupted in the middle of a send: it may or may not have arrived, and is never sent again blindly.
    Unknown,
}

impl DeliveryState {
    /// Whether a message that has come so far may be said to be `next`. A provider's words may come in any order and
    /// more than once: whatever their order, the same one stands in the end. Only a send that surely was not taken goes
    /// back, and waits again.
    pub fn may_become(self, next: Self) -> bool {
        next.rank() > self.rank() || (self, next) == (Self::Sending, Self::Queued)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Sending => 1,
            Self::Unknown => 2,
            Self::Sent => 3,
            Self::Failed => 4,
            Self::Delivered => 5,
            Self::Read => 6,
        }
    }
}

/// The first line of a text, cut at a word near 120 characters: what the list shows.
pub fn preview(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= 120 {
        return flat;
    }
    let cut: String = flat.chars().take(119).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{cut}…")
}
