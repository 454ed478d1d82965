//! The provider of an API inbox inside this process: it takes what the server sends, answers as a bar decides, and posts
//! what visitors say.

use crate::bot::secret;
use crate::deployment::Deployment;
use crate::people::{Agent, answer, client};
use anyhow::{Context, Result, bail};
use futures::future::BoxFuture;
use relevo::clock::{Clock, SystemClock};
use relevo::webhook::seconds;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The inbox of the provider.
pub const INBOX: &str = "line";
/// Longer than anything may take that is not a fault: what waits longer has hung.
const HUNG: Duration = Duration::from_mins(2);

/// A message as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub webhook_id: String,
    pub conversation: String,
    pub text: String,
}

/// What the provider answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status, and more lines of the head.
    Status(u16, String),
    /// It closes the connection.
    BreakOff,
    /// It never answers.
    Silence,
}

type Replying = Arc<dyn Fn(Given) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Where the provider is reached, and what came there, in order.
#[derive(Debug, Clone)]
pub struct Provider {
    pub url: String,
    given: Arc<Mutex<Vec<Given>>>,
}

impl Provider {
    /// A provider that answers so.
    pub async fn start(replying: impl Fn(Given) -> BoxFuture<'static, Reply> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (given, replying): (Arc<Mutex<Vec<Given>>>, Replying) = (Arc::default(), Arc::new(replying));
        let heard = Arc::clone(&given);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, replying) = (Arc::clone(&heard), Arc::clone(&replying));
                // A server that was killed in the middle is what the bars are about.
                tokio::spawn(async move { drop(serve(stream, &heard, &replying).await) });
            }
        });
        Ok(Self { url, given })
    }

    /// A provider that takes everything.
    pub async fn patient() -> Result<Self> {
        Self::start(|_| Box::pin(async { Reply::Status(200, String::new()) })).await
    }

    /// What came, in order, repeats included.
    pub fn given(&self) -> Vec<Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many different messages came.
    pub async fn has(&self, messages: usize) -> Result<()> {
        let came = async {
            while self.given().iter().map(|given| &given.webhook_id).collect::<HashSet<_>>().len() < messages {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(HUNG, came).await.context("not everything comes to the provider")
    }
}

async fn serve(mut stream: TcpStream, heard: &Mutex<Vec<Given>>, replying: &Replying) -> Result<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("the request broke off");
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize = header(head, "content-length").unwrap_or("0").parse()?;
        if body.len() >= length {
            break (head.to_owned(), serde_json::from_str::<Value>(body)?);
        }
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let webhook_id = header(&head, "webhook-id").unwrap_or_default().to_owned();
    let given = Given { webhook_id, conversation: text(&body["conversation"]), text: text(&body["message"]["text"]) };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(given.clone());
    match replying(given).await {
        Reply::Status(status, more) => {
            let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        Reply::BreakOff => {}
        // Until the server gives up.
        Reply::Silence => drop(stream.read_to_end(&mut bytes).await),
    }
    Ok(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// What the provider posts, signed.
#[derive(Debug, Clone)]
pub struct Line {
    base: String,
    client: reqwest::Client,
}

impl Line {
    pub fn new(deployment: &Deployment) -> Self {
        Self { base: deployment.base(), client: client() }
    }

    /// Posts once.
    pub async fn post(&self, route: &str, body: &Value) -> Result<(u16, Value)> {
        let (now, body) = (SystemClock.now(), body.to_string());
        let request = self
            .client
            .post(format!("{}/channels/{INBOX}/{route}", self.base))
            .header("webhook-id", "in")
            .header("webhook-timestamp", seconds(now).to_string())
            .header("webhook-signature", secret().sign("in", now, body.as_bytes()))
            .body(body);
        answer(request).await
    }

    /// Posts until it is acknowledged, whatever happens to the server meanwhile.
    pub async fn insist(&self, route: &str, body: &Value) -> Result<Value> {
        let until = Instant::now() + 5 * HUNG;
        loop {
            match self.post(route, body).await {
                Ok((200, acknowledged)) => return Ok(acknowledged),
                Ok((status, problem)) if status != 429 && status < 500 => bail!("refused with {status}: {problem}"),
                _ if Instant::now() > until => bail!("the server does not come back"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Somebody says something; the conversation.
    pub async fn says(&self, id: &str, who: &str, text: &str) -> Result<String> {
        let body = json!({"id": id, "contact": {"external_id": who}, "text": text});
        let acknowledged = self.insist("messages", &body).await?;
        Ok(acknowledged["conversation"].as_str().context("an ack names the conversation")?.to_owned())
    }
}

/// How far each message of the house has come in a conversation, by its text, as agents see it, once nothing of it is
/// under way any more and at least `wanted` have been written.
pub async fn settled(agent: &Agent, conversation: &str, wanted: usize) -> Result<HashMap<String, String>> {
    let settles = async {
        loop {
            let items = agent.get(&format!("/api/conversations/{conversation}/items?limit=500")).await;
            if let Ok((200, page)) = items {
                let states = states(&page["items"]);
                let under_way = |state: &String| ["queued", "sending"].contains(&state.as_str());
                if states.len() >= wanted && !states.values().any(under_way) {
                    return states;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(HUNG, settles).await.with_context(|| format!("{conversation} never comes to rest"))
}

fn states(items: &Value) -> HashMap<String, String> {
    let (mut texts, mut states) = (HashMap::new(), HashMap::new());
    for item in items.as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if item["kind"] == "message" && item["message"]["author"]["kind"] != "visitor" {
            texts.insert(text(&item["message"]["id"]), text(&item["message"]["text"]));
            states.insert(text(&item["message"]["text"]), "queued".to_owned());
        } else if item["kind"] == "delivery"
            && let Some(said) = texts.get(&text(&item["message"]))
        {
            states.insert(said.clone(), text(&item["state"]));
        }
    }
    states
}
