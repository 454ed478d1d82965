//! One entry of an agent's timeline. Every fact is exactly one item, so that an agent's sequence has no gaps.

use super::card::{Control, snoozed_until, status_name};
use super::{Actor, Time, words};
use relevo::domain::control::Epoch;
use relevo::domain::event::{
    self, Envelope, Event, FenceCheck, HandoffReason, Origin, Outcome, Priority, ReopenReason, StatusReason, Withheld,
};
use relevo::domain::id::{AgentId, BotId, ContactId, InboxId, MessageId, NoteId, Seq, StageId, TeamId, TurnId};
use relevo::domain::message::{self, DeliveryState};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A fact as agents see it.
#[derive(Serialize, ToSchema)]
pub struct Item {
    /// Its number in the conversation.
    #[schema(value_type = u64)]
    seq: Seq,
    at: Time,
    actor: Actor,
    #[serde(flatten)]
    what: What,
}

/// A file of a message. Its place among them is its address: `…/files/{seq}/{n}`.
#[derive(Serialize, ToSchema)]
pub struct Attachment {
    name: String,
    /// Its media type, by what is in it.
    #[serde(rename = "type")]
    media_type: String,
    /// In bytes.
    size: u64,
    /// Whether it may be shown in place.
    inline: bool,
}

/// A ready answer under a message.
#[derive(Serialize, ToSchema)]
struct Button {
    title: String,
    /// What the bot receives; the title when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// A message as everybody sees it.
#[derive(Serialize, ToSchema)]
pub struct Message {
    #[schema(value_type = String)]
    id: MessageId,
    author: Actor,
    /// Markdown-lite; empty only where files stand for it.
    text: String,
    attachments: Vec<Attachment>,
    buttons: Vec<Button>,
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// The writer's own id for it.
    client_id: Option<String>,
}

/// A private note.
#[derive(Serialize, ToSchema)]
#[schema(as = PrivateNote)]
struct Note {
    #[schema(value_type = String)]
    id: NoteId,
    text: String,
    #[schema(value_type = Vec<String>)]
    mentions: Vec<AgentId>,
    client_id: Option<String>,
}

/// Where a conversation was given.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Target {
    Agent { agent: String },
    Team { team: String },
    Nobody,
}

/// What went wrong in a bot's turn, to be said in the reader's language.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Failure {
    NoAnswer { seconds: u64 },
    NoLateAnswer,
    HttpStatus { status: u16 },
    TooLarge { limit: u64 },
    NotUnderstood { problem: String },
    Unreachable,
    BrokenOff,
    Crashed,
    NotPluggedIn { bot: String },
    Other { text: String },
}

impl From<event::Failure> for Failure {
    fn from(failure: event::Failure) -> Self {
        match failure {
            event::Failure::NoAnswer { seconds } => Self::NoAnswer { seconds },
            event::Failure::NoLateAnswer => Self::NoLateAnswer,
            event::Failure::HttpStatus { status } => Self::HttpStatus { status },
            event::Failure::TooLarge { limit } => Self::TooLarge { limit },
            event::Failure::NotUnderstood { problem } => Self::NotUnderstood { problem },
            event::Failure::Unreachable => Self::Unreachable,
            event::Failure::BrokenOff => Self::BrokenOff,
            event::Failure::Crashed => Self::Crashed,
            event::Failure::NotPluggedIn { bot } => Self::NotPluggedIn { bot: bot.to_string() },
            event::Failure::Other { text } => Self::Other { text },
        }
    }
}

