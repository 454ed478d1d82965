//! Who is here now: visitors on the sites, agents in conversations. Kept in memory and told on the bus.

use relevo::bus::{Bus, Signal};
use relevo::domain::id::{AgentId, ContactId, ConversationId, InboxId};
use relevo::domain::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A visitor on a site.
#[derive(Debug, Clone)]
pub struct Present {
    /// Who.
    pub contact: ContactId,
    /// In which inbox.
    pub inbox: InboxId,
    /// Since when.
    pub since: Timestamp,
    /// On which page.
    pub page: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Their language.
    pub language: Option<String>,
    sockets: usize,
}

/// Who is here.
pub struct PresenceBook {
    bus: Arc<dyn Bus>,
    visitors: Mutex<HashMap<ContactId, Present>>,
    viewing: Mutex<HashMap<ConversationId, BTreeMap<AgentId, usize>>>,
}

impl PresenceBook {
    /// Nobody yet.
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, visitors: Mutex::default(), viewing: Mutex::default() }
    }

    /// A visitor's page connected.
    pub fn came(&self, contact: ContactId, inbox: &InboxId, language: Option<&str>, page: Page, at: Timestamp) {
        let mut visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        let present = visitors.entry(contact).or_insert_with(|| Present {
            contact,
            inbox: inbox.clone(),
            since: at,
            page: None,
            title: None,
            language: language.map(str::to_owned),
            sockets: 0,
        });
        present.sockets += 1;
        present.page = page.url.or(present.page.take());
        present.title = page.title.or(present.title.take());
        drop(visitors);
        self.bus.publish(Signal::Online { contact, on: true });
    }

    /// A visitor looks at another page.
    pub fn moved(&self, contact: ContactId, page: Page) {
        if let Some(present) = self.visitors.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&contact) {
            present.page = page.url;
            present.title = page.title;
        }
        self.bus.publish(Signal::Online { contact, on: true });
    }

    /// A visitor's page went.
    pub fn went(&self, contact: ContactId) {
        let mut visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = visitors.get_mut(&contact) {
            present.sockets -= 1;
            if present.sockets == 0 {
                visitors.remove(&contact);
                drop(visitors);
                self.bus.publish(Signal::Online { contact, on: false });
            }
        }
    }

    /// Whether a visitor's page is connected.
    pub fn online(&self, contact: ContactId) -> bool {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&contact)
    }

    /// Everybody on the sites.
    pub fn visitors(&self) -> Vec<Present> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One of them.
    pub fn visitor(&self, contact: ContactId) -> Option<Present> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner).get(&contact).cloned()
    }

    /// An agent opened or shut a conversation on one of their screens.
    pub fn views(&self, conversation: ConversationId, agent: AgentId, on: bool) {
        let mut viewing = self.viewing.lock().unwrap_or_else(PoisonError::into_inner);
        let agents = viewing.entry(conversation).or_default();
        let count = agents.entry(agent).or_default();
        *count = if on { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            agents.remove(&agent);
        }
        if agents.is_empty() {
            viewing.remove(&conversation);
        }
        drop(viewing);
        self.bus.publish(Signal::Viewing { conversation, agent, on });
    }

    /// Who has a conversation open.
    pub fn viewers(&self, conversation: ConversationId) -> Vec<AgentId> {
        let viewing = self.viewing.lock().unwrap_or_else(PoisonError::into_inner);
        viewing.get(&conversation).map(|agents| agents.keys().copied().collect()).unwrap_or_default()
    }
}

/// A page that a visitor looks at.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
}
