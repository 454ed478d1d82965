//! Commands: what somebody wants. Looked-up facts (who the agent is, what the inbox's policy says) come in with them,
//! so that deciding needs nothing else.

use crate::control::{Epoch, Turn};
use crate::event::{Failure, Origin, Outcome, Priority, Status, TransferTarget};
use crate::id::{AgentId, BotId, ContactId, InboxId, MessageId, NoteId, Seq, StageId, TeamId};
use crate::message::{Actor, Attachment, Button, DeliveryState};
use crate::time::Timestamp;
use crate::window::WindowPolicy;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What decisions need to know besides state and command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The present instant.
    pub now: Timestamp,
    /// The inbox's policy.
    pub policy: InboxPolicy,
    /// The bots that are plugged in.
    pub bots: Arc<BTreeSet<BotId>>,
}

/// The rules of an inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxPolicy {
    /// The bot that answers first, if one does.
    pub bot: Option<BotId>,
    /// How long the house may answer.
    pub window: WindowPolicy,
}

/// What an agent may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers visitors.
    Agent,
    /// Also moves other agents' conversations.
    Supervisor,
    /// Also configures.
    Admin,
}

/// An agent, as far as decisions care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// Who.
    pub id: AgentId,
    /// With which rights.
    pub role: Role,
    /// In which teams.
    pub teams: Vec<TeamId>,
}

impl AgentFacts {
    /// Whether this agent may act on conversations that others hold.
    pub fn leads(&self) -> bool {
        self.role >= Role::Supervisor
    }
}

/// The first fact of a new conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Where it comes in.
    pub inbox: InboxId,
    /// The kind of channel.
    pub channel: String,
    /// Who writes.
    pub contact: ContactId,
    /// The visitor's language, where known.
    pub language: Option<String>,
    /// How the visitor got here.
    pub origin: Origin,
}

/// A message that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Its id.
    pub id: MessageId,
    /// Its text.
    pub text: String,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// The payload of the button that was pressed.
    pub payload: Option<String>,
    /// The writer's own id for it.
    pub client_id: Option<String>,
    /// The phrase in it that asks for a person, where one was recognised.
    pub asks_for_human: Option<String>,
}

/// A message that goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Its id.
    pub id: MessageId,
    /// Its text.
    pub text: String,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Ready answers under it.
    pub buttons: Vec<Button>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The writer's own id for it.
    pub client_id: Option<String>,
}

/// What a bot hands over with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Handoff {
    /// Why, in the bot's words.
    pub reason: Option<String>,
    /// For the agent's eyes.
    pub note: Option<String>,
    /// The team that should take it.
    pub team: Option<TeamId>,
    /// The skill that it needs.
    pub skill: Option<String>,
    /// What the bot has learnt.
    pub captured: BTreeMap<String, String>,
}

