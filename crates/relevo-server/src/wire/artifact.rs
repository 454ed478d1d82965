//! What the Copilot made.

use super::{Time, plain, words};
use relevo::domain::id::{AgentId, ArtifactId, Seq};
use relevo::store::{self, ArtifactKind, ArtifactStatus};
use relevo_copilot::tab::Standing;
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
    /// Whether it no longer tells the whole: what is meant for the customer once they wrote again, anything else once
    /// anybody did.
    stale: bool,
    /// How much was said since.
    new_messages: usize,
    /// What a model read and wrote for it, also where its answer was not used.
    tokens: Option<Tokens>,
    /// What that cost, where the price table knows the model.
    cost: Option<Cost>,
    /// Of briefs and summaries `{text, issue, collected, tried, next, …}`, of replies `{suggestions}`, of rewritings
    /// `{draft, style, text, changed, warnings}`, of answers `{question, text, grounded}`.
    #[schema(value_type = Object)]
    body: Value,
    /// `{n, kind, id, title, version, span, seq}`.
    #[schema(value_type = Vec<Object>)]
    sources: Vec<Value>,
    /// What became of it: `{what, distance, suggestion, rating, agent, at}`.
    #[schema(value_type = Vec<Object>)]
    feedback: Vec<Value>,
    /// Why it failed, or why no model wrote it: in the server's words.
    error: Option<String>,
    /// The same, to be said in the reader's language: `{kind, …}` with the values that belong to it (`status`, `said`,
    /// `seconds`, `team`, `used`, `limit`, `text`). `kind` is `unreachable`, `no_answer`, `resting`, `key_refused`, `too_many`,
    /// `http_status`, `broken_off`, `filtered`, `not_understood`, `cut`, `nothing_usable`, `too_long`, `too_slow`,
    /// `personal_data`, `spent`, `needs_model`, `stopped`, `withdrawn` or `other`.
    #[schema(value_type = Option<Object>)]
    failure: Option<Value>,
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

/// Money.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cost {
    /// Millionths of the currency's unit.
    pub(crate) micros: u64,
    pub(crate) currency: String,
}

impl Artifact {
    /// An artifact and how it stands now.
    pub fn new(made: &store::Artifact, standing: Standing) -> Self {
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
            stale: standing.stale,
            new_messages: standing.new_messages,
            tokens: made.tokens.map(|tokens| Tokens { prompt: tokens.prompt, completion: tokens.completion }),
            cost: made.cost.as_ref().map(|cost| Cost { micros: cost.micros, currency: cost.currency.clone() }),
            body: made.body.clone(),
            sources: made.sources.clone(),
            feedback: made.feedback.clone(),
            error: made.error.clone(),
            failure: made.failure.as_ref().map(plain),
        }
    }
}
