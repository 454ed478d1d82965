//! A streamed answer from its first text to its end.

use std::pin::Pin;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use futures::{Stream, StreamExt, stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::wire::{ChatBody, Chunk};
use super::{Endpoint, transport};
use crate::tokens::Counter;
use crate::{Answer, Error, Finish, Piece, Reason, Usage};

type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, OpenAIError>> + Send>>;

/// A stream whose first text has arrived.
pub(super) struct Opened {
    chunks: Chunks,
    first: String,
    seen: Seen,
}

/// What the chunks said besides text.
#[derive(Debug)]
struct Seen {
    model: String,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Seen {
    /// Takes in one chunk and returns its text.
    fn take(&mut self, mut chunk: Chunk) -> Result<Option<String>, Error> {
        if let Some(error) = chunk.error {
            let message: String = error.message.iter().flat_map(|text| text.chars()).take(300).collect();
            return Err(if error.is_too_long() {
                Error::TooLong { reason: message.into() }
            } else {
                Error::permanent(format!("the endpoint broke off: {message}"))
            });
        }
        if let Some(model) = chunk.model.take().filter(|model| !model.is_empty()) {
            self.model = model;
        }
        if let Some(usage) = chunk.usage.take() {
            self.usage =
                Some(Usage { prompt: usage.prompt_tokens, completion: usage.completion_tokens, estimated: false });
        }
        if let Some(finish) = chunk.finish() {
            self.finish = Some(finish);
        }
        Ok(chunk.text())
    }
}

/// Sends the request and waits for the first text: up to here a failure may be retried.
pub(super) async fn open(
    client: &Client<OpenAIConfig>,
    endpoint: &Endpoint,
    body: &ChatBody,
    cancel: &CancellationToken,
) -> Result<Opened, Error> {
    let opening = async {
        let chat = client.chat();
        let mut chunks: Chunks = chat.create_stream_byot(body).await.map_err(|error| transport::reaction(&error))?;
        let mut seen = Seen { model: body.model().to_owned(), finish: None, usage: None };
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| transport::reaction(&error))?;
            if let Some(first) = seen.take(chunk)? {
                return Ok(Opened { chunks, first, seen });
            }
        }
        Err(match seen.finish {
            Some(Finish::Filtered) => Error::permanent(Reason::Filtered),
            Some(Finish::Length) => Error::permanent("the answer's token limit left no room for text"),
            _ => Error::permanent("the answer holds no text"),
        })
    };
    match cancel.run_until_cancelled(timeout(endpoint.first_text_within, opening)).await {
        None => Err(Error::Cancelled),
        Some(Err(_)) => Err(Error::transient(Reason::NoAnswer)),
        Some(Ok(result)) => result,
    }
}

impl Opened {
    /// The running answer. It ends with [`Piece::End`] even when the endpoint forgets `[DONE]`.
    pub(super) fn into_answer(
        self,
        endpoint: &Endpoint,
        counter: Counter,
        prompt: u64,
        cancel: CancellationToken,
    ) -> Answer {
        let model = self.seen.model.clone();
        let running = Running {
            chunks: self.chunks,
            seen: self.seen,
            first: Some(self.first),
            counted: 0,
            counter,
            prompt,
            silence: endpoint.silence,
            cancel,
        };
        let pieces = stream::unfold(Some(running), |running| async move {
            let mut running = running?;
            let piece = running.next().await;
            // After an error or the end the state is dropped, and with it the connection.
            let goes_on = matches!(piece, Ok(Piece::Text(_)));
            Some((piece, goes_on.then_some(running)))
        });
        Answer::new(model, prompt, pieces)
    }
}

struct Running {
    chunks: Chunks,
    seen: Seen,
    first: Option<String>,
    counted: u64,
    counter: Counter,
    prompt: u64,
    silence: Duration,
    cancel: CancellationToken,
}

impl Running {
    async fn next(&mut self) -> Result<Piece, Error> {
        if let Some(first) = self.first.take() {
            return Ok(self.text(first));
        }
        loop {
            let waiting = timeout(self.silence, self.chunks.next());
            let chunk = match self.cancel.run_until_cancelled(waiting).await {
                None => return Err(Error::Cancelled),
                Some(Err(_)) => return Err(Error::transient(Reason::BrokenOff)),
                Some(Ok(None)) => return self.end(),
                Some(Ok(Some(chunk))) => chunk.map_err(|error| transport::reaction(&error))?,
            };
            if let Some(text) = self.seen.take(chunk)? {
                return Ok(self.text(text));
            }
        }
    }

    fn text(&mut self, text: String) -> Piece {
        self.counted += self.counter.count(&text);
        Piece::Text(text)
    }

    fn end(&self) -> Result<Piece, Error> {
        let finish = self.seen.finish.unwrap_or(Finish::Unstated);
        if finish == Finish::Filtered {
            return Err(Error::permanent(Reason::Filtered));
        }
        let estimate = Usage { prompt: self.prompt, completion: self.counted, estimated: true };
        let usage = self.seen.usage.unwrap_or(estimate);
        Ok(Piece::End { finish, usage, model: self.seen.model.clone() })
    }
}
