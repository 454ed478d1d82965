//! A bot in any language, behind one signed HTTP request (Standard Webhooks). The shapes are in `docs/protocol.md`.
//!
//! It answers at once (200) or promises to answer later (202). A time-out, an error, an answer that is too large or
//! not understood: people take over, with the reason. When the conversation changes hands, the request is dropped and
//! the bot's connection closes.

mod request;
#[cfg(test)]
mod tests;

use crate::guard::{PublicOnly, is_private};
use async_trait::async_trait;
use futures::StreamExt;
use relevo::bot::{Answer, Bot, BotError, LiveTurn, TurnEnd, TurnOver};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::event::Failure;
use relevo::webhook::{Secret, seconds};
use request::request;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long one request may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// How many requests to one bot may be under way.
pub const IN_FLIGHT: usize = 8;
/// How long a promised answer may take.
pub const LATER: Duration = Duration::from_mins(1);

/// Where a bot is and how it is talked to.
#[derive(Debug, Clone)]
pub struct Settings {
    url: String,
    secret: Secret,
    private: Private,
    timeout: Duration,
    later: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Private {
    Refused,
    Allowed,
}

impl Settings {
    /// A bot at an address, with the secret that both sides sign with.
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        Self { url: url.into(), secret, private: Private::Refused, timeout: TIMEOUT, later: LATER }
    }

    /// Its address may be this machine's or a private network's.
    #[must_use]
    pub fn allow_private(mut self) -> Self {
        self.private = Private::Allowed;
        self
    }

    /// Another time-out than [`TIMEOUT`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// Why a bot cannot be talked to as it is set up.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BadWebhook {
    /// The address is not one.
    #[error("`{0}` is not an http or https address")]
    Url(String),
    /// The address is private.
    #[error("`{0}` is a private address: set `allow_private = true` if that is meant")]
    Private(String),
    /// The HTTP client could not be made.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// A webhook bot.
pub struct WebhookBot {
    url: Url,
    settings: Settings,
    client: Client,
    places: Arc<Semaphore>,
    clock: SystemClock,
}

impl WebhookBot {
    /// A bot by its settings. A process without a rustls provider gets ring.
    pub fn new(settings: Settings) -> Result<Self, BadWebhook> {
        let bad = || BadWebhook::Url(settings.url.clone());
        let url: Url = settings.url.parse().map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        let mut client = Client::builder().redirect(redirect::Policy::none()).timeout(settings.timeout).no_proxy();
        if settings.private == Private::Refused {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            if host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_private) {
                return Err(BadWebhook::Private(settings.url.clone()));
            }
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        // Whoever set up a provider for the whole process keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client.build().map_err(|error| BadWebhook::Client(error.to_string()))?;
        Ok(Self { url, settings, client, places: Arc::new(Semaphore::new(IN_FLIGHT)), clock: SystemClock })
    }

    /// Whether somebody answers HTTP at its address, and with which status. Nothing is signed and no turn is asked for.
    pub async fn reach(&self) -> Result<u16, BotError> {
        let answer = self.client.head(self.url.clone()).send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| self.unreachable(&error))
    }

    async fn ask(&self, turn: &LiveTurn) -> Result<Option<Answer>, BotError> {
        let _place = self.places.acquire().await.expect("never closed");
        let now = self.clock.now();
        let secret = &self.settings.secret;
        let expires = now.after(self.settings.later + self.settings.timeout);
        let token = secret.turn_token(turn.conversation_id(), turn.right(), expires);
        let body = serde_json::to_vec(&request(turn, &token)).expect("text and ids");
        let id = format!("turn_{}", turn.right().id);
        let sent = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds(now).to_string())
            .header("webhook-signature", secret.sign(&id, now, &body))
            .body(body)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        match sent.status() {
            StatusCode::OK => {
                let bytes = self.read(sent).await?;
                let answer = serde_json::from_slice(&bytes);
                answer.map(Some).map_err(|error| Failure::NotUnderstood { problem: error.to_string() }.into())
            }
            StatusCode::ACCEPTED => Ok(None),
            status => Err(Failure::HttpStatus { status: status.as_u16() }.into()),
        }
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, BotError> {
        let mut bytes = Vec::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.unreachable(&error))?);
            if bytes.len() > MAX_ANSWER {
                return Err(Failure::TooLarge { limit: MAX_ANSWER as u64 }.into());
            }
        }
        Ok(bytes)
    }

    fn unreachable(&self, error: &reqwest::Error) -> BotError {
        if error.is_timeout() {
            return Failure::NoAnswer { seconds: self.settings.timeout.as_secs() }.into();
        }
        // The error's own text may hold the address with its query: people need only the kind.
        if error.is_connect() { Failure::Unreachable.into() } else { Failure::BrokenOff.into() }
    }
}

#[async_trait]
impl Bot for WebhookBot {
    async fn turn(&self, turn: LiveTurn) -> Result<TurnEnd, BotError> {
        let answer = tokio::select! {
            () = turn.cancelled() => return Err(TurnOver.into()),
            answer = self.ask(&turn) => answer?,
        };
        relevo::crash_point!("after_post");
        let Some(answer) = answer else { return Ok(TurnEnd::Later(self.settings.later)) };
        turn.answer(answer).await?;
        Ok(TurnEnd::Done)
    }
}
