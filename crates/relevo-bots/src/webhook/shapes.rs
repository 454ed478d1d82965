//! What is sent to a bot, and what it may answer.

use relevo::bot::LiveTurn;
use relevo::domain::command::Handoff;
use relevo::domain::message::{Actor, Button};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many earlier lines a bot is sent.
const TAIL: usize = 20;

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub messages: Vec<Said>,
    pub handoff: Option<Handoff>,
    #[serde(default)]
    pub captured: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub text: String,
    #[serde(default)]
    pub buttons: Vec<Button>,
}

pub(super) fn request(turn: &LiveTurn, token: &str) -> Value {
    let state = turn.conversation();
    let message = turn.message();
    let lines = turn.transcript();
    let tail: Vec<_> = lines[lines.len().saturating_sub(TAIL)..]
        .iter()
        .map(|line| json!({"who": who(&line.who), "text": line.text, "at": line.at.to_rfc3339()}))
        .collect();
    json!({
        "type": "turn", "turn": turn.right().id, "epoch_token": token,
        "conversation": {"id": state.id, "inbox": state.inbox, "channel": state.channel, "language": state.language},
        "message": {"id": message.id, "text": message.text, "payload": message.payload},
        "contact": {"id": state.contact},
        "attachments": message.attachments, "captured": state.captured, "transcript_tail": tail,
    })
}

fn who(actor: &Actor) -> &'static str {
    match actor {
        Actor::Visitor => "visitor",
        Actor::Bot { .. } => "bot",
        Actor::Agent { .. } | Actor::External { .. } => "agent",
        Actor::System => "system",
    }
}
