//! Visitors and agents, as their pages speak.

use crate::deployment::Deployment;
use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use relevo::domain::id::{AgentId, ConversationId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longer than anything may take that is not a fault, the lease of a dead process's job in a shared database included:
/// what waits longer has hung.
const HUNG: Duration = Duration::from_mins(2);

/// The same for a request that is made again: there is still time for that within [`HUNG`].
const GIVEN_UP: Duration = Duration::from_secs(30);

/// An agent with a session.
#[derive(Debug, Clone)]
pub struct Agent {
    pub id: AgentId,
    base: String,
    cookie: String,
    client: reqwest::Client,
}

impl Agent {
    pub fn new(base: &str, id: AgentId, token: &str) -> Self {
        let cookie = format!("{}={token}", relevo_server::sign_in::COOKIE);
        Self { id, base: base.to_owned(), cookie, client: client() }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.base)).header("cookie", &self.cookie).json(body);
        answer(request).await
    }

    pub async fn get(&self, path: &str) -> Result<(u16, Value)> {
        answer(self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)).await
    }

    /// Takes it over; whether that worked, and what the server said.
    pub async fn take_over(&self, conversation: ConversationId) -> Result<(u16, Value)> {
        self.post(&format!("/api/conversations/{conversation}/take-over"), &json!({})).await
    }

    /// Gives it back to the inbox's bot.
    pub async fn hand_back(&self, conversation: ConversationId) -> Result<()> {
        let (status, body) = self.post(&format!("/api/conversations/{conversation}/hand-back"), &json!({})).await?;
        if status != 200 {
            bail!("handing back was refused with {status}: {body}");
        }
        Ok(())
    }
}

/// A visitor's browser: it keeps its token and what it was told, and comes back for the rest.
pub struct Visitor {
    base: String,
    address: String,
    inbox: String,
    client: reqwest::Client,
    token: Value,
    socket: Option<Socket>,
    /// The number of the last item.
    pub told: u64,
    /// Items that came twice or out of order.
    pub repeated: usize,
    /// The texts of all messages, in order.
    pub seen: Vec<String>,
}

impl Visitor {
    pub fn new(deployment: &Deployment, inbox: &str) -> Self {
        Self {
            base: deployment.base(),
            address: deployment.address(),
            inbox: inbox.to_owned(),
            client: client(),
            token: Value::Null,
            socket: None,
            told: 0,
            repeated: 0,
            seen: Vec::new(),
        }
    }

    /// A visitor who is connected.
    pub async fn comes(deployment: &Deployment, inbox: &str) -> Result<Self> {
        let mut visitor = Self::new(deployment, inbox);
        visitor.connect().await?;
        Ok(visitor)
    }

    /// The same browser in another tab.
    pub async fn tab(&self) -> Result<Self> {
        self.tab_on(self.base.clone(), self.address.clone()).await
    }

    /// The same browser, at another server of the same deployment.
    pub async fn tab_at(&self, server: &Deployment) -> Result<Self> {
        self.tab_on(server.base(), server.address()).await
    }

    async fn tab_on(&self, base: String, address: String) -> Result<Self> {
        let mut tab = Self {
            base,
            address,
            inbox: self.inbox.clone(),
            client: self.client.clone(),
            token: self.token.clone(),
            socket: None,
            told: 0,
            repeated: 0,
            seen: Vec::new(),
        };
        tab.connect().await?;
        Ok(tab)
    }

