//! A conversation's state: its facts, folded.

use crate::control::{Control, Epoch, Holder, Turn};
use crate::event::{Envelope, Event, HandoffReason, Origin, Outcome, Priority, Reader, Status, TransferTarget};
use crate::id::{AgentId, ContactId, ConversationId, InboxId, MessageId, Seq, StageId, TeamId, TurnId};
use crate::message::{Actor, DeliveryState, Message, preview};
use crate::time::Timestamp;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is true of a conversation now. Small on purpose: stores keep it beside the log, written with every append, so
/// that a decision never replays history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Where it came in.
    pub inbox: InboxId,
    /// The kind of channel (`web`, …).
    pub channel: String,
    /// Who is served.
    pub contact: ContactId,
    /// The visitor's language, where known.
    pub language: Option<String>,
    /// How the visitor got here.
    pub origin: Origin,
    /// The number of the last fact.
    pub seq: Seq,
    /// When it began.
    pub created_at: Timestamp,
    /// When the last fact was decided.
    pub updated_at: Timestamp,
    /// Who speaks.
    pub control: Control,
    /// Where it stands in its life.
    pub status: Status,
    /// How it ended, once it did.
    pub outcome: Option<Outcome>,
    /// How much it hurries.
    pub priority: Priority,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// The responsible team.
    pub team: Option<TeamId>,
    /// How far it has come.
    #[serde(default)]
    pub stage: Option<StageId>,
    /// The assignee's call for help, until a colleague joins or the conversation changes hands.
    #[serde(default)]
    pub help: Option<Help>,
    /// Agents who joined beside the assignee.
    pub participants: BTreeSet<AgentId>,
    /// What bots learnt.
    pub captured: BTreeMap<String, String>,
    /// Why a person was wanted last.
    pub handoff_reason: Option<HandoffReason>,
    /// When the time for answering ends.
    pub window_ends_at: Option<Timestamp>,
    /// Messages of the house that are not out yet.
    pub outgoing: BTreeMap<MessageId, Outgoing>,
    /// How far the newest messages have come that a provider was asked to send, the one asked for longest ago first: it
    /// may still have news of them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub receipts: IndexMap<MessageId, DeliveryState>,
    /// The last thing said or noted, for the list.
    pub last: Option<Last>,
    /// Visitor messages that no agent has seen.
    pub unread: u32,
    /// Agents who were called in a note and have not looked since.
    pub mentions: BTreeSet<AgentId>,
    /// Since when the visitor has waited for an answer.
    pub waiting_since: Option<Timestamp>,
    /// The last visitor message.
    pub last_visitor_seq: Seq,
    /// How far the visitor's device has come.
    pub visitor_received: Seq,
    /// How far the visitor has read.
    pub visitor_read: Seq,
    /// How far the assignee has read.
    pub agent_read: Seq,
    /// Turns of the present epoch that no answer came from yet, oldest first. An answer counts for the turns before its
    /// own too: a bot may wait until the visitor has finished, and answer several messages at once.
    #[serde(default)]
    pub unanswered: Vec<TurnId>,
    /// Who spoke how often.
    pub counts: Counts,
}

/// How many turns without an answer are remembered; the oldest count as over then. Only a bot that stays silent for
/// so long comes here, and it is none that promises answers.
const MAX_UNANSWERED: usize = 32;

/// Of how many messages a provider's news are heard; of older ones nobody waits for any.
pub const MAX_RECEIPTS: usize = 100;

/// A call for help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// Who calls.
    pub by: AgentId,
    /// Since when.
    pub since: Timestamp,
    /// What it is about.
    pub note: Option<String>,
    /// The skill that it needs.
    pub skill: Option<String>,
}

/// A message of the house on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// `Queued` or `Sending`.
    pub state: DeliveryState,
    /// When it was written.
    #[serde(default)]
    pub written_at: Timestamp,
    /// The bot turn that said it, and the epoch in which it may still go out; none for people.
    pub fence: Option<Fence>,
}

/// What a bot's message must still match when its delivery is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The turn that said it.
    pub turn: Turn,
    /// The epoch that must still be in force: the turn's, or the one that its own hand-over began.
    pub epoch: Epoch,
}

/// What the list shows last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its fact.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// One line of it.
    pub preview: String,
    /// Whether it was a message or a note, or is gone.
    pub kind: LastKind,
}

/// What kind of thing was last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastKind {
    /// Something said.
    Message,
    /// A private note.
    Note,
    /// Something said that was removed.
    Removed,
}

/// Who spoke how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages of the visitor.
    pub visitor: u32,
    /// Messages of bots.
    pub bot: u32,
    /// Messages of agents.
    pub agent: u32,
    /// Transfers.
    pub transfers: u32,
}

