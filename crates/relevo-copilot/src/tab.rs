//! What the AI summary tab says about an artifact beyond what is stored: whether the conversation has
//! moved on since.

use relevo::store::{Artifact, ArtifactKind};
use relevo_domain::event::{Envelope, Event};
use relevo_domain::message::Actor;
use serde::Serialize;
use serde_json::Value;

/// Where an artifact stands now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// It no longer tells the whole: what is meant for the customer once they wrote again, anything else once
    /// anybody did.
    pub stale: bool,
    /// Messages since.
    pub new_messages: usize,
}

/// Takes out what an artifact has from another conversation: for whoever may not open that one.
pub fn without_conversation(artifact: &mut Artifact, id: &str) {
    let theirs = |source: &Value| source["kind"] == "conversation" && source["id"] == id;
    let numbers: Vec<Value> =
        artifact.sources.iter().filter(|source| theirs(source)).map(|source| source["n"].clone()).collect();
    artifact.sources.retain(|source| !theirs(source));
    if let Some(suggestions) = artifact.body.get_mut("suggestions").and_then(Value::as_array_mut) {
        let rests_on = |one: &Value| one["sources"].as_array().is_some_and(|of| of.iter().any(|n| numbers.contains(n)));
        suggestions.retain(|suggestion| !rests_on(suggestion));
    }
}

/// How an artifact stands, given the facts after the last one that it covers.
pub fn standing(artifact: &Artifact, facts: &[Envelope]) -> Standing {
    let since = facts.iter().filter(|fact| fact.seq > artifact.covers.last);
    let messages: Vec<&Actor> = since
        .filter_map(|fact| match &fact.event {
            Event::MessagePosted { message, .. } => Some(&message.author),
            _ => None,
        })
        .collect();
    let stale = match artifact.kind {
        // An agent's own message after the suggestion is usually the suggestion itself, being sent.
        ArtifactKind::Reply | ArtifactKind::Rewrite => messages.iter().any(|author| matches!(author, Actor::Visitor)),
        ArtifactKind::Brief | ArtifactKind::Summary | ArtifactKind::Ask => !messages.is_empty(),
    };
    Standing { stale, new_messages: messages.len() }
}
