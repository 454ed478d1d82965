//! What is sent to a bot. What it may answer is [`relevo::bot::Answer`].

use relevo::bot::LiveTurn;
use relevo::domain::message::Actor;
use relevo::store::Contact;
use serde_json::{Value, json};

/// How many earlier lines a bot is sent.
const TAIL: usize = 20;

pub(super) fn request(turn: &LiveTurn, token: &str) -> Value {
    let state = turn.conversation();
    let message = turn.message();
    let Contact { id, name, email, phone, .. } = turn.contact();
    // What a bot is told of a file is what everybody may know; its bytes are not for bots.
    let attachments: Vec<_> = message
        .attachments
        .iter()
        .map(|file| json!({"name": file.name, "type": file.media_type, "size": file.size}))
        .collect();
    let lines = turn.transcript();
    let tail: Vec<_> = lines[lines.len().saturating_sub(TAIL)..]
        .iter()
        .map(|line| json!({"who": who(&line.who), "text": line.text, "at": line.at.to_rfc3339()}))
        .collect();
    json!({
        "type": "turn", "turn": turn.right().id, "epoch_token": token,
        "conversation": {"id": state.id, "inbox": state.inbox, "channel": state.channel, "language": state.language},
        "message": {"id": message.id, "text": message.text, "payload": message.payload},
        "contact": {"id": id, "name": name, "email": email, "phone": phone},
        "attachments": attachments, "captured": state.captured, "transcript_tail": tail,
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
