//! One row of the list.

use super::{Actor, Time, words};
use relevo::domain::control::{self, Epoch};
use relevo::domain::conversation::{self, Last, LastKind};
use relevo::domain::event::{HandoffReason, Outcome, Priority, Status};
use relevo::domain::id::{AgentId, ContactId, ConversationId, Seq};
use relevo::store::{Position, Row};
use serde::Serialize;
use utoipa::ToSchema;

/// A conversation as a row of the list.
#[derive(Serialize, ToSchema)]
pub struct Card {
    #[schema(value_type = String)]
    id: ConversationId,
    /// The position of its last fact in the log.
    #[schema(value_type = u64)]
    position: Position,
    /// The number of its last fact.
    #[schema(value_type = u64)]
    seq: Seq,
    inbox: String,
    channel: String,
    contact: CardContact,
    language: Option<String>,
    /// `open`, `pending`, `snoozed` or `closed`.
    #[schema(value_type = words::Status)]
    status: &'static str,
    snoozed_until: Option<Time>,
    #[schema(value_type = words::Priority)]
    priority: Priority,
    control: Control,
    #[schema(value_type = Option<String>)]
    assignee: Option<AgentId>,
    /// The assignee's call for help.
    help: Option<Help>,
    #[schema(value_type = Vec<String>)]
    participants: Vec<AgentId>,
    team: Option<String>,
    /// How far it has come: a stage's id.
    stage: Option<String>,
    labels: Vec<String>,
    #[schema(value_type = Option<words::Outcome>)]
    outcome: Option<Outcome>,
    /// How Relevo would say that it ended.
    #[schema(value_type = words::Outcome)]
    proposed_outcome: Outcome,
    /// The visitor's messages that nobody has seen.
    unread: u32,
    /// Whether the agent who asks was called in a note and has not looked since: 1 or 0.
    mentions: usize,
    last: Option<LastSaid>,
    /// Since when the visitor waits for an answer.
    waiting_since: Option<Time>,
    /// Until when it may be answered.
    window_ends_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    /// Whether the visitor is on the site.
    online: bool,
    #[schema(value_type = Option<words::HandoffReason>)]
    handoff_reason: Option<HandoffReason>,
    /// What the agent who asks was writing.
    draft: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct CardContact {
    #[schema(value_type = String)]
    id: ContactId,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// Whether the site vouches for them.
    verified: bool,
}

/// A call for help.
#[derive(Serialize, ToSchema)]
struct Help {
    /// Who calls.
    #[schema(value_type = String)]
    by: AgentId,
    since: Time,
    note: Option<String>,
    /// The skill that it needs.
    skill: Option<String>,
}

impl From<&conversation::Help> for Help {
    fn from(help: &conversation::Help) -> Self {
        Self { by: help.by, since: Time(help.since), note: help.note.clone(), skill: help.skill.clone() }
    }
}

/// What was said last.
#[derive(Serialize, ToSchema)]
struct LastSaid {
    #[schema(value_type = u64)]
    seq: Seq,
    at: Time,
    actor: Actor,
    preview: String,
    #[schema(value_type = words::LastKind)]
    kind: LastKind,
}

impl From<&Last> for LastSaid {
    fn from(last: &Last) -> Self {
        let (actor, preview) = (Actor::from(&last.actor), last.preview.clone());
        Self { seq: last.seq, at: Time(last.at), actor, preview, kind: last.kind }
    }
}

impl Card {
    /// A row as `agent` sees it.
    pub fn new(row: &Row, agent: AgentId, online: bool, draft: Option<&str>) -> Self {
        let state = &row.conversation;
        let contact = &row.contact;
        Self {
            id: state.id,
            position: row.position,
            seq: state.seq,
            inbox: state.inbox.to_string(),
            channel: state.channel.clone(),
            contact: CardContact {
                id: contact.id,
                name: contact.name.clone(),
                email: contact.email.clone(),
                phone: contact.phone.clone(),
                verified: contact.verified,
            },
            language: state.language.clone(),
            status: status_name(&state.status),
            snoozed_until: snoozed_until(&state.status),
            priority: state.priority,
            control: Control::from(&state.control),
            assignee: state.control.agent(),
            help: state.help.as_ref().map(Help::from),
            participants: state.participants.iter().copied().collect(),
            team: state.team.as_ref().map(ToString::to_string),
            stage: state.stage.as_ref().map(ToString::to_string),
            labels: state.labels.iter().cloned().collect(),
            outcome: state.outcome,
            proposed_outcome: relevo::domain::decide::propose_outcome(state),
            unread: state.unread,
            mentions: usize::from(state.mentions.contains(&agent)),
            last: state.last.as_ref().map(LastSaid::from),
            waiting_since: state.waiting_since.map(Time),
            window_ends_at: state.window_ends_at.map(Time),
            created_at: Time(state.created_at),
            updated_at: Time(state.updated_at),
            online,
            handoff_reason: state.handoff_reason,
            draft: draft.map(str::to_owned),
        }
    }
}

/// Who speaks for the house, since which change.
#[derive(Serialize, ToSchema)]
pub struct Control {
    holder: Holder,
    /// Grows at every change of control.
    #[schema(value_type = u64)]
    epoch: Epoch,
}

/// Who speaks for the house.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Holder {
    /// A bot.
    Bot {
        /// Its id.
        bot: String,
    },
    /// Nobody: it waits for a person.
    Queue {
        /// Of this team.
        team: Option<String>,
        /// With this skill.
        skill: Option<String>,
        /// Since then.
        since: Time,
    },
    /// An agent.
    Human {
        /// Their id.
        agent: String,
    },
}

impl From<&control::Control> for Control {
    fn from(control: &control::Control) -> Self {
        let holder = match &control.holder {
            control::Holder::Bot { bot } => Holder::Bot { bot: bot.to_string() },
            control::Holder::Queue { team, skill, since } => Holder::Queue {
                team: team.as_ref().map(ToString::to_string),
                skill: skill.clone(),
                since: Time(*since),
            },
            control::Holder::Human { agent } => Holder::Human { agent: agent.to_string() },
        };
        Self { holder, epoch: control.epoch }
    }
}

/// The status in one word.
pub fn status_name(status: &Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Pending => "pending",
        Status::Snoozed { .. } => "snoozed",
        Status::Closed => "closed",
    }
}

/// The end of a snooze that has one.
pub(super) fn snoozed_until(status: &Status) -> Option<Time> {
    match status {
        Status::Snoozed { until } => until.map(Time),
        Status::Open | Status::Pending | Status::Closed => None,
    }
}
