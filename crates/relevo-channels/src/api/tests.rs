//! What becomes of a message by what the provider does: one connection, one scripted answer.

use super::*;
use relevo::domain::control::{Control, Epoch, Holder};
use relevo::domain::conversation::Conversation;
use relevo::domain::event::{Envelope, Event, Origin};
use relevo::domain::id::{ContactId, ConversationId, FileId, MessageId};
use relevo::domain::message::{Attachment, Message};
use relevo::domain::time::Timestamp;
use relevo::hook::Settings;
use relevo::store::Contact;
use relevo::webhook::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

fn conversation() -> Conversation {
    let (inbox, contact) = (InboxId::new("line").unwrap(), ContactId(Uuid::from_u128(2)));
    let control = Control { epoch: Epoch(1), holder: Holder::Queue { team: None, skill: None, since: Timestamp(0) } };
    let (channel, origin) = (KIND.to_owned(), Origin::default());
    let event = Event::Started { inbox, channel, contact, language: None, origin, control };
    let conversation = ConversationId(Uuid::from_u128(1));
    Conversation::begin(&Envelope { conversation, seq: 1, at: Timestamp(0), actor: Actor::System, event }).unwrap()
}

fn contact() -> Contact {
    Contact {
        id: ContactId(Uuid::from_u128(2)),
        name: None,
        email: None,
        phone: None,
        verified: true,
        external_id: Some("42".into()),
        attributes: BTreeMap::new(),
        created_at: Timestamp(0),
    }
}

fn message() -> Message {
    Message {
        // Of a bot: such an id does not tell when it was made.
        id: MessageId(Uuid::new_v5(&Uuid::NAMESPACE_OID, b"hola")),
        author: Actor::System,
        text: "hola".into(),
        attachments: Vec::new(),
        buttons: Vec::new(),
        payload: None,
        reply_to: None,
        client_id: None,
    }
}

/// Sends what was written so many hours ago to a provider that reads the request and writes `answer`, if any, before it
/// closes.
async fn sent_to(answer: Option<&'static str>, hours: u64, attempt: u32) -> Sent {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let provider = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 64];
        stream.read_exact(&mut head).await.unwrap();
        if let Some(answer) = answer {
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Until the other side has read it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let sent = send(&url, &message(), hours, attempt).await;
    provider.abort();
    sent
}

async fn send(url: &str, message: &Message, hours: u64, attempt: u32) -> Sent {
    let secret = Secret::from_bytes(vec![7; 32]).unwrap();
    let settings = Settings::new(url, secret).allow_private().timeout(Duration::from_millis(500));
    let hook = Hook::new(settings).unwrap();
    let channel = ApiChannel::new(BTreeMap::from([(InboxId::new("line").unwrap(), hook)]));
    let (conversation, contact) = (conversation(), contact());
    let written_at = SystemClock.now().before(Duration::from_hours(hours));
    channel.send(Sending { conversation: &conversation, contact: &contact, message, written_at, attempt }).await
}

#[tokio::test]
async fn the_providers_answer_decides() {
    let again = |seconds| Sent::Retry(Duration::from_secs(seconds));
    for (answer, attempt, wanted) in [
        ("200 OK", 1, Sent::Accepted),
        ("202 Accepted", 1, Sent::Accepted),
        ("500 Oops", 1, again(1)),
        ("503 Later", 2, again(5)),
        ("502 Gone astray", 99, again(3_600)),
        ("429 Slowly\r\nretry-after: 7", 1, again(7)),
        ("503 Later\r\nretry-after: 999999", 1, again(3_600)),
        ("429 Slowly\r\nretry-after: 0", 1, Sent::Retry(Duration::from_millis(100))),
        ("429 Slowly\r\nretry-after: 0", 99, again(360)),
        ("503 Later\r\nretry-after: Sat, 21 Nov 2026 08:00:00 GMT", 1, again(1)),
        ("410 Gone", 1, Sent::Refused("refused with 410".into())),
        ("404 Not Found", 1, Sent::Refused("refused with 404".into())),
        ("302 Found\r\nlocation: http://127.0.0.1/", 1, Sent::Refused("refused with 302".into())),
    ] {
        assert_eq!(sent_to(Some(answer), 0, attempt).await, wanted, "{answer}");
    }
}

#[tokio::test]
async fn what_was_sent_without_an_answer_may_have_arrived() {
    let sent = sent_to(None, 0, 1).await;
    assert_eq!(sent, Sent::Unknown("the connection broke off before an answer".into()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    let sent = send(&silent, &message(), 0, 1).await;
    assert!(matches!(&sent, Sent::Unknown(reason) if reason.starts_with("no answer")), "{sent:?}");
}

#[tokio::test]
async fn what_reached_nobody_is_tried_again_for_a_day() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(send(&nobody, &message(), 23, 3).await, Sent::Retry(Duration::from_secs(30)));
    let given_up = send(&nobody, &message(), 25, 3).await;
    assert_eq!(given_up, Sent::Refused("not taken within 24 h: nobody could be reached".into()));
    let busy = sent_to(Some("503 Later\r\nretry-after: 1"), 25, 3).await;
    assert_eq!(busy, Sent::Refused("not taken within 24 h: the last answer was 503".into()));
}

#[tokio::test]
async fn files_are_refused_and_not_left_out() {
    let file = Attachment {
        id: FileId(Uuid::from_u128(3)),
        name: "nota.txt".into(),
        media_type: "text/plain".into(),
        size: 4,
    };
    let with_file = Message { attachments: vec![file], ..message() };
    let sent = send("http://127.0.0.1:1/", &with_file, 0, 1).await;
    assert_eq!(sent, Sent::Refused("this channel carries text and no files".into()));
}
