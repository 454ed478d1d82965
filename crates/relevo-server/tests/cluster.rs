//! Two servers on one PostgreSQL: whatever somebody does on one reaches everybody on the other.

use crate::world::{AgentSocket, World};
use relevo_backends::testing;
use relevo_server::config::{NatsConfig, PostgresConfig};
use serde_json::{Value, json};
use std::time::Duration;

async fn two(nats: Option<&str>) -> [World; 2] {
    let url = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
    let schema = testing::schema();
    let start = || {
        World::with(|config| {
            config.postgres = Some(PostgresConfig { url: url.clone(), schema: schema.clone(), connections: 8 });
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_servers_find_each_others_news_in_the_log() {
    let [one, other] = two(None).await;
    a_conversation(&one, &other).await;
    a_conversation(&other, &one).await;
    one.stop().await;
    other.stop().await;
}
