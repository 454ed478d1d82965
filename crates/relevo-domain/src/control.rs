//! Control: who speaks for the house in a conversation, and the epoch that fences everybody who no longer does.

use crate::id::{AgentId, BotId, TeamId, TurnId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A counter that grows at every change of control. Whoever began to act in an older epoch is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Who holds a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Holder {
    /// A bot answers.
    Bot {
        /// Which one.
        bot: BotId,
    },
    /// Nobody answers yet; people are waited for.
    Queue {
        /// The team that should take it, where one was named.
        #[serde(default)]
        team: Option<TeamId>,
        /// The skill it needs, where one was named.
        #[serde(default)]
        skill: Option<String>,
        /// Since when it waits.
        since: Timestamp,
    },
    /// An agent answers: the assignee.
    Human {
        /// Which one.
        agent: AgentId,
    },
}

/// Holder and epoch, always changed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Who speaks.
    pub holder: Holder,
    /// Since which change.
    pub epoch: Epoch,
}

impl Control {
    /// Control given to `holder`, one epoch on.
    #[must_use]
    pub fn pass_to(&self, holder: Holder) -> Self {
        Self { holder, epoch: self.epoch.next() }
    }

    /// The agent who holds it, if one does.
    pub fn agent(&self) -> Option<AgentId> {
        match self.holder {
            Holder::Human { agent } => Some(agent),
            Holder::Bot { .. } | Holder::Queue { .. } => None,
        }
    }

    /// The bot that holds it, if one does.
    pub fn bot(&self) -> Option<&BotId> {
        match &self.holder {
            Holder::Bot { bot } => Some(bot),
            Holder::Queue { .. } | Holder::Human { .. } => None,
        }
    }

    /// Whether something that `turn` began may still happen: what the fence asks. The epoch alone would do if bots could
    /// not name one that they were never given; a bot signs its own late answers.
    pub fn admits(&self, turn: &Turn) -> bool {
        self.epoch == turn.epoch && self.bot() == Some(&turn.bot)
    }
}

/// The right to speak that a bot was given for one visitor message. It dies when the epoch moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// Its id: that of the visitor message which it answers.
    pub id: TurnId,
    /// Whose turn it is.
    pub bot: BotId,
    /// The epoch in which it began.
    pub epoch: Epoch,
}
