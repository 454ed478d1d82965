//! The lists of the inbox.

use super::{Contact, Position, StoreError};
use async_trait::async_trait;
use relevo_domain::card::{View, Visibility};
use relevo_domain::command::AgentFacts;
use relevo_domain::conversation::Conversation;
use relevo_domain::id::{ContactId, ConversationId, InboxId, Seq, StageId, TeamId};
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A row of a list: a conversation, its contact, and where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The position of its last change (facts and contact edits alike are facts).
    pub position: Position,
    /// The state.
    pub conversation: Conversation,
    /// Whom it is with.
    pub contact: Contact,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// What must be answered first: waiting ones by window end and waiting time, then the rest by last change.
    #[default]
    Due,
    /// Last change first.
    Newest,
    /// Longest untouched first.
    Oldest,
    /// Longest waiting first; those that do not wait come last.
    Waiting,
}

impl Sort {
    /// Which of two rows comes first. Stores sort by columns; this is their specification. No two rows are equal, since
    /// no two have the same position, so that pages never overlap.
    pub fn compare(self, a: &Row, b: &Row) -> Ordering {
        let newest = || b.position.cmp(&a.position);
        let never_last = |t: Option<Timestamp>| t.unwrap_or(Timestamp(i64::MAX));
        let waiting = |row: &Row| never_last(row.conversation.waiting_since);
        let window = |row: &Row| match row.conversation.waiting_since {
            Some(_) => never_last(row.conversation.window_ends_at),
            None => Timestamp(i64::MAX),
        };
        let idle = |row: &Row| row.conversation.waiting_since.is_none();
        match self {
            Self::Due => (idle(a), window(a), waiting(a)).cmp(&(idle(b), window(b), waiting(b))).then_with(newest),
            Self::Newest => newest(),
            Self::Oldest => newest().reverse(),
            Self::Waiting => waiting(a).cmp(&waiting(b)).then_with(newest),
        }
    }
}

/// What to list.
#[derive(Debug, Clone)]
pub struct Query {
    /// For whom: views and the visibility rule are theirs.
    pub agent: AgentFacts,
    /// The deployment's visibility rule.
    pub visibility: Visibility,
    /// Which list.
    pub view: View,
    /// Words: found in the contact's name, e-mail and phone and in what was said, accents and case ignored. Each word
    /// may be the beginning of a longer one; all must be found.
    pub text: Option<String>,
    /// Only this inbox.
    pub inbox: Option<InboxId>,
    /// Only this team.
    pub team: Option<TeamId>,
    /// Only with this label.
    pub label: Option<String>,
    /// Only in this stage.
    pub stage: Option<StageId>,
    /// In which order.
    pub sort: Sort,
    /// How many rows to skip.
    pub offset: usize,
    /// How many rows at most.
    pub limit: usize,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether more follow.
    pub more: bool,
}

/// How many conversations each view holds for an agent, in the order of [`View::ALL`].
pub type Counts = Vec<(View, u64)>;

/// How many conversations of [`View::All`] stand where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// In which inbox.
    pub inboxes: BTreeMap<InboxId, u64>,
    /// With which label.
    pub labels: BTreeMap<String, u64>,
}

/// Of each label so many of the newest conversations are looked at.
pub const LOOKED_AT: usize = 100;
/// So many labels are looked at: those that the newest conversations have.
pub const LABELS: usize = 200;

/// A conversation that has a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labelled {
    /// Which.
    pub label: String,
    /// The conversation.
    pub conversation: ConversationId,
    /// Its last fact.
    pub seq: Seq,
}

/// The lists.
#[async_trait]
pub trait Cards: Send + Sync + 'static {
    /// A part of a list.
    async fn list(&self, query: &Query) -> Result<Page, StoreError>;

    /// The rows of these conversations, whoever may see them, in any order. Those that do not exist are left out.
    async fn rows(&self, conversations: &[ConversationId]) -> Result<Vec<Row>, StoreError>;

    /// One row, whoever may see it.
    async fn row(&self, conversation: ConversationId) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(&[conversation]).await?.pop())
    }

    /// Rows that changed after a position, in the order of their change, at most `limit`.
    async fn changed(&self, after: Position, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// How many conversations each view holds.
    async fn counts(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Counts, StoreError>;

    /// How many live conversations each inbox and label has, of those that an agent sees.
    async fn groups(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Groups, StoreError>;

    /// The newest conversations of each label, finished ones too: of the first [`LOOKED_AT`] of a label those that an agent
    /// sees, at most `each`, of the [`LABELS`] labels that the newest conversations have. By label, newest first; the
    /// newest is the one with the greatest id.
    async fn labelled(
        &self,
        agent: &AgentFacts,
        visibility: Visibility,
        each: usize,
    ) -> Result<Vec<Labelled>, StoreError>;

    /// How many conversations of an inbox wait for a person since before an instant.
    async fn waiting_before(&self, inbox: &InboxId, since: Timestamp) -> Result<u64, StoreError>;

    /// All conversations of a contact, newest first, at most 50.
    async fn of_contact(&self, contact: ContactId) -> Result<Vec<Row>, StoreError>;
}
