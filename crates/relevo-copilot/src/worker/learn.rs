//! Learning from what people resolved.

use std::collections::VecDeque;

use relevo::store::StoreError;
use relevo_domain::event::Event;
use relevo_domain::id::ConversationId;

use super::{Worker, read};

/// How many past conversations are remembered at start.
const REMEMBERED: usize = 2_000;
const BATCH: usize = 1_000;

impl Worker {
    /// Learns from one conversation that was closed.
    pub(super) async fn learn(&self, conversation: ConversationId) {
        if let Err(error) = self.learn_of(conversation).await {
            tracing::warn!(conversation.id = %conversation, %error, "nothing could be learnt");
        }
    }

    async fn learn_of(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let store = self.inner.at.store.as_ref();
        let Some(state) = store.load(conversation).await? else { return Ok(()) };
        let contact = store.contact(state.contact).await?;
        let known = contact.into_iter().flat_map(|contact| [contact.name, contact.email, contact.phone]).flatten();
        let own: Vec<String> = known.chain(state.captured.into_values()).collect();
        let facts = read::facts(store, conversation).await?;
        self.inner.copilot.learn(&conversation.to_string(), &read::lines(&facts), &own);
        Ok(())
    }

    /// Goes once through the log and learns from the conversations that were closed last.
    pub(super) async fn learn_from_the_past(&self) {
        let at = &self.inner.at;
        let mut closed: VecDeque<ConversationId> = VecDeque::new();
        let mut after = 0;
        while !at.stop.is_cancelled() {
            let batch = match at.store.follow(after, BATCH).await {
                Ok(batch) => batch,
                Err(error) => return tracing::warn!(%error, "the past could not be read"),
            };
            let Some(last) = batch.last() else { break };
            after = last.position;
            for logged in &batch {
                if matches!(logged.envelope.event, Event::Closed { .. }) {
                    closed.retain(|known| *known != logged.envelope.conversation);
                    closed.push_back(logged.envelope.conversation);
                    if closed.len() > REMEMBERED {
                        closed.pop_front();
                    }
                }
            }
        }
        for conversation in closed {
            if at.stop.is_cancelled() {
                return;
            }
            self.learn(conversation).await;
        }
    }
}
