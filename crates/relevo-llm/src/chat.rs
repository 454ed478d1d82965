//! The chat port: a request, a stream of pieces, and what is left at its end.

use std::pin::Pin;

use async_trait::async_trait;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// A model that answers in a stream.
///
/// # How to write one
/// Return an [`Answer`] as soon as the first text arrives; whatever fails before that may be retried
/// inside, whatever fails later is passed on as the stream's last item. Once the token is cancelled,
/// close the upstream connection and yield [`Error::Cancelled`]. End a good answer with exactly one
/// [`Piece::End`].
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The model's name as an artifact shows it.
    fn name(&self) -> &str;

    /// Starts an answer.
    async fn stream(&self, request: &Request, cancel: &CancellationToken) -> Result<Answer, Error>;
}

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The Copilot task, which may choose the model.
    pub task: String,
    /// The instructions; byte-identical between calls of a task so that providers can cache them.
    pub system: String,
    /// The turns after the instructions.
    pub turns: Vec<Turn>,
    /// Upper bound of the answer's length in tokens.
    pub max_tokens: Option<u32>,
    /// Randomness of the answer, where the task asks for one.
    pub temperature: Option<f32>,
    /// The model that the prompt asks for. An endpoint that has a model of its own for the task does not heed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Request {
    /// A request with instructions and no turn yet.
    pub fn new(task: impl Into<String>, system: impl Into<String>) -> Self {
        let (task, system) = (task.into(), system.into());
        Self { task, system, turns: Vec::new(), max_tokens: None, temperature: None, model: None }
    }

    /// Adds a turn of the user role.
    #[must_use]
    pub fn user(mut self, text: impl Into<String>) -> Self {
        self.turns.push(Turn { role: Role::User, text: text.into() });
        self
    }

    /// Adds a turn of the assistant role.
    #[must_use]
    pub fn assistant(mut self, text: impl Into<String>) -> Self {
        self.turns.push(Turn { role: Role::Assistant, text: text.into() });
        self
    }

    /// Limits the answer's length.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the randomness.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }
}

/// Who speaks in a turn. There is no system variant: instructions live in [`Request::system`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Data and questions.
    User,
    /// The model's own earlier words.
    Assistant,
}

/// One turn after the instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// Tokens that a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt: u64,
    /// Tokens of the answer.
    pub completion: u64,
    /// Counted here because the endpoint did not say (no usage chunk, or the stream was cut).
    #[serde(default)]
    pub estimated: bool,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The token limit cut it; the text is incomplete.
    Length,
    /// The provider's filter cut it.
    Filtered,
    /// The connection closed in good order without a reason.
    Unstated,
}

/// An item of an answer's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The next text; never empty.
    Text(String),
    /// The end of a good answer, once.
    End {
        /// Why it ended.
        finish: Finish,
        /// What it cost.
        usage: Usage,
        /// The model that the endpoint says answered.
        model: String,
    },
}

/// A running answer. Dropping it closes the upstream connection.
pub struct Answer {
    model: String,
    prompt_tokens: u64,
    pieces: Pin<Box<dyn Stream<Item = Result<Piece, Error>> + Send>>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("model", &self.model).finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
    /// The model that answered.
    pub model: String,
}

/// An answer that broke off. Its text is for counting only and is never kept as final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Why.
    pub error: Error,
    /// What had arrived.
    pub text: String,
    /// What it cost so far, estimated.
    pub usage: Usage,
    /// The model that was answering.
    pub model: String,
}

impl Answer {
    /// An answer made of `pieces`; `prompt_tokens` is the estimate used when the stream breaks off.
    pub fn new(
        model: impl Into<String>,
        prompt_tokens: u64,
        pieces: impl Stream<Item = Result<Piece, Error>> + Send + 'static,
    ) -> Self {
        Self { model: model.into(), prompt_tokens, pieces: Box::pin(pieces) }
    }

    /// The model that is answering.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The next piece; `None` after the end.
    pub async fn next(&mut self) -> Option<Result<Piece, Error>> {
        self.pieces.next().await
    }

    /// Reads to the end and hands every text to `on_text` in order.
    pub async fn collect(mut self, mut on_text: impl FnMut(&str)) -> Result<Completed, Interrupted> {
        let mut text = String::new();
        loop {
            match self.next().await {
                Some(Ok(Piece::Text(piece))) => {
                    on_text(&piece);
                    text.push_str(&piece);
                }
                Some(Ok(Piece::End { finish, usage, model })) => {
                    return Ok(Completed { text, finish, usage, model });
                }
                Some(Err(error)) => return Err(self.interrupted(error, text)),
                None => return Err(self.interrupted(Error::transient("the answer stopped without an end"), text)),
            }
        }
    }

    fn interrupted(self, error: Error, text: String) -> Interrupted {
        let completion = crate::tokens::upper_bound(&text);
        let usage = Usage { prompt: self.prompt_tokens, completion, estimated: true };
        Interrupted { error, text, usage, model: self.model }
    }
}
