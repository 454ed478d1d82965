//! A visitor of a simulation: speaks, resends what was not acknowledged, comes back to any server for the rest.

use super::network::{Dice, connect, post};
use super::node::NODES;
use anyhow::{Context, Result, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use turmoil::net::TcpStream;

/// Whoever hears nothing for this long while they wait takes the line for dead.
const PATIENCE: Duration = Duration::from_secs(4);

/// What somebody has on the screen.
#[derive(Debug, Clone, Default)]
pub struct Screen(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
pub struct Seen {
    /// The numbers of all items, as they came.
    pub items: Vec<u64>,
    /// The texts of all messages.
    pub texts: Vec<String>,
    /// Items that came twice or out of order.
    pub repeated: usize,
    /// How often they connected.
    pub connects: usize,
}

impl Screen {
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, frame: &Value) {
        let mut seen = self.seen();
        for item in frame["items"].as_array().into_iter().flatten() {
            let seq = item["seq"].as_u64().unwrap_or(0);
            if seen.items.last().is_some_and(|last| *last >= seq) {
                seen.repeated += 1;
            } else {
                seen.items.push(seq);
            }
            seen.texts.extend(item["message"]["text"].as_str().map(str::to_owned));
        }
    }

    fn shows(&self, text: &str) -> bool {
        self.seen().texts.iter().any(|shown| shown == text)
    }
}

/// Says everything, and stays until all of it and all answers are on the screen.
pub async fn visits(n: usize, messages: usize, screen: Screen, dice: Dice) -> Result<()> {
    let mut visitor = Visitor { token: Value::Null, socket: None, screen, dice };
    for message in 0..messages {
        tokio::time::sleep(Duration::from_millis(visitor.dice.between(0, 4_000))).await;
        let text = format!("{n}.{message}");
        visitor.insist(&text).await?;
    }
    for message in 0..messages {
        for text in [format!("{n}.{message}"), format!("eco: {n}.{message}")] {
            while !visitor.screen.shows(&text) {
                if visitor.next().await.is_err() {
                    visitor.reconnect().await;
                }
            }
        }
    }
    Ok(())
}

struct Visitor {
    token: Value,
    socket: Option<WebSocketStream<TcpStream>>,
    screen: Screen,
    dice: Dice,
}

impl Visitor {
    async fn connect(&mut self) -> Result<()> {
        let node = NODES[self.dice.index(NODES.len())];
        let hello = json!({"inbox": "shop", "token": self.token, "language": "es"});
        let session = post(node, "/widget/session", &hello).await?;
        self.token = session["token"].clone();
        let ticket = session["ticket"].as_str().context("no ticket")?;
        let url = format!("ws://{node}/ws/visitor?ticket={ticket}");
        let (mut socket, _) = tokio_tungstenite::client_async(url, connect(node).await?).await?;
        let after = self.screen.seen().items.last().copied().unwrap_or(0);
        socket.send(Message::text(json!({"op": "hello", "after": after}).to_string())).await?;
        self.socket = Some(socket);
        self.screen.seen().connects += 1;
        Ok(())
    }

    async fn reconnect(&mut self) {
        self.socket = None;
        while !matches!(tokio::time::timeout(PATIENCE, self.connect()).await, Ok(Ok(()))) {
            tokio::time::sleep(Duration::from_millis(self.dice.between(50, 500))).await;
        }
    }

    async fn insist(&mut self, text: &str) -> Result<()> {
        let say = json!({"op": "say", "client_id": text, "text": text, "payload": null}).to_string();
        loop {
            if self.socket.is_none() {
                self.reconnect().await;
            }
            if let Some(socket) = &mut self.socket {
                // What cannot be sent is said again below; a nervous page says it twice at once.
                for _ in 0..=self.dice.index(2) {
                    let _ = socket.send(Message::text(say.as_str())).await;
                }
            }
            loop {
                match self.next().await {
                    Ok(frame) if frame["op"] == "ack" && frame["client_id"] == text => return Ok(()),
                    Ok(frame) => ensure!(frame["op"] != "refused", "{frame}"),
                    Err(_) => break,
                }
            }
            self.socket = None;
        }
    }

    /// The next frame; items are noted. An error where the line is dead.
    async fn next(&mut self) -> Result<Value> {
        let socket = self.socket.as_mut().context("not connected")?;
        loop {
            match tokio::time::timeout(PATIENCE, socket.next()).await?.context("the socket has ended")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    self.screen.note(&frame);
                    return Ok(frame);
                }
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }
}
