//! The bus port: hints between parts and, with several nodes, between processes. **The log is truth, buses are hints:**
//! losing every signal costs latency, never data.
//!
//! # How to write one
//! Deliver each published signal to every subscriber, also to those in the publishing process, in the order in which
//! one publisher sent them. Losing some is allowed; blocking the publisher is not.

use crate::store::{Position, Presence};
use async_trait::async_trait;
use relevo_domain::control::Epoch;
use relevo_domain::id::{AgentId, ArtifactId, BotId, ContactId, ConversationId, InboxId, TurnId};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

/// Something worth waking up for, or something that is gone when nobody hears it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// The log has grown.
    Appended {
        /// The position of the newest fact that the sender knows.
        position: Position,
    },
    /// Somebody types, or stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        who: Typist,
        /// On or off.
        on: bool,
    },
    /// A bot's reply, as far as it is written. None withdraws it.
    Partial {
        /// Where.
        conversation: ConversationId,
        /// In which turn.
        turn: TurnId,
        /// The epoch of that turn: whoever knows of a newer one ignores this.
        epoch: Epoch,
        /// The whole text so far.
        text: Option<String>,
    },
    /// An agent came, went away, or left.
    Presence {
        /// Who.
        agent: AgentId,
        /// How.
        state: Presence,
    },
    /// Who has a conversation open has changed. Stays in the process: servers tell each other by [`Signal::Here`].
    Viewing {
        /// Where.
        conversation: ConversationId,
    },
    /// A visitor's page connected, moved on or went. Stays in the process, as [`Signal::Viewing`] does.
    Online {
        /// Who.
        contact: ContactId,
        /// Connected or gone.
        on: bool,
    },
    /// A server tells the others who is connected to it.
    Here {
        /// Which server: a number that it drew at its start.
        node: Uuid,
        /// What.
        news: Here,
    },
    /// An artifact was written, finished or changed: read it from the store.
    Artifact {
        /// About which conversation.
        conversation: ConversationId,
        /// Which.
        artifact: ArtifactId,
    },
    /// An artifact grows.
    ArtifactDelta {
        /// About which conversation.
        conversation: ConversationId,
        /// Which.
        artifact: ArtifactId,
        /// What is being done, in one word (`reading`, `searching`, `writing`).
        step: Option<String>,
        /// What was added.
        text: String,
    },
    /// An artifact is no longer wanted: whichever server makes it stops.
    CancelArtifact {
        /// About which conversation.
        conversation: ConversationId,
        /// Which.
        artifact: ArtifactId,
    },
    /// An agent's drafts changed.
    Drafts {
        /// Whose.
        agent: AgentId,
    },
    /// An agent's sessions ended: their sockets close.
    SignedOut {
        /// Whose.
        agent: AgentId,
    },
    /// Shortcuts or macros were loaded anew. Stays in the process: every server reads its own files.
    Library,
    /// What the Copilot may cite has changed here, or is being read. Stays in the process: every server has an index, and
    /// tells its own people once that index is as the sources are.
    Knowledge,
    /// A server changed the sources of knowledge: the others read them again.
    Sources {
        /// Which server: a number that it drew at its start.
        node: Uuid,
    },
}

/// Who types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Typist {
    /// The visitor.
    Visitor,
    /// An agent.
    Agent {
        /// Which one.
        agent: AgentId,
        /// Whether it is a private note (never told to visitors).
        private: bool,
    },
    /// A bot.
    Bot {
        /// Which one.
        bot: BotId,
        /// The epoch of its turn: whoever knows of a newer one ignores that it types.
        epoch: Epoch,
    },
}

impl Typist {
    /// The same as whoever writes.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Visitor => Actor::Visitor,
            Self::Agent { agent, .. } => Actor::Agent { agent: *agent },
            Self::Bot { bot, .. } => Actor::Bot { bot: bot.clone() },
        }
    }
}

impl Signal {
    /// Whether other processes are told too.
    pub fn is_for_others(&self) -> bool {
        !matches!(self, Self::Viewing { .. } | Self::Online { .. } | Self::Library | Self::Knowledge)
    }
}

/// What a server tells the others of who is connected to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum Here {
    /// It is there. Said every few seconds: whoever falls silent is forgotten, and so is everybody connected to it.
    Alive,
    /// It knows nothing yet: all others tell what they know.
    Ask,
    /// Visitors who came or moved on.
    Visitors {
        /// They.
        visitors: Vec<Present>,
    },
    /// A visitor's last page on that server went.
    Went {
        /// Who.
        contact: ContactId,
    },
    /// An agent opened or shut a conversation.
    Views {
        /// Where.
        conversation: ConversationId,
        /// Who.
        agent: AgentId,
        /// Opened or shut.
        on: bool,
    },
    /// It stops: everybody connected to it is gone.
    Left,
}

/// A visitor on a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Present {
    /// Who.
    pub contact: ContactId,
    /// In which inbox.
    pub inbox: InboxId,
    /// Since when.
    pub since: Timestamp,
    /// On which page.
    pub page: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Their language.
    pub language: Option<String>,
}

/// The bus.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Tells everybody. Never waits for them.
    fn publish(&self, signal: Signal);

    /// Everything published from now on. A subscriber that is too slow misses some and is told how many.
    fn subscribe(&self) -> broadcast::Receiver<Signal>;
}

/// The bus of a single process.
#[derive(Debug, Clone)]
pub struct LocalBus(broadcast::Sender<Signal>);

impl Default for LocalBus {
    fn default() -> Self {
        Self(broadcast::channel(4_096).0)
    }
}

impl Bus for LocalBus {
    fn publish(&self, signal: Signal) {
        // An error only says that nobody listens.
        let _ = self.0.send(signal);
    }

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }
}
