//! Facts and states.

use super::{NewJob, StoreError};
use async_trait::async_trait;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{ContactId, ConversationId, InboxId, Seq};

/// A fact's number in the whole log, growing. 0 is "before everything".
pub type Position = u64;

/// A fact and its place in the whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// The fact.
    pub envelope: Envelope,
}

/// One append: everything in it happens, or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// To which conversation.
    pub conversation: ConversationId,
    /// Its last sequence number when this was decided; 0 for a new conversation.
    pub expected: Seq,
    /// The facts, numbered from `expected + 1`. Never empty.
    pub envelopes: Vec<Envelope>,
    /// The state after them.
    pub state: Conversation,
    /// Names under which this must happen only once.
    pub dedupe: Option<DedupeKey>,
    /// Work that the facts cause.
    pub jobs: Vec<NewJob>,
    /// For the first append of a conversation: whose thread it becomes. For a later one: whose thread it must still be.
    pub thread: Option<ThreadClaim>,
}

/// A name that is taken once and for ever: a provider's message id in its inbox, a client's id in its conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DedupeKey {
    /// What the key is unique in (`inbox:shop`, `agent:…`, `turn:…`).
    pub scope: String,
    /// The name.
    pub key: String,
}

/// A contact's thread in an inbox points to its newest conversation. A new conversation takes it over from the one
/// that it replaces, by compare-and-set: simultaneous first messages make one conversation. A conversation that
/// "replaces" itself only asks that no other has taken it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadClaim {
    /// In which inbox.
    pub inbox: InboxId,
    /// Whose.
    pub contact: ContactId,
    /// The conversation that the thread pointed to.
    pub replaces: Option<ConversationId>,
}

/// Why an append did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The conversation has moved on: load it and decide again.
    #[error("the conversation has moved on to {actual}")]
    Conflict {
        /// Its last sequence number.
        actual: Seq,
    },
    /// It has happened before.
    #[error("it has happened before")]
    Duplicate {
        /// Where it happened.
        conversation: ConversationId,
        /// The last fact of that append.
        seq: Seq,
    },
    /// The thread points to another conversation by now.
    #[error("the thread belongs to another conversation by now")]
    ThreadTaken {
        /// Which.
        by: ConversationId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The log.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// A conversation's present state.
    async fn load(&self, conversation: ConversationId) -> Result<Option<Conversation>, StoreError>;

    /// Appends, durably; the position of the last fact. The order of the checks: dedupe key, thread, version. Where a fact
    /// removes a message, what that said is erased from the facts that repeat it and from the search, in the same
    /// transaction: the one change that facts ever see.
    async fn append(&self, append: Append) -> Result<Position, AppendError>;

    /// Facts of one conversation after `after`, in order, at most `limit`.
    async fn read(&self, conversation: ConversationId, after: Seq, limit: usize) -> Result<Vec<Envelope>, StoreError>;

    /// The last `limit` facts before `before`, in order.
    async fn read_back(
        &self,
        conversation: ConversationId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError>;

    /// Facts of all conversations after `after`, in order, at most `limit`.
    async fn follow(&self, after: Position, limit: usize) -> Result<Vec<Logged>, StoreError>;

    /// The last position; 0 when there is none.
    async fn head(&self) -> Result<Position, StoreError>;

    /// The conversation that a contact's thread in an inbox points to.
    async fn thread(&self, inbox: &InboxId, contact: ContactId) -> Result<Option<ConversationId>, StoreError>;

    /// Where a dedupe key was taken: conversation and the last fact of that append.
    async fn find(&self, key: &DedupeKey) -> Result<Option<(ConversationId, Seq)>, StoreError>;
}
