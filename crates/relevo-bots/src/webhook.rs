//! A bot in any language, behind one signed HTTP request (Standard Webhooks). The shapes are in `docs/protocol.md`.
//!
//! It answers at once (200) or promises to answer later (202). A time-out, an error, an answer that is too large or
//! not understood: people take over, with the reason. When the conversation changes hands, the request is dropped and
//! the bot's connection closes.

mod request;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use futures::StreamExt;
use relevo::bot::{Answer, Bot, BotError, LiveTurn, TurnEnd, TurnOver};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::event::Failure;
use relevo::hook::{BadHook, Hook, Settings};
use request::request;
use reqwest::{Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest answer, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// How many requests to one bot may be under way.
pub const IN_FLIGHT: usize = 8;
/// How long a promised answer may take.
pub const LATER: Duration = Duration::from_mins(1);

/// A webhook bot.
pub struct WebhookBot {
    hook: Hook,
    places: Arc<Semaphore>,
    clock: SystemClock,
}

impl WebhookBot {
    /// A bot by its settings.
    pub fn new(settings: Settings) -> Result<Self, BadHook> {
        Ok(Self { hook: Hook::new(settings)?, places: Arc::new(Semaphore::new(IN_FLIGHT)), clock: SystemClock })
    }

    /// Whether somebody answers HTTP at its address, and with which status. Nothing is signed and no turn is asked for.
    pub async fn reach(&self) -> Result<u16, BotError> {
        self.hook.reach().await.map_err(|error| self.unreachable(&error))
    }

    async fn ask(&self, turn: &LiveTurn) -> Result<Option<Answer>, BotError> {
        let _place = self.places.acquire().await.expect("never closed");
        let now = self.clock.now();
        let expires = now.after(LATER + self.hook.timeout());
        let token = self.hook.secret().turn_token(turn.conversation_id(), turn.right(), expires);
        let body = serde_json::to_vec(&request(turn, &token)).expect("text and ids");
        let id = format!("turn_{}", turn.right().id);
        let sent = self.hook.post(&id, now, body).await.map_err(|error| self.unreachable(&error))?;
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
            return Failure::NoAnswer { seconds: self.hook.timeout().as_secs() }.into();
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
        let Some(answer) = answer else { return Ok(TurnEnd::Later(LATER)) };
        turn.answer(answer).await?;
        Ok(TurnEnd::Done)
    }
}
