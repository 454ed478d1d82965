use super::MemoryStore;
use crate::store::{Accounts, Agent, Draft, Presence, Session, StoreError, fold};
use async_trait::async_trait;
use relevo_domain::id::AgentId;
use relevo_domain::time::Timestamp;

#[async_trait]
impl Accounts for MemoryStore {
    async fn put_agent(&self, agent: &Agent) -> Result<bool, StoreError> {
        let mut data = self.data();
        let free = data.agents.values().all(|other| other.id == agent.id || other.email != agent.email);
        if free {
            data.agents.insert(agent.id, agent.clone());
        }
        Ok(free)
    }

    async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let mut agents: Vec<Agent> = self.data().agents.values().cloned().collect();
        agents.sort_by_cached_key(|agent| (fold(&agent.name), agent.id));
        Ok(agents)
    }

    async fn agent_by_email(&self, email: &str) -> Result<Option<Agent>, StoreError> {
        Ok(self.data().agents.values().find(|agent| agent.email == email).cloned())
    }

    async fn set_presence(&self, agent: AgentId, presence: Presence) -> Result<(), StoreError> {
        if let Some(agent) = self.data().agents.get_mut(&agent) {
            agent.presence = presence;
        }
        Ok(())
    }

    async fn put_session(&self, token_hash: &str, session: &Session) -> Result<(), StoreError> {
        self.data().sessions.insert(token_hash.to_owned(), session.clone());
        Ok(())
    }

    async fn session(&self, token_hash: &str) -> Result<Option<Session>, StoreError> {
        Ok(self.data().sessions.get(token_hash).cloned())
    }

    async fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        self.data().sessions.remove(token_hash);
        Ok(())
    }

    async fn end_sessions(&self, agent: AgentId) -> Result<(), StoreError> {
        self.data().sessions.retain(|_, session| session.agent != agent);
        Ok(())
    }

    async fn put_ticket(&self, token_hash: &str, holder: &str, expires: Timestamp) -> Result<(), StoreError> {
        self.data().tickets.insert(token_hash.to_owned(), (holder.to_owned(), expires));
        Ok(())
    }

    async fn take_ticket(&self, token_hash: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let taken = self.data().tickets.remove(token_hash);
        Ok(taken.filter(|(_, expires)| *expires > now).map(|(holder, _)| holder))
    }

    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut data = self.data();
        let before = data.tickets.len();
        data.tickets.retain(|_, (_, expires)| *expires > now);
        Ok((before - data.tickets.len()) as u64)
    }

    async fn put_draft(&self, agent: AgentId, draft: &Draft, _at: Timestamp) -> Result<(), StoreError> {
        let key = (agent, draft.conversation, draft.mode);
        let mut data = self.data();
        if draft.text.is_empty() {
            data.drafts.remove(&key);
        } else {
            data.drafts.insert(key, draft.clone());
        }
        Ok(())
    }

    async fn drafts(&self, agent: AgentId) -> Result<Vec<Draft>, StoreError> {
        let data = self.data();
        Ok(data.drafts.iter().filter(|((whose, ..), _)| *whose == agent).map(|(_, draft)| draft.clone()).collect())
    }
}
