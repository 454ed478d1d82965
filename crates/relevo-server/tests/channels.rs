//! The API channel over HTTP, with a provider that is a little server of its own: signed both ways, once, in order.

use crate::world::{AgentClient, World};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::id::{ConversationId, InboxId};
use relevo::domain::time::Timestamp;
use relevo::webhook::{Secret, seconds};
use relevo_server::config::{InboxConfig, InboxKind};
use relevo_server::doctor::{Health, examine};
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

fn secret() -> Secret {
    Secret::from_bytes(vec![7; 32]).unwrap()
}

/// Nothing here takes so long, on any machine.
const WITHIN: Duration = Duration::from_secs(30);

/// What the provider was asked.
#[derive(Debug)]
struct Asked {
    webhook_id: String,
    body: Value,
}

/// A provider that checks every signature, and answers as its script says; without one, 200. An empty line of the script
/// is a connection that breaks off.
struct Provider {
    url: String,
    script: Arc<Mutex<VecDeque<&'static str>>>,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/out", listener.local_addr().unwrap());
        let script = Arc::<Mutex<VecDeque<&'static str>>>::default();
        let (tell, asked) = mpsc::unbounded_channel();
        let lines = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&lines), tell.clone()));
            }
        });
        Self { url, script, asked }
    }

    fn answers(&self, script: &[&'static str]) {
        self.script.lock().unwrap().extend(script);
    }

    async fn next(&mut self) -> Asked {
        tokio::time::timeout(WITHIN, self.asked.recv()).await.expect("the provider is asked").unwrap()
    }
}

async fn answer(
    mut stream: TcpStream,
    script: Arc<Mutex<VecDeque<&'static str>>>,
    tell: mpsc::UnboundedSender<Asked>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut line = "200 OK";
    if head.starts_with("POST") {
        let [id, at, signature] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| header(&head, name));
        secret().verify(id?, at?, signature?, body.as_bytes(), SystemClock.now()).expect("it is signed");
        line = script.lock().unwrap().pop_front().unwrap_or(line);
        let asked = Asked { webhook_id: id?.to_owned(), body: serde_json::from_str(&body).unwrap() };
        tell.send(asked).ok()?;
    }
    if !line.is_empty() {
        let answer = format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
    Some(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn inbox(id: &str, url: &str) -> InboxConfig {
    let mut inbox = InboxConfig::new(InboxId::new(id).unwrap(), id);
    inbox.kind = InboxKind::Api;
    inbox.url = Some(url.to_owned());
    inbox.secret = Some(secret().to_text());
    inbox.allow_private = true;
    inbox
}

/// A deployment with two API inboxes of one provider beside the web's: people answer in `line`, the bot in `botline`.
async fn world(provider: &Provider) -> World {
    let url = provider.url.clone();
    World::with(move |config| {
        let bot = config.inboxes[0].bot.clone();
        config.inboxes.push(inbox("line", &url));
        config.inboxes.push(InboxConfig { bot, ..inbox("botline", &url) });
    })
    .await
}

/// Posts what the provider has signed.
async fn post(world: &World, path: &str, body: &Value) -> (u16, Value) {
    let now = world.app().desk.clock().now();
    let body = body.to_string();
    let signature = secret().sign("in_1", now, body.as_bytes());
    let (status, answer, _) = send(world, path, body, &[("in_1", now, &signature)]).await;
    (status, answer)
}

/// The headers of a signature: id, time, signature.
type Headers<'a> = (&'a str, Timestamp, &'a str);

/// Posts with these headers, or without any.
async fn send(world: &World, path: &str, body: String, signed: &[Headers<'_>]) -> (u16, Value, String) {
    let mut request = Client::new().post(world.url(path)).body(body);
    for (id, at, signature) in signed {
        request = request.header("webhook-id", *id).header("webhook-timestamp", seconds(*at).to_string());
        request = request.header("webhook-signature", *signature);
    }
    let answer = request.send().await.unwrap();
    let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
    (answer.status().as_u16(), answer.json().await.unwrap(), wait.unwrap_or_default())
}

fn says(id: &str, who: &str, text: &str) -> Value {
    json!({"id": id, "contact": {"external_id": who, "name": "Ada"}, "text": text})
}

/// Waits until what agents see of a conversation satisfies `is`.
async fn until(world: &World, agent: &AgentClient, id: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut changes = world.app().feed.subscribe();
    loop {
        let items = agent.get(&format!("/api/conversations/{id}/items")).await.1["items"].take();
        let items = items.as_array().unwrap().clone();
        if is(&items) {
            return items;
        }
        let changed = tokio::time::timeout(WITHIN, changes.recv()).await;
        let _ = changed.unwrap_or_else(|_| panic!("it stays like this: {items:#?}"));
    }
}

/// The states of a message, as the agents' timeline tells them.
fn states<'a>(items: &'a [Value], message: &Value) -> Vec<&'a str> {
    let of = items.iter().filter(|item| item["kind"] == "delivery" && item["message"] == *message);
    of.map(|item| item["state"].as_str().unwrap()).collect()
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["message"]["text"].as_str()).collect()
}

