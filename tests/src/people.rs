//! Visitors and agents, over the surfaces that their pages use.

use crate::deployment::PASSWORD;
use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A server that says nothing for so long is not waited for.
const SILENCE: Duration = Duration::from_mins(1);

/// A socket to the server.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket.
pub async fn connect(address: SocketAddr, path: &str) -> Result<Socket> {
    let (socket, _) = tokio_tungstenite::connect_async_with_config(format!("ws://{address}{path}"), None, true).await?;
    Ok(socket)
}

/// The next frame that holds text; none once the socket is closed.
pub async fn next(socket: &mut Socket) -> Result<Option<Value>> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => return Ok(Some(serde_json::from_str(&text)?)),
            Message::Close(_) => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Frames until one that is `wanted`.
pub async fn until(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    loop {
        let told = tokio::time::timeout(SILENCE, next(socket)).await;
        match told.with_context(|| format!("the server said nothing for {} s", SILENCE.as_secs()))?? {
            Some(frame) if frame["op"] == "error" || frame["op"] == "refused" => bail!("the server refused: {frame}"),
            Some(frame) if wanted(&frame) => return Ok(frame),
            Some(_) => {}
            None => bail!("the server closed the socket"),
        }
    }
}

/// Sends a frame.
pub async fn send(socket: &mut Socket, frame: &Value) -> Result<()> {
    Ok(socket.send(Message::text(frame.to_string())).await?)
}

/// A visitor's browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    http: reqwest::Client,
    address: SocketAddr,
    token: Value,
}

impl Visitor {
    /// A browser that was never here.
    pub fn new(http: &reqwest::Client, address: SocketAddr) -> Self {
        Self { http: http.clone(), address, token: Value::Null }
    }

    /// Asks for a session: a ticket, and the conversation if there is one.
    pub async fn session(&mut self) -> Result<Value> {
        let hello = json!({"inbox": "shop", "token": self.token, "language": "es"});
        let asked = self.http.post(format!("http://{}/widget/session", self.address)).json(&hello).send().await?;
        let session: Value = asked.error_for_status()?.json().await?;
        self.token = session["token"].clone();
        Ok(session)
    }

    /// Connects, anew or again, and asks for everything after `after`; welcomed already.
    pub async fn connect(&mut self, after: u64) -> Result<Socket> {
        let session = self.session().await?;
        let ticket = session["ticket"].as_str().context("a session has a ticket")?;
        let mut socket = connect(self.address, &format!("/ws/visitor?ticket={ticket}")).await?;
        send(&mut socket, &json!({"op": "hello", "after": after})).await?;
        until(&mut socket, |frame| frame["op"] == "welcome").await?;
        Ok(socket)
    }
}

/// Says something, and waits until it is on disk.
pub async fn say(socket: &mut Socket, client_id: &str, text: &str) -> Result<()> {
    send(socket, &json!({"op": "say", "client_id": client_id, "text": text, "payload": null})).await?;
    until(socket, |frame| frame["op"] == "ack" && frame["client_id"] == client_id).await?;
    Ok(())
}

/// A signed-in agent.
#[derive(Debug, Clone)]
pub struct Agent {
    http: reqwest::Client,
    address: SocketAddr,
    cookie: String,
}

impl Agent {
    /// Signs in.
    pub async fn sign_in(http: &reqwest::Client, address: SocketAddr, email: &str) -> Result<Self> {
        let who = json!({"email": email, "password": PASSWORD});
        let asked = http.post(format!("http://{address}/api/session")).json(&who).send().await?.error_for_status()?;
        let cookie = asked.headers().get("set-cookie").context("a session has a cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { http: http.clone(), address, cookie })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&self.read(path).await?)?)
    }

    /// Reads, and leaves it as it came.
    pub async fn read(&self, path: &str) -> Result<Vec<u8>> {
        let asked = self.http.get(format!("http://{}{path}", self.address)).header("cookie", &self.cookie);
        Ok(asked.send().await?.error_for_status()?.bytes().await?.into())
    }

    /// Acts.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let asked = self.http.post(format!("http://{}{path}", self.address)).header("cookie", &self.cookie);
        Ok(asked.json(body).send().await?.error_for_status()?.json().await.unwrap_or_default())
    }

    /// The agent's socket, welcomed.
    pub async fn connect(&self) -> Result<Socket> {
        self.connect_after(Value::Null).await
    }

    /// The agent's socket, welcomed, when everything up to `position` is known: what changed since follows.
    pub async fn resume(&self, position: u64) -> Result<Socket> {
        self.connect_after(position.into()).await
    }

    async fn connect_after(&self, position: Value) -> Result<Socket> {
        let ticket = self.post("/api/ticket", &json!({})).await?;
        let ticket = ticket["ticket"].as_str().context("there is a ticket")?;
        let mut socket = connect(self.address, &format!("/ws/agent?ticket={ticket}")).await?;
        send(&mut socket, &json!({"op": "hello", "position": position})).await?;
        until(&mut socket, |frame| frame["op"] == "welcome").await?;
        Ok(socket)
    }
}