/// What a macro's step did.
#[derive(Serialize, ToSchema)]
pub struct Step {
    action: String,
    result: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ItemKind)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    Started {
        #[schema(value_type = String)]
        inbox: InboxId,
        channel: String,
        #[schema(value_type = String)]
        contact: ContactId,
        language: Option<String>,
        #[schema(value_type = Object)]
        origin: Origin,
        control: Control,
    },
    Message {
        message: Message,
        /// The bot's turn that said it.
        #[schema(value_type = Option<String>)]
        turn: Option<TurnId>,
    },
    Suppressed {
        message: Option<Message>,
        #[schema(value_type = String)]
        turn: TurnId,
        #[schema(value_type = u64)]
        began_in: Epoch,
        #[schema(value_type = u64)]
        epoch: Epoch,
        #[schema(value_type = words::FenceCheck)]
        at_check: FenceCheck,
        /// `message`, `handoff` or `captured`.
        #[schema(value_type = words::WithheldKind)]
        what: &'static str,
        /// The hand-over's note, or the data.
        #[schema(value_type = Option<Object>)]
        reason: Value,
    },
    Delivery {
        #[schema(value_type = String)]
        message: MessageId,
        #[schema(value_type = words::Delivery)]
        state: DeliveryState,
        reason: Option<String>,
    },
    Read {
        /// `visitor` or `agent`.
        #[schema(value_type = words::Reader)]
        reader: &'static str,
        #[schema(value_type = u64)]
        up_to: Seq,
    },
    Received {
        #[schema(value_type = u64)]
        up_to: Seq,
    },
    Note {
        note: Note,
    },
    /// The message is empty from here on, in the item that brought it too.
    MessageRemoved {
        #[schema(value_type = String)]
        message: MessageId,
        /// The item that brought it.
        #[schema(value_type = u64)]
        posted: Seq,
    },
    Captured {
        data: BTreeMap<String, String>,
    },
    HandoffRequested {
        #[schema(value_type = words::HandoffReason)]
        reason: HandoffReason,
        detail: Option<String>,
        failure: Option<Failure>,
        note: Option<String>,
        captured: BTreeMap<String, String>,
        control: Control,
    },
    TakenOver {
        #[schema(value_type = String)]
        agent: AgentId,
        control: Control,
    },
    Joined {
        #[schema(value_type = String)]
        agent: AgentId,
    },
    Left {
        #[schema(value_type = String)]
        agent: AgentId,
    },
    HelpRequested {
        #[schema(value_type = String)]
        agent: AgentId,
        note: Option<String>,
        skill: Option<String>,
    },
    HelpWithdrawn,
    Transferred {
        #[schema(value_type = Option<String>)]
        from: Option<AgentId>,
        to: Target,
        note: Option<String>,
        control: Control,
    },
    HandedBack {
        #[schema(value_type = String)]
        bot: BotId,
        #[schema(value_type = String)]
        agent: AgentId,
        note: Option<String>,
        control: Control,
    },
    StatusChanged {
        /// `open`, `pending`, `snoozed` or `closed`.
        #[schema(value_type = words::Status)]
        status: &'static str,
        until: Option<Time>,
        #[schema(value_type = Option<words::StatusReason>)]
        reason: Option<StatusReason>,
    },
    PriorityChanged {
        #[schema(value_type = words::Priority)]
        priority: Priority,
    },
    LabelsChanged {
        added: Vec<String>,
        removed: Vec<String>,
    },
    TeamChanged {
        #[schema(value_type = Option<String>)]
        team: Option<TeamId>,
    },
    StageChanged {
        #[schema(value_type = Option<String>)]
        stage: Option<StageId>,
    },
    Closed {
        #[schema(value_type = words::Outcome)]
        outcome: Outcome,
        proposed: bool,
        control: Control,
    },
    Reopened {
        #[schema(value_type = words::ReopenReason)]
        reason: ReopenReason,
        control: Control,
    },
    ContactUpdated {
        #[schema(value_type = String)]
        contact: ContactId,
    },
    PageVisited {
        url: String,
        title: String,
    },
    TurnFailed {
        #[schema(value_type = String)]
        turn: TurnId,
        #[schema(value_type = words::HandoffReason)]
        reason: HandoffReason,
        detail: String,
        failure: Option<Failure>,
    },
    MacroRan {
        #[serde(rename = "macro")]
        name: String,
        steps: Vec<Step>,
    },
}

impl From<&message::Attachment> for Attachment {
    fn from(file: &message::Attachment) -> Self {
        let (name, media_type) = (file.name.clone(), file.media_type.clone());
        Self { name, media_type, size: file.size, inline: file.is_inline() }
    }
}

impl From<&message::Message> for Message {
    fn from(said: &message::Message) -> Self {
        let button = |button: &message::Button| Button { title: button.title.clone(), payload: button.payload.clone() };
        Self {
            id: said.id,
            author: Actor::from(&said.author),
            text: said.text.clone(),
            attachments: said.attachments.iter().map(Attachment::from).collect(),
            buttons: said.buttons.iter().map(button).collect(),
            reply_to: said.reply_to,
            client_id: said.client_id.clone(),
        }
    }
}

