//! Signed requests to an address outside (Standard Webhooks): what webhook bots are asked by, and what the API channel
//! sends by. Private addresses are refused unless that is meant, redirects are not followed, and time is limited.

pub mod guard;

use crate::webhook::{Secret, seconds};
use guard::{PublicOnly, is_private};
use relevo_domain::time::Timestamp;
use reqwest::{Client, Error, Response, Url, redirect};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long one request may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody used for so long is not used again: common servers close it soon after, and a request that
/// goes out at that moment would be broken off.
const IDLE: Duration = Duration::from_secs(2);

/// Where somebody is and how they are talked to.
#[derive(Debug, Clone)]
pub struct Settings {
    url: String,
    secret: Secret,
    private: Private,
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Private {
    Refused,
    Allowed,
}

impl Settings {
    /// An address, with the secret that both sides sign with.
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        Self { url: url.into(), secret, private: Private::Refused, timeout: TIMEOUT }
    }

    /// It may be this machine's or a private network's.
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

/// Why an address cannot be talked to as it is set up.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BadHook {
    /// It is not one.
    #[error("`{0}` is not an http or https address")]
    Url(String),
    /// It is private.
    #[error("`{0}` is a private address: set `allow_private = true` if that is meant")]
    Private(String),
    /// The HTTP client could not be made.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// An address that signed requests go to.
#[derive(Debug)]
pub struct Hook {
    url: Url,
    secret: Secret,
    timeout: Duration,
    client: Client,
}

impl Hook {
    /// By its settings. A process without a rustls provider gets ring.
    pub fn new(settings: Settings) -> Result<Self, BadHook> {
        let Settings { url: text, secret, private, timeout } = settings;
        let bad = || BadHook::Url(text.clone());
        let url: Url = text.parse().map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        let mut client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        client = client.timeout(timeout).connect_timeout(timeout / 2).pool_idle_timeout(IDLE);
        if private == Private::Refused {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            if host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_private) {
                return Err(BadHook::Private(text));
            }
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        // Whoever set up a provider for the whole process keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client.build().map_err(|error| BadHook::Client(error.to_string()))?;
        Ok(Self { url, secret, timeout, client })
    }

    /// The secret that both sides sign with.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// How long one request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether somebody answers HTTP there, and with which status. Nothing is signed and nothing is asked for.
    pub async fn reach(&self) -> Result<u16, Error> {
        Ok(self.client.head(self.url.clone()).send().await?.status().as_u16())
    }

    /// Posts JSON under an id: the same for a request that is made again.
    pub async fn post(&self, id: &str, now: Timestamp, body: Vec<u8>) -> Result<Response, Error> {
        self.client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds(now).to_string())
            .header("webhook-signature", self.secret.sign(id, now, &body))
            .body(body)
            .send()
            .await
    }
}
