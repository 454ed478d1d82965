//! The adapter against real little servers: one connection, one scripted answer.

use super::{MAX_ANSWER, WebhookBot};
use relevo::domain::event::{Event, HandoffReason};
use relevo::domain::id::ConversationId;
use relevo::framework::{Framework, Running};
use relevo::hook::Settings;
use relevo::store::ContactEdit;
use relevo::webhook::Secret;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

fn secret() -> Secret {
    Secret::from_bytes(vec![7; 32]).unwrap()
}

/// What a request brought.
struct Asked {
    head: String,
    body: Vec<u8>,
    stream: TcpStream,
}

/// A server that takes one request and leaves the answer to the test.
async fn server() -> (String, oneshot::Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/bot", listener.local_addr().unwrap());
    let (tell, asked) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            stream.read_buf(&mut bytes).await.unwrap();
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_owned();
            let length: usize = header(&head, "content-length").parse().unwrap();
            if body.len() >= length {
                let body = bytes[bytes.len() - length..].to_vec();
                let _ = tell.send(Asked { head, body, stream });
                return;
            }
        }
    });
    (url, asked)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next().unwrap_or_default()
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The client may hang up in the middle of a body that is too large.
    let _ = stream.write_all(body.as_bytes()).await;
}

async fn relevo_with(settings: Settings) -> Running {
    let bot = Arc::new(WebhookBot::new(settings.allow_private()).unwrap());
    Framework::in_memory().inbox_with_bot("shop", "hook", bot).start().await.unwrap()
}

async fn handed_over(relevo: &Running, id: ConversationId) -> (HandoffReason, String) {
    let mut changes = relevo.feed().subscribe();
    loop {
        for fact in relevo.desk().store().read(id, 0, 100).await.unwrap() {
            if let Event::HandoffRequested { reason, detail, .. } = fact.event {
                return (reason, detail.unwrap_or_default());
            }
        }
        let _ = changes.recv().await;
    }
}

// covers: B02
#[tokio::test]
async fn the_request_is_signed_and_its_answer_is_said_captured_and_handed_over() {
    let (url, asked) = server().await;
    let relevo = relevo_with(Settings::new(url, secret())).await;
    let visitor = relevo.visitor("shop").await.unwrap();
    let named =
        ContactEdit { name: Some(Some("Ada".into())), email: Some(Some("ada@example.com".into())), ..<_>::default() };
    relevo.desk().store().edit_contact(visitor.contact(), &named).await.unwrap();
    let id = visitor.write("hola").await.unwrap().state.id;
    let mut asked = asked.await.unwrap();
    let now = relevo.desk().clock().now();
    let [id_, stamp, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| header(&asked.head, name).to_owned());
    assert_eq!(secret().verify(&id_, &stamp, &signature, &asked.body, now), Ok(()));
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["message"]["text"], "hola");
    let contact = json!({"id": visitor.contact(), "name": "Ada", "email": "ada@example.com", "phone": null});
    assert_eq!((&body["contact"], &body["attachments"]), (&contact, &json!([])));
    let said =
        r#"{"messages":[{"text":"Te paso con alguien"}],"captured":{"order":"A-7"},"handoff":{"reason":"refund"}}"#;
    answer(&mut asked.stream, "200 OK", said).await;
    assert_eq!(visitor.next_reply().await.unwrap(), "Te paso con alguien");
    assert_eq!(handed_over(&relevo, id).await, (HandoffReason::BotAsked, "refund".into()));
    assert_eq!(relevo.desk().store().load(id).await.unwrap().unwrap().captured["order"], "A-7");
    relevo.stop().await;
}

// covers: H20
#[tokio::test]
async fn errors_redirects_nonsense_and_too_much_hand_over_to_people_with_the_reason() {
    let large = "x".repeat(MAX_ANSWER + 1);
    let cases = [
        ("500 Oops", "", HandoffReason::BotError, "the bot answered with HTTP 500"),
        ("302 Found", "", HandoffReason::BotError, "the bot answered with HTTP 302"),
        ("200 OK", "<html>", HandoffReason::BotError, "the bot's answer is not understood"),
        (
            "200 OK",
            r#"{"handof":{}}"#,
            HandoffReason::BotError,
            "the bot's answer is not understood: unknown field `handof`",
        ),
        ("200 OK", r#"{"messages":[{"txt":"a"}]}"#, HandoffReason::BotError, "the bot's answer is not understood"),
        ("200 OK", &large, HandoffReason::TooLarge, "the bot's answer is larger than 65536 bytes"),
    ];
    for (status, body, reason, detail) in cases {
        let (url, asked) = server().await;
        let relevo = relevo_with(Settings::new(url, secret())).await;
        let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
        answer(&mut asked.await.unwrap().stream, status, body).await;
        let (why, text) = handed_over(&relevo, id).await;
        assert_eq!(why, reason, "{status}");
        assert!(text.starts_with(detail), "{text}");
        relevo.stop().await;
    }
}

#[tokio::test]
async fn an_answer_of_which_a_part_is_refused_says_nothing_and_hands_over() {
    let (url, asked) = server().await;
    let relevo = relevo_with(Settings::new(url, secret())).await;
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let body = json!({"messages": [{"text": "uno"}, {"text": "x".repeat(8_001)}], "captured": {"k": "v"}});
    answer(&mut asked.await.unwrap().stream, "200 OK", &body.to_string()).await;
    let (why, text) = handed_over(&relevo, id).await;
    assert_eq!(why, HandoffReason::BotError);
    assert!(text.contains("the limit is 8000"), "{text}");
    let facts = relevo.desk().store().read(id, 0, 100).await.unwrap();
    let said = facts.iter().filter(|fact| matches!(fact.event, Event::MessagePosted { .. })).count();
    assert_eq!(said, 1, "only the visitor's");
    assert!(!facts.iter().any(|fact| matches!(fact.event, Event::Captured { .. })));
    relevo.stop().await;
}

// covers: H20
#[tokio::test]
async fn a_bot_that_does_not_answer_in_time_hands_over() {
    let (url, asked) = server().await;
    let relevo = relevo_with(Settings::new(url, secret()).timeout(Duration::from_millis(50))).await;
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let _held = asked.await.unwrap();
    assert_eq!(handed_over(&relevo, id).await.0, HandoffReason::BotTimeout);
    relevo.stop().await;
}

// covers: H01
#[tokio::test]
async fn a_takeover_hangs_up_on_the_bot() {
    use relevo::domain::command::{AgentFacts, Command, Role};
    let (url, asked) = server().await;
    let relevo = relevo_with(Settings::new(url, secret())).await;
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let mut asked = asked.await.unwrap();
    let agent =
        AgentFacts { id: relevo::domain::id::AgentId(uuid::Uuid::from_u128(1)), role: Role::Agent, teams: vec![] };
    relevo.desk().run(id, Command::TakeOver { agent }).await.unwrap();
    let mut rest = Vec::new();
    // Ends only when the other side closes.
    let _ = asked.stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    relevo.stop().await;
}
