//! The inbox row, and who may see it.

use crate::command::{AgentFacts, Role};
use crate::control::Holder;
use crate::conversation::Conversation;
use crate::event::Status;
use crate::id::AgentId;
use serde::{Deserialize, Serialize};

/// Which conversations agents see. Admins see all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody sees everything.
    #[default]
    Everyone,
    /// Agents see their teams' conversations and those of no team.
    Team,
    /// Agents see what is theirs, what nobody holds yet, and where a colleague calls for help.
    Assigned,
}

/// **The visibility rule**, written once: REST, sockets, search, export and the Copilot all ask this.
pub fn may_see(agent: &AgentFacts, state: &Conversation, visibility: Visibility) -> bool {
    let theirs = state.control.agent() == Some(agent.id)
        || state.participants.contains(&agent.id)
        || state.mentions.contains(&agent.id);
    let of_their_team = state.team.as_ref().is_none_or(|team| agent.teams.contains(team));
    match (visibility, agent.role) {
        (Visibility::Everyone, _) | (_, Role::Admin) => true,
        (Visibility::Team, _) => theirs || of_their_team,
        (Visibility::Assigned, Role::Supervisor) => theirs || of_their_team,
        // Whoever calls for help shows it to those who could have taken it.
        (Visibility::Assigned, Role::Agent) => {
            theirs || ((state.control.agent().is_none() || state.help.is_some()) && of_their_team)
        }
    }
}

/// The lists of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Held by me, or joined by me.
    Mine,
    /// Held by no person: with a bot or waiting.
    Unassigned,
    /// Waiting for a person.
    Queue,
    /// Held by a bot.
    Bot,
    /// People's to answer, and the visitor waits: open, with an agent or in the queue, and not answered since the
    /// visitor wrote.
    Unattended,
    /// Where the assignee has called for help.
    NeedsHelp,
    /// Held by other agents.
    Others,
    /// Everything that is not finished.
    All,
    /// Where I was called in a note.
    Mentions,
    /// Asleep.
    Snoozed,
    /// Finished.
    Closed,
}

impl View {
    /// All views, in the order of the screen.
    pub const ALL: [Self; 11] = [
        Self::Mine,
        Self::Unassigned,
        Self::Queue,
        Self::Bot,
        Self::Unattended,
        Self::NeedsHelp,
        Self::Others,
        Self::All,
        Self::Mentions,
        Self::Snoozed,
        Self::Closed,
    ];

    /// Whether `agent` finds the conversation in this view. Stores filter by columns; this is their specification.
    pub fn holds(self, state: &Conversation, agent: AgentId) -> bool {
        let live = matches!(state.status, Status::Open | Status::Pending);
        match self {
            Self::Mine => live && (state.control.agent() == Some(agent) || state.participants.contains(&agent)),
            Self::Unassigned => live && state.control.agent().is_none(),
            Self::Queue => live && matches!(state.control.holder, Holder::Queue { .. }),
            Self::Bot => live && state.control.bot().is_some(),
            Self::Unattended => {
                matches!(state.status, Status::Open) && state.control.bot().is_none() && state.waiting_since.is_some()
            }
            Self::NeedsHelp => live && state.help.is_some(),
            Self::Others => live && state.control.agent().is_some_and(|holder| holder != agent),
            Self::All => live,
            Self::Mentions => state.mentions.contains(&agent),
            Self::Snoozed => matches!(state.status, Status::Snoozed { .. }),
            Self::Closed => state.is_closed(),
        }
    }
}
