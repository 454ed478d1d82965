//! The bus port: hints between parts and, with several nodes, between processes. **The log is truth, buses are hints:**
//! losing every signal costs latency, never data.
//!
//! # How to write one
//! Deliver each published signal to every subscriber, also to those in the publishing process, in the order in which
//! one publisher sent them. Losing some is allowed; blocking the publisher is not.

use crate::store::{Position, Presence};
use crate::topics::{Following, Topics};
use async_trait::async_trait;
use relevo_domain::control::Epoch;
use relevo_domain::id::{AgentId, ArtifactId, BotId, ContactId, ConversationId, InboxId, TurnId};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

/// So many signals of one conversation may wait for one who follows it: what is missed was a hint, and everybody who
/// follows one holds the room for them.
const WAITING: usize = 4;

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
        /// How many characters came before. Who has heard of fewer missed some, and asks for all of it.
        at: usize,
        /// What was added.
        text: String,
    },
    /// Somebody wants all that there is so far of an artifact that is being made: whichever server makes it says it.
    ArtifactWanted {
        /// About which conversation.
        conversation: ConversationId,
        /// Which.
        artifact: ArtifactId,
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

    /// The conversation in which somebody writes, if it says that.
    pub fn written_in(&self) -> Option<ConversationId> {
        match self {
            Self::Typing { conversation, .. } | Self::Partial { conversation, .. } => Some(*conversation),
            _ => None,
        }
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

    /// What is published from now on about who writes in one conversation ([`Signal::written_in`]), and nothing else.
    fn subscribe_to(&self, conversation: ConversationId) -> Following<ConversationId, Signal>;
}

/// The bus of a single process.
#[derive(Debug, Clone)]
pub struct LocalBus {
    all: broadcast::Sender<Signal>,
    of_conversations: Topics<ConversationId, Signal>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self { all: broadcast::channel(4_096).0, of_conversations: Topics::new(WAITING) }
    }
}

impl Bus for LocalBus {
    fn publish(&self, signal: Signal) {
        if let Some(conversation) = signal.written_in() {
            self.of_conversations.tell(conversation, &signal);
        }
        // An error only says that nobody listens.
        let _ = self.all.send(signal);
    }

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.all.subscribe()
    }

    fn subscribe_to(&self, conversation: ConversationId) -> Following<ConversationId, Signal> {
        self.of_conversations.follow(conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_follows_a_conversation_hears_who_writes_in_it_and_nothing_else() {
        let bus = LocalBus::default();
        let [here, there] = [1, 2].map(|n| ConversationId(Uuid::from_u128(n)));
        let mut hears = bus.subscribe_to(here);
        let typing = |conversation| Signal::Typing { conversation, who: Typist::Visitor, on: true };
        let partial =
            Signal::Partial { conversation: here, turn: TurnId(Uuid::nil()), epoch: Epoch(1), text: Some("ho".into()) };
        bus.publish(Signal::Appended { position: 1 });
        bus.publish(typing(there));
        bus.publish(Signal::Viewing { conversation: here });
        bus.publish(typing(here));
        bus.publish(partial.clone());
        assert_eq!([hears.recv().await.unwrap(), hears.recv().await.unwrap()], [typing(here), partial]);
        drop(hears);
        assert_eq!(bus.of_conversations.len(), 0, "it left nothing behind");
    }
}
