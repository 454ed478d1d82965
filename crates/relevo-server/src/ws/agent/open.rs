//! The conversations that are open on an agent's screen: each is told from where it stands, every item once, in order.

use super::super::{Closed, Outgoing, refused};
use crate::wire;
use relevo::domain::control::Epoch;
use relevo::domain::event::{Envelope, Event};
use relevo::domain::id::{ConversationId, Seq};
use relevo::store::Store;
use serde::Serialize;
use std::collections::HashMap;

const BATCH: usize = 100;

#[derive(Default)]
pub(super) struct OpenConversations(HashMap<ConversationId, Told>);

/// With every message: written as it is, not first made into a tree of values.
#[derive(Serialize)]
struct Items {
    op: &'static str,
    conversation: ConversationId,
    items: Vec<wire::Item>,
    last_seq: Seq,
}

struct Told {
    seq: Seq,
    epoch: Epoch,
}

impl OpenConversations {
    /// Opens one, told up to `after`; whether it was shut before.
    pub(super) fn open(&mut self, id: ConversationId, after: Seq, epoch: Epoch) -> bool {
        self.0.insert(id, Told { seq: after, epoch }).is_none()
    }

    /// Shuts one; whether it was open.
    pub(super) fn shut(&mut self, id: ConversationId) -> bool {
        self.0.remove(&id).is_some()
    }

    pub(super) fn holds(&self, id: ConversationId) -> bool {
        self.0.contains_key(&id)
    }

    pub(super) fn ids(&self) -> Vec<ConversationId> {
        self.0.keys().copied().collect()
    }

    /// Whether one is open and something of this epoch is not of the past.
    pub(super) fn is_of_epoch(&self, id: ConversationId, epoch: Epoch) -> bool {
        self.0.get(&id).is_some_and(|told| epoch >= told.epoch)
    }

    /// Tells news. What does not follow on what was told is read from the store.
    pub(super) async fn tell(
        &mut self,
        id: ConversationId,
        facts: &[Envelope],
        store: &dyn Store,
        outgoing: &Outgoing,
    ) -> Result<(), Closed> {
        let Some(told) = self.0.get_mut(&id) else { return Ok(()) };
        match facts.first() {
            Some(first) if first.seq <= told.seq + 1 => tell(told, id, facts, outgoing),
            Some(_) => self.catch_up(id, store, outgoing).await,
            None => Ok(()),
        }
    }

    /// Tells everything that the store has after what was told.
    pub(super) async fn catch_up(
        &mut self,
        id: ConversationId,
        store: &dyn Store,
        outgoing: &Outgoing,
    ) -> Result<(), Closed> {
        let Some(told) = self.0.get_mut(&id) else { return Ok(()) };
        loop {
            let facts = match store.read(id, told.seq, BATCH).await {
                Ok(facts) => facts,
                Err(error) => {
                    tracing::warn!(%error, "a timeline could not be read");
                    return outgoing.send(&refused("store_unavailable", "the timeline cannot be read right now"));
                }
            };
            tell(told, id, &facts, outgoing)?;
            if facts.len() < BATCH {
                return Ok(());
            }
            outgoing.room().await?;
        }
    }
}

fn tell(told: &mut Told, id: ConversationId, facts: &[Envelope], outgoing: &Outgoing) -> Result<(), Closed> {
    let new: Vec<_> = facts.iter().filter(|fact| fact.seq > told.seq).collect();
    let Some(last) = new.last() else { return Ok(()) };
    for fact in &new {
        if let Some(epoch) = epoch_of(&fact.event) {
            told.epoch = epoch;
        }
    }
    told.seq = last.seq;
    let items = new.into_iter().map(wire::Item::from).collect();
    outgoing.send(&Items { op: "items", conversation: id, items, last_seq: told.seq })
}

/// The epoch that a fact begins.
fn epoch_of(event: &Event) -> Option<Epoch> {
    match event {
        Event::Started { control, .. }
        | Event::HandoffRequested { control, .. }
        | Event::TakenOver { control, .. }
        | Event::Transferred { control, .. }
        | Event::HandedBack { control, .. }
        | Event::Closed { control, .. }
        | Event::Reopened { control, .. } => Some(control.epoch),
        _ => None,
    }
}
