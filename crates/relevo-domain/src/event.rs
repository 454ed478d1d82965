//! Facts. Once written they are never edited; a new shape of an old fact is made by [`crate::upcast`].

mod failure;

use crate::control::{Control, Epoch, Turn};
use crate::id::{AgentId, BotId, ContactId, ConversationId, InboxId, NoteId, Seq, StageId, TeamId, TurnId};
use crate::message::{Actor, DeliveryState, Message};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use failure::Failure;

/// A fact and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// Its number there, gap-free from 1.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The fact.
    pub event: Event,
}

/// Everything that can become true of a conversation. Facts carry what was decided (the new control, the window's
/// end), so that replaying them never asks a policy again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first fact of every conversation.
    Started {
        /// Where it came in.
        inbox: InboxId,
        /// The kind of channel: `web`, `whatsapp`, …
        channel: String,
        /// Who wrote.
        contact: ContactId,
        /// Primary language subtag (`es`), where known.
        #[serde(default)]
        language: Option<String>,
        /// How the visitor got here.
        #[serde(default)]
        origin: Origin,
        /// Who holds it first.
        control: Control,
    },
    /// Somebody said something.
    MessagePosted {
        /// What.
        message: Message,
        /// The bot turn that said it; none for people.
        #[serde(default)]
        turn: Option<Turn>,
        /// When the time for answering ends, if the message moved that.
        #[serde(default)]
        window_ends_at: Option<Timestamp>,
    },
    /// Something that a stale bot turn tried was withheld.
    Suppressed {
        /// The turn.
        turn: Turn,
        /// The epoch at that moment.
        epoch: Epoch,
        /// Which of the two checks caught it.
        at: FenceCheck,
        /// What it was.
        what: Withheld,
    },
    /// The fence was checked again and the message goes out now. From here on it counts as said; on the web this is
    /// the moment at which the visitor sees it. The message is repeated so that a visitor's view needs this fact alone.
    DeliveryClaimed {
        /// The message.
        message: Message,
        /// `Sending` where a provider must be asked, `Sent` where the log itself is the channel.
        state: DeliveryState,
    },
    /// A delivery came further.
    DeliveryUpdated {
        /// Which message.
        message: crate::id::MessageId,
        /// How far.
        state: DeliveryState,
        /// Why it failed.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Everything up to a fact was seen.
    Read {
        /// By whom.
        reader: Reader,
        /// The last seen fact.
        up_to: Seq,
    },
    /// The visitor's device has everything up to a fact.
    Received {
        /// The last received fact.
        up_to: Seq,
    },
    /// A private note.
    NoteAdded {
        /// Its id.
        note: NoteId,
        /// Its text.
        text: String,
        /// Who is called.
        #[serde(default)]
        mentions: Vec<AgentId>,
        /// The writer's own id for it.
        #[serde(default)]
        client_id: Option<String>,
    },
    /// A bot learnt data about the visitor.
    Captured {
        /// Names and values.
        data: BTreeMap<String, String>,
        /// The turn that learnt them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<TurnId>,
    },
    /// A person is wanted.
    HandoffRequested {
        /// Why.
        reason: HandoffReason,
        /// More about why, for agents.
        #[serde(default)]
        detail: Option<String>,
        /// What went wrong, where a bot's turn did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// The bot's note to the agent.
        #[serde(default)]
        note: Option<String>,
        /// Data captured so far by this turn.
        #[serde(default)]
        captured: BTreeMap<String, String>,
        /// The queue that it is in now.
        control: Control,
    },
    /// An agent now holds the conversation.
    TakenOver {
        /// Who.
        agent: AgentId,
        /// The new control.
        control: Control,
    },
    /// An agent joined beside the assignee.
    Joined {
        /// Who.
        agent: AgentId,
    },
    /// A participant left.
    Left {
        /// Who.
        agent: AgentId,
    },
    /// The assignee calls colleagues for help.
    HelpRequested {
        /// Who.
        agent: AgentId,
        /// What it is about, for colleagues.
        #[serde(default)]
        note: Option<String>,
        /// The skill that it needs, where one was named.
        #[serde(default)]
        skill: Option<String>,
    },
    /// Help is not needed any more.
    HelpWithdrawn,
    /// Given to another agent or team.
    Transferred {
        /// Who held it.
        #[serde(default)]
        from: Option<AgentId>,
        /// Who gets it.
        to: TransferTarget,
        /// For the receiver, private.
        #[serde(default)]
        note: Option<String>,
        /// The new control.
        control: Control,
    },
    /// Given back to a bot.
    HandedBack {
        /// To which bot.
        bot: BotId,
        /// By whom.
        agent: AgentId,
        /// For the bot and the record.
        #[serde(default)]
        note: Option<String>,
        /// The new control.
        control: Control,
    },
    /// Open, pending or snoozed.
    StatusChanged {
        /// The new status.
        status: Status,
        /// Why, when no agent did it.
        #[serde(default)]
        reason: Option<StatusReason>,
    },
    /// How much it hurries.
    PriorityChanged {
        /// The new priority.
        priority: Priority,
    },
    /// Labels came or went.
    LabelsChanged {
        /// New ones.
        added: Vec<String>,
        /// Gone ones.
        removed: Vec<String>,
    },
    /// Another team is responsible.
    TeamChanged {
        /// Which, or none.
        team: Option<TeamId>,
    },
    /// It has come to another stage.
    StageChanged {
        /// Which, or none.
        stage: Option<StageId>,
    },
    /// A message was taken back. Stores erase what it said in the append that brings this fact ([`Event::erase`]).
    MessageRemoved {
        /// Which.
        message: crate::id::MessageId,
        /// The fact that had posted it.
        posted: Seq,
    },
    /// Finished.
    Closed {
        /// How it ended.
        outcome: Outcome,
        /// Whether the outcome is Relevo's own proposal.
        proposed: bool,
        /// The new control: same holder, next epoch, so that a turn under way is fenced.
        control: Control,
    },
    /// Live again.
    Reopened {
        /// Why.
        reason: ReopenReason,
        /// Who holds it now.
        control: Control,
    },
    /// The contact's data were changed (they are kept beside the log).
    ContactUpdated {
        /// Which contact.
        contact: ContactId,
    },
    /// The visitor looked at a page.
    PageVisited {
        /// Its address.
        url: String,
        /// Its title.
        title: String,
    },
    /// A bot's turn ended badly. The hand-over that follows is its own fact.
    TurnFailed {
        /// The turn.
        turn: TurnId,
        /// How.
        reason: HandoffReason,
        /// More about how, in words.
        detail: String,
        /// The same for programs, which say it in their readers' language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A macro was run; its effects are the facts around this one.
    MacroRan {
        /// Its name.
        name: String,
        /// What each step did.
        steps: Vec<MacroStep>,
    },
}

impl Event {
    /// Takes out what a message said, wherever this fact repeats it: who wrote it, when, and how it was delivered stays.
    /// False when the fact holds nothing of it.
    pub fn erase(&mut self, removed: crate::id::MessageId) -> bool {
        match self {
            Self::MessagePosted { message, .. }
            | Self::DeliveryClaimed { message, .. }
            | Self::Suppressed { what: Withheld::Message { message }, .. }
                if message.id == removed =>
            {
                message.erase();
                true
            }
            _ => false,
        }
    }

    /// The message that this fact removes.
    pub fn removed(&self) -> Option<crate::id::MessageId> {
        match self {
            Self::MessageRemoved { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// Its name, as in SQL, JSON and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::MessagePosted { .. } => "message_posted",
            Self::Suppressed { .. } => "suppressed",
            Self::DeliveryClaimed { .. } => "delivery_claimed",
            Self::DeliveryUpdated { .. } => "delivery_updated",
            Self::Read { .. } => "read",
            Self::Received { .. } => "received",
            Self::NoteAdded { .. } => "note_added",
            Self::Captured { .. } => "captured",
            Self::HandoffRequested { .. } => "handoff_requested",
            Self::TakenOver { .. } => "taken_over",
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::HelpRequested { .. } => "help_requested",
            Self::HelpWithdrawn => "help_withdrawn",
            Self::Transferred { .. } => "transferred",
            Self::HandedBack { .. } => "handed_back",
            Self::StatusChanged { .. } => "status_changed",
            Self::PriorityChanged { .. } => "priority_changed",
            Self::LabelsChanged { .. } => "labels_changed",
            Self::TeamChanged { .. } => "team_changed",
            Self::StageChanged { .. } => "stage_changed",
            Self::MessageRemoved { .. } => "message_removed",
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
            Self::ContactUpdated { .. } => "contact_updated",
            Self::PageVisited { .. } => "page_visited",
            Self::TurnFailed { .. } => "turn_failed",
            Self::MacroRan { .. } => "macro_ran",
        }
    }
}

/// How the visitor reached the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The page where the conversation began.
    pub page: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The page before it.
    pub referrer: Option<String>,
    /// The browser's own description.
    pub user_agent: Option<String>,
    /// Campaign parameters (`source`, `medium`, `campaign`, …).
    pub utm: BTreeMap<String, String>,
    /// The country, where something tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
}

/// Where a visitor is, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Country {
    /// Two capitals, as ISO 3166-1 names it.
    pub code: String,
    /// What it was taken from.
    pub from: CountrySource,
}

