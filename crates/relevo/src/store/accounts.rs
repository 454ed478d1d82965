//! Agents, their sessions and their drafts.

use super::StoreError;
use async_trait::async_trait;
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::id::{AgentId, ConversationId, TeamId};
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A member of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Shown to visitors and colleagues.
    pub name: String,
    /// To sign in with; lower case, unique.
    pub email: String,
    /// The argon2id hash (PHC string).
    pub password_hash: String,
    /// Rights.
    pub role: Role,
    /// Teams.
    pub teams: Vec<TeamId>,
    /// Expertise.
    pub skills: Vec<String>,
    /// Spoken languages, best first.
    pub languages: Vec<String>,
    /// Whether they take conversations.
    pub presence: Presence,
}

impl Agent {
    /// As far as decisions care.
    pub fn facts(&self) -> AgentFacts {
        AgentFacts { id: self.id, role: self.role, teams: self.teams.clone() }
    }
}

/// Whether an agent takes conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Here.
    Available,
    /// Signed in, not here.
    Away,
    /// Not signed in.
    #[default]
    Offline,
}

/// A signed-in browser. The token itself is never stored, only its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub agent: AgentId,
    /// Signed in when.
    pub created_at: Timestamp,
    /// Used last.
    pub seen_at: Timestamp,
}

/// Which composer a draft belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftMode {
    /// Words to the visitor.
    Reply,
    /// A private note.
    Note,
}

/// Something not yet sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub conversation: ConversationId,
    /// In which composer.
    pub mode: DraftMode,
    /// The text.
    pub text: String,
}

/// Accounts.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Writes an agent, new or changed. An e-mail that another agent has is refused: false.
    async fn put_agent(&self, agent: &Agent) -> Result<bool, StoreError>;

    /// Everybody, by name.
    async fn agents(&self) -> Result<Vec<Agent>, StoreError>;

    /// The agent with this e-mail (lower case).
    async fn agent_by_email(&self, email: &str) -> Result<Option<Agent>, StoreError>;

    /// Sets an agent's presence.
    async fn set_presence(&self, agent: AgentId, presence: Presence) -> Result<(), StoreError>;

    /// Remembers a session, new or used again, by the hash of its token.
    async fn put_session(&self, token_hash: &str, session: &Session) -> Result<(), StoreError>;

    /// The session with this token hash.
    async fn session(&self, token_hash: &str) -> Result<Option<Session>, StoreError>;

    /// Ends a session.
    async fn end_session(&self, token_hash: &str) -> Result<(), StoreError>;

    /// Ends all of an agent's sessions.
    async fn end_sessions(&self, agent: AgentId) -> Result<(), StoreError>;

    /// Keeps a socket ticket by the hash of its token: `holder` is whatever the server wants to know again.
    async fn put_ticket(&self, token_hash: &str, holder: &str, expires: Timestamp) -> Result<(), StoreError>;

    /// The holder of a ticket that has not expired. Of any number of callers one gets it: it is used up.
    async fn take_ticket(&self, token_hash: &str, now: Timestamp) -> Result<Option<String>, StoreError>;

    /// Forgets tickets that expired before `now`; how many.
    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Keeps a draft; an empty text removes it.
    async fn put_draft(&self, agent: AgentId, draft: &Draft, at: Timestamp) -> Result<(), StoreError>;

    /// All of an agent's drafts.
    async fn drafts(&self, agent: AgentId) -> Result<Vec<Draft>, StoreError>;
}
