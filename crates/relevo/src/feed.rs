//! The feed: one follower of the log per process, from which everything else in the process hears what happened. It
//! reads the log by position, so whatever the bus loses it finds at its next look.

use crate::bus::{Bus, Signal};
use crate::store::{Position, Row, Store, StoreError};
use crate::topics::{Following, Topics};
use relevo_domain::event::Envelope;
use relevo_domain::id::{ContactId, ConversationId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

const BATCH: usize = 1_000;
/// So many changes may wait for one who follows a contact: what is missed is read from the log.
const WAITING: usize = 4;
/// How often the log is looked at when the bus is silent: the latency of a deployment that lost its bus.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// News of one conversation: facts in order, and its row after the last of them.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whose.
    pub conversation: ConversationId,
    /// What happened, in order.
    pub facts: Arc<Vec<Envelope>>,
    /// The row of the lists. It may already know of later facts; never of fewer.
    pub row: Arc<Row>,
}

/// The process's own follower of the log.
#[derive(Debug, Clone)]
pub struct Feed {
    changes: broadcast::Sender<Change>,
    of_contacts: Topics<ContactId, Change>,
    position: watch::Receiver<Position>,
}

impl Feed {
    /// Starts to follow at the log's present end; stops when `stop` is cancelled.
    pub async fn start(store: Arc<dyn Store>, bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<Self, StoreError> {
        let (changes, _) = broadcast::channel(8_192);
        // Subscribed before the head is read, so that nothing falls between the two.
        let signals = bus.subscribe();
        let (seen, position) = watch::channel(store.head().await?);
        let of_contacts = Topics::new(WAITING);
        tokio::spawn(follow(store, signals, (changes.clone(), of_contacts.clone()), seen, stop));
        Ok(Self { changes, of_contacts, position })
    }

    /// Everything that happens from now on. A receiver that lags behind is told so and must read the log.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// What happens from now on in one contact's conversations.
    pub fn subscribe_to(&self, contact: ContactId) -> Following<ContactId, Change> {
        self.of_contacts.follow(contact)
    }

    /// Up to where everything was told.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }
}

async fn follow(
    store: Arc<dyn Store>,
    mut signals: broadcast::Receiver<Signal>,
    listeners: (broadcast::Sender<Change>, Topics<ContactId, Change>),
    seen: watch::Sender<Position>,
    stop: CancellationToken,
) {
    let again = if crate::sabotaged!("deaf") { LOOK_AGAIN * 600 } else { LOOK_AGAIN };
    loop {
        match advance(store.as_ref(), &listeners, &seen).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the log could not be read, trying again"),
        }
        let known = *seen.borrow();
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake(&mut signals, known) => {}
            () = tokio::time::sleep(again) => {}
        }
    }
}

/// Waits until a signal speaks of something newer than `known`.
async fn wake(signals: &mut broadcast::Receiver<Signal>, known: Position) {
    loop {
        match signals.recv().await {
            Ok(Signal::Appended { position }) if position > known => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// Reads one batch and tells it; whether there was one.
async fn advance(
    store: &dyn Store,
    (changes, of_contacts): &(broadcast::Sender<Change>, Topics<ContactId, Change>),
    seen: &watch::Sender<Position>,
) -> Result<bool, StoreError> {
    let (after, began) = (*seen.borrow(), tokio::time::Instant::now());
    let batch = store.follow(after, BATCH).await?;
    let Some(last) = batch.last().map(|logged| logged.position) else { return Ok(false) };
    let mut order = Vec::new();
    let mut facts: HashMap<ConversationId, Vec<Envelope>> = HashMap::new();
    for logged in batch {
        let conversation = logged.envelope.conversation;
        let of_it = facts.entry(conversation).or_insert_with(|| {
            order.push(conversation);
            Vec::new()
        });
        of_it.push(logged.envelope);
    }
    let followed = facts.values().map(Vec::len).sum::<usize>() as u64;
    let rows = store.rows(&order).await?.into_iter().map(|row| (row.conversation.id, Arc::new(row)));
    let mut rows: HashMap<_, _> = rows.collect();
    for conversation in order {
        // Erased in the meantime: nobody is to hear of it any more.
        let Some(row) = rows.remove(&conversation) else { continue };
        let facts = Arc::new(facts.remove(&conversation).unwrap_or_default());
        let change = Change { conversation, facts, row };
        of_contacts.tell(change.row.conversation.contact, &change);
        // An error only says that nobody listens.
        let _ = changes.send(change);
    }
    seen.send_replace(last);
    metrics::counter!("relevo_followed_facts_total").increment(followed);
    metrics::histogram!("relevo_follow_seconds").record(began.elapsed().as_secs_f64());
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::bot::{LiveTurn, bot_fn};
    use crate::framework::Framework;

    #[tokio::test]
    async fn whoever_follows_a_contact_hears_of_them_alone_and_leaves_nothing_behind() {
        let silent = bot_fn(|_: LiveTurn| async move { Ok(()) });
        let relevo = Framework::in_memory().inbox_with_bot("shop", "silent", silent).start().await.unwrap();
        let feed = relevo.feed().clone();
        let (ana, bruno) = (relevo.visitor("shop").await.unwrap(), relevo.visitor("shop").await.unwrap());
        let mut all = feed.subscribe();
        let (mut first, second) = (feed.subscribe_to(ana.contact()), feed.subscribe_to(ana.contact()));
        bruno.write("not for you").await.unwrap();
        ana.write("hello").await.unwrap();
        // The others hear of both, in this order.
        let everything = [all.recv().await.unwrap(), all.recv().await.unwrap()];
        assert_eq!(everything.map(|change| change.row.contact.id), [bruno.contact(), ana.contact()]);
        assert_eq!(first.recv().await.unwrap().row.contact.id, ana.contact());
        drop(first);
        assert_eq!(feed.of_contacts.len(), 1, "another page of theirs listens");
        drop(second);
        assert_eq!(feed.of_contacts.len(), 0);
        relevo.stop().await;
    }
}
