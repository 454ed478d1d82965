//! The channel port: how words reach the visitor.
//!
//! # How to write one
//! Implement [`Channel::send`]: one attempt, no retries of your own, the message's id passed to the provider wherever it
//! has a field for that. Answer `Retry` only when the provider says or it is sure that it did not take it, `Unknown` when
//! it may have. After 30 s the attempt is dropped and counts as `Unknown`. Until a message is through with its retries,
//! the later ones of its conversation wait. What the provider says of it afterwards is [`Command::RecordDelivery`].

use crate::desk::{Desk, DeskError};
use crate::outbox::{LEASE, Outcome};
use crate::store::{Contact, Job};
use async_trait::async_trait;
use relevo_domain::command::Command;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Event;
use relevo_domain::id::MessageId;
use relevo_domain::message::{DeliveryState, Message};
use relevo_domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// How long a provider may take. Less than a claim lasts, so that nobody takes the sender for dead meanwhile; and a
/// provider that never answers does not keep its place among the sends for ever.
const PATIENCE: Duration = Duration::from_secs(30);
const _: () = assert!(PATIENCE.as_secs() < LEASE.as_secs(), "a send ends before its claim");

/// The kind of channel whose visitors read the log.
pub const WEB: &str = "web";

/// A way to the visitor.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// Whether visitors read the log itself (the web), so that claiming a delivery is sending it.
    fn follows_the_log(&self) -> bool {
        false
    }

    /// Sends one message once.
    async fn send(&self, sending: Sending<'_>) -> Sent;
}

/// A message that is to leave now.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// Where it was written.
    pub conversation: &'a Conversation,
    /// Whom it is for.
    pub contact: &'a Contact,
    /// The message.
    pub message: &'a Message,
    /// When it was written.
    pub written_at: Timestamp,
    /// The how-manieth attempt this is.
    pub attempt: u32,
}

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It has it.
    Accepted,
    /// It surely does not have it: try again after a while.
    Retry(Duration),
    /// It refuses it for good.
    Refused(String),
    /// It may have it. Never sent again blindly.
    Unknown(String),
}

/// All channels by kind (`web`, …).
#[derive(Clone, Default)]
pub struct Channels(BTreeMap<String, Arc<dyn Channel>>);

impl Channels {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind of channel.
    #[must_use]
    pub fn with(mut self, kind: &str, channel: Arc<dyn Channel>) -> Self {
        self.0.insert(kind.to_owned(), channel);
        self
    }

    /// Sends a message: claims it (the fence's second check), asks the provider, records its answer.
    pub(crate) async fn deliver(&self, desk: &Desk, job: &Job, message: MessageId) -> Result<Outcome, DeskError> {
        let Some(state) = desk.store().load(job.conversation).await? else { return Ok(Outcome::Finished) };
        let Some(outgoing) = state.outgoing.get(&message) else { return Ok(Outcome::Finished) };
        let id = job.conversation;
        let fails = async |reason: String| {
            let (state, reason) = (DeliveryState::Failed, Some(reason));
            desk.run(id, Command::RecordDelivery { message, state, reason }).await.map(|_| Outcome::Finished)
        };
        let Some(channel) = self.0.get(&state.channel) else {
            return fails(format!("no channel of the kind `{}` is set up", state.channel)).await;
        };
        if channel.follows_the_log() {
            desk.run(id, Command::ClaimDelivery { message, state: DeliveryState::Sent }).await?;
            crate::crash_point!("after_delivery");
            return Ok(Outcome::Finished);
        }
        if outgoing.state == DeliveryState::Sending && job.attempt > 1 {
            // A process died between asking the provider and recording its answer.
            if crate::sabotaged!("blind_resends") {
                let state = DeliveryState::Queued;
                desk.run(id, Command::RecordDelivery { message, state, reason: None }).await?;
            } else {
                let reason = Some("interrupted while sending: it may or may not have arrived".to_owned());
                desk.run(id, Command::RecordDelivery { message, state: DeliveryState::Unknown, reason }).await?;
                return Ok(Outcome::Finished);
            }
        }
        let Some(contact) = desk.store().contact(state.contact).await? else {
            return fails("whom it is for is gone".to_owned()).await;
        };
        let done = desk.run(id, Command::ClaimDelivery { message, state: DeliveryState::Sending }).await?;
        crate::crash_point!("after_delivery");
        let goes_out = done.facts.iter().find_map(|fact| match &fact.event {
            Event::DeliveryClaimed { message, .. } => Some(message),
            _ => None,
        });
        let Some(message) = goes_out else { return Ok(Outcome::Finished) };
        let span = tracing::debug_span!("send", conversation.id = %id, channel = %state.channel);
        let (written_at, attempt) = (outgoing.written_at, job.attempt);
        let sending = Sending { conversation: &done.state, contact: &contact, message, written_at, attempt };
        let answer = tokio::time::timeout(PATIENCE, channel.send(sending)).instrument(span).await;
        let silence = |_| Sent::Unknown(format!("no answer within {} s", PATIENCE.as_secs()));
        crate::crash_point!("after_send");
        let (state, reason) = match answer.unwrap_or_else(silence) {
            Sent::Accepted => (DeliveryState::Sent, None),
            Sent::Retry(after) => {
                let queued = DeliveryState::Queued;
                desk.run(id, Command::RecordDelivery { message: message.id, state: queued, reason: None }).await?;
                return Ok(Outcome::Again(after));
            }
            Sent::Refused(reason) => (DeliveryState::Failed, Some(reason)),
            Sent::Unknown(reason) => (DeliveryState::Unknown, Some(reason)),
        };
        desk.run(id, Command::RecordDelivery { message: message.id, state, reason }).await?;
        Ok(Outcome::Finished)
    }
}

/// The web: visitors read the log itself, so a claimed delivery is a sent one and there is nobody to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct TheLog;

#[async_trait]
impl Channel for TheLog {
    fn follows_the_log(&self) -> bool {
        true
    }

    async fn send(&self, _: Sending<'_>) -> Sent {
        Sent::Accepted
    }
}
