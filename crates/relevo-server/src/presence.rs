//! Who is here now: visitors on the sites, agents in conversations. Kept in memory. Every server tells the others who is
//! connected to it ([`Here`]), and says every few seconds that it is still there; one that falls silent is forgotten
//! together with everybody connected to it.

use relevo::bus::{Bus, Here, Present, Signal};
use relevo::domain::id::{AgentId, ContactId, ConversationId, InboxId};
use relevo::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often a server says that it is there.
const ALIVE: Duration = Duration::from_secs(5);
/// After so many of these without a word a server is forgotten.
const SILENT: u32 = 3;
/// Visitors a message: their pages' addresses may be long.
const AT_ONCE: usize = 100;

/// Who is here.
pub struct PresenceBook {
    bus: Arc<dyn Bus>,
    node: Uuid,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Visitors connected to this server, and with how many sockets.
    visitors: HashMap<ContactId, (Present, usize)>,
    /// Agents connected to this server, and on how many screens they have a conversation open.
    viewing: HashMap<ConversationId, BTreeMap<AgentId, usize>>,
    others: HashMap<Uuid, Other>,
}

/// Another server.
#[derive(Default)]
struct Other {
    silent: u32,
    visitors: HashMap<ContactId, Present>,
    viewing: BTreeSet<(ConversationId, AgentId)>,
}

impl Known {
    fn visitor(&self, contact: ContactId) -> Option<&Present> {
        let here = self.visitors.get(&contact).map(|(present, _)| present);
        here.or_else(|| self.others.values().find_map(|other| other.visitors.get(&contact)))
    }
}

