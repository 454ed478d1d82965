//! A webhook bot inside this process, whose answers a bar decides.

use anyhow::Result;
use axum::Router;
use axum::extract::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures::future::BoxFuture;
use relevo::webhook::Secret;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the server asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The `webhook-id`: the same for a turn that is run again.
    pub webhook_id: String,
    /// The turn's token.
    pub token: String,
    /// What the visitor said.
    pub text: String,
}

/// What the bot answers: 200 with a body, or 202 and the body later.
#[derive(Debug, Clone)]
pub enum Answer {
    Now(Value),
    Later,
}

type Answering = Arc<dyn Fn(Asked) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Where the bot is reached.
#[derive(Debug, Clone)]
pub struct Bot {
    pub url: String,
}

impl Bot {
    /// A bot that answers so.
    pub async fn start(
        answering: impl Fn(Asked) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> Result<Self> {
        let answering: Answering = Arc::new(answering);
        let answer = move |headers: HeaderMap, Json(turn): Json<Value>| {
            let answering = Arc::clone(&answering);
            async move {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let webhook_id =
                    headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
                let asked =
                    Asked { webhook_id, token: text(&turn["epoch_token"]), text: text(&turn["message"]["text"]) };
                match answering(asked).await {
                    Answer::Now(body) => (StatusCode::OK, Json(body)),
                    Answer::Later => (StatusCode::ACCEPTED, Json(Value::Null)),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        Ok(Self { url })
    }

    /// A bot that has nothing to say.
    pub async fn silent() -> Result<Self> {
        Self::start(|_| Box::pin(async { Answer::Now(json!({})) })).await
    }

    /// A bot that says `eco: ` and what it heard.
    pub async fn echo() -> Result<Self> {
        Self::start(|asked| Box::pin(async move { Answer::Now(says(&[format!("eco: {}", asked.text)])) })).await
    }
}

/// The body that says these texts.
pub fn says(texts: &[String]) -> Value {
    json!({"messages": texts.iter().map(|text| json!({"text": text})).collect::<Vec<_>>()})
}

/// The secret that all bots share with the server.
pub fn secret() -> Secret {
    Secret::from_bytes(vec![7; 32]).expect("32 bytes are enough")
}