    /// Connects, anew or again, and asks for everything after the last item.
    pub async fn connect(&mut self) -> Result<()> {
        let session = self.session().await?;
        let ticket = session["ticket"].as_str().context("no ticket")?;
        let url = format!("ws://{}/ws/visitor?ticket={ticket}", self.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        self.socket = Some(socket);
        self.send(&json!({"op": "hello", "after": self.told})).await
    }

    pub fn token(&self) -> &str {
        self.token.as_str().unwrap_or_default()
    }

    pub async fn conversation(&mut self) -> Result<ConversationId> {
        let session = self.session().await?;
        let id = session["conversation"].as_str().context("there is no conversation yet")?;
        id.parse().map_err(|_| anyhow::anyhow!("`{id}` is no conversation"))
    }

    async fn session(&mut self) -> Result<Value> {
        let hello = json!({"inbox": self.inbox, "token": self.token, "language": "es"});
        let request = self.client.post(format!("{}/widget/session", self.base)).timeout(GIVEN_UP).json(&hello);
        let (status, session) = answer(request).await?;
        if status != 200 {
            bail!("a session was refused with {status}: {session}");
        }
        self.token = session["token"].clone();
        Ok(session)
    }

    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        let socket = self.socket.as_mut().context("not connected")?;
        Ok(socket.send(Message::text(frame.to_string())).await?)
    }

    /// Says something, without waiting.
    pub async fn say(&mut self, client_id: &str, text: &str) -> Result<()> {
        self.send(&json!({"op": "say", "client_id": client_id, "text": text, "payload": null})).await
    }

    /// Says something and waits for the ack; an error where it is refused.
    pub async fn say_and_wait(&mut self, client_id: &str, text: &str) -> Result<u64> {
        self.say(client_id, text).await?;
        loop {
            let frame = self.next().await?;
            match frame["op"].as_str() {
                Some("ack") if frame["client_id"] == client_id => return Ok(frame["seq"].as_u64().unwrap_or(0)),
                Some("refused") if frame["client_id"] == client_id => bail!("{frame}"),
                _ => {}
            }
        }
    }

    /// The next frame; items are noted. An error when the socket has ended.
    pub async fn next(&mut self) -> Result<Value> {
        let socket = self.socket.as_mut().context("not connected")?;
        loop {
            let message = tokio::time::timeout(HUNG, socket.next()).await.context("nothing comes any more")?;
            match message.context("the socket has ended")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    self.note(&frame);
                    return Ok(frame);
                }
                Message::Close(frame) => bail!("the server closed the socket: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Says something until it is acknowledged, whatever happens to the server meanwhile.
    pub async fn insist(&mut self, client_id: &str, text: &str, files: &[Value]) -> Result<()> {
        let say = json!({"op": "say", "client_id": client_id, "text": text, "payload": null, "attachments": files});
        let _ = self.send(&say).await;
        loop {
            match self.next().await {
                Ok(frame) if frame["client_id"] != client_id => {}
                Ok(frame) if frame["op"] == "ack" => return Ok(()),
                Ok(frame) => bail!("{frame}"),
                Err(_) => {
                    self.reconnect().await?;
                    let _ = self.send(&say).await;
                }
            }
        }
    }

    /// Waits until a message satisfies `is`, whatever happens to the server meanwhile.
    pub async fn sees_in_the_end(&mut self, is: impl Fn(&str) -> bool) -> Result<()> {
        let seen = async {
            while !self.seen.iter().any(|text| is(text)) {
                if self.next().await.is_err() {
                    self.reconnect().await?;
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(HUNG, seen).await.context("an expected message is never shown")?
    }

    /// Connects as soon as there is a server again.
    pub async fn reconnect(&mut self) -> Result<()> {
        self.socket = None;
        // Longer than HUNG: where a server dies every few seconds, one of many may come too late again and again.
        let until = Instant::now() + 5 * HUNG;
        loop {
            match self.connect().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error.context("the server does not come back")),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn note(&mut self, frame: &Value) {
        for item in frame["items"].as_array().into_iter().flatten() {
            let seq = item["seq"].as_u64().unwrap_or(0);
            self.repeated += usize::from(seq <= self.told);
            self.told = self.told.max(seq);
            self.seen.extend(item["message"]["text"].as_str().map(str::to_owned));
        }
    }
}

/// A client that gives up on what hangs. Every request has a connection of its own: on one that was kept, a request that is
/// written while the server dies may be lost inside the client, neither sent nor refused, until the time is up.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(HUNG).pool_max_idle_per_host(0).no_proxy().build().expect("a plain client")
}

/// The status and the body; an error where the body breaks off.
pub async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Value)> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