impl PresenceBook {
    /// Nobody yet. `node` is this server's number among those that share the bus.
    pub fn new(bus: Arc<dyn Bus>, node: Uuid) -> Self {
        Self { bus, node, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: Here) {
        self.bus.publish(Signal::Here { node: self.node, news });
    }

    /// Listens to the other servers until `stop` is cancelled.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut signals = self.bus.subscribe();
        let mut alive = tokio::time::interval(ALIVE);
        self.tell(Here::Ask);
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.tell(Here::Left),
                _ = alive.tick() => {
                    self.tell(Here::Alive);
                    self.forget_the_silent();
                }
                signal = signals.recv() => match signal {
                    Ok(Signal::Here { node, news }) if node != self.node => self.hear(node, news),
                    Ok(_) => {}
                    // Something of theirs may have been lost.
                    Err(RecvError::Lagged(_)) => self.tell(Here::Ask),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// What another server tells.
    fn hear(&self, node: Uuid, news: Here) {
        if news == Here::Left {
            return self.forget(node);
        }
        let mut known = self.known();
        let is_new = !known.others.contains_key(&node);
        let other = known.others.entry(node).or_default();
        other.silent = 0;
        let mut changed = Vec::new();
        match news {
            Here::Alive | Here::Left => {}
            Here::Ask => {
                drop(known);
                return self.tell_all();
            }
            Here::Visitors { visitors } => {
                for present in visitors {
                    changed.push(Signal::Online { contact: present.contact, on: true });
                    other.visitors.insert(present.contact, present);
                }
            }
            Here::Went { contact } => {
                other.visitors.remove(&contact);
                changed.push(Signal::Online { contact, on: known.visitor(contact).is_some() });
            }
            Here::Views { conversation, agent, on } => {
                if on {
                    other.viewing.insert((conversation, agent));
                } else {
                    other.viewing.remove(&(conversation, agent));
                }
                changed.push(Signal::Viewing { conversation });
            }
        }
        drop(known);
        for signal in changed {
            self.bus.publish(signal);
        }
        if is_new {
            // It was there before this server was, or had been forgotten.
            self.tell(Here::Ask);
        }
    }

    fn tell_all(&self) {
        let known = self.known();
        let visitors: Vec<Present> = known.visitors.values().map(|(present, _)| present.clone()).collect();
        let viewing: Vec<_> = known
            .viewing
            .iter()
            .flat_map(|(conversation, agents)| agents.keys().map(|agent| (*conversation, *agent)))
            .collect();
        drop(known);
        for some in visitors.chunks(AT_ONCE) {
            self.tell(Here::Visitors { visitors: some.to_vec() });
        }
        for (conversation, agent) in viewing {
            self.tell(Here::Views { conversation, agent, on: true });
        }
        self.tell(Here::Alive);
    }

    fn forget_the_silent(&self) {
        let mut silent = Vec::new();
        for (node, other) in &mut self.known().others {
            other.silent += 1;
            if other.silent > SILENT {
                silent.push(*node);
            }
        }
        for node in silent {
            self.forget(node);
        }
    }

    fn forget(&self, node: Uuid) {
        let mut known = self.known();
        let Some(gone) = known.others.remove(&node) else { return };
        let mut changed: Vec<_> = gone
            .visitors
            .into_keys()
            .map(|contact| Signal::Online { contact, on: known.visitor(contact).is_some() })
            .collect();
        drop(known);
        let conversations: BTreeSet<_> = gone.viewing.into_iter().map(|(conversation, _)| conversation).collect();
        changed.extend(conversations.into_iter().map(|conversation| Signal::Viewing { conversation }));
        for signal in changed {
            self.bus.publish(signal);
        }
    }

    /// A visitor's page connected.
    pub fn came(&self, contact: ContactId, inbox: &InboxId, language: Option<&str>, page: Page, at: Timestamp) {
        let mut known = self.known();
        let (present, sockets) = known.visitors.entry(contact).or_insert_with(|| {
            let language = language.map(str::to_owned);
            (Present { contact, inbox: inbox.clone(), since: at, page: None, title: None, language }, 0)
        });
        *sockets += 1;
        present.page = page.url.or(present.page.take());
        present.title = page.title.or(present.title.take());
        let present = present.clone();
        drop(known);
        self.is_here(present);
    }

    /// A visitor looks at another page.
    pub fn moved(&self, contact: ContactId, page: Page) {
        let moved = self.known().visitors.get_mut(&contact).map(|(present, _)| {
            present.page = page.url;
            present.title = page.title;
            present.clone()
        });
        if let Some(present) = moved {
            self.is_here(present);
        }
    }

    fn is_here(&self, present: Present) {
        self.bus.publish(Signal::Online { contact: present.contact, on: true });
        self.tell(Here::Visitors { visitors: vec![present] });
    }

    /// A visitor's page went.
    pub fn went(&self, contact: ContactId) {
        let mut known = self.known();
        let Some((_, sockets)) = known.visitors.get_mut(&contact) else { return };
        *sockets -= 1;
        if *sockets > 0 {
            return;
        }
        known.visitors.remove(&contact);
        let on = known.visitor(contact).is_some();
        drop(known);
        self.bus.publish(Signal::Online { contact, on });
        self.tell(Here::Went { contact });
    }

    /// Whether a visitor's page is connected.
    pub fn online(&self, contact: ContactId) -> bool {
        self.known().visitor(contact).is_some()
    }

    /// Everybody on the sites.
    pub fn visitors(&self) -> Vec<Present> {
        let known = self.known();
        let mut all: HashMap<ContactId, Present> = HashMap::new();
        for other in known.others.values() {
            all.extend(other.visitors.iter().map(|(contact, present)| (*contact, present.clone())));
        }
        all.extend(known.visitors.iter().map(|(contact, (present, _))| (*contact, present.clone())));
        all.into_values().collect()
    }

    /// One of them.
    pub fn visitor(&self, contact: ContactId) -> Option<Present> {
        self.known().visitor(contact).cloned()
    }

    /// An agent opened or shut a conversation on one of their screens.
    pub fn views(&self, conversation: ConversationId, agent: AgentId, on: bool) {
        let mut known = self.known();
        let agents = known.viewing.entry(conversation).or_default();
        let count = agents.entry(agent).or_default();
        let before = *count > 0;
        *count = if on { *count + 1 } else { count.saturating_sub(1) };
        let after = *count > 0;
        if !after {
            agents.remove(&agent);
        }
        if agents.is_empty() {
            known.viewing.remove(&conversation);
        }
        drop(known);
        self.bus.publish(Signal::Viewing { conversation });
        if before != after {
            self.tell(Here::Views { conversation, agent, on });
        }
    }

    /// Who has a conversation open.
    pub fn viewers(&self, conversation: ConversationId) -> Vec<AgentId> {
        let known = self.known();
        let here = known.viewing.get(&conversation).into_iter().flat_map(BTreeMap::keys);
        let there = known.others.values().flat_map(|other| &other.viewing);
        let there = there.filter(|(of, _)| *of == conversation).map(|(_, agent)| agent);
        here.chain(there).copied().collect::<BTreeSet<_>>().into_iter().collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::bus::LocalBus;

    fn contact(n: u128) -> ContactId {
        ContactId(Uuid::from_u128(n))
    }

    fn shop() -> InboxId {
        InboxId::new("shop").unwrap()
    }

    /// Two servers' books on one bus, each listening.
    fn two(stop: &CancellationToken) -> [Arc<PresenceBook>; 2] {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        [1, 2].map(|n| {
            let book = Arc::new(PresenceBook::new(Arc::clone(&bus), Uuid::from_u128(n)));
            tokio::spawn(Arc::clone(&book).follow(stop.clone()));
            book
        })
    }

    async fn until(what: impl Fn() -> bool) {
        tokio::time::timeout(Duration::from_mins(5), async {
            while !what() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .expect("it comes to that");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_connected_to_one_server_is_here_on_the_other() {
        let stop = CancellationToken::new();
        let [one, two] = two(&stop);
        let (conversation, agent) = (ConversationId(Uuid::from_u128(7)), AgentId(Uuid::from_u128(8)));
        let page = Page { url: Some("/shoes".into()), title: None };
        one.came(contact(1), &shop(), Some("es"), page, Timestamp(5));
        one.views(conversation, agent, true);
        until(|| two.online(contact(1)) && two.viewers(conversation) == [agent]).await;
        assert_eq!(two.visitor(contact(1)).unwrap().page.as_deref(), Some("/shoes"));

        two.came(contact(1), &shop(), Some("es"), Page::default(), Timestamp(6));
        assert_eq!(two.visitors().len(), 1, "one person on two servers");
        one.went(contact(1));
        one.views(conversation, agent, false);
        until(|| two.viewers(conversation).is_empty()).await;
        assert!(one.online(contact(1)) && two.online(contact(1)), "the page on the other server is still there");
        two.went(contact(1));
        until(|| !one.online(contact(1))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_starts_late_learns_who_is_here_and_one_that_ends_takes_its_visitors_along() {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        let (stop, stop_late) = (CancellationToken::new(), CancellationToken::new());
        let early = Arc::new(PresenceBook::new(Arc::clone(&bus), Uuid::from_u128(1)));
        tokio::spawn(Arc::clone(&early).follow(stop.clone()));
        for n in 0..250 {
            early.came(contact(n), &shop(), None, Page::default(), Timestamp(5));
        }
        let late = Arc::new(PresenceBook::new(bus, Uuid::from_u128(2)));
        tokio::spawn(Arc::clone(&late).follow(stop_late.clone()));
        until(|| late.visitors().len() == 250).await;
        stop.cancel();
        until(|| late.visitors().is_empty()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_falls_silent_is_forgotten() {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        let book = Arc::new(PresenceBook::new(Arc::clone(&bus), Uuid::from_u128(1)));
        tokio::spawn(Arc::clone(&book).follow(CancellationToken::new()));
        let dead = PresenceBook::new(bus, Uuid::from_u128(2));
        tokio::task::yield_now().await;
        dead.came(contact(1), &shop(), None, Page::default(), Timestamp(5));
        until(|| book.online(contact(1))).await;
        until(|| !book.online(contact(1))).await;
    }
}
