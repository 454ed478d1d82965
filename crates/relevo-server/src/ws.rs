//! Sockets. What happened goes out here; a client that cannot keep up is told to come back and resume.

pub mod agent;
pub mod visitor;

use crate::app::App;
use crate::error::Problem;
use crate::extract::parse;
use crate::limits::OpenSocket;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::extract::{FromRequestParts, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The ticket is unknown, used or late.
pub const TICKET: u16 = 4001;
/// Signed out, or no longer allowed.
pub const SIGNED_OUT: u16 = 4003;
/// Too slow: come back with your last numbers.
pub const RESUME: u16 = 4008;
/// The server restarts.
pub const RESTART: u16 = 1012;

/// The largest frame that a client may send, in bytes.
pub const MAX_FRAME: usize = 64 * 1024;
/// What a socket reads at a time. Each holds so much while it is idle, and what clients send is short.
const READ: usize = 1_024;
const MAX_QUEUED: usize = 256;
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
/// Frames that wait together go out in writes of about this size.
const BUNDLE: usize = 16 * 1024;
const PING: Duration = Duration::from_secs(25);
const DEAD: Duration = Duration::from_mins(1);
/// A socket that takes nothing for this long while something waits is given up.
const STALLED: Duration = Duration::from_secs(10);

/// A request that opens a socket. The only way to one, so that every socket is bounded.
pub struct Upgrade(WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let no_socket = |error: WebSocketUpgradeRejection| {
            let detail = format!("this address opens a WebSocket: {}", error.body_text());
            Problem::new(StatusCode::BAD_REQUEST, "no_websocket", detail)
        };
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await.map_err(no_socket)?;
        // A frame is read whole before the message's size is looked at: each needs its own bound.
        let upgrade = upgrade.max_frame_size(MAX_FRAME).max_message_size(MAX_FRAME);
        Ok(Self(upgrade.read_buffer_size(READ).write_buffer_size(BUNDLE)))
    }
}

impl Upgrade {
    /// Opens the socket: `talk` has both halves until it says why to close. `places` count until the last frame is out.
    pub fn open<F, R>(self, places: Vec<OpenSocket>, talk: F) -> Response
    where
        F: FnOnce(Incoming, Outgoing) -> R + Send + 'static,
        R: Future<Output = Option<Closed>> + Send,
    {
        self.0.on_upgrade(|socket| async move {
            let _places = places;
            run(socket, talk).await;
        })
    }

    /// Opens the socket only to say why it closes: a browser's page is told nothing of a refused upgrade.
    pub fn refuse(self, closed: Closed) -> Response {
        self.open(Vec::new(), move |_, _| async move { Some(closed) })
    }
}

/// Counts one more socket of somebody, of whom `most` may be open, and of their address.
pub fn places(app: &App, whose: String, most: usize, address: IpAddr) -> Result<Vec<OpenSocket>, Problem> {
    let sockets = &app.limiters.sockets;
    let most_of_address = app.config.limits.sockets_per_address;
    [(whose, most, "of yours"), (format!("address:{address}"), most_of_address, "of your address")]
        .into_iter()
        .map(|(key, most, whose)| {
            let detail = format!("{most} sockets {whose} are open already: close a tab");
            sockets.open(key, most).ok_or_else(|| Problem::too_many(detail).with("limit", most))
        })
        .collect()
}

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed(pub u16, pub &'static str);

/// The outgoing half: bounded, never waited for.
#[derive(Clone, Default)]
pub struct Outgoing(Arc<Queue>);

/// Takes no room while nothing waits: most sockets are idle most of the time.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
    sent: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Message>,
    /// Of these and of the one that is being sent.
    bytes: usize,
}

impl Outgoing {
    /// Queues a frame. A single one passes whatever its size.
    pub fn send(&self, frame: &impl Serialize) -> Result<(), Closed> {
        let text = serde_json::to_string(frame).expect("frames are maps with text keys");
        let size = text.len();
        let mut waiting = self.0.waiting();
        if waiting.bytes > 0 && waiting.bytes + size > MAX_QUEUED_BYTES || waiting.frames.len() >= MAX_QUEUED {
            return Err(Closed(RESUME, "resume"));
        }
        waiting.bytes += size;
        waiting.frames.push_back(Message::Text(text.into()));
        drop(waiting);
        self.0.more.notify_one();
        Ok(())
    }

