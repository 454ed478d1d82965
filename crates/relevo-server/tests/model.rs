//! A scripted endpoint that speaks OpenAI's protocol.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, mpsc};

/// The endpoint; it ends with the test's runtime.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

struct Inner {
    url: String,
    script: Mutex<VecDeque<Result<String, u16>>>,
    asked: Mutex<Vec<Value>>,
    /// What lets the words after the first one out.
    words: Semaphore,
    /// How many it answers now, and the most that it ever did.
    at_once: Mutex<(usize, usize)>,
    hung_up: Mutex<mpsc::UnboundedReceiver<()>>,
    hanging_up: mpsc::UnboundedSender<()>,
}

impl Model {
    /// One that says these one after the other, the last one again and again; a number is an HTTP error.
    pub async fn saying(script: impl IntoIterator<Item = Result<&str, u16>>) -> Self {
        let model = Self::waiting(script).await;
        model.0.words.close();
        model
    }

    /// One that says a first word and then waits for [`Model::goes_on`].
    pub async fn waiting(script: impl IntoIterator<Item = Result<&str, u16>>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (hanging_up, hung_up) = mpsc::unbounded_channel();
        let model = Self(Arc::new(Inner {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            script: Mutex::new(script.into_iter().map(|line| line.map(str::to_owned)).collect()),
            asked: Mutex::default(),
            words: Semaphore::new(0),
            at_once: Mutex::default(),
            hung_up: Mutex::new(hung_up),
            hanging_up,
        }));
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(model.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        model
    }

    /// Its address, for the settings.
    pub fn url(&self) -> String {
        self.0.url.clone()
    }

    /// The bodies of the requests so far.
    pub fn asked(&self) -> Vec<Value> {
        self.0.asked.lock().unwrap().clone()
    }

    /// How many requests it had at the same time at most.
    pub fn most_at_once(&self) -> usize {
        self.0.at_once.lock().unwrap().1
    }

    /// Says the rest.
    pub fn goes_on(&self) {
        self.0.words.close();
    }

    /// Waits until somebody hung up on it before it had said all.
    pub async fn was_hung_up_on(&self) {
        std::future::poll_fn(|context| self.0.hung_up.lock().unwrap().poll_recv(context)).await;
    }
}

/// Tells when it is dropped before its end.
struct Listened {
    whole: bool,
    model: Model,
}

impl Listened {
    fn begin(model: Model) -> Self {
        let mut at_once = model.0.at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
        drop(at_once);
        Self { whole: false, model }
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        self.model.0.at_once.lock().unwrap().0 -= 1;
        if !self.whole {
            let _ = self.model.0.hanging_up.send(());
        }
    }
}

async fn answer(State(model): State<Model>, axum::Json(body): axum::Json<Value>) -> Response {
    model.0.asked.lock().unwrap().push(body);
    let line = {
        let mut script = model.0.script.lock().unwrap();
        if script.len() > 1 { script.pop_front().unwrap() } else { script[0].clone() }
    };
    let text = match line {
        Ok(text) => text,
        Err(status) => return StatusCode::from_u16(status).unwrap().into_response(),
    };
    let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    let of = words.len();
    let listened = Listened::begin(model.clone());
    let said = futures::stream::unfold((0, listened), move |(n, mut listened)| {
        let (model, word) = (model.clone(), words.get(n).cloned());
        async move {
            if n > 0 {
                let _ = model.0.words.acquire().await;
            }
            listened.whole = n >= of;
            let event = match word {
                Some(word) => json!({"model": "house-2026-01", "choices": [{"delta": {"content": word}}]}),
                None if n == of => json!({
                    "choices": [{"delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 900, "completion_tokens": 100},
                }),
                None => return None,
            };
            Some((Ok::<_, Infallible>(format!("data: {event}\n\n")), (n + 1, listened)))
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(said.boxed())).into_response()
}
