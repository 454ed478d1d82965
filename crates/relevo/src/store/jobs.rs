//! Work that facts cause: the outbox. A job is written in the transaction of its facts, claimed for a time, and either
//! finished or claimed again.

use super::StoreError;
use async_trait::async_trait;
use relevo_domain::control::Turn;
use relevo_domain::id::{ConversationId, MessageId};
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobKind {
    /// Show a message to a visitor who reads the log.
    Deliver {
        /// Which.
        message: MessageId,
    },
    /// Ask a provider to send a message.
    Send {
        /// Which.
        message: MessageId,
    },
    /// Let a bot answer.
    BotTurn {
        /// By which right.
        turn: Turn,
    },
    /// See whether a promised answer came.
    EndTurn {
        /// Which turn promised it.
        turn: Turn,
    },
    /// End a snooze.
    Wake {
        /// The end that was set.
        until: Timestamp,
    },
    /// End the time for answering.
    EndWindow {
        /// The end that was set.
        ended_at: Timestamp,
    },
}

/// Jobs of one lane of one conversation are done one after the other, in the order in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Messages on the web.
    Deliver,
    /// Messages that a provider sends. It may be slow, and the web does not wait for it.
    Send,
    /// Bot turns.
    Turn,
    /// Timers; these do not wait for each other.
    Timer,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 4] = [Self::Deliver, Self::Send, Self::Turn, Self::Timer];

    /// The lane's name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Send => "send",
            Self::Turn => "turn",
            Self::Timer => "timer",
        }
    }
}

impl JobKind {
    /// Where it queues.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Deliver { .. } => Lane::Deliver,
            Self::Send { .. } => Lane::Send,
            Self::BotTurn { .. } => Lane::Turn,
            Self::EndTurn { .. } | Self::Wake { .. } | Self::EndWindow { .. } => Lane::Timer,
        }
    }
}

/// A job to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What.
    pub kind: JobKind,
    /// Not before.
    pub due: Timestamp,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number; later ones are greater.
    pub id: i64,
    /// For which conversation.
    pub conversation: ConversationId,
    /// What.
    pub kind: JobKind,
    /// How often it was claimed, this time included.
    pub attempt: u32,
}

/// The outbox.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// Claims up to `limit` jobs of a lane that are due at `now`, oldest first, for nobody else until `until`. In the
    /// lanes `Deliver`, `Send` and `Turn` only the oldest unfinished job of each conversation can be claimed.
    async fn claim(&self, lane: Lane, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// The job is done, whoever holds it now. Doing so twice changes nothing.
    async fn finish(&self, job: i64) -> Result<(), StoreError>;

    /// The job is given up by its claimer and due again at `due`. Where the claim has ended and somebody else has claimed
    /// it since (`attempt` has grown), this changes nothing.
    async fn postpone(&self, job: &Job, due: Timestamp) -> Result<(), StoreError>;

    /// Writes a job that no fact causes (a deadline).
    async fn enqueue(&self, conversation: ConversationId, job: NewJob) -> Result<(), StoreError>;

    /// When the next job of a lane will be due or free again; none when there is none.
    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError>;
}
