//! Agents by id, read from the store and kept until one of them changes.

use relevo::domain::id::AgentId;
use relevo::store::{Agent, Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often they are read again: another process may have changed one of them.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

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

    /// Reads them again from time to time until `stop` is cancelled.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the agents could not be read again");
            }
        }
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
