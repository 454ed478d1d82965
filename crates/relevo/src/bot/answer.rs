//! A bot's whole answer in one piece, as bots in other languages send it: the same shape at once and later.

use crate::desk::{Desk, DeskError, Done};
use crate::store::DedupeKey;
use relevo_domain::command::{Command, Handoff, Outbound};
use relevo_domain::control::Turn;
use relevo_domain::id::{ConversationId, MessageId};
use relevo_domain::message::Button;
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A whole answer: all of it happens, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// Its own id in its turn: an answer with the same one changes nothing. Only a turn's single answer needs none.
    pub id: Option<String>,
    /// What is said, in order.
    pub messages: Vec<Said>,
    /// The wish for a person, after that.
    pub handoff: Option<Handoff>,
    /// What the bot has learnt.
    pub captured: BTreeMap<String, String>,
}

/// One message of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What it says.
    pub text: String,
    /// Ready answers under it.
    #[serde(default)]
    pub buttons: Vec<Button>,
}

impl Answer {
    /// Whether it says, wants and tells nothing.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.handoff.is_none() && self.captured.is_empty()
    }

    /// Does what it says, by the right of a turn, in one append. Of a turn that is over everything is withheld.
    pub async fn give(self, desk: &Desk, conversation: ConversationId, turn: &Turn) -> Result<Done, DeskError> {
        let key = format!("answer:{}", self.id.as_deref().unwrap_or_default());
        let mut commands = Vec::new();
        if !self.captured.is_empty() {
            commands.push(Command::Capture { turn: turn.clone(), data: self.captured });
        }
        for (n, said) in self.messages.into_iter().enumerate() {
            let message = Outbound {
                // The same when the answer comes again.
                id: MessageId(Uuid::new_v5(&turn.id.0, format!("{key}:{n}").as_bytes())),
                text: said.text,
                attachments: Vec::new(),
                buttons: said.buttons,
                reply_to: None,
                client_id: None,
            };
            commands.push(Command::Say { turn: turn.clone(), message });
        }
        if let Some(handoff) = self.handoff {
            commands.push(Command::HandOff { turn: turn.clone(), handoff });
        }
        desk.run_all(conversation, &commands, Some(DedupeKey { scope: format!("turn:{}", turn.id), key })).await
    }
}
