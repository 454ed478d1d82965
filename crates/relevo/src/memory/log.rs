use super::{Data, Kept, MemoryStore};
use crate::store::{Append, AppendError, DedupeKey, Log, Logged, Position, StoreError};
use async_trait::async_trait;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{ContactId, ConversationId, InboxId, MessageId, Seq};

#[async_trait]
impl Log for MemoryStore {
    async fn load(&self, conversation: ConversationId) -> Result<Option<Conversation>, StoreError> {
        Ok(self.data().conversations.get(&conversation).map(|kept| kept.state.clone()))
    }

    async fn append(&self, append: Append) -> Result<Position, AppendError> {
        self.pause().await;
        let appended = {
            let mut data = self.data();
            data.check(&append).map(|()| data.write(append))
        };
        self.pause().await;
        appended
    }

    async fn read(&self, conversation: ConversationId, after: Seq, limit: usize) -> Result<Vec<Envelope>, StoreError> {
        let data = self.data();
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(data.facts(conversation).iter().skip(after).take(limit).map(|&at| data.log[at].envelope.clone()).collect())
    }

    async fn read_back(
        &self,
        conversation: ConversationId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        let data = self.data();
        let facts = data.facts(conversation);
        let end = usize::try_from(before.saturating_sub(1)).unwrap_or(usize::MAX).min(facts.len());
        let part = &facts[end.saturating_sub(limit)..end];
        Ok(part.iter().map(|&at| data.log[at].envelope.clone()).collect())
    }

    async fn follow(&self, after: Position, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.data().log.iter().skip(after).take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.data().log.len() as Position)
    }

    async fn thread(&self, inbox: &InboxId, contact: ContactId) -> Result<Option<ConversationId>, StoreError> {
        Ok(self.data().threads.get(&(inbox.clone(), contact)).copied())
    }

    async fn find(&self, key: &DedupeKey) -> Result<Option<(ConversationId, Seq)>, StoreError> {
        Ok(self.data().taken.get(key).copied())
    }
}

impl Data {
    fn facts(&self, conversation: ConversationId) -> &[usize] {
        self.conversations.get(&conversation).map_or(&[], |kept| &kept.facts)
    }

    fn check(&self, append: &Append) -> Result<(), AppendError> {
        if let Some(&(conversation, seq)) = append.dedupe.as_ref().and_then(|key| self.taken.get(key)) {
            return Err(AppendError::Duplicate { conversation, seq });
        }
        if let Some(claim) = &append.thread {
            let newest = self.threads.get(&(claim.inbox.clone(), claim.contact)).copied();
            if newest != claim.replaces {
                let by = newest.or(claim.replaces).expect("two different options are not both none");
                return Err(AppendError::ThreadTaken { by });
            }
        }
        let actual = self.conversations.get(&append.conversation).map_or(0, |kept| kept.state.seq);
        if actual == append.expected { Ok(()) } else { Err(AppendError::Conflict { actual }) }
    }

    fn write(&mut self, append: Append) -> Position {
        let Append { conversation, envelopes, state, dedupe, jobs, thread, .. } = append;
        if let Some(key) = dedupe {
            self.taken.insert(key, (conversation, state.seq));
        }
        if let Some(claim) = thread {
            self.threads.insert((claim.inbox, claim.contact), conversation);
        }
        for job in jobs {
            self.enqueue(conversation, job);
        }
        let first = self.log.len();
        let mut facts = self.conversations.remove(&conversation).map(|kept| kept.facts).unwrap_or_default();
        facts.extend(first..first + envelopes.len());
        self.conversations.insert(conversation, Kept { state, facts });
        let removed: Vec<MessageId> = envelopes.iter().filter_map(|fact| fact.event.removed()).collect();
        let positions = first as Position + 1..;
        self.log.extend(positions.zip(envelopes).map(|(position, envelope)| Logged { position, envelope }));
        for message in removed {
            for &at in &self.conversations[&conversation].facts {
                self.log[at].envelope.event.erase(message);
            }
        }
        self.log.len() as Position
    }
}
