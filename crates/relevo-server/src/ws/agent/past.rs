//! What an agent saw before: whoever may not see a conversation now is told that it is gone only where it was there.

use super::Session;
use relevo::domain::card::{Visibility, may_see};
use relevo::domain::command::Role;
use relevo::domain::conversation::Conversation;
use relevo::domain::event::{Event, Reader};
use relevo::domain::id::{ConversationId, Seq};
use relevo::feed::Change;
use relevo::store::{Position, StoreError};
use std::collections::HashMap;

const BATCH: usize = 500;

impl Session {
    /// Whether every conversation is theirs to see, so that none ever goes.
    pub(super) fn sees_all(&self) -> bool {
        self.app.desk.directory().visibility == Visibility::Everyone || self.agent.role == Role::Admin
    }

    /// Whether the agent could see a conversation just before this change took it out of sight.
    pub(super) async fn saw_before(&self, change: &Change) -> Result<bool, StoreError> {
        let moved = change.facts.iter().find(|fact| moves_out_of_sight(&fact.event));
        let Some(moved) = moved.filter(|_| !self.sees_all()) else { return Ok(false) };
        let mut saw = false;
        self.replay(change.conversation, moved.seq - 1, |_, sees| saw = sees).await?;
        Ok(saw)
    }

    /// Whether the agent could see a conversation just before its fact `since`, or at any time after that.
    pub(super) async fn saw_since(&self, conversation: ConversationId, since: Seq) -> Result<bool, StoreError> {
        let mut saw = false;
        self.replay(conversation, Seq::MAX, |seq, sees| saw = sees || (saw && seq >= since)).await?;
        Ok(saw)
    }

    /// The first fact of each conversation after a position. Empty where everything is theirs to see.
    pub(super) async fn changed_since(&self, mut after: Position) -> Result<HashMap<ConversationId, Seq>, StoreError> {
        let mut first = HashMap::new();
        while !self.sees_all() {
            let facts = self.app.desk.store().follow(after, BATCH).await?;
            let Some(last) = facts.last() else { break };
            after = last.position;
            for fact in facts.iter().map(|logged| &logged.envelope) {
                first.entry(fact.conversation).or_insert(fact.seq);
            }
        }
        Ok(first)
    }

    /// Tells of every state up to the fact `last` whether the agent could see it.
    async fn replay(
        &self,
        conversation: ConversationId,
        last: Seq,
        mut tell: impl FnMut(Seq, bool),
    ) -> Result<(), StoreError> {
        let (visibility, agent) = (self.app.desk.directory().visibility, self.agent.facts());
        let mut state: Option<Conversation> = None;
        loop {
            let after = state.as_ref().map_or(0, |state| state.seq);
            let facts = self.app.desk.store().read(conversation, after, BATCH).await?;
            for fact in facts.iter().take_while(|fact| fact.seq <= last) {
                match &mut state {
                    Some(state) => state.evolve(fact),
                    None => state = Conversation::replay([fact]),
                }
                if let Some(state) = &state {
                    tell(fact.seq, may_see(&agent, state, visibility));
                }
            }
            if facts.len() < BATCH || state.as_ref().is_none_or(|state| state.seq >= last) {
                return Ok(());
            }
        }
    }
}

/// Whether somebody who saw the conversation before this may not see it after.
fn moves_out_of_sight(event: &Event) -> bool {
    matches!(
        event,
        Event::TakenOver { .. }
            | Event::Joined { .. }
            | Event::HelpWithdrawn
            | Event::Closed { .. }
            | Event::HandoffRequested { .. }
            | Event::Transferred { .. }
            | Event::HandedBack { .. }
            | Event::Reopened { .. }
            | Event::TeamChanged { .. }
            | Event::Left { .. }
            | Event::Read { reader: Reader::Agent { .. }, .. }
    )
}