impl Conversation {
    /// The state after its first fact; none when that fact does not start a conversation.
    pub fn begin(first: &Envelope) -> Option<Self> {
        let Event::Started { inbox, channel, contact, language, origin, control } = &first.event else { return None };
        Some(Self {
            id: first.conversation,
            inbox: inbox.clone(),
            channel: channel.clone(),
            contact: *contact,
            language: language.clone(),
            origin: origin.clone(),
            seq: first.seq,
            created_at: first.at,
            updated_at: first.at,
            control: control.clone(),
            status: Status::Open,
            outcome: None,
            priority: Priority::None,
            labels: BTreeSet::new(),
            team: None,
            stage: None,
            help: None,
            participants: BTreeSet::new(),
            captured: BTreeMap::new(),
            handoff_reason: None,
            window_ends_at: None,
            outgoing: BTreeMap::new(),
            receipts: IndexMap::new(),
            last: None,
            unread: 0,
            mentions: BTreeSet::new(),
            waiting_since: None,
            last_visitor_seq: 0,
            visitor_received: 0,
            visitor_read: 0,
            agent_read: 0,
            unanswered: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// Folds a whole log; none when it is empty or does not begin at a beginning.
    pub fn replay<'a>(log: impl IntoIterator<Item = &'a Envelope>) -> Option<Self> {
        let mut log = log.into_iter();
        let mut state = Self::begin(log.next()?)?;
        for envelope in log {
            state.evolve(envelope);
        }
        Some(state)
    }

    /// Whether it is finished.
    pub fn is_closed(&self) -> bool {
        matches!(self.status, Status::Closed)
    }

    /// The next state. Total: every fact has its effect here, none can fail, and no policy is asked.
    #[expect(clippy::too_many_lines, reason = "one arm per event, each of a few lines")]
    pub fn evolve(&mut self, envelope: &Envelope) {
        self.seq = envelope.seq;
        self.updated_at = envelope.at;
        match &envelope.event {
            // Only ever first, and `begin` has taken all of it.
            Event::Started { .. } => {}
            Event::MessagePosted { message, turn, window_ends_at } => {
                self.posted(envelope, message, turn.as_ref());
                if window_ends_at.is_some() {
                    self.window_ends_at = *window_ends_at;
                }
            }
            Event::Suppressed { what, .. } => {
                if let crate::event::Withheld::Message { message } = what {
                    self.outgoing.remove(&message.id);
                }
            }
            Event::DeliveryClaimed { message, state } => {
                if *state == DeliveryState::Sending {
                    if let Some(outgoing) = self.outgoing.get_mut(&message.id) {
                        outgoing.state = DeliveryState::Sending;
                    }
                    self.receipts.insert(message.id, DeliveryState::Sending);
                    if self.receipts.len() > MAX_RECEIPTS {
                        self.receipts.shift_remove_index(0);
                    }
                } else {
                    self.outgoing.remove(&message.id);
                }
            }
            Event::DeliveryUpdated { message, state, .. } => {
                if let Some(receipt) = self.receipts.get_mut(message) {
                    *receipt = *state;
                }
                // The provider surely does not have it: it waits to be claimed again.
                if *state == DeliveryState::Queued {
                    if let Some(outgoing) = self.outgoing.get_mut(message) {
                        outgoing.state = DeliveryState::Queued;
                    }
                } else {
                    self.outgoing.remove(message);
                }
            }
            Event::Read { reader: Reader::Visitor, up_to } => {
                self.visitor_read = *up_to;
                self.visitor_received = self.visitor_received.max(*up_to);
            }
            Event::Read { reader: Reader::Agent { agent }, up_to } => {
                self.mentions.remove(agent);
                if self.control.agent() == Some(*agent) {
                    self.agent_read = *up_to;
                    if *up_to >= self.last_visitor_seq {
                        self.unread = 0;
                    }
                }
            }
            Event::Received { up_to } => self.visitor_received = *up_to,
            Event::NoteAdded { text, mentions, .. } => {
                self.mentions.extend(mentions);
                self.last = Some(Last {
                    seq: envelope.seq,
                    at: envelope.at,
                    actor: envelope.actor.clone(),
                    preview: preview(text),
                    kind: LastKind::Note,
                });
            }
            Event::MessageRemoved { message, posted } => {
                // What is not out yet never goes.
                self.outgoing.remove(message);
                if let Some(last) = self.last.as_mut().filter(|last| last.seq == *posted) {
                    last.preview.clear();
                    last.kind = LastKind::Removed;
                }
            }
            Event::Captured { data, turn } => {
                self.captured.extend(data.clone());
                self.answered(*turn);
            }
            Event::HandoffRequested { reason, captured, control, .. } => {
                self.captured.extend(captured.clone());
                self.handoff_reason = Some(*reason);
                if let Holder::Queue { team: Some(team), .. } = &control.holder {
                    self.team = Some(team.clone());
                }
                // What the bot said before it handed over itself still goes out; a person's take-over ends that too.
                if matches!(envelope.actor, Actor::Bot { .. }) {
                    let left = self.control.epoch;
                    for fence in self.outgoing.values_mut().filter_map(|o| o.fence.as_mut()) {
                        if fence.epoch == left {
                            fence.epoch = control.epoch;
                        }
                    }
                }
                self.waiting_since = self.waiting_since.or(Some(envelope.at));
                self.pass(control);
            }
            Event::TakenOver { agent, control } => {
                self.participants.remove(agent);
                self.pass(control);
                self.unread = 0;
            }
            Event::Joined { agent } => {
                self.participants.insert(*agent);
                self.help = None;
            }
            Event::HelpRequested { agent, note, skill } => {
                let (note, skill) = (note.clone(), skill.clone());
                self.help = Some(Help { by: *agent, since: envelope.at, note, skill });
            }
            Event::HelpWithdrawn => self.help = None,
            Event::Left { agent } => {
                self.participants.remove(agent);
            }
            Event::Transferred { from, to, control, .. } => {
                if let Some(from) = from {
                    self.participants.remove(from);
                }
                match to {
                    TransferTarget::Agent { agent } => {
                        self.participants.remove(agent);
                    }
                    TransferTarget::Team { team } => self.team = Some(team.clone()),
                    TransferTarget::Nobody => {}
                }
                self.counts.transfers += 1;
                self.pass(control);
            }
            Event::HandedBack { control, .. } => {
                self.handoff_reason = None;
                self.pass(control);
            }
            Event::StatusChanged { status, .. } => self.status = *status,
            Event::PriorityChanged { priority } => self.priority = *priority,
            Event::LabelsChanged { added, removed } => {
                self.labels.retain(|label| !removed.contains(label));
                self.labels.extend(added.iter().cloned());
            }
            Event::TeamChanged { team } => self.team.clone_from(team),
            Event::StageChanged { stage } => self.stage.clone_from(stage),
            Event::Closed { outcome, control, .. } => {
                self.status = Status::Closed;
                self.outcome = Some(*outcome);
                self.waiting_since = None;
                self.pass(control);
            }
            Event::Reopened { control, .. } => {
                self.status = Status::Open;
                self.outcome = None;
                self.handoff_reason = None;
                self.counts.transfers = 0;
                self.pass(control);
            }
            Event::TurnFailed { .. }
            | Event::ContactUpdated { .. }
            | Event::PageVisited { .. }
            | Event::MacroRan { .. } => {}
        }
    }

    /// Nothing is owed across a change of hands: every turn is over, and so is a call for help.
    fn pass(&mut self, control: &Control) {
        self.help = None;
        self.control = control.clone();
        self.unanswered.clear();
    }

    fn answered(&mut self, turn: Option<TurnId>) {
        if let Some(at) = self.unanswered.iter().position(|owed| turn == Some(*owed)) {
            self.unanswered.drain(..=at);
        }
    }

    fn posted(&mut self, envelope: &Envelope, message: &Message, turn: Option<&Turn>) {
        self.last = Some(Last {
            seq: envelope.seq,
            at: envelope.at,
            actor: message.author.clone(),
            preview: preview(&message.in_words()),
            kind: LastKind::Message,
        });
        match &message.author {
            Actor::Visitor => {
                self.counts.visitor += 1;
                self.unread += 1;
                self.last_visitor_seq = envelope.seq;
                self.waiting_since = self.waiting_since.or(Some(envelope.at));
                if self.control.bot().is_some() {
                    self.unanswered.push(TurnId(message.id.0));
                    let beyond = self.unanswered.len().saturating_sub(MAX_UNANSWERED);
                    self.unanswered.drain(..beyond);
                }
                return;
            }
            Actor::Bot { .. } => {
                self.counts.bot += 1;
                self.answered(turn.map(|turn| turn.id));
                // A bot's words do not end the wait for a person.
                if self.control.bot().is_some() {
                    self.waiting_since = None;
                }
            }
            Actor::Agent { .. } => {
                self.counts.agent += 1;
                self.unread = 0;
                self.waiting_since = None;
            }
            // Already out when Relevo hears of it.
            Actor::External { .. } => {
                self.waiting_since = None;
                return;
            }
            Actor::System => {}
        }
        self.outgoing.insert(
            message.id,
            Outgoing {
                message: message.clone(),
                state: DeliveryState::Queued,
                written_at: envelope.at,
                fence: turn.map(|turn| Fence { turn: turn.clone(), epoch: turn.epoch }),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Desk, bot_inbox, say};

    #[test]
    fn a_state_that_an_older_program_stored_is_read() {
        let mut desk = Desk::start(bot_inbox());
        desk.run(say("hola")).expect("it may be said");
        let mut stored = serde_json::to_value(desk.state()).expect("maps with text keys");
        let fields = stored.as_object_mut().expect("a map");
        fields.remove("unanswered").expect("today's shape");
        fields.remove("stage").expect("today's shape");
        fields.remove("help").expect("today's shape");
        // The newest turn that said something, until `unanswered` took its place.
        fields.insert("answered_turn".into(), serde_json::Value::Null);
        let read: Conversation = serde_json::from_value(stored).expect("still read");
        assert_eq!(read, Conversation { unanswered: Vec::new(), ..desk.state().clone() });
    }
}
