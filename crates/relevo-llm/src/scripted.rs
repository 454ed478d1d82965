//! A model that answers from a script: the double for tests, and the brain of the example bot.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use tokio_util::sync::CancellationToken;

use crate::tokens::Counter;
use crate::{Answer, ChatModel, Error, Finish, Piece, Request, Usage};

/// One scripted answer.
#[derive(Debug, Clone)]
enum Line {
    Say(Vec<String>),
    Fail(Error),
}

/// Answers each request with the next line of its script; the last line repeats.
///
/// Requests are kept, so that a test can look at exactly what would have been sent.
pub struct Scripted {
    name: String,
    script: Mutex<VecDeque<Line>>,
    pace: Duration,
    requests: Mutex<Vec<Request>>,
}

impl Scripted {
    /// A model that always says these pieces.
    pub fn saying<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        Self::with(Line::Say(pieces.into_iter().map(Into::into).collect()))
    }

    /// A model that always fails.
    pub fn failing(error: Error) -> Self {
        Self::with(Line::Fail(error))
    }

    fn with(line: Line) -> Self {
        Self {
            name: "scripted".into(),
            script: Mutex::new(VecDeque::from([line])),
            pace: Duration::ZERO,
            requests: Mutex::default(),
        }
    }

    /// Adds an answer to the script.
    #[must_use]
    pub fn then_saying<S: Into<String>>(self, pieces: impl IntoIterator<Item = S>) -> Self {
        self.push(Line::Say(pieces.into_iter().map(Into::into).collect()))
    }

    /// Adds a failure to the script.
    #[must_use]
    pub fn then_failing(self, error: Error) -> Self {
        self.push(Line::Fail(error))
    }

    fn push(self, line: Line) -> Self {
        lock(&self.script).push_back(line);
        self
    }

    /// Gives the model another name than `scripted`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Waits before each piece, as a real model would.
    #[must_use]
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// What was asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    fn next_line(&self) -> Line {
        let mut script = lock(&self.script);
        if script.len() > 1 {
            return script.pop_front().expect("more than one line is left");
        }
        script.front().cloned().expect("a script is never empty: every constructor puts one line")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[async_trait]
impl ChatModel for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    async fn stream(&self, request: &Request, cancel: &CancellationToken) -> Result<Answer, Error> {
        lock(&self.requests).push(request.clone());
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let pieces = match self.next_line() {
            Line::Fail(error) => return Err(error),
            Line::Say(pieces) => pieces,
        };
        let prompt = Counter::upper().count_request(request);
        let completion = Counter::upper().count(&pieces.concat());
        let end = Piece::End {
            finish: Finish::Stop,
            usage: Usage { prompt, completion, estimated: true },
            model: self.name.clone(),
        };
        let queue: VecDeque<Piece> =
            pieces.into_iter().filter(|text| !text.is_empty()).map(Piece::Text).chain([end]).collect();
        let (pace, cancel) = (self.pace, cancel.clone());
        let stream = stream::unfold(Some(queue), move |queue| {
            let cancel = cancel.clone();
            async move {
                let mut queue = queue?;
                let piece = queue.pop_front()?;
                if !pace.is_zero() {
                    let _ = cancel.run_until_cancelled(tokio::time::sleep(pace)).await;
                }
                if cancel.is_cancelled() { Some((Err(Error::Cancelled), None)) } else { Some((Ok(piece), Some(queue))) }
            }
        });
        Ok(Answer::new(&self.name, prompt, stream))
    }
}
