//! Where the endpoint is and how it is used.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Retry;
use crate::{Error, Request, breaker};

/// A secret that never shows itself.
#[derive(Clone, Default)]
pub struct Key(String);

impl Key {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Endpoints like to quote the key they refuse; the quote is taken out before anybody reads it.
    pub(super) fn scrub(&self, error: Error) -> Error {
        let clean = |reason: String| {
            let reason = if self.0.len() >= 4 { reason.replace(&self.0, "[key]") } else { reason };
            // Some quote it shortened (`sk-abc***xyz`): any word that starts like the key goes too.
            match self.0.get(..6) {
                Some(start) if reason.contains(start) => reason
                    .split(' ')
                    .map(|word| if word.contains(start) { "[key]" } else { word })
                    .collect::<Vec<_>>()
                    .join(" "),
                _ => reason,
            }
        };
        match error {
            Error::Transient { reason, retry_after } => Error::Transient { reason: reason.map(clean), retry_after },
            Error::Permanent { reason } => Error::Permanent { reason: reason.map(clean) },
            Error::TooLong { reason } => Error::TooLong { reason: reason.map(clean) },
            Error::Cancelled => Error::Cancelled,
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "Key(none)" } else { "Key(set)" })
    }
}

/// An OpenAI-compatible endpoint and how patient to be with it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Up to and including the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as a bearer token; may be empty for a local server.
    pub key: Key,
    /// The model for tasks that name none of their own.
    pub model: String,
    /// A model for each task (`summary`, `reply`, …).
    pub task_models: BTreeMap<String, String>,
    /// The model for embeddings.
    pub embedding_model: Option<String>,
    /// More headers on every request. Their values are secrets too.
    pub headers: BTreeMap<String, Key>,
    /// How often and when to try again before the first text.
    pub retry: Retry,
    /// When to stop asking at all.
    pub breaker: breaker::Limits,
    /// Longest wait for the first text of one attempt.
    pub first_text_within: Duration,
    /// Longest silence between two pieces of a running answer.
    pub silence: Duration,
    /// Largest answer in bytes on the wire; a larger one is refused while it arrives.
    pub max_bytes: usize,
}

impl Endpoint {
    /// An endpoint with the default patience.
    pub fn new(base_url: impl Into<String>, key: Key, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            key,
            model: model.into(),
            task_models: BTreeMap::new(),
            embedding_model: None,
            headers: BTreeMap::new(),
            retry: Retry::default(),
            breaker: breaker::Limits::default(),
            first_text_within: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            max_bytes: 4 << 20,
        }
    }

    /// The model of a request: the task's own in the settings, else the one that its prompt asks for, else the first.
    pub fn model_for<'a>(&'a self, request: &'a Request) -> &'a str {
        self.task_models.get(&request.task).or(request.model.as_ref()).unwrap_or(&self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_out_of_error_texts_and_never_debugs() {
        let key = Key::new("sk-verysecretvalue");
        let scrubbed = key.scrub(Error::permanent("Incorrect key: sk-verysecretvalue, or sk-ver***lue."));
        assert!(!scrubbed.to_string().contains("sk-ver"), "{scrubbed}");
        assert_eq!(format!("{key:?}"), "Key(set)");
    }
}
