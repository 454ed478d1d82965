//! A whole store in memory, for tests and for programs that may forget. It promises everything that
//! [`store`](crate::store) asks except surviving the end of the process.

mod accounts;
mod artifacts;
mod cards;
mod contacts;
mod jobs;
mod log;

use crate::store::{Agent, Artifact, Contact, DedupeKey, Draft, DraftMode, JobKind, Logged, Session, Visitor};
use relevo_domain::conversation::Conversation;
use relevo_domain::id::{AgentId, ArtifactId, ContactId, ConversationId, InboxId, Seq};
use relevo_domain::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Everything behind one lock. No call waits while it holds the lock, and each changes things only after its last
/// check, so that a call happens wholly or not at all.
#[derive(Default)]
pub struct MemoryStore {
    data: Mutex<Data>,
    pause: Option<Pause>,
}

/// How long the next answer takes.
type Pause = Box<dyn Fn() -> Duration + Send + Sync>;

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that takes its time, so that whoever uses it may die before it has begun and before they know:
    /// `pause` says how long, before and after whatever changes the log or the outbox.
    #[must_use]
    pub fn slow(pause: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { data: Mutex::default(), pause: Some(Box::new(pause)) }
    }

    async fn pause(&self) {
        if let Some(pause) = &self.pause {
            tokio::time::sleep(pause()).await;
        }
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Data {
    /// Position 1 is at index 0.
    log: Vec<Logged>,
    conversations: HashMap<ConversationId, Kept>,
    threads: HashMap<(InboxId, ContactId), ConversationId>,
    taken: HashMap<DedupeKey, (ConversationId, Seq)>,
    jobs: BTreeMap<i64, Queued>,
    last_job: i64,
    contacts: HashMap<ContactId, Contact>,
    visitors: HashMap<String, Visitor>,
    artifacts: HashMap<ArtifactId, Artifact>,
    agents: HashMap<AgentId, Agent>,
    sessions: HashMap<String, Session>,
    tickets: HashMap<String, (String, Timestamp)>,
    drafts: HashMap<(AgentId, ConversationId, DraftMode), Draft>,
}

/// A conversation: its state, and where in the log its facts are (sequence number 1 is at index 0).
#[derive(Debug)]
struct Kept {
    state: Conversation,
    facts: Vec<usize>,
}

/// A job that is not finished. A claim moves `due` to its end, so that "due again" and "free again" are the same.
#[derive(Debug)]
struct Queued {
    conversation: ConversationId,
    kind: JobKind,
    due: Timestamp,
    attempt: u32,
}

#[cfg(test)]
mod tests {
    use super::MemoryStore;
    use crate::testing::contract::Fresh;
    use std::sync::Arc;

    async fn fresh() -> (Fresh, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    crate::contract_tests!(fresh);
}