/// Somebody writes, an agent takes over, and answers; the conversation and the ids of the answers.
async fn answered(world: &World, agent: &AgentClient, replies: &[&str]) -> (String, Vec<Value>) {
    let ack = post(world, "/channels/line/messages", &says("m1", "42", "hola")).await.1;
    let id = ack["conversation"].as_str().unwrap().to_owned();
    assert_eq!(agent.post(&format!("/api/conversations/{id}/take-over"), json!({})).await.0, 200);
    let mut messages = Vec::new();
    for text in replies {
        let reply = json!({"text": text, "client_id": text});
        let (status, said) = agent.post(&format!("/api/conversations/{id}/messages"), reply).await;
        assert_eq!(status, 201, "{said}");
        messages.push(said["message_id"].clone());
    }
    (id, messages)
}

// covers: V05
#[tokio::test]
async fn a_providers_message_is_stored_once_however_often_and_in_whatever_order_it_comes() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let agent = world.agent("lucia@example.com").await;
    let of = |n: usize| says(&format!("m{n}"), "42", &format!("text {n}"));
    let order = [3, 1, 2, 1, 3, 2, 2, 1, 3];
    let path = "/channels/line/messages";
    let acks = futures::future::join_all(order.map(|n| {
        let body = of(n);
        let world = &world;
        async move { post(world, path, &body).await }
    }))
    .await;
    for (n, (status, ack)) in order.iter().zip(&acks) {
        assert_eq!(*status, 200, "{ack}");
        let first = order.iter().position(|other| other == n).unwrap();
        assert_eq!(*ack, acks[first].1, "every repeat gets the same acknowledgement");
    }
    let id = acks[0].1["conversation"].as_str().unwrap();
    let items = until(&world, &agent, id, |items| texts(items).len() == 3).await;
    let mut said = texts(&items);
    said.sort_unstable();
    assert_eq!(said, ["text 1", "text 2", "text 3"]);
    let card = agent.get(&format!("/api/conversations/{id}")).await.1;
    assert!(card.to_string().contains("\"Ada\"") && card.to_string().contains("\"api\""), "{card}");
    assert_eq!(post(&world, path, &of(1)).await.1, acks[1].1, "also much later");
    world.stop().await;
}

#[tokio::test]
async fn first_messages_at_the_same_moment_make_one_contact_and_one_conversation() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let firsts = futures::future::join_all((0..10).map(|n| {
        let world = &world;
        async move { post(world, "/channels/line/messages", &says(&format!("m{n}"), "42", "hola")).await }
    }))
    .await;
    for (status, ack) in &firsts {
        assert_eq!((*status, &ack["conversation"]), (200, &firsts[0].1["conversation"]), "{ack}");
    }
    let other = post(&world, "/channels/line/messages", &says("x", "43", "hola")).await.1;
    assert_ne!(other["conversation"], firsts[0].1["conversation"], "somebody else");
    let elsewhere = post(&world, "/channels/botline/messages", &says("m0", "42", "hola")).await.1;
    assert_ne!(elsewhere["conversation"], firsts[0].1["conversation"], "another inbox has ids of its own");
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_inboxs_provider_is_refused_and_stores_nothing() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let now = world.app().desk.clock().now();
    let body = says("m1", "42", "hola").to_string();
    let right = secret().sign("in_1", now, body.as_bytes());
    let wrong = Secret::from_bytes(vec![8; 32]).unwrap().sign("in_1", now, body.as_bytes());
    let another_body = secret().sign("in_1", now, b"{}");
    let long_ago = Timestamp(now.0 - 3_600_000_000);
    let old = secret().sign("in_1", long_ago, body.as_bytes());
    let attempts: [(&str, &[Headers]); 9] = [
        ("line", &[]),
        ("line", &[("in_1", now, "")]),
        ("line", &[("in_1", now, "v1,")]),
        ("line", &[("in_1", now, &wrong)]),
        ("line", &[("in_2", now, &right)]),
        ("line", &[("in_1", now, &another_body)]),
        ("line", &[("in_1", long_ago, &old)]),
        ("shop", &[("in_1", now, &right)]),
        ("nobody", &[("in_1", now, &right)]),
    ];
    for (inbox, headers) in attempts {
        for route in ["messages", "receipts"] {
            let (status, problem, _) = send(&world, &format!("/channels/{inbox}/{route}"), body.clone(), headers).await;
            assert_eq!((status, &problem["code"]), (401, &json!("bad_signature")), "{inbox} {headers:?} {problem}");
        }
    }
    assert!(world.app().desk.store().follow(0, 10).await.unwrap().is_empty());
    let accepted = send(&world, "/channels/line/messages", body, &[("in_1", now, &right)]).await;
    assert_eq!(accepted.0, 200, "the same with the right signature: {}", accepted.1);
    world.stop().await;
}

