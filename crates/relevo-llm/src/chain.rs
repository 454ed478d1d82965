//! One model after the other.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Answer, ChatModel, Error, Request};

/// Asks its models in order until one starts to answer.
///
/// A model that failed before its first text is followed by the next one. Once text has been shown,
/// nobody starts over: a reader would see two answers mixed. A request that is too long is passed
/// back at once, since only its maker can shorten it, and so is a cancellation.
pub struct Chain {
    models: Vec<Arc<dyn ChatModel>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.models.iter().map(|model| model.name())).finish()
    }
}

impl Chain {
    /// A chain of at least one model.
    pub fn new(first: Arc<dyn ChatModel>, rest: impl IntoIterator<Item = Arc<dyn ChatModel>>) -> Self {
        let mut models = vec![first];
        models.extend(rest);
        Self { models }
    }
}

#[async_trait]
impl ChatModel for Chain {
    fn name(&self) -> &str {
        self.models[0].name()
    }

    async fn stream(&self, request: &Request, cancel: &CancellationToken) -> Result<Answer, Error> {
        let mut last = Error::permanent("no model is configured");
        // What a prompt asks for is asked in place of the first; those that stand in for it answer as themselves.
        let as_themselves = Request { model: None, ..request.clone() };
        for (n, model) in self.models.iter().enumerate() {
            let request = if n == 0 { request } else { &as_themselves };
            match model.stream(request, cancel).await {
                Ok(answer) => return Ok(answer),
                Err(error @ (Error::Cancelled | Error::TooLong { .. })) => return Err(error),
                Err(error) => {
                    tracing::warn!(model.name = model.name(), error = %error, "a model failed, asking the next one");
                    last = error;
                }
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;

    // covers: A08
    #[tokio::test]
    async fn the_next_model_answers_when_the_first_is_down() {
        let down = Arc::new(Scripted::failing(Error::transient("503")));
        let up = Arc::new(Scripted::saying(["here"]).named("second"));
        let chain = Chain::new(down.clone(), [up as Arc<dyn ChatModel>]);
        let answer = chain.stream(&Request::new("t", "s"), &CancellationToken::new()).await.unwrap();
        let done = answer.collect(|_| {}).await.unwrap();
        assert_eq!((done.text.as_str(), done.model.as_str()), ("here", "second"));
        assert_eq!(down.requests().len(), 1);
    }

    #[tokio::test]
    async fn what_a_prompt_asks_for_is_asked_in_place_of_the_first_model_only() {
        let down = Arc::new(Scripted::failing(Error::transient("503")));
        let up = Arc::new(Scripted::saying(["here"]));
        let chain = Chain::new(down.clone(), [up.clone() as Arc<dyn ChatModel>]);
        let request = Request { model: Some("small".into()), ..Request::new("t", "s") };
        assert!(chain.stream(&request, &CancellationToken::new()).await.is_ok());
        assert_eq!(down.requests()[0].model.as_deref(), Some("small"));
        assert_eq!(up.requests()[0].model, None);
    }

    #[tokio::test]
    async fn a_request_that_is_too_long_is_not_passed_along() {
        let full = Arc::new(Scripted::failing(Error::TooLong { reason: "8192".into() }));
        let second = Arc::new(Scripted::saying(["never"]));
        let chain = Chain::new(full, [second.clone() as Arc<dyn ChatModel>]);
        let error = chain.stream(&Request::new("t", "s"), &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }));
        assert!(second.requests().is_empty());
    }
}
