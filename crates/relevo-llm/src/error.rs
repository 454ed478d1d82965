//! What went wrong, by what the caller does about it.

use std::time::Duration;

/// What happened, told apart as far as a reader can do something about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing listens at the address.
    #[error("no connection to the endpoint")]
    Unreachable,
    /// No text came in time.
    #[error("no text in time")]
    NoAnswer,
    /// The connection broke, or the answer fell silent.
    #[error("the answer broke off")]
    BrokenOff,
    /// An HTTP error.
    #[error("HTTP {status}{}", told(said))]
    Status {
        /// The status.
        status: u16,
        /// The endpoint's own words; empty where it has none.
        said: String,
    },
    /// The circuit is open.
    #[error("the endpoint failed repeatedly and is left alone for a while")]
    Resting,
    /// The provider's content filter refused, or cut the answer.
    #[error("the provider's content filter refused")]
    Filtered,
    /// It is not what an OpenAI-compatible endpoint sends.
    #[error("the answer is not what an OpenAI-compatible endpoint sends")]
    NotUnderstood,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

fn told(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl Reason {
    /// The same with every text passed through `change`.
    pub(crate) fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Status { status, said } => Self::Status { status, said: change(said) },
            Self::Other(text) => Self::Other(change(text)),
            other => other,
        }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self::Other(text.to_owned())
    }
}

/// A failed call to a model.
///
/// Texts are made for logs and for the agent's screen: they hold the endpoint's status and its own
/// words with secrets removed, never the key, a prompt or an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Try again later, or ask another model: rate limit, server error, reset, time-out.
    #[error("the model is not answering at the moment: {reason}")]
    Transient {
        /// What happened.
        reason: Reason,
        /// How long the endpoint asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The same request will fail again: bad key, unknown model, refused content, malformed answer.
    #[error("the model cannot answer this: {reason}")]
    Permanent {
        /// What happened.
        reason: Reason,
    },
    /// The request does not fit into the model's context: send less.
    #[error("the request is too long for the model: {reason}")]
    TooLong {
        /// What happened.
        reason: Reason,
    },
    /// The caller's token was cancelled; nothing is kept.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// A failure that may pass, without a stated wait.
    pub fn transient(reason: impl Into<Reason>) -> Self {
        Self::Transient { reason: reason.into(), retry_after: None }
    }

    /// A failure that will not pass.
    pub fn permanent(reason: impl Into<Reason>) -> Self {
        Self::Permanent { reason: reason.into() }
    }

    /// What happened; nothing where somebody stopped it.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Transient { reason, .. } | Self::Permanent { reason } | Self::TooLong { reason } => Some(reason),
            Self::Cancelled => None,
        }
    }

    /// Whether another attempt, now or later, makes sense.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}
