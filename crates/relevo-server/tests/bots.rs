//! Bots that answer later, over HTTP: signed, with their turn's token, once, all or nothing.

use crate::world::{VisitorClient, World};
use relevo::domain::command::{AgentFacts, Command, Role};
use relevo::domain::control::Turn as Right;
use relevo::domain::event::Event;
use relevo::domain::id::{AgentId, BotId};
use relevo::domain::time::Timestamp;
use relevo::webhook::{Secret, seconds};
use relevo_server::config::{BotConfig, BotKind};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn secret() -> Secret {
    Secret::from_bytes(vec![7; 32]).unwrap()
}

/// A deployment whose bot promises to answer later, and a turn of it.
struct Turn {
    world: World,
    visitor: VisitorClient,
    asked: Value,
}

impl Turn {
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut hook = BotConfig::new(BotId::new("hook").unwrap(), "Hook", BotKind::Webhook);
        hook.url = Some(format!("http://{}/", listener.local_addr().unwrap()));
        hook.secret = Some(secret().to_text());
        hook.allow_private = true;
        let world = World::with(|config| {
            config.inboxes[0].bot = Some(hook.id.clone());
            config.bots = vec![hook];
        })
        .await;
        let mut visitor = world.visitor().await;
        let (_, asked) = tokio::join!(visitor.say("c1", "hola"), promise(listener));
        Self { world, visitor, asked }
    }

    fn token(&self) -> &str {
        self.asked["epoch_token"].as_str().unwrap()
    }

    /// Answers as the bot would.
    async fn answer(&self, body: &Value) -> (u16, Value) {
        let now = self.world.app().desk.clock().now();
        self.send(body.to_string(), "hook", &secret(), self.token(), now).await
    }

    async fn send(&self, body: String, bot: &str, secret: &Secret, token: &str, at: Timestamp) -> (u16, Value) {
        let answer = Client::new()
            .post(self.world.url(&format!("/bots/{bot}/replies")))
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", seconds(at).to_string())
            .header("webhook-signature", secret.sign("msg_1", at, body.as_bytes()))
            .bearer_auth(token)
            .body(body);
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn facts(&self) -> Vec<Event> {
        let id = self.asked["conversation"]["id"].as_str().unwrap().parse().unwrap();
        let facts = self.world.app().desk.store().read(id, 0, 100).await.unwrap();
        facts.into_iter().map(|fact| fact.event).collect()
    }
}

/// Takes one turn, and answers 202.
async fn promise(listener: TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
        if let Some(asked) = body {
            stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            return asked;
        }
    }
}

// covers: B02
#[tokio::test]
async fn a_late_answer_is_said_once_under_its_id() {
    let mut turn = Turn::begin().await;
    let answer = json!({"id": "a1", "messages": [{"text": "uno"}, {"text": "dos"}], "captured": {"order": "A-7"}});
    for _ in 0..2 {
        assert_eq!(turn.answer(&answer).await, (200, json!({"accepted": true, "suppressed": 0})));
    }
    turn.visitor.hears("dos").await;
    assert_eq!(turn.visitor.messages(), ["hola", "uno", "dos"]);
    let another = turn.answer(&json!({"id": "a2", "messages": [{"text": "tres"}]})).await;
    assert_eq!(another.0, 200);
    turn.visitor.hears("tres").await;
    turn.world.stop().await;
}

#[tokio::test]
async fn a_late_answer_of_which_a_part_is_refused_does_nothing() {
    let turn = Turn::begin().await;
    let before = turn.facts().await;
    let long = json!({"id": "a1", "messages": [{"text": "uno"}, {"text": "x".repeat(8_001)}], "captured": {"k": "v"}});
    let (status, problem) = turn.answer(&long).await;
    assert_eq!((status, &problem["code"]), (422, &json!("too_long")));
    assert_eq!(turn.facts().await, before);
    turn.world.stop().await;
}

#[tokio::test]
async fn a_late_answer_that_says_nothing_is_refused_and_keeps_no_promise() {
    let turn = Turn::begin().await;
    let before = turn.facts().await;
    for empty in [json!({"id": "a1"}), json!({"id": "a1", "messages": [], "handoff": null, "captured": {}})] {
        let (status, problem) = turn.answer(&empty).await;
        assert_eq!((status, &problem["code"]), (422, &json!("empty_answer")), "{problem}");
    }
    assert_eq!(turn.facts().await, before);
    turn.world.stop().await;
}