impl From<event::MacroStep> for Step {
    fn from(step: event::MacroStep) -> Self {
        Self { action: step.action, result: step.result }
    }
}

impl From<&event::TransferTarget> for Target {
    fn from(target: &event::TransferTarget) -> Self {
        match target {
            event::TransferTarget::Agent { agent } => Self::Agent { agent: agent.to_string() },
            event::TransferTarget::Team { team } => Self::Team { team: team.to_string() },
            event::TransferTarget::Nobody => Self::Nobody,
        }
    }
}

impl From<&Envelope> for Item {
    fn from(envelope: &Envelope) -> Self {
        let Envelope { seq, at, actor, event, .. } = envelope;
        Self { seq: *seq, at: Time(*at), actor: Actor::from(actor), what: What::from(event) }
    }
}

impl From<&Event> for What {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::Started { inbox, channel, contact, language, origin, control } => {
                Self::Started { inbox, channel, contact, language, origin, control: Control::from(&control) }
            }
            Event::MessagePosted { message, turn, .. } => {
                Self::Message { message: Message::from(&message), turn: turn.map(|turn| turn.id) }
            }
            Event::Suppressed { turn, epoch, at, what } => {
                let (what, message, reason) = match what {
                    Withheld::Message { message } => ("message", Some(Message::from(&message)), Value::Null),
                    Withheld::Handoff { note, .. } => ("handoff", None, json!(note)),
                    Withheld::Captured { data } => ("captured", None, json!(data)),
                };
                Self::Suppressed { message, turn: turn.id, began_in: turn.epoch, epoch, at_check: at, what, reason }
            }
            Event::DeliveryClaimed { message, state } => Self::Delivery { message: message.id, state, reason: None },
            Event::DeliveryUpdated { message, state, reason } => Self::Delivery { message, state, reason },
            Event::Read { reader: event::Reader::Visitor, up_to } => Self::Read { reader: "visitor", up_to },
            Event::Read { reader: event::Reader::Agent { .. }, up_to } => Self::Read { reader: "agent", up_to },
            Event::Received { up_to } => Self::Received { up_to },
            Event::NoteAdded { note: id, text, mentions, client_id } => {
                Self::Note { note: Note { id, text, mentions, client_id } }
            }
            Event::MessageRemoved { message, posted } => Self::MessageRemoved { message, posted },
            Event::Captured { data, .. } => Self::Captured { data },
            Event::HandoffRequested { reason, detail, failure, note, captured, control } => Self::HandoffRequested {
                reason,
                detail,
                failure: failure.map(Failure::from),
                note,
                captured,
                control: Control::from(&control),
            },
            Event::TakenOver { agent, control } => Self::TakenOver { agent, control: Control::from(&control) },
            Event::Joined { agent } => Self::Joined { agent },
            Event::Left { agent } => Self::Left { agent },
            Event::HelpRequested { agent, note, skill } => Self::HelpRequested { agent, note, skill },
            Event::HelpWithdrawn => Self::HelpWithdrawn,
            Event::Transferred { from, to, note, control } => {
                Self::Transferred { from, to: Target::from(&to), note, control: Control::from(&control) }
            }
            Event::HandedBack { bot, agent, note, control } => {
                Self::HandedBack { bot, agent, note, control: Control::from(&control) }
            }
            Event::StatusChanged { status, reason } => {
                Self::StatusChanged { status: status_name(&status), until: snoozed_until(&status), reason }
            }
            Event::PriorityChanged { priority } => Self::PriorityChanged { priority },
            Event::LabelsChanged { added, removed } => Self::LabelsChanged { added, removed },
            Event::TeamChanged { team } => Self::TeamChanged { team },
            Event::StageChanged { stage } => Self::StageChanged { stage },
            Event::Closed { outcome, proposed, control } => {
                Self::Closed { outcome, proposed, control: Control::from(&control) }
            }
            Event::Reopened { reason, control } => Self::Reopened { reason, control: Control::from(&control) },
            Event::ContactUpdated { contact } => Self::ContactUpdated { contact },
            Event::PageVisited { url, title } => Self::PageVisited { url, title },
            Event::TurnFailed { turn, reason, detail, failure } => {
                Self::TurnFailed { turn, reason, detail, failure: failure.map(Failure::from) }
            }
            Event::MacroRan { name, steps } => {
                Self::MacroRan { name, steps: steps.into_iter().map(Step::from).collect() }
            }
        }
    }
}