    /// Waits until nothing is queued: whoever reads a long past is as fast as its client, and not too slow a client.
    pub async fn room(&self) -> Result<(), Closed> {
        loop {
            let sent = self.0.sent.notified();
            tokio::pin!(sent);
            // Listening before looking, so that the last frame cannot leave in between.
            sent.as_mut().enable();
            if self.0.waiting().bytes == 0 {
                return Ok(());
            }
            tokio::time::timeout(STALLED, sent).await.map_err(|_| Closed(RESUME, "resume"))?;
        }
    }

    /// Lets what is queued go out before more is added, as far as the client takes it. A burst of news is no slow client.
    pub async fn pass(&self) {
        let waiting = || {
            let waiting = self.0.waiting();
            waiting.frames.len() >= MAX_QUEUED / 4 || waiting.bytes >= MAX_QUEUED_BYTES / 4
        };
        if waiting() {
            tokio::task::yield_now().await;
        }
    }

    fn ping(&self) {
        let mut waiting = self.0.waiting();
        // A full queue is news to `send`, not to a ping.
        if waiting.frames.len() < MAX_QUEUED {
            waiting.frames.push_back(Message::Ping(Vec::new().into()));
        }
        drop(waiting);
        self.0.more.notify_one();
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next frame to send, if one waits.
    fn pop(&self) -> Option<Message> {
        self.waiting().frames.pop_front()
    }

    /// The next frame to send.
    async fn next(&self) -> Message {
        loop {
            if let Some(frame) = self.pop() {
                return frame;
            }
            // What was queued since then has left its permit.
            self.more.notified().await;
        }
    }

    /// Frames of so many bytes are out.
    fn is_out(&self, size: usize) {
        let mut waiting = self.waiting();
        waiting.bytes -= size;
        if waiting.frames.is_empty() {
            waiting.frames = VecDeque::new();
        }
        drop(waiting);
        self.sent.notify_waiters();
    }
}

/// The incoming half: frames as they come, and silence that lasts too long.
pub struct Incoming {
    socket: SplitStream<WebSocket>,
    heard: Instant,
    next_ping: Instant,
    outgoing: Outgoing,
}

/// What a client sent.
pub enum Heard<T> {
    /// A frame.
    Frame(T),
    /// Something that is none; the socket stays.
    Nonsense(String),
    /// It is gone.
    Gone,
}

impl Incoming {
    /// The next frame. Safe to drop and call again.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Heard<T> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    self.heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            return match parse(text.as_bytes()) {
                                Ok(frame) => Heard::Frame(frame),
                                Err(problem) => Heard::Nonsense(problem.detail().to_owned()),
                            };
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Heard::Nonsense("frames are text".to_owned()),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Heard::Gone,
                    }
                }
                () = tokio::time::sleep_until(self.next_ping) => {
                    if self.heard.elapsed() > DEAD {
                        return Heard::Gone;
                    }
                    self.next_ping = Instant::now() + PING;
                    self.outgoing.ping();
                }
            }
        }
    }
}

async fn run<F, R>(socket: WebSocket, talk: F)
where
    F: FnOnce(Incoming, Outgoing) -> R,
    R: Future<Output = Option<Closed>>,
{
    let (mut sink, stream) = socket.split();
    let outgoing = Outgoing::default();
    let queue = Arc::clone(&outgoing.0);
    let now = Instant::now();
    let incoming = Incoming { socket: stream, heard: now, next_ping: now + PING, outgoing: outgoing.clone() };
    // One task for both: a socket that is idle costs one. What is queued goes out before more is said.
    let mut talk = Box::pin(talk(incoming, outgoing));
    let closed = tokio::select! {
        biased;
        // Nothing can be sent any more, and so what is heard ends, too.
        () = write(&mut sink, &queue) => talk.await,
        closed = &mut talk => closed,
    };
    let Some(Closed(code, reason)) = closed else { return };
    if code == RESUME {
        metrics::counter!("relevo_slow_sockets_closed_total").increment(1);
    }
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let _ = tokio::time::timeout(STALLED, sink.send(close)).await;
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, queue: &Queue) {
    loop {
        let mut next = Some(queue.next().await);
        let mut size = 0;
        while let Some(frame) = next {
            size += if let Message::Text(text) = &frame { text.len() } else { 0 };
            if sink.feed(frame).await.is_err() {
                return;
            }
            next = if size < BUNDLE { queue.pop() } else { None };
        }
        if sink.flush().await.is_err() {
            return;
        }
        queue.is_out(size);
    }
}