#[tokio::test]
async fn a_late_answer_that_is_not_signed_or_has_no_right_is_refused() {
    let turn = Turn::begin().await;
    let before = turn.facts().await;
    let now = turn.world.app().desk.clock().now();
    let body = json!({"id": "a1", "messages": [{"text": "uno"}]}).to_string();
    let other = Secret::from_bytes(vec![8; 32]).unwrap();
    let (conversation, right) = secret().read_turn_token(turn.token(), now).unwrap();
    let expired = secret().turn_token(conversation, &right, now);
    let minute = now.after(Duration::from_mins(1));
    let foreign = other.turn_token(conversation, &right, minute);
    let anothers =
        secret().turn_token(conversation, &Right { bot: BotId::new("other").unwrap(), ..right.clone() }, minute);
    let long_ago = Timestamp(now.0 - 3_600_000_000);
    for (bot, secret, token, at, code) in [
        ("hook", &other, turn.token(), now, "bad_signature"),
        ("hook", &secret(), turn.token(), long_ago, "bad_signature"),
        ("echo", &secret(), turn.token(), now, "bad_signature"),
        ("nobody", &secret(), turn.token(), now, "bad_signature"),
        ("hook", &secret(), "", now, "bad_token"),
        ("hook", &secret(), "x.y", now, "bad_token"),
        ("hook", &secret(), &expired, now, "bad_token"),
        ("hook", &secret(), &foreign, now, "bad_token"),
        ("hook", &secret(), &anothers, now, "bad_token"),
    ] {
        let (status, problem) = turn.send(body.clone(), bot, secret, token, at).await;
        assert_eq!((status, &problem["code"]), (401, &json!(code)), "{bot} {token} {problem}");
    }
    let unsigned = Client::new().post(turn.world.url("/bots/hook/replies")).bearer_auth(turn.token()).body(body);
    assert_eq!(unsigned.send().await.unwrap().status().as_u16(), 401);
    assert_eq!(turn.facts().await, before);
    turn.world.stop().await;
}

#[tokio::test]
async fn a_late_answer_that_is_too_large_too_deep_nameless_or_misspelt_is_refused() {
    let turn = Turn::begin().await;
    let before = turn.facts().await;
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for (body, status, told) in [
        (json!({"id": "a1", "messages": [{"text": "x".repeat(70_000)}]}).to_string(), 413, "65536"),
        (json!({"messages": [{"text": "uno"}]}).to_string(), 422, "id"),
        (json!({"id": "a1", "handof": {"reason": "x"}}).to_string(), 422, "handof"),
        (json!({"id": "a1", "messages": [{"text": "uno", "bottons": []}]}).to_string(), 422, "bottons"),
        (format!("{{\"id\":\"a1\",\"captured\":{deep}}}"), 422, "32 levels"),
    ] {
        let now = turn.world.app().desk.clock().now();
        let (refused, problem) = turn.send(body, "hook", &secret(), turn.token(), now).await;
        assert_eq!(refused, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{problem}");
    }
    assert_eq!(turn.facts().await, before);
    turn.world.stop().await;
}

// covers: H01
#[tokio::test]
async fn a_late_answer_after_a_take_over_is_withheld_and_told_so() {
    let turn = Turn::begin().await;
    let id = turn.asked["conversation"]["id"].as_str().unwrap().parse().unwrap();
    let agent = AgentFacts { id: AgentId(uuid::Uuid::from_u128(1)), role: Role::Agent, teams: Vec::new() };
    turn.world.app().desk.run(id, Command::TakeOver { agent }).await.unwrap();
    let late = json!({"id": "a1", "messages": [{"text": "uno"}, {"text": "dos"}]});
    for _ in 0..2 {
        let (status, problem) = turn.answer(&late).await;
        assert_eq!((status, &problem["code"], &problem["suppressed"]), (409, &json!("stale_turn"), &json!(2)));
    }
    let withheld = turn.facts().await.into_iter().filter(|fact| matches!(fact, Event::Suppressed { .. })).count();
    assert_eq!(withheld, 2, "once, though it came twice");
    turn.world.stop().await;
}
