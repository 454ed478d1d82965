//! What visitors and bots may see of the log. Agents who may see a conversation see every fact of it; for everybody
//! else this file is the only way.

use crate::control::{Control, Holder};
use crate::event::{Envelope, Event, Reader};
use crate::id::{AgentId, BotId, MessageId, Seq};
use crate::message::{Actor, Message};
use crate::time::Timestamp;

/// One entry of a visitor's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorItem {
    /// The fact that made it visible.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: VisitorKind,
}

/// What a visitor may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorKind {
    /// Something said: their own words at once, the house's once its delivery was claimed.
    Message(Message),
    /// Who answers now.
    State(Who),
    /// The house has read up to here.
    Read(Seq),
    /// A message is no longer to be shown.
    Removed(MessageId),
}

/// Who answers, in the visitor's eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A bot.
    Bot(BotId),
    /// Nobody yet.
    Queue,
    /// This agent.
    Human(AgentId),
    /// Finished.
    Closed,
}

impl Who {
    /// Who answers under `control`.
    pub fn of(control: &Control) -> Self {
        match &control.holder {
            Holder::Bot { bot } => Self::Bot(bot.clone()),
            Holder::Queue { .. } => Self::Queue,
            Holder::Human { agent } => Self::Human(*agent),
        }
    }
}

/// What the visitor sees of a fact. Every arm is spelt out: a new fact is private until somebody decides otherwise.
pub fn for_visitor(envelope: &Envelope) -> Option<VisitorItem> {
    let kind = match &envelope.event {
        Event::MessagePosted { message, .. } => match message.author {
            Actor::Visitor | Actor::External { .. } => VisitorKind::Message(message.clone()),
            Actor::Bot { .. } | Actor::Agent { .. } | Actor::System => return None,
        },
        Event::DeliveryClaimed { message, .. } => VisitorKind::Message(message.clone()),
        Event::HandoffRequested { control, .. }
        | Event::TakenOver { control, .. }
        | Event::Transferred { control, .. }
        | Event::HandedBack { control, .. }
        | Event::Reopened { control, .. } => VisitorKind::State(Who::of(control)),
        Event::Joined { agent } => VisitorKind::State(Who::Human(*agent)),
        Event::Closed { .. } => VisitorKind::State(Who::Closed),
        Event::Read { reader: Reader::Agent { .. }, up_to } => VisitorKind::Read(*up_to),
        Event::MessageRemoved { message, .. } => VisitorKind::Removed(*message),
        Event::Started { .. }
        | Event::Suppressed { .. }
        | Event::DeliveryUpdated { .. }
        | Event::Read { reader: Reader::Visitor, .. }
        | Event::Received { .. }
        | Event::NoteAdded { .. }
        | Event::Captured { .. }
        | Event::Left { .. }
        | Event::HelpRequested { .. }
        | Event::HelpWithdrawn
        | Event::StatusChanged { .. }
        | Event::PriorityChanged { .. }
        | Event::LabelsChanged { .. }
        | Event::TeamChanged { .. }
        | Event::StageChanged { .. }
        | Event::ContactUpdated { .. }
        | Event::PageVisited { .. }
        | Event::TurnFailed { .. }
        | Event::MacroRan { .. } => return None,
    };
    Some(VisitorItem { seq: envelope.seq, at: envelope.at, kind })
}

/// One line of what was said, as bots and the Copilot's customer-facing tasks may read it: never a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its fact.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: Actor,
    /// What.
    pub text: String,
}

/// What a bot sees of a fact: the words that the visitor sees too.
pub fn for_bot(envelope: &Envelope) -> Option<Line> {
    let VisitorItem { seq, at, kind } = for_visitor(envelope)?;
    match kind {
        VisitorKind::Message(message) if message.is_removed() => None,
        VisitorKind::Message(message) => {
            let text = message.in_words().into_owned();
            Some(Line { seq, at, who: message.author, text })
        }
        VisitorKind::State(_) | VisitorKind::Read(_) | VisitorKind::Removed(_) => None,
    }
}
