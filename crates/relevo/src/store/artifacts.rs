//! What the Copilot made, kept beside the log with what it covers.

use super::StoreError;
use async_trait::async_trait;
use relevo_domain::id::{AgentId, ArtifactId, ConversationId, Seq, TeamId};
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// Made by itself at a hand-over.
    Brief,
    /// Made on request.
    Summary,
    /// Suggested replies.
    Reply,
    /// An agent's draft in other words.
    Rewrite,
    /// An agent's question and its answer.
    Ask,
}

/// Where its making stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactStatus {
    /// Being written.
    Running,
    /// Finished.
    Done,
    /// Gave up, with an error.
    Failed,
    /// Stopped by an agent.
    Cancelled,
}

/// The facts that it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covers {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}

/// What a model counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Read.
    pub prompt: u32,
    /// Written.
    pub completion: u32,
}

/// What it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Millionths of the currency's unit.
    pub micros: u64,
    /// As the price table names it, such as `USD`.
    pub currency: String,
}

/// Why the Copilot could not do something, or the model that it asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MakeFailure {
    /// The model's endpoint cannot be reached.
    #[error("the model cannot be reached")]
    Unreachable,
    /// No word of an answer came in time.
    #[error("the model did not begin to answer in time")]
    NoAnswer,
    /// It failed again and again, and is left alone for a while.
    #[error("the model failed repeatedly and is left alone for a while")]
    Resting,
    /// The endpoint refused the key.
    #[error("the model's endpoint refused the key (HTTP {status}{})", after_colon(said))]
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// The endpoint's own words.
        said: String,
    },
    /// Too many requests, or the account is empty.
    #[error("the model's endpoint takes no more requests now (HTTP 429{})", after_colon(said))]
    TooMany {
        /// The endpoint's own words.
        said: String,
    },
    /// Another HTTP error.
    #[error("the model's endpoint answered HTTP {status}{}", after_colon(said))]
    HttpStatus {
        /// The status.
        status: u16,
        /// The endpoint's own words.
        said: String,
    },
    /// The answer broke off.
    #[error("the model's answer broke off")]
    BrokenOff,
    /// The provider's content filter refused.
    #[error("the provider's content filter refused")]
    Filtered,
    /// It is no answer that can be read.
    #[error("what the model's endpoint sent cannot be read")]
    NotUnderstood,
    /// The answer was cut by its token limit.
    #[error("the model's answer was cut by its token limit")]
    Cut,
    /// Nothing of the answer stood up to the checks.
    #[error("the model's answer holds nothing that what it was given supports")]
    NothingUsable,
    /// The request is longer than the model, or the settings, allow.
    #[error("the request is too long for the model or its budget")]
    TooLong,
    /// There was no whole answer within the deadline.
    #[error("there was no whole answer within {seconds} s")]
    TooSlow {
        /// The deadline.
        seconds: u64,
    },
    /// It holds personal data, which may not leave its inbox.
    #[error("it holds personal data, which may not leave this inbox (setting `masking`)")]
    PersonalData,
    /// The team's tokens of the day are used up.
    #[error("{} used {used} of {limit} tokens today: a model answers again after midnight UTC, or once `copilot.day_tokens` is raised", whose(team.as_ref()))]
    Spent {
        /// Whose; none: conversations without a team.
        team: Option<TeamId>,
        /// How many.
        used: u64,
        /// Of how many.
        limit: u64,
    },
    /// A rewriting that rules cannot do.
    #[error("this rewriting needs a model")]
    NeedsModel,
    /// The server stopped meanwhile.
    #[error("the server stopped while this was being made")]
    Stopped,
    /// A message that it was made from was removed.
    #[error("a message that this was made from was removed")]
    Withdrawn,
    /// Something else, as the server tells it.
    #[error("{text}")]
    Other {
        /// Its words.
        text: String,
    },
}

fn after_colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn whose(team: Option<&TeamId>) -> String {
    team.map_or_else(|| "conversations without a team have".to_owned(), |team| format!("the team `{team}` has"))
}

/// Something the Copilot made, with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// About which conversation.
    pub conversation: ConversationId,
    /// The team that the conversation was of: its day's tokens paid for it.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// What it is.
    pub kind: ArtifactKind,
    /// Where its making stands.
    pub status: ArtifactStatus,
    /// Asked for when.
    pub created_at: Timestamp,
    /// Asked for by whom; none: Relevo itself.
    pub created_by: Option<AgentId>,
    /// In which language.
    pub language: String,
    /// The model's name, or `offline`.
    pub model: String,
    /// Whether no model was asked.
    pub offline: bool,
    /// The hash of the prompt's content.
    pub prompt_version: String,
    /// What it was made from.
    pub covers: Covers,
    /// What a model read and wrote for it, also where its answer was not used.
    pub tokens: Option<Tokens>,
    /// What that cost, where the price table knows the model.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// The thing itself; its shape depends on the kind (see `docs/protocol.md`).
    pub body: serde_json::Value,
    /// Where its statements come from.
    pub sources: Vec<serde_json::Value>,
    /// What became of it, oldest first: `{what, distance, agent, at}`.
    pub feedback: Vec<serde_json::Value>,
    /// Why it failed, or why no model wrote it.
    pub error: Option<String>,
    /// The same, to be said in the reader's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<MakeFailure>,
}

impl Artifact {
    /// Notes what went wrong.
    pub fn failed_by(&mut self, failure: Option<MakeFailure>) {
        self.error = failure.as_ref().map(ToString::to_string);
        self.failure = failure;
    }
}

/// Artifacts.
#[async_trait]
pub trait Artifacts: Send + Sync + 'static {
    /// Writes an artifact, new or changed.
    async fn put_artifact(&self, artifact: &Artifact) -> Result<(), StoreError>;

    /// Writes a new artifact; false, and nothing is changed, when there is one of that id: another server makes it.
    async fn begin_artifact(&self, artifact: &Artifact) -> Result<bool, StoreError>;

    /// One artifact.
    async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError>;

    /// A conversation's artifacts, newest first.
    async fn artifacts(&self, conversation: ConversationId) -> Result<Vec<Artifact>, StoreError>;

    /// The artifacts asked for from `from` on and before `until`, of all conversations, oldest first.
    async fn artifacts_between(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Artifact>, StoreError>;

    /// Adds to what became of it, in one transaction; false when it does not exist.
    async fn add_feedback(&self, id: ArtifactId, feedback: serde_json::Value) -> Result<bool, StoreError>;

    /// Marks what is still being written although it was begun before `before` as failed: whoever wrote it has ended.
    /// How many there were.
    async fn fail_running_artifacts(&self, before: Timestamp, failure: &MakeFailure) -> Result<u64, StoreError>;
}