/// What a country was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountrySource {
    /// A proxy that knows where addresses are.
    Address,
    /// The time zone of the visitor's device: a guess.
    TimeZone,
}

/// Which of the two fence checks withheld something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceCheck {
    /// When the bot's command was accepted.
    Accepted,
    /// When the delivery was claimed.
    Delivery,
}

/// What a stale turn tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Withheld {
    /// To say something.
    Message {
        /// What it would have said.
        message: Message,
    },
    /// To hand over.
    Handoff {
        /// Its reason.
        reason: HandoffReason,
        /// Its note.
        note: Option<String>,
    },
    /// To record data.
    Captured {
        /// The data.
        data: BTreeMap<String, String>,
    },
}

/// Why a person is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffReason {
    /// The bot asked for one.
    BotAsked,
    /// The visitor asked for one.
    VisitorAsked,
    /// The bot did not know what to say too often.
    BotFailed,
    /// The bot did not answer in time.
    BotTimeout,
    /// The bot answered with an error or not at all.
    BotError,
    /// The bot's answer was larger than allowed.
    TooLarge,
    /// The bot is not plugged in.
    NoBot,
    /// The bot was not sure enough.
    LowConfidence,
}

/// Who has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reader {
    /// The visitor.
    Visitor,
    /// An agent.
    Agent {
        /// Which one.
        agent: AgentId,
    },
}

