//! NATS (core) as the bus between servers. **The log is truth, buses are hints:** nothing here is kept, and a server that
//! hears nothing finds in the log what it missed ([`relevo::feed`]). While NATS is away, signals stay in the process.

use async_nats::{ConnectOptions, Event, Subject};
use async_trait::async_trait;
use futures::StreamExt;
use relevo::bus::{Bus, LocalBus, Signal};
use relevo::topics::Following;
use relevo_domain::id::ConversationId;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

/// The most signals that wait to be sent. What is beyond is dropped: old hints are worth nothing.
const WAITING: usize = 4_096;
/// How long to wait before each new try to connect.
const AGAIN: Duration = Duration::from_millis(500);

/// A bus whose signals reach this process at once, and the other servers through NATS.
#[derive(Debug)]
pub struct NatsBus {
    here: LocalBus,
    out: mpsc::Sender<Signal>,
}

/// Why the bus could not be set up. A NATS server that is away is no reason.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The address cannot be read.
    #[error("the address of NATS cannot be read: {0}: write nats://host:4222")]
    Address(String),
    /// Nobody answers there.
    #[error("NATS is not reached: {0}")]
    Away(String),
    /// The subject cannot be used.
    #[error("`{0}` cannot be a NATS subject: use letters, digits, `-` and `_`, parts joined by dots")]
    Subject(String),
}

impl NatsBus {
    /// A bus on `url` (`nats://user:password@host:4222`, several joined by commas). All servers of a deployment use the
    /// same `subject`, other deployments another. Whoever may publish there can pretend that somebody types, and no
    /// more.
    pub async fn connect(url: &str, subject: &str, stop: CancellationToken) -> Result<Self, NatsError> {
        let parts_are_plain = subject
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        if !parts_are_plain {
            return Err(NatsError::Subject(subject.to_owned()));
        }
        let here = LocalBus::default();
        let awake = here.clone();
        let options = ConnectOptions::new()
            .name("relevo")
            .no_echo()
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| AGAIN)
            .event_callback(move |event| {
                let here = awake.clone();
                async move { told(&here, &event) }
            });
        let client = options.connect(url.split(',').collect::<Vec<_>>()).await;
        let client = client.map_err(|error| NatsError::Address(error.to_string()))?;
        let subject = Subject::from(format!("{subject}.signals"));
        let mut heard =
            client.subscribe(subject.clone()).await.map_err(|error| NatsError::Address(error.to_string()))?;
        let (ears, ears_stop) = (here.clone(), stop.clone());
        tokio::spawn(async move {
            while let Some(Some(message)) = ears_stop.run_until_cancelled(heard.next()).await {
                match serde_json::from_slice(&message.payload) {
                    Ok(signal) => ears.publish(signal),
                    // A server of another version may say what this one does not know.
                    Err(error) => tracing::debug!(%error, "a signal was not understood"),
                }
            }
        });
        let (out, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(signal) = waiting.recv().await {
                let payload = serde_json::to_vec(&signal).expect("words, numbers and texts");
                // An error says that the connection has ended for good, or that the signal is too large to be one.
                if let Err(error) = client.publish(subject.clone(), payload.into()).await {
                    tracing::warn!(%error, "a signal was not sent");
                }
                if stop.is_cancelled() && waiting.is_empty() {
                    let _ = client.flush().await;
                }
            }
        });
        Ok(Self { here, out })
    }
}

/// Connects once, for whoever asks whether NATS is there.
pub async fn reach(url: &str, within: Duration) -> Result<(), NatsError> {
    let connected = async {
        let client = ConnectOptions::new().name("relevo").connect(url.split(',').collect::<Vec<_>>()).await;
        let client = client.map_err(|error| NatsError::Away(error.to_string()))?;
        client.flush().await.map_err(|error| NatsError::Away(error.to_string()))
    };
    let late = |_| NatsError::Away(format!("no answer within {} s", within.as_secs()));
    tokio::time::timeout(within, connected).await.map_err(late)?
}

#[async_trait]
impl Bus for NatsBus {
    fn publish(&self, signal: Signal) {
        if signal.is_for_others() && self.out.try_send(signal.clone()).is_err() {
            metrics::counter!("relevo_bus_dropped_total").increment(1);
        }
        self.here.publish(signal);
    }

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.here.subscribe()
    }

    fn subscribe_to(&self, conversation: ConversationId) -> Following<ConversationId, Signal> {
        self.here.subscribe_to(conversation)
    }
}

fn told(here: &LocalBus, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("NATS is there: servers wake each other");
            metrics::gauge!("relevo_bus_connected").set(1.0);
            // Whatever was said meanwhile was not heard: look at the log now.
            here.publish(Signal::Appended { position: u64::MAX });
        }
        Event::Disconnected => {
            tracing::warn!("NATS is away: other servers' news comes by looking at the log");
            metrics::gauge!("relevo_bus_connected").set(0.0);
        }
        other => tracing::warn!(event = %other, "NATS"),
    }
}

#[cfg(test)]
mod tests;
