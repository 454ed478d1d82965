//! What the AI summary tab says about an artifact beyond what is stored: whether the conversation has
//! moved on since.

use relevo::store::{Artifact, ArtifactKind};
use relevo_domain::event::{Envelope, Event};
use relevo_domain::message::Actor;
use serde::Serialize;

/// Where an artifact stands now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// It no longer tells the whole: a reply once the customer wrote again, a summary once anybody did.
    pub stale: bool,
    /// Messages since.
    pub new_messages: usize,
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
        ArtifactKind::Reply => messages.iter().any(|author| matches!(author, Actor::Visitor)),
        ArtifactKind::Brief | ArtifactKind::Summary => !messages.is_empty(),
    };
    Standing { stale, new_messages: messages.len() }
}