/// Where a transfer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TransferTarget {
    /// To one agent.
    Agent {
        /// Which one.
        agent: AgentId,
    },
    /// To whoever of a team takes it.
    Team {
        /// Which one.
        team: TeamId,
    },
    /// Back to the queue that it came from.
    Nobody,
}

/// Where a conversation stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Status {
    /// Being worked on.
    Open,
    /// Waiting for the customer.
    Pending,
    /// Out of sight until a time or the next message.
    Snoozed {
        /// Until when; none: until the customer writes.
        #[serde(default)]
        until: Option<Timestamp>,
    },
    /// Finished.
    Closed,
}

/// Why a status changed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusReason {
    /// The customer wrote.
    VisitorWrote,
    /// The snooze ended.
    SnoozeEnded,
}

/// How much it hurries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Not set.
    #[default]
    None,
    /// Can wait.
    Low,
    /// Ordinary.
    Medium,
    /// Soon.
    High,
    /// Now.
    Urgent,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An agent held it and never answered.
    NeverAnswered,
    /// Nobody took it.
    NobodyAvailable,
    /// Solved.
    Success,
    /// Passed on to somebody else.
    Escalated,
}

/// Why a conversation lives again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReopenReason {
    /// The customer wrote.
    VisitorWrote,
    /// An agent wrote or pressed reopen.
    AgentWrote,
}

/// What one step of a macro did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacroStep {
    /// The action's name (`send_shortcut`, `priority`, …).
    pub action: String,
    /// What came of it: `done`, or `unchanged` where it was so already.
    pub result: String,
}