/// A frame was refused; the socket stays.
pub fn refused(code: &str, detail: &str) -> Value {
    json!({"op": "error", "code": code, "detail": detail})
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::any;
    use hyper_util::rt::TokioIo;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::AsyncWriteExt;
    use tokio::sync::mpsc;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message as Told;

    /// A server's socket whose talk is `talk`, and the client at the other end of a pipe that holds 4 kB.
    async fn socket<F, R>(talk: F) -> WebSocketStream<tokio::io::DuplexStream>
    where
        F: FnOnce(Incoming, Outgoing) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Option<Closed>> + Send + 'static,
    {
        let (here, there) = tokio::io::duplex(4_096);
        let router = Router::new().route("/", any(|upgrade: Upgrade| async move { upgrade.open(Vec::new(), talk) }));
        let service = TowerToHyperService::new(router);
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(there), service).with_upgrades());
        tokio_tungstenite::client_async("ws://relevo/", here).await.unwrap().0
    }

    async fn frames_and_code(mut client: WebSocketStream<tokio::io::DuplexStream>) -> (usize, u16) {
        let mut frames = 0;
        loop {
            match client.next().await.unwrap().unwrap() {
                Told::Text(_) => frames += 1,
                Told::Close(Some(frame)) => return (frames, frame.code.into()),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn whoever_does_not_read_is_closed_to_resume_when_so_many_frames_or_bytes_wait() {
        for (size, most) in [(10, MAX_QUEUED + 1), (100_000, MAX_QUEUED_BYTES / 100_000 + 1)] {
            let (tell, mut refused) = mpsc::unbounded_channel();
            let client = socket(move |_incoming, outgoing| async move {
                let mut count = 0;
                loop {
                    if let Err(closed) = outgoing.send(&json!({"text": "x".repeat(size)})) {
                        tell.send(count).unwrap();
                        return Some(closed);
                    }
                    count += 1;
                    tokio::task::yield_now().await;
                }
            })
            .await;
            // Nothing is read before that.
            let queued = refused.recv().await.unwrap();
            let (frames, code) = frames_and_code(client).await;
            assert_eq!(code, RESUME);
            // A few had left before the pipe was full.
            assert!(queued <= most + 4_096 / size + 2, "{queued} frames of {size} bytes");
            assert!(frames < queued, "what was queued is not waited for");
        }
    }

    #[tokio::test]
    async fn a_burst_is_no_slow_client_while_it_is_read() {
        let client = socket(|_incoming, outgoing| async move {
            for n in 0..10 * MAX_QUEUED {
                if let Err(closed) = outgoing.send(&json!(n)) {
                    return Some(closed);
                }
                outgoing.pass().await;
            }
            let _ = outgoing.room().await;
            Some(Closed(RESTART, "restart"))
        })
        .await;
        assert_eq!(frames_and_code(client).await, (10 * MAX_QUEUED, RESTART));
    }

    #[tokio::test]
    async fn a_frame_that_is_announced_larger_than_allowed_is_not_waited_for() {
        let client = socket(|mut incoming, _outgoing| async move {
            while !matches!(incoming.next::<Value>().await, Heard::Gone) {}
            None
        })
        .await;
        let mut pipe = client.into_inner();
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend(8_000_000_u64.to_be_bytes());
        frame.resize(8_000_014, 0);
        // The server reads the head, and hangs up.
        assert!(pipe.write_all(&frame).await.is_err(), "8 MB were taken in");
    }

    #[tokio::test]
    async fn a_long_past_waits_for_room_and_is_told_whole() {
        let client = socket(|_incoming, outgoing| async move {
            for _ in 0..1_000 {
                if let Err(closed) = outgoing.room().await.and_then(|()| outgoing.send(&json!("x".repeat(10_000)))) {
                    return Some(closed);
                }
            }
            let _ = outgoing.room().await;
            Some(Closed(RESTART, "restart"))
        })
        .await;
        assert_eq!(frames_and_code(client).await, (1_000, RESTART));
    }
}
