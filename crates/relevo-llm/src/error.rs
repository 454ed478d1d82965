//! What went wrong, by what the caller does about it.

use std::time::Duration;

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
        reason: String,
        /// How long the endpoint asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The same request will fail again: bad key, unknown model, refused content, malformed answer.
    #[error("the model cannot answer this: {reason}")]
    Permanent {
        /// What happened.
        reason: String,
    },
    /// The request does not fit into the model's context: send less.
    #[error("the request is too long for the model: {reason}")]
    TooLong {
        /// What happened.
        reason: String,
    },
    /// The caller's token was cancelled; nothing is kept.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// A failure that may pass, without a stated wait.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::Transient { reason: reason.into(), retry_after: None }
    }

    /// A failure that will not pass.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }

    /// Whether another attempt, now or later, makes sense.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}
