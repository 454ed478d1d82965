//! Agents by id, read from the store and kept until one of them changes.

use relevo::domain::id::AgentId;
use relevo::store::{Agent, Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// All agents.
pub struct AgentBook {
    store: Arc<dyn Store>,
    agents: RwLock<Arc<HashMap<AgentId, Agent>>>,
}

impl AgentBook {
    /// Reads them all.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let book = Self { store, agents: RwLock::default() };
        book.refresh().await?;
        Ok(book)
    }

    /// Reads them all again.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let agents = self.store.agents().await?.into_iter().map(|agent| (agent.id, agent)).collect();
        *self.agents.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(agents);
        Ok(())
    }

    /// All of them, as they were at the last look.
    pub fn all(&self) -> Arc<HashMap<AgentId, Agent>> {
        Arc::clone(&self.agents.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One of them.
    pub fn get(&self, id: AgentId) -> Option<Agent> {
        self.all().get(&id).cloned()
    }
}
