//! What the Copilot made.

use super::{Time, words};
use relevo::domain::id::{AgentId, ArtifactId, Seq};
use relevo::store::{self, ArtifactKind, ArtifactStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Something the Copilot made, with where it comes from.
#[derive(Serialize, ToSchema)]
pub struct Artifact {
    #[schema(value_type = String)]
    id: ArtifactId,
    #[schema(value_type = words::ArtifactKind)]
    kind: ArtifactKind,
    #[schema(value_type = words::ArtifactStatus)]
    status: ArtifactStatus,
    created_at: Time,
    /// Who asked for it; null: Relevo itself.
    #[schema(value_type = Option<String>)]
    created_by: Option<AgentId>,
    language: String,
    /// The model's name, or `offline`.
    model: String,
    /// Whether no model was asked.
    offline: bool,
    /// The hash of the prompt.
    prompt_version: String,
    covers: Covers,
    /// Whether something was said since.
    stale: bool,
    /// How much was said since.
    new_messages: usize,
    tokens: Option<Tokens>,
    /// Of briefs and summaries `{text, issue, collected, tried, next, …}`, of replies `{suggestions}`.
    #[schema(value_type = Object)]
    body: Value,
    /// `{n, kind, id, title, version, span, seq}`.
    #[schema(value_type = Vec<Object>)]
    sources: Vec<Value>,
    /// What became of it: `{what, distance, agent, at}`.
    #[schema(value_type = Vec<Object>)]
    feedback: Vec<Value>,
    error: Option<String>,
}

/// The facts that it was made from.
#[derive(Serialize, ToSchema)]
struct Covers {
    #[schema(value_type = u64)]
    first: Seq,
    #[schema(value_type = u64)]
    last: Seq,
}

/// What a model counted.
#[derive(Serialize, ToSchema)]
struct Tokens {
    prompt: u32,
    completion: u32,
}

impl Artifact {
    /// An artifact, given the customer's last word and how many words have been said since it was made.
    pub fn new(made: &store::Artifact, last_seq: Seq, new_messages: usize) -> Self {
        Self {
            id: made.id,
            kind: made.kind,
            status: made.status,
            created_at: Time(made.created_at),
            created_by: made.created_by,
            language: made.language.clone(),
            model: made.model.clone(),
            offline: made.offline,
            prompt_version: made.prompt_version.clone(),
            covers: Covers { first: made.covers.first, last: made.covers.last },
            stale: last_seq > made.covers.last,
            new_messages,
            tokens: made.tokens.map(|tokens| Tokens { prompt: tokens.prompt, completion: tokens.completion }),
            body: made.body.clone(),
            sources: made.sources.clone(),
            feedback: made.feedback.clone(),
            error: made.error.clone(),
        }
    }
}
