//! Two servers on one PostgreSQL: whatever somebody does on one reaches everybody on the other.

use crate::world::{AgentSocket, World};
use relevo_backends::testing;
use relevo_server::config::{NatsConfig, PostgresConfig};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

async fn two(nats: Option<&str>) -> [World; 2] {
    two_in(nats, None).await
}

/// Two servers, with one data folder where one is named.
async fn two_in(nats: Option<&str>, data: Option<&Path>) -> [World; 2] {
    let url = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
    let schema = testing::schema();
    let start = || {
        World::with(|config| {
            config.postgres = Some(PostgresConfig { url: url.clone(), schema: schema.clone(), connections: 8 });
            config.data = data.map_or_else(|| config.data.clone(), Path::to_owned);
            config.nats = nats.map(|url| NatsConfig { url: url.to_owned(), subject: "relevo".into() });
        })
    };
    [start().await, start().await]
}

async fn next(socket: &mut AgentSocket, op: &str) -> Value {
    tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            let frame = socket.next().await;
            if frame["op"] == op {
                return frame;
            }
        }
    })
    .await
    .expect("it comes")
}

/// A visitor on the first server, an agent on the second: from the first word to the agent's answer.
async fn a_conversation(one: &World, other: &World) {
    let mut visitor = one.visitor().await;
    visitor.say("c1", "hola").await;
    visitor.hears("eco: hola").await;
    visitor.say("c2", "quiero hablar con una persona").await;
    let id = visitor.conversation().await;
    let agent = one.agent("lucia@example.com").await.at(other);
    let path = format!("/api/conversations/{id}");
    assert_eq!(agent.post(&format!("{path}/take-over"), json!({})).await.0, 200);
    visitor.meets_a_person().await;
    let reply = json!({"client_id": "a1", "text": "¡Hola! Soy Lucía."});
    assert_eq!(agent.post(&format!("{path}/messages"), reply).await.0, 201);
    visitor.hears("¡Hola! Soy Lucía.").await;

    let (_, items) = agent.get(&format!("{path}/items?limit=100")).await;
    assert_eq!(items.to_string().matches("eco: hola").count(), 1, "the bot's turn ran once: {items}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_crosses_servers_and_so_do_typing_presence_and_signing_out() {
    let nats = tokio::task::spawn_blocking(|| testing::start_nats(None)).await.unwrap();
    let [one, other] = two(Some(nats.address())).await;
    a_conversation(&one, &other).await;

    let (lucia, rui) = (one.agent("lucia@example.com").await, one.agent("rui@example.com").await);
    // The tickets are the first server's, the one socket the second's.
    let (mut here, mut there) = (lucia.socket(&one).await, rui.socket(&other).await);
    let mut visitor = one.visitor().await;
    assert_eq!(next(&mut there, "visitor").await["visitor"]["online"], true);
    visitor.say("c1", "buenas").await;
    // The bot types no more.
    visitor.hears("eco: buenas").await;
    let id = visitor.conversation().await;
    there.open(&id).await;
    here.open(&id).await;
    while next(&mut here, "viewing").await["agents"].as_array().is_none_or(|agents| agents.len() < 2) {}
    visitor.types().await;
    assert_eq!(next(&mut there, "typing").await["actor"]["kind"], "visitor");

    visitor.say("c2", "quiero hablar con una persona").await;
    while next(&mut there, "artifact").await["artifact"]["status"] != "done" {}
    let (_, artifacts) = lucia.get(&format!("/api/conversations/{id}/artifacts")).await;
    let briefs = artifacts.to_string().matches("\"kind\":\"brief\"").count();
    assert_eq!(briefs, 1, "both servers heard of the hand-over: {artifacts}");

    assert_eq!(rui.call("DELETE", "/api/session").await, 204);
    assert_eq!(there.close_code().await, 4003);
    one.stop().await;
    other.stop().await;
    nats.stop();
}

// covers: A06; behaviour 13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_unpublished_on_one_server_is_cited_by_none() {
    let nats = tokio::task::spawn_blocking(|| testing::start_nats(None)).await.unwrap();
    let shared = tempfile::tempdir().unwrap();
    let data = shared.path().join("data");
    let [one, other] = two_in(Some(nats.address()), Some(&data)).await;
    let (here, there) = (one.agent("sofia@example.com").await, one.agent("lucia@example.com").await.at(&other));
    let mut news = there.socket(&other).await;
    let text = "# Devoluciones\n\nTienes 30 días para devolver un pedido.";
    let (status, added) = here.post("/api/knowledge/sources", json!({"name": "Ayuda", "text": text})).await;
    assert_eq!(status, 201, "{added}");
    let path = format!("/api/knowledge/sources/{}", added["id"].as_str().unwrap());
    let mut visitor = other.visitor().await;
    visitor.say("c1", "¿puedo devolver un pedido?").await;
    let id = visitor.conversation().await;
    news.open(&id).await;
    for published in [true, false] {
        assert_eq!(here.patch(&path, json!({"published": published})).await.0, 204);
        loop {
            let found = there.get("/api/knowledge/search?q=devolver%20pedido").await.1;
            if found.to_string().contains("Devoluciones") == published {
                break;
            }
            next(&mut news, "knowledge").await;
        }
    }
    let asked = json!({"kind": "ask", "question": "¿cuántos días hay para devolver un pedido?"});
    let begun = there.post(&format!("/api/conversations/{id}/artifacts"), asked).await.1;
    while next(&mut news, "artifact").await["artifact"]["id"] != begun["id"] {}
    let made = there.get(&format!("/api/conversations/{id}/artifacts")).await.1;
    assert!(!made.to_string().contains("30 días"), "{made}");
    one.stop().await;
    other.stop().await;
    nats.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_servers_find_each_others_news_in_the_log() {
    let [one, other] = two(None).await;
    a_conversation(&one, &other).await;
    a_conversation(&other, &one).await;
    one.stop().await;
    other.stop().await;
}
