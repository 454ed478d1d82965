//! The feed: one follower of the log per process, from which everything else in the process hears what happened. It
//! reads the log by position, so whatever the bus loses it finds at its next look.

use crate::bus::{Bus, Signal};
use crate::store::{Position, Row, Store, StoreError};
use relevo_domain::event::Envelope;
use relevo_domain::id::ConversationId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

const BATCH: usize = 1_000;
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
    position: watch::Receiver<Position>,
}

impl Feed {
    /// Starts to follow at the log's present end; stops when `stop` is cancelled.
    pub async fn start(store: Arc<dyn Store>, bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<Self, StoreError> {
        let (changes, _) = broadcast::channel(8_192);
        // Subscribed before the head is read, so that nothing falls between the two.
        let signals = bus.subscribe();
        let (seen, position) = watch::channel(store.head().await?);
        tokio::spawn(follow(store, signals, changes.clone(), seen, stop));
        Ok(Self { changes, position })
    }

    /// Everything that happens from now on. A receiver that lags behind is told so and must read the log.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Up to where everything was told.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }
}

async fn follow(
    store: Arc<dyn Store>,
    mut signals: broadcast::Receiver<Signal>,
    changes: broadcast::Sender<Change>,
    seen: watch::Sender<Position>,
    stop: CancellationToken,
) {
    loop {
        match advance(store.as_ref(), &changes, &seen).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the log could not be read, trying again"),
        }
        let known = *seen.borrow();
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake(&mut signals, known) => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
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
    changes: &broadcast::Sender<Change>,
    seen: &watch::Sender<Position>,
) -> Result<bool, StoreError> {
    let after = *seen.borrow();
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
    for conversation in order {
        // Erased in the meantime: nobody is to hear of it any more.
        let Some(row) = store.row(conversation).await? else { continue };
        let facts = Arc::new(facts.remove(&conversation).unwrap_or_default());
        // An error only says that nobody listens.
        let _ = changes.send(Change { conversation, facts, row: Arc::new(row) });
    }
    seen.send_replace(last);
    Ok(true)
}
