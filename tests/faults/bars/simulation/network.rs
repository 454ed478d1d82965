//! Chances, time and lines of a simulation.

use anyhow::{Result, anyhow, ensure};
use axum::serve::Listener;
use relevo::clock::Clock;
use relevo::domain::time::Timestamp;
use serde_json::Value;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};
use uuid::Uuid;

pub type Simulated<'a> = turmoil::Sim<'a>;

/// The servers' port.
pub const PORT: u16 = 80;
/// When every simulation begins, in microseconds since 1970.
const BEGIN: i64 = 1_790_000_000_000_000;

/// Chances that a seed repeats (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(Arc<AtomicU64>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// Others, for somebody who throws them in a time of their own.
    pub fn fork(&self) -> Self {
        Self::new(self.next())
    }

    fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    pub fn index(&self, len: usize) -> usize {
        usize::try_from(self.next() % len as u64).unwrap_or(0)
    }
}

/// The simulation's time, and ids in its order.
#[derive(Debug)]
pub struct SimulatedClock {
    ids: AtomicU64,
    dice: Dice,
}

impl SimulatedClock {
    pub fn new(dice: &Dice) -> Self {
        Self { ids: AtomicU64::new(0), dice: dice.fork() }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let elapsed = turmoil::sim_elapsed().unwrap_or_default();
        Timestamp(BEGIN + i64::try_from(elapsed.as_micros()).unwrap_or(0))
    }

    fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().0 / 1_000).unwrap_or(0);
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..12].copy_from_slice(&count.to_be_bytes()[2..]);
        bytes[12..].copy_from_slice(&self.dice.next().to_be_bytes()[4..]);
        uuid::Builder::from_bytes(bytes).with_version(uuid::Version::SortRand).into_uuid()
    }
}

/// A server's end of the simulated network.
pub struct Doors(TcpListener);

impl Doors {
    pub async fn open() -> io::Result<Self> {
        Ok(Self(TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?))
    }
}

impl Listener for Doors {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok(accepted) => return accepted,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

pub async fn connect(node: &str) -> Result<TcpStream> {
    Ok(TcpStream::connect((node, PORT)).await?)
}

/// One request on a connection of its own, and its JSON answer.
pub async fn post(node: &str, path: &str, body: &Value) -> Result<Value> {
    let mut stream = connect(node).await?;
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {node}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("no whole answer"))?;
    ensure!(head.starts_with("HTTP/1.1 200"), "refused: {head} {body}");
    Ok(serde_json::from_str(body)?)
}
