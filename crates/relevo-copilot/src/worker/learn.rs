//! Learning from what people resolved.

use std::collections::VecDeque;

use relevo_domain::event::Event;
use relevo_domain::id::ConversationId;

use super::{Worker, read};

/// How many past conversations are remembered at start.
const REMEMBERED: usize = 2_000;
const BATCH: usize = 1_000;

impl Worker {
    /// Learns from one conversation that was closed.
    pub(super) async fn learn(&self, conversation: ConversationId) {
        match read::facts(self.inner.at.store.as_ref(), conversation).await {
            Ok(facts) => self.inner.copilot.learn(&conversation.to_string(), &read::lines(&facts)),
            Err(error) => tracing::warn!(conversation.id = %conversation, %error, "nothing could be learnt"),
        }
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
