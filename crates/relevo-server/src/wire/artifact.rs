//! What the Copilot made.

use super::{plain, time};
use relevo::domain::id::Seq;
use relevo::store::Artifact;
use serde_json::{Value, json};

/// An artifact, given the customer's last word and how many words have been said since it was made.
pub fn artifact(made: &Artifact, last_seq: Seq, new_messages: usize) -> Value {
    json!({
        "id": made.id, "kind": plain(&made.kind), "status": plain(&made.status), "created_at": time(made.created_at),
        "created_by": made.created_by, "language": made.language, "model": made.model, "offline": made.offline,
        "prompt_version": made.prompt_version, "covers": {"first": made.covers.first, "last": made.covers.last},
        "stale": last_seq > made.covers.last, "new_messages": new_messages, "tokens": plain(&made.tokens),
        "body": made.body, "sources": made.sources, "feedback": made.feedback, "error": made.error,
    })
}
