//! A stand-in for an OpenAI-compatible endpoint over a plain TCP socket: it sends exactly the bytes of
//! its script, piece by piece, and tells when its peer hung up.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What to do with one request.
#[derive(Clone)]
pub enum Answer {
    /// An event stream of these pieces of bytes, then an orderly close.
    Stream(Vec<Vec<u8>>),
    /// An event stream that stays open and silent after its pieces.
    Hanging(Vec<Vec<u8>>),
    /// A status with headers and a body.
    Status(u16, &'static str, Vec<u8>),
    /// The connection is reset without an answer.
    Reset,
    /// Nothing at all.
    Silence,
}

/// What was asked and when.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: serde_json::Value,
    pub at: tokio::time::Instant,
}

pub struct StandIn {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    hung_up: mpsc::UnboundedReceiver<()>,
}

impl StandIn {
    /// Answers each request with the next of `script`; the last one repeats.
    pub async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let (tell, hung_up) = mpsc::unbounded_channel();
        let log = asked.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, script.clone(), log.clone(), tell.clone()));
            }
        });
        Self { address, asked, hung_up }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until the client closes its connection; false when it does not within `within`.
    pub async fn peer_hung_up(&mut self, within: Duration) -> bool {
        tokio::time::timeout(within, self.hung_up.recv()).await.is_ok()
    }
}

async fn serve(
    mut socket: TcpStream,
    script: Arc<Mutex<VecDeque<Answer>>>,
    log: Arc<Mutex<Vec<Asked>>>,
    hung_up: mpsc::UnboundedSender<()>,
) {
    let Some(asked) = read_request(&mut socket).await else { return };
    log.lock().unwrap().push(asked);
    let answer = {
        let mut script = script.lock().unwrap();
        if script.len() > 1 { script.pop_front().unwrap() } else { script.front().unwrap().clone() }
    };
    match answer {
        Answer::Reset => {
            // Closing with unread or undelivered data pending makes the kernel send a reset.
            socket.set_zero_linger().ok();
        }
        Answer::Silence => wait_for_hang_up(&mut socket, &hung_up).await,
        Answer::Status(status, headers, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(&body).await;
        }
        Answer::Stream(pieces) => {
            send(&mut socket, pieces).await;
        }
        Answer::Hanging(pieces) => {
            send(&mut socket, pieces).await;
            wait_for_hang_up(&mut socket, &hung_up).await;
        }
    }
}

async fn send(socket: &mut TcpStream, pieces: Vec<Vec<u8>>) {
    let _ = socket.set_nodelay(true);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let _ = socket.write_all(head.as_bytes()).await;
    for piece in pieces {
        if socket.write_all(&piece).await.is_err() {
            return;
        }
        let _ = socket.flush().await;
        // Let the reader see this piece alone.
        tokio::task::yield_now().await;
    }
}

async fn wait_for_hang_up(socket: &mut TcpStream, hung_up: &mpsc::UnboundedSender<()>) {
    let mut byte = [0; 1];
    let _ = socket.read(&mut byte).await;
    let _ = hung_up.send(());
}

async fn read_request(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = socket.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let body = serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default();
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            return Some(Asked { head, body, at: tokio::time::Instant::now() });
        }
    }
}
