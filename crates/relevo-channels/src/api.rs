//! The API channel: a provider that nobody here has written, behind one signed HTTP request each way (Standard
//! Webhooks). Here is the way out; the way in is a route of the server. The shapes are in `docs/channels.md`.
//!
//! Its answer decides. 2xx: it has the message. 429 and 5xx: it says that it has not, and is asked again under the same
//! `webhook-id`, by which it can tell. Anything else: refused. No answer where no connection was made: asked again. No
//! answer to what was sent: it may have it, and is never asked again.

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use relevo::channel::{Channel, Sending, Sent};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::id::InboxId;
use relevo::domain::message::Actor;
use relevo::hook::Hook;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The kind of channel, as an inbox and its conversations name it.
pub const KIND: &str = "api";
/// After each attempt: people wait for these words, so the first pauses are short. The last one repeats.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
];
/// The longest pause that a provider may ask for.
const LONGEST: Duration = Duration::from_hours(1);
/// The shortest one is this part of ours: each attempt is written down, and a provider may ask for none for a whole day.
const SHORTEST: u32 = 10;
/// What a provider did not take for so long is given up.
pub const GIVE_UP: Duration = Duration::from_hours(24);

/// All inboxes of this kind, and where each one's messages go.
#[derive(Debug)]
pub struct ApiChannel {
    hooks: BTreeMap<InboxId, Hook>,
    clock: SystemClock,
}

impl ApiChannel {
    /// With the addresses of its inboxes.
    pub fn new(hooks: BTreeMap<InboxId, Hook>) -> Self {
        Self { hooks, clock: SystemClock }
    }
}

#[async_trait]
impl Channel for ApiChannel {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        let Sending { conversation, message, written_at, attempt, .. } = sending;
        let Some(hook) = self.hooks.get(&conversation.inbox) else {
            return Sent::Refused(format!("the inbox `{}` has no address to send to", conversation.inbox));
        };
        if !message.attachments.is_empty() {
            return Sent::Refused("this channel carries text and no files".to_owned());
        }
        let body = serde_json::to_vec(&request(sending)).expect("text and ids");
        let now = self.clock.now();
        let again = |asked: Option<Duration>, why: String| {
            if now.since(written_at) >= GIVE_UP {
                return Sent::Refused(format!("not taken within {} h: {why}", GIVE_UP.as_secs() / 3_600));
            }
            Sent::Retry(pause(attempt, asked))
        };
        match hook.post(&message.id.to_string(), now, body).await {
            Ok(answer) if answer.status().is_success() => Sent::Accepted,
            Ok(answer) if is_again(answer.status()) => {
                again(asked_for(&answer), format!("the last answer was {}", answer.status().as_u16()))
            }
            Ok(answer) => Sent::Refused(format!("refused with {}", answer.status().as_u16())),
            Err(error) if error.is_connect() => again(None, "nobody could be reached".to_owned()),
            Err(error) if error.is_timeout() => {
                Sent::Unknown(format!("no answer within {} s", hook.timeout().as_secs()))
            }
            Err(_) => Sent::Unknown("the connection broke off before an answer".to_owned()),
        }
    }
}

fn is_again(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The pause after an attempt, after which the provider may have asked for one.
fn pause(attempt: u32, asked: Option<Duration>) -> Duration {
    let nth = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let ours = PAUSES[nth.min(PAUSES.len() - 1)];
    asked.map_or(ours, |asked| asked.clamp(ours / SHORTEST, LONGEST))
}

/// The pause that the provider asks for, in seconds.
fn asked_for(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn request(sending: Sending<'_>) -> Value {
    let Sending { conversation, contact, message, .. } = sending;
    let author = match message.author {
        Actor::Bot { .. } => "bot",
        Actor::Agent { .. } | Actor::External { .. } => "agent",
        Actor::Visitor | Actor::System => "system",
    };
    json!({
        "type": "message", "inbox": conversation.inbox, "conversation": conversation.id,
        "contact": {"id": contact.id, "external_id": contact.external_id},
        "message": {"id": message.id, "author": author, "text": message.text, "buttons": message.buttons},
    })
}