#[tokio::test]
async fn what_is_misspelt_or_too_much_is_refused_by_field() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let long = "x".repeat(201);
    for (body, status, told) in [
        (json!({"id": "m", "contact": {"external_id": "42"}, "text": "x", "foo": 1}), 422, "foo"),
        (json!({"id": "m", "contact": {"external_id": "42", "phone": "1"}, "text": "x"}), 422, "phone"),
        (json!({"id": "m", "contact": {"external_id": "42"}}), 422, "text"),
        (json!({"id": "", "contact": {"external_id": "42"}, "text": "x"}), 422, "id"),
        (json!({"id": long, "contact": {"external_id": "42"}, "text": "x"}), 422, "200"),
        (json!({"id": "m", "contact": {"external_id": ""}, "text": "x"}), 422, "contact.external_id"),
        (json!({"id": "m", "contact": {"external_id": "42", "name": long}, "text": "x"}), 422, "contact.name"),
        (json!({"id": "m", "contact": {"external_id": "42"}, "text": ""}), 422, "text"),
        (json!({"id": "m", "contact": {"external_id": "42"}, "text": "x".repeat(8_001)}), 422, "8000"),
        (json!({"id": "m", "contact": {"external_id": "42"}, "text": "x", "payload": "x".repeat(1_001)}), 422, "1000"),
        (json!({"id": "m", "contact": {"external_id": "42"}, "text": "x".repeat(300_000)}), 413, "262144"),
    ] {
        let (refused, problem) = post(&world, "/channels/line/messages", &body).await;
        assert_eq!(refused, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{told}: {problem}");
    }
    assert!(world.app().desk.store().follow(0, 10).await.unwrap().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn one_person_may_say_so_much_and_what_is_on_disk_is_acknowledged_whatever_the_rate() {
    let provider = Provider::start().await;
    let url = provider.url.clone();
    let world = World::with(move |config| {
        config.inboxes.push(inbox("line", &url));
        config.limits.messages_per_hour = 1;
    })
    .await;
    let path = "/channels/line/messages";
    let first = post(&world, path, &says("m1", "42", "hola")).await;
    assert_eq!(first.0, 200, "{}", first.1);
    let now = world.app().desk.clock().now();
    let body = says("m2", "42", "hola").to_string();
    let signature = secret().sign("in", now, body.as_bytes());
    let (status, problem, wait) = send(&world, path, body, &[("in", now, &signature)]).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")), "{problem}");
    assert!(wait.parse::<u64>().unwrap() > 0);
    assert_eq!(post(&world, path, &says("m1", "42", "hola")).await, first);
    assert_eq!(post(&world, path, &says("x1", "43", "hola")).await.0, 200, "another person is not touched");
    world.stop().await;
}

// covers: V05
#[tokio::test]
async fn an_answer_goes_to_the_provider_under_its_id_and_news_of_it_move_it_on_whatever_their_order() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let agent = world.agent("lucia@example.com").await;
    let (id, messages) = answered(&world, &agent, &["buenas"]).await;
    let asked = provider.next().await;
    assert_eq!(json!(asked.webhook_id), messages[0]);
    assert_eq!(asked.body["conversation"], json!(id));
    assert_eq!(asked.body["contact"]["external_id"], "42");
    assert_eq!(asked.body["message"], json!({"id": messages[0], "author": "agent", "text": "buenas", "buttons": []}));
    until(&world, &agent, &id, |items| states(items, &messages[0]) == ["sending", "sent"]).await;
    let receipt = |state: &str| json!({"conversation": id, "message": messages[0], "state": state, "reason": null});
    let news = async |inbox: &str, body: Value| post(&world, &format!("/channels/{inbox}/receipts"), &body).await;
    assert_eq!(news("line", receipt("failed")).await, (200, json!({"state": "failed"})));
    assert_eq!(news("line", receipt("read")).await, (200, json!({"state": "read"})));
    for late in ["delivered", "read", "failed"] {
        assert_eq!(news("line", receipt(late)).await, (200, json!({"state": "read"})), "{late} comes late");
    }
    let items = until(&world, &agent, &id, |_| true).await;
    assert_eq!(states(&items, &messages[0]), ["sending", "sent", "failed", "read"], "each once");
    let mut other = receipt("read");
    other["message"] = json!(uuid::Uuid::nil());
    for (inbox, body) in [("botline", receipt("read")), ("line", other)] {
        assert_eq!(news(inbox, body).await.0, 404, "{inbox}");
    }
    assert_eq!(news("line", receipt("sent")).await.0, 422);
    world.stop().await;
}

#[tokio::test]
async fn a_bots_answer_goes_to_the_provider_too() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    post(&world, "/channels/botline/messages", &says("m1", "42", "hola")).await;
    let asked = provider.next().await;
    assert_eq!(
        (&asked.body["message"]["author"], &asked.body["message"]["text"]),
        (&json!("bot"), &json!("eco: hola"))
    );
    world.stop().await;
}

