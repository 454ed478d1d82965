//! Scripted visitors: real clients of the real sockets, at a human pace. They read, write, look around, and answer when
//! a person writes to them.

use super::scenes::{SCENES, Scene, Step, title};
use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Between one arrival and the next.
const ARRIVALS: Duration = Duration::from_millis(2_200);
/// How long a visitor stays; people may answer them all the while.
const STAY: Duration = Duration::from_mins(7);
/// How long until somebody like them comes again; the inbox should live, not drown.
const AWAY: Duration = Duration::from_mins(4);

/// The shop that they come to.
#[derive(Clone)]
pub(super) struct Shop {
    /// Host and port.
    pub address: String,
    /// The secret with which it vouches for whom it knows.
    pub secret: String,
}

/// Visitors come one after the other, and again after a while, until `stop` is cancelled.
pub(super) fn come(shop: &Shop, stop: &CancellationToken) {
    for (n, scene) in SCENES.iter().enumerate() {
        let (shop, stop) = (shop.clone(), stop.clone());
        let arrival = ARRIVALS * u32::try_from(n).unwrap_or_default();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            tokio::time::sleep(arrival).await;
            loop {
                if let Err(error) = visit(&shop, scene).await {
                    tracing::debug!(%error, "a scripted visitor left early");
                }
                tokio::time::sleep(AWAY + 7 * arrival).await;
            }
        }));
    }
}

async fn visit(shop: &Shop, scene: &Scene) -> Result<()> {
    let ticket = greet(shop, scene).await?;
    let url = format!("ws://{}/ws/visitor?ticket={ticket}", shop.address);
    let (socket, _) = tokio_tungstenite::connect_async(url).await?;
    let (mut sink, mut stream) = socket.split();
    let (say, mut said) = mpsc::unbounded_channel::<Value>();
    let (told, heard) = mpsc::unbounded_channel();
    let met = CancellationToken::new();
    say.send(json!({"op": "hello", "after": 0}))?;
    let writing = async {
        while let Some(frame) = said.recv().await {
            sink.send(Message::text(frame.to_string())).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        while let Some(message) = stream.next().await {
            let Message::Text(text) = message? else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            for item in frame["items"].as_array().into_iter().flatten() {
                told.send(item.clone())?;
            }
        }
        anyhow::Ok(())
    };
    let playing = async {
        let played = met.run_until_cancelled(play(shop, scene, &say)).await;
        played.transpose()?;
        std::future::pending().await
    };
    tokio::select! {
        ended = writing => ended,
        ended = reading => ended,
        ended = answer(scene, heard, &say, &met) => ended,
        ended = playing => ended,
        () = tokio::time::sleep(STAY) => Ok(()),
    }
}

/// Asks for a session; its ticket.
async fn greet(shop: &Shop, scene: &Scene) -> Result<String> {
    let mut hello = json!({
        "inbox": "shop", "language": scene.language, "page": page(shop, scene.product),
        "title": title(scene.language, scene.product), "referrer": "https://search.example/",
        "utm": {"source": "search", "campaign": "otono"},
    });
    if let Some((name, email)) = scene.known {
        // Every visit is somebody new of that name: a conversation that people have finished stays finished.
        let id = format!("{email}/{}", crate::sign_in::token());
        let mut mac = Hmac::<Sha256>::new_from_slice(shop.secret.as_bytes()).context("a key")?;
        mac.update(id.as_bytes());
        let hmac: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        hello["identity"] = json!({"id": id, "hmac": hmac.concat(), "name": name, "email": email});
    }
    let request = reqwest::Client::new().post(format!("http://{}/widget/session", shop.address)).json(&hello);
    let session: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(session["ticket"].as_str().context("no ticket")?.to_owned())
}

fn page(shop: &Shop, product: &str) -> String {
    let query = if product.is_empty() { String::new() } else { format!("?product={product}") };
    format!("http://{}/demo/shop{query}", shop.address)
}

/// Does what the scene says.
async fn play(shop: &Shop, scene: &Scene, say: &mpsc::UnboundedSender<Value>) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (n, step) in scene.steps.iter().enumerate() {
        match *step {
            Step::Say(text) => write(say, &format!("step-{n}"), text).await?,
            Step::Press(text, payload) => {
                let id = format!("step-{n}");
                say.send(json!({"op": "say", "client_id": id, "text": text, "payload": payload}))?;
            }
            Step::Look(product) => {
                let (url, title) = (page(shop, product), title(scene.language, product));
                say.send(json!({"op": "page", "url": url, "title": title}))?;
            }
        }
        // They read the answer, and think.
        tokio::time::sleep(Duration::from_millis(5_500 + 900 * n as u64)).await;
    }
    Ok(())
}

/// Types and sends, as fast as people do.
async fn write(say: &mpsc::UnboundedSender<Value>, client_id: &str, text: &str) -> Result<()> {
    say.send(json!({"op": "typing", "on": true}))?;
    let letters = text.chars().count() as u64;
    tokio::time::sleep(Duration::from_millis((400 + 40 * letters).min(5_000))).await;
    say.send(json!({"op": "typing", "on": false}))?;
    say.send(json!({"op": "say", "client_id": client_id, "text": text, "payload": null}))?;
    Ok(())
}

/// Reads what the others write, and answers people.
async fn answer(
    scene: &Scene,
    mut heard: mpsc::UnboundedReceiver<Value>,
    say: &mpsc::UnboundedSender<Value>,
    met: &CancellationToken,
) -> Result<()> {
    let mut answers = scene.to_people.iter().enumerate();
    while let Some(item) = heard.recv().await {
        let author = item["message"]["author"]["kind"].as_str();
        if item["kind"] != "message" || author == Some("visitor") {
            continue;
        }
        say.send(json!({"op": "received", "up_to": item["seq"]}))?;
        let from_person = author == Some("agent");
        if from_person {
            met.cancel();
        }
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        say.send(json!({"op": "read", "up_to": item["seq"]}))?;
        if from_person && let Some((n, text)) = answers.next() {
            tokio::time::sleep(Duration::from_secs(2)).await;
            write(say, &format!("answer-{n}"), text).await?;
        }
    }
    Ok(())
}