/// Everything that can be wanted of a conversation that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The visitor wrote.
    Receive(Inbound),
    /// The visitor pressed "talk to a person".
    RequestHuman,
    /// The visitor's device has everything up to here.
    MarkReceived {
        /// The last item it has.
        up_to: Seq,
    },
    /// The visitor has seen everything up to here.
    MarkRead {
        /// The last item seen.
        up_to: Seq,
    },
    /// The visitor looks at a page.
    VisitPage {
        /// Its address.
        url: String,
        /// Its title.
        title: String,
    },

    /// A bot says something.
    Say {
        /// By this right.
        turn: Turn,
        /// What.
        message: Outbound,
    },
    /// A bot asks for a person.
    HandOff {
        /// By this right.
        turn: Turn,
        /// With what.
        handoff: Handoff,
    },
    /// A bot records data.
    Capture {
        /// By this right.
        turn: Turn,
        /// Names and values.
        data: BTreeMap<String, String>,
    },
    /// A bot's turn went wrong: people take over.
    FailTurn {
        /// The turn.
        turn: Turn,
        /// How.
        failure: Failure,
    },
    /// A turn that was to be answered later has come to its deadline.
    EndTurn {
        /// The turn.
        turn: Turn,
    },

    /// An agent wants the conversation.
    TakeOver {
        /// Who.
        agent: AgentFacts,
    },
    /// An agent wants to help beside the assignee.
    Join {
        /// Who.
        agent: AgentFacts,
    },
    /// A participant leaves.
    Leave {
        /// Who.
        agent: AgentFacts,
    },
    /// The assignee calls colleagues for help.
    AskForHelp {
        /// Who.
        agent: AgentFacts,
        /// What it is about.
        note: Option<String>,
        /// The skill that it needs.
        skill: Option<String>,
    },
    /// Help is not needed any more.
    WithdrawHelp {
        /// Who says so.
        agent: AgentFacts,
    },
    /// An agent answers the visitor.
    Reply {
        /// Who.
        agent: AgentFacts,
        /// What.
        message: Outbound,
    },
    /// An agent writes a private note.
    AddNote {
        /// Who.
        agent: AgentFacts,
        /// Its id.
        note: NoteId,
        /// Its text.
        text: String,
        /// Who is called.
        mentions: Vec<AgentId>,
        /// The writer's own id for it.
        client_id: Option<String>,
    },
    /// A message is to be taken back.
    RemoveMessage {
        /// Who does it.
        agent: AgentFacts,
        /// Which.
        message: MessageId,
        /// The fact that posted it.
        posted: Seq,
        /// Who wrote it.
        author: Actor,
    },
    /// To another agent or team.
    Transfer {
        /// Who does it.
        agent: AgentFacts,
        /// To whom.
        to: TransferTarget,
        /// For the receiver.
        note: Option<String>,
    },
    /// Back to a bot.
    HandBack {
        /// Who does it.
        agent: AgentFacts,
        /// Which bot; the inbox's own when left out.
        bot: Option<BotId>,
        /// For the bot.
        note: Option<String>,
    },
    /// Finish.
    Close {
        /// Who does it.
        agent: AgentFacts,
        /// How it ended; Relevo's proposal when left out.
        outcome: Option<Outcome>,
    },
    /// Take it up again.
    Reopen {
        /// Who does it.
        agent: AgentFacts,
    },
    /// Open, pending or snoozed.
    SetStatus {
        /// Who does it.
        agent: AgentFacts,
        /// The new status.
        status: Status,
    },
    /// How much it hurries.
    SetPriority {
        /// Who does it.
        agent: AgentFacts,
        /// The new priority.
        priority: Priority,
    },
    /// The whole new set of labels.
    SetLabels {
        /// Who does it.
        agent: AgentFacts,
        /// The labels.
        labels: Vec<String>,
    },
    /// Some labels more, some less.
    ChangeLabels {
        /// Who does it.
        agent: AgentFacts,
        /// These come.
        add: Vec<String>,
        /// These go.
        remove: Vec<String>,
    },
    /// The responsible team.
    SetTeam {
        /// Who does it.
        agent: AgentFacts,
        /// The team.
        team: Option<TeamId>,
    },
    /// How far it has come.
    SetStage {
        /// Who does it.
        agent: AgentFacts,
        /// The stage.
        stage: Option<StageId>,
    },
    /// An agent has seen everything up to here.
    AgentRead {
        /// Who.
        agent: AgentFacts,
        /// The last item seen.
        up_to: Seq,
    },
    /// A macro: its steps one after the other, all or nothing.
    RunMacro {
        /// Who runs it.
        agent: AgentFacts,
        /// Its name.
        name: String,
        /// What each step is called (`send_shortcut`, `priority`, …), and what it wants.
        steps: Vec<(String, Command)>,
    },
    /// The contact's data were changed.
    RecordContact {
        /// Who did it; none when the visitor did.
        agent: Option<AgentFacts>,
    },

    /// The outbox wants to send a message now.
    ClaimDelivery {
        /// Which.
        message: MessageId,
        /// `Sending` where a provider is asked next, `Sent` where the log is the channel.
        state: DeliveryState,
    },
    /// A provider answered.
    RecordDelivery {
        /// Which message.
        message: MessageId,
        /// How far it has come.
        state: DeliveryState,
        /// Why it failed.
        reason: Option<String>,
    },
    /// The snooze that ends at `until` is over.
    Wake {
        /// Its end.
        until: Timestamp,
    },
    /// The window that ends at `ended_at` is over.
    EndWindow {
        /// Its end.
        ended_at: Timestamp,
    },
}

impl Command {
    /// The bot's turn that wants this, if one does: the fence asks it. Every arm is spelt out, so that whoever adds
    /// something that bots can do must say so here.
    pub fn turn(&self) -> Option<&Turn> {
        match self {
            Self::Say { turn, .. }
            | Self::HandOff { turn, .. }
            | Self::Capture { turn, .. }
            | Self::FailTurn { turn, .. }
            | Self::EndTurn { turn } => Some(turn),
            Self::Receive(_)
            | Self::RequestHuman
            | Self::MarkReceived { .. }
            | Self::MarkRead { .. }
            | Self::VisitPage { .. }
            | Self::TakeOver { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::AskForHelp { .. }
            | Self::WithdrawHelp { .. }
            | Self::Reply { .. }
            | Self::AddNote { .. }
            | Self::RemoveMessage { .. }
            | Self::Transfer { .. }
            | Self::HandBack { .. }
            | Self::Close { .. }
            | Self::Reopen { .. }
            | Self::SetStatus { .. }
            | Self::SetPriority { .. }
            | Self::SetLabels { .. }
            | Self::ChangeLabels { .. }
            | Self::SetTeam { .. }
            | Self::SetStage { .. }
            | Self::AgentRead { .. }
            | Self::RunMacro { .. }
            | Self::RecordContact { .. }
            | Self::ClaimDelivery { .. }
            | Self::RecordDelivery { .. }
            | Self::Wake { .. }
            | Self::EndWindow { .. } => None,
        }
    }
}

/// Why a command was refused. Nothing has happened then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Another agent was first.
    #[error("another agent has already taken it over")]
    AlreadyTaken {
        /// Who.
        by: AgentId,
    },
    /// Another agent holds it; join to write.
    #[error("another agent holds this conversation: join it to write")]
    HeldByOther {
        /// Who.
        by: AgentId,
    },
    /// It is finished.
    #[error("the conversation is closed: reopen it first")]
    Closed,
    /// It is not finished.
    #[error("the conversation is not closed")]
    NotClosed,
    /// The time for answering is over.
    #[error("the time for answering ended at {}: only private notes are possible", .ended_at.to_rfc3339())]
    WindowClosed {
        /// When.
        ended_at: Timestamp,
    },
    /// This agent's role does not allow it.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// There is no bot to hand back to.
    #[error("this inbox has no bot to hand the conversation to")]
    NoBot,
    /// Something is wrong with a value.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

/// The epoch in which nothing has happened yet.
pub const FIRST_EPOCH: Epoch = Epoch(1);
