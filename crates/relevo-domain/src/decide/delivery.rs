//! What goes out and how far it has come.

use super::{Decided, by};
use crate::command::AgentFacts;
use crate::conversation::Conversation;
use crate::event::{Event, Reader};
use crate::id::{MessageId, Seq};
use crate::message::{Actor, DeliveryState};

/// The outbox sends a message that the fence has let through twice. Asked again about one that is out, it answers with
/// nothing.
pub(super) fn claim(state: &Conversation, message: MessageId, claimed: DeliveryState) -> Vec<Decided> {
    let Some(outgoing) = state.outgoing.get(&message) else { return Vec::new() };
    if outgoing.state != DeliveryState::Queued {
        return Vec::new();
    }
    let author = outgoing.message.author.clone();
    vec![(author, Event::DeliveryClaimed { message: outgoing.message.clone(), state: claimed })]
}

/// A provider's word on a message. Words that are late, repeated, or about something that it was never asked to send,
/// change nothing.
pub(super) fn record(
    state: &Conversation,
    message: MessageId,
    reached: DeliveryState,
    reason: Option<&str>,
) -> Vec<Decided> {
    let waiting = state.outgoing.get(&message).map(|outgoing| outgoing.state);
    let known = state.receipts.get(&message).copied().or(waiting);
    if !known.is_some_and(|known| known.may_become(reached)) {
        return Vec::new();
    }
    vec![(Actor::System, Event::DeliveryUpdated { message, state: reached, reason: reason.map(str::to_owned) })]
}

/// The visitor's device has it. Marks only ever move forward, and never past what exists.
pub(super) fn received(state: &Conversation, up_to: Seq) -> Vec<Decided> {
    let up_to = up_to.min(state.seq);
    if up_to <= state.visitor_received {
        return Vec::new();
    }
    vec![(Actor::Visitor, Event::Received { up_to })]
}

/// The visitor has seen it.
pub(super) fn read(state: &Conversation, up_to: Seq) -> Vec<Decided> {
    let up_to = up_to.min(state.seq);
    if up_to <= state.visitor_read {
        return Vec::new();
    }
    vec![(Actor::Visitor, Event::Read { reader: Reader::Visitor, up_to })]
}

/// An agent has seen it. Only the assignee's reading is told to the visitor and clears the count; of other agents
/// only the answer to a mention is recorded.
pub(super) fn agent_read(state: &Conversation, agent: &AgentFacts, up_to: Seq) -> Vec<Decided> {
    let up_to = up_to.min(state.seq);
    let holds = state.control.agent() == Some(agent.id);
    let news = holds && up_to >= state.last_visitor_seq && state.agent_read < state.last_visitor_seq;
    if !news && !state.mentions.contains(&agent.id) {
        return Vec::new();
    }
    vec![(by(agent), Event::Read { reader: Reader::Agent { agent: agent.id }, up_to })]
}
