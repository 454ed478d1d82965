use super::HandoffReason;
use crate::id::BotId;
use serde::{Deserialize, Serialize};

/// What exactly went wrong in a bot's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// It took too long.
    #[error("the bot did not answer within {seconds} s")]
    NoAnswer {
        /// The limit.
        seconds: u64,
    },
    /// It said that it would answer later, and did not.
    #[error("the bot promised an answer and none came in time")]
    NoLateAnswer,
    /// It answered with this HTTP status.
    #[error("the bot answered with HTTP {status}")]
    HttpStatus {
        /// The status.
        status: u16,
    },
    /// Its answer was larger than allowed.
    #[error("the bot's answer is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// Its answer cannot be read.
    #[error("the bot's answer is not understood: {problem}")]
    NotUnderstood {
        /// As the reader tells it, for whoever writes the bot.
        problem: String,
    },
    /// Nothing listens at its address.
    #[error("the bot cannot be reached")]
    Unreachable,
    /// The connection ended in the middle of its answer.
    #[error("the bot's answer broke off")]
    BrokenOff,
    /// It panicked.
    #[error("the bot crashed")]
    Crashed,
    /// There is no such bot.
    #[error("the bot `{bot}` is not plugged in")]
    NotPluggedIn {
        /// Its id.
        bot: BotId,
    },
    /// Something else, in the words of whoever wrote the bot.
    #[error("{text}")]
    Other {
        /// Those words.
        text: String,
    },
}

impl Failure {
    /// The reason for which people are called then.
    pub fn reason(&self) -> HandoffReason {
        match self {
            Self::NoAnswer { .. } | Self::NoLateAnswer => HandoffReason::BotTimeout,
            Self::TooLarge { .. } => HandoffReason::TooLarge,
            Self::NotPluggedIn { .. } => HandoffReason::NoBot,
            Self::HttpStatus { .. }
            | Self::NotUnderstood { .. }
            | Self::Unreachable
            | Self::BrokenOff
            | Self::Crashed
            | Self::Other { .. } => HandoffReason::BotError,
        }
    }
}
