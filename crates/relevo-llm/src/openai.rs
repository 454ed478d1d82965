//! Any OpenAI-compatible endpoint, through `async-openai`.
//!
//! The crate's own transport is replaced by [`transport`]: it keeps no unbounded body, logs nothing
//! that an endpoint sends, and leaves retrying to [`retry`], which never repeats a request once text
//! has been shown.

mod answer;
mod endpoint;
mod retry;
mod transport;
mod wire;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use endpoint::{Endpoint, Key};
pub use retry::Retry;

use crate::breaker::Breaker;
use crate::tokens::Counter;
use crate::{Answer, ChatModel, Embedder, Error, Reason, Request};

/// A chat and embedding model behind an endpoint.
pub struct OpenAi {
    endpoint: Endpoint,
    client: Client<OpenAIConfig>,
    breaker: Breaker,
    counter: Counter,
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAi").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// A client for `endpoint`. A process without a rustls provider gets ring.
    ///
    /// Loads the model's tokenizer, which takes some hundred milliseconds for the first model.
    pub fn new(endpoint: Endpoint) -> Result<Self, Error> {
        // Whoever set up a provider for the whole process keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = transport::client(&endpoint)?;
        let breaker = Breaker::new(endpoint.breaker);
        let counter = Counter::for_model(&endpoint.model);
        Ok(Self { endpoint, client, breaker, counter })
    }

    /// The token counter of this endpoint's model.
    pub fn counter(&self) -> Counter {
        self.counter
    }

    /// Whether the circuit is open, so that calls are refused without being sent.
    pub fn is_resting(&self) -> bool {
        self.breaker.is_open()
    }

    fn admit(&self) -> Result<(), Error> {
        self.breaker.admit().map_err(|rest| Error::Transient { reason: Reason::Resting, retry_after: Some(rest) })
    }

    fn record(&self, error: Option<&Error>) {
        match error {
            None => self.breaker.succeeded(),
            Some(error) if error.is_transient() => self.breaker.failed(),
            // A refusal or a cancellation says nothing about the endpoint's health.
            Some(_) => {}
        }
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.endpoint.model
    }

    async fn stream(&self, request: &Request, cancel: &CancellationToken) -> Result<Answer, Error> {
        let body = wire::ChatBody::new(&self.endpoint, request);
        let result = retry::retrying(&self.endpoint.retry, cancel, || async {
            self.admit()?;
            let opened = answer::open(&self.client, &self.endpoint, &body, cancel).await;
            self.record(opened.as_ref().err());
            opened
        })
        .await;
        let opened = result.map_err(|error| self.endpoint.key.scrub(error))?;
        let prompt = self.counter.count_request(request);
        Ok(opened.into_answer(&self.endpoint, self.counter, prompt, cancel.clone()))
    }
}

#[async_trait]
impl Embedder for OpenAi {
    fn name(&self) -> &str {
        self.endpoint.embedding_model.as_deref().unwrap_or(&self.endpoint.model)
    }

    async fn embed(&self, texts: &[String], cancel: &CancellationToken) -> Result<Vec<Vec<f32>>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let body = wire::EmbeddingBody { model: Embedder::name(self), input: texts, encoding_format: "float" };
        let result = retry::retrying(&self.endpoint.retry, cancel, || async {
            self.admit()?;
            let embeddings = self.client.embeddings();
            let call = embeddings.create_byot::<_, wire::Embeddings>(&body);
            let timed = tokio::time::timeout(self.endpoint.first_text_within, call);
            let answered = match cancel.run_until_cancelled(timed).await {
                None => Err(Error::Cancelled),
                Some(Err(_)) => Err(Error::transient(Reason::NoAnswer)),
                Some(Ok(Err(error))) => Err(transport::reaction(&error)),
                Some(Ok(Ok(embeddings))) => embeddings.in_order(texts.len()),
            };
            self.record(answered.as_ref().err());
            answered
        })
        .await;
        result.map_err(|error| self.endpoint.key.scrub(error))
    }
}
