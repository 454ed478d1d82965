//! Scripted visitors: real clients of the real sockets, at a human pace.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Who comes, what they look at, and what they write.
struct Scene {
    language: &'static str,
    page: (&'static str, &'static str),
    lines: &'static [&'static str],
}

const SCENES: &[Scene] = &[
    Scene {
        language: "es",
        page: ("/demo/shop?p=lampara", "Lámpara Faro"),
        lines: &["hola", "¿dónde está mi pedido?", "es el A-1042", "genial, gracias"],
    },
    Scene {
        language: "es",
        page: ("/demo/shop?p=taza", "Taza de barro"),
        lines: &["buenas tardes", "mi pedido A-2210 llegó roto, es la segunda vez", "¿hay alguien?"],
    },
    Scene {
        language: "pt",
        page: ("/demo/shop?p=manta", "Manta de lã"),
        lines: &["oi", "como faço uma devolução?", "quero falar com uma pessoa, o pedido é A-3187"],
    },
    Scene { language: "en", page: ("/demo/shop", "Tienda Faro"), lines: &["hi there", "what are your opening hours?"] },
    Scene { language: "es", page: ("/demo/shop?p=espejo", "Espejo redondo"), lines: &[] },
    Scene {
        language: "en",
        page: ("/demo/shop?p=lampara", "Faro lamp"),
        lines: &["hello", "does the lamp come with a bulb?", "can I talk to a person please"],
    },
    Scene {
        language: "pt",
        page: ("/demo/shop?p=taza", "Caneca de barro"),
        lines: &["boa tarde", "meu pedido A-4410 ainda não chegou", "obrigada!"],
    },
    Scene {
        language: "es",
        page: ("/demo/shop?p=manta", "Manta de lana"),
        lines: &["hola, ¿hacen factura?", "quiero hablar con alguien, necesito la factura del A-5023 hoy"],
    },
];

/// Visitors come one after the other, each scene again after a while, until `stop` is cancelled.
pub(super) fn come(address: &str, stop: &CancellationToken) {
    for (n, scene) in SCENES.iter().enumerate() {
        let (address, stop) = (address.to_owned(), stop.clone());
        tokio::spawn(async move {
            let first = Duration::from_millis(1_500 + 2_500 * n as u64);
            let mut pause = first;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    played = play(&address, scene) => if let Err(error) = played {
                        tracing::debug!(%error, "a scripted visitor left early");
                    },
                }
                // Long enough that the inbox does not drown.
                pause = Duration::from_secs(600 + 60 * n as u64);
            }
        });
    }
}

async fn play(address: &str, scene: &Scene) -> anyhow::Result<()> {
    let page = format!("http://{address}{}", scene.page.0);
    let hello = json!({
        "inbox": "shop", "language": scene.language, "page": page, "title": scene.page.1,
        "referrer": "https://search.example/", "utm": {"source": "demo"},
    });
    let session: Value = reqwest::Client::new()
        .post(format!("http://{address}/widget/session"))
        .json(&hello)
        .send()
        .await?
        .json()
        .await?;
    let ticket = session["ticket"].as_str().unwrap_or_default();
    let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws/visitor?ticket={ticket}")).await?;
    let (mut say, mut hear) = socket.split();
    say.send(frame(&json!({"op": "hello", "after": 0}))).await?;
    let listening = tokio::spawn(async move {
        let mut last = 0;
        while let Some(Ok(message)) = hear.next().await {
            if let Ok(text) = message.into_text()
                && let Ok(Value::Object(heard)) = serde_json::from_str(&text)
                && let Some(items) = heard.get("items").and_then(Value::as_array)
            {
                last = items.iter().filter_map(|item| item["seq"].as_u64()).max().unwrap_or(last);
            }
        }
        last
    });
    for (n, line) in scene.lines.iter().enumerate() {
        say.send(frame(&json!({"op": "typing", "on": true}))).await?;
        tokio::time::sleep(Duration::from_millis(900 + 55 * line.len() as u64)).await;
        say.send(frame(&json!({"op": "typing", "on": false}))).await?;
        say.send(frame(&json!({"op": "say", "client_id": format!("scene-{n}"), "text": line, "payload": null})))
            .await?;
        // They read the answer, and think.
        tokio::time::sleep(Duration::from_secs(5 + n as u64)).await;
    }
    // They stay on the page and look around; people may answer them.
    tokio::time::sleep(Duration::from_secs(540)).await;
    listening.abort();
    Ok(())
}

fn frame(frame: &Value) -> Message {
    Message::text(frame.to_string())
}