#[tokio::test]
async fn while_a_message_is_tried_again_under_its_id_the_later_ones_wait() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let agent = world.agent("lucia@example.com").await;
    provider.answers(&["500 Oops", "429 Slowly\r\nretry-after: 0", "503 Later\r\nretry-after: 0"]);
    let (id, messages) = answered(&world, &agent, &["one", "two", "three"]).await;
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(json!(provider.next().await.webhook_id));
    }
    let [one, two, three] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(heard.iter().collect::<Vec<_>>(), [one, one, one, one, two, three]);
    let items = until(&world, &agent, &id, |items| states(items, three).contains(&"sent")).await;
    let again = ["sending", "queued", "sending", "queued", "sending", "queued", "sending", "sent"];
    assert_eq!(states(&items, one), again);
    assert_eq!(states(&items, two), ["sending", "sent"]);
    world.stop().await;
}

#[tokio::test]
async fn a_send_that_broke_off_is_unknown_and_not_repeated_until_the_provider_says_what_became_of_it() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let agent = world.agent("lucia@example.com").await;
    provider.answers(&["", "410 Gone"]);
    let (id, messages) = answered(&world, &agent, &["one", "two", "three"]).await;
    for message in &messages {
        assert_eq!(json!(provider.next().await.webhook_id), *message, "each was asked for once");
    }
    let items = until(&world, &agent, &id, |items| states(items, &messages[2]).contains(&"sent")).await;
    assert_eq!(states(&items, &messages[0]), ["sending", "unknown"]);
    assert_eq!(states(&items, &messages[1]), ["sending", "failed"]);
    let reason = items.iter().find(|item| item["state"] == "failed").unwrap()["reason"].clone();
    assert_eq!(reason, "refused with 410");
    let receipt = json!({"conversation": id, "message": messages[0], "state": "delivered"});
    assert_eq!(post(&world, "/channels/line/receipts", &receipt).await, (200, json!({"state": "delivered"})));
    let items = until(&world, &agent, &id, |_| true).await;
    assert_eq!(states(&items, &messages[0]), ["sending", "unknown", "delivered"]);
    assert!(provider.asked.try_recv().is_err());
    world.stop().await;
}

#[tokio::test]
async fn what_is_known_of_a_contact_stays_and_gaps_are_filled() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let told = |id: &str, name: Value, email: Value| json!({"id": id, "contact": {"external_id": "42", "name": name, "email": email}, "text": "hola"});
    let path = "/channels/line/messages";
    let ack = post(&world, path, &told("m1", json!(null), json!("ada@example.com"))).await.1;
    post(&world, path, &told("m2", json!("Ada"), json!(null))).await;
    post(&world, path, &told("m3", json!("Eva"), json!("eva@example.com"))).await;
    let store = world.app().desk.store();
    let id: ConversationId = ack["conversation"].as_str().unwrap().parse().unwrap();
    let contact = store.contact(store.load(id).await.unwrap().unwrap().contact).await.unwrap().unwrap();
    assert_eq!((contact.name.as_deref(), contact.email.as_deref()), (Some("Ada"), Some("ada@example.com")));
    assert_eq!((contact.external_id.as_deref(), contact.verified), (Some("42"), true));
    world.stop().await;
}

#[tokio::test]
async fn no_page_carries_an_inbox_of_a_provider() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let (status, problem) = world.anonymous("POST", "/widget/session", json!({"inbox": "line"})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{problem}");
    world.stop().await;
}

#[tokio::test]
async fn the_doctor_looks_at_the_provider_of_an_inbox() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let mut config = (*world.app().config).clone();
    let nobody = format!("http://127.0.0.1:{}/", relevo_backends::testing::free_port());
    config.inboxes.push(inbox("lost", &nobody));
    config.inboxes.push(InboxConfig { allow_private: false, ..inbox("guarded", &nobody) });
    let findings = examine(&config).await;
    for (check, health) in [("inbox line", Health::Ok), ("inbox lost", Health::Fail), ("inbox guarded", Health::Fail)] {
        let finding = findings.iter().find(|finding| finding.check == check).unwrap();
        assert_eq!(finding.health, health, "{finding:?}");
    }
    world.stop().await;
}
