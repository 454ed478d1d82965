//! An open-loop load: the instants of all messages are fixed in advance, and a message's latency counts from its
//! instant, however late the driver or the server is. A load that waits for answers would hide its own waiting.

use crate::figures::percentile;
use anyhow::{Context, Result, bail};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use relevo_tests::people::{Socket, Visitor, connect, say};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// A message has this much text, in bytes.
const TEXT: usize = 120;
/// Nothing more comes after so long a silence.
const SILENCE: Duration = Duration::from_secs(10);

/// Visitors who write, and the agent's socket on which they are read.
pub(crate) struct Line {
    visitors: Vec<SplitSink<Socket, Message>>,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    heard: Arc<Heard>,
    run: usize,
}

struct Arrival {
    run: usize,
    n: usize,
    at: Instant,
}

#[derive(Default)]
struct Heard {
    acks: AtomicUsize,
    refusals: AtomicUsize,
}

/// What became of a load.
pub(crate) struct Delivered {
    /// From the intended instant to the agent's socket, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) lost: usize,
    pub(crate) unacknowledged: usize,
    /// How late the driver itself was, at the 99th percentile.
    pub(crate) driver: Duration,
}

impl Delivered {
    pub(crate) fn at(&self, share: f64) -> Duration {
        percentile(&self.latencies, share)
    }
}

impl Line {
    pub(crate) fn new(visitors: Vec<Socket>, agent: Socket) -> Self {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        tokio::spawn(read_agent(agent, arrived));
        let heard = Arc::new(Heard::default());
        let visitors = visitors.into_iter().map(|socket| {
            let (sink, stream) = socket.split();
            tokio::spawn(read_visitor(stream, Arc::clone(&heard)));
            sink
        });
        Self { visitors: visitors.collect(), arrivals, heard, run: 0 }
    }

    /// Sends `rate` messages a second for `time`, the visitors in turn, and waits until all have arrived.
    pub(crate) async fn send(&mut self, rate: u32, time: Duration) -> Result<Delivered> {
        self.run += 1;
        let run = self.run;
        let step = Duration::from_secs(1) / rate;
        let messages = usize::try_from(time.as_nanos() / step.as_nanos())?;
        let before = self.heard.acks.load(Ordering::Relaxed);
        let begins = Instant::now() + Duration::from_millis(50);
        let instant = move |n: usize| begins + step * u32::try_from(n).expect("a run is short");
        let mut visitors = std::mem::take(&mut self.visitors);
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: the timers of the runtime are a millisecond wide.
        let pace = std::thread::spawn(move || -> Result<_> {
            sleep_precisely();
            let mut late = Vec::with_capacity(messages);
            for n in 0..messages {
                let frame = frame(run, n);
                std::thread::sleep(instant(n).saturating_duration_since(Instant::now()));
                late.push(instant(n).elapsed());
                let visitor = n % visitors.len();
                runtime.block_on(visitors[visitor].send(Message::text(frame)))?;
            }
            Ok((visitors, late))
        });
        let mut latencies = Vec::with_capacity(messages);
        let mut seen = vec![false; messages];
        while latencies.len() < messages {
            let Ok(Some(arrival)) = tokio::time::timeout(time + SILENCE, self.arrivals.recv()).await else { break };
            // A message may be told twice (a card and a timeline, a resumed socket): the first time counts.
            if arrival.run == run && !std::mem::replace(&mut seen[arrival.n], true) {
                latencies.push(arrival.at.saturating_duration_since(instant(arrival.n)));
            }
        }
        let paced = tokio::task::spawn_blocking(move || pace.join()).await?;
        let (visitors, mut late) = paced.map_err(|_| anyhow::anyhow!("the load panicked"))??;
        self.visitors = visitors;
        let patience = Instant::now();
        while self.heard.acks.load(Ordering::Relaxed) - before < messages && patience.elapsed() < SILENCE / 10 {
            crate::rest(Duration::from_millis(5)).await;
        }
        if self.heard.refusals.load(Ordering::Relaxed) > 0 {
            bail!("the server refused messages: a limit of its settings was reached");
        }
        latencies.sort();
        late.sort();
        Ok(Delivered {
            lost: messages - latencies.len(),
            unacknowledged: messages.saturating_sub(self.heard.acks.load(Ordering::Relaxed) - before),
            driver: percentile(&late, 0.99),
            latencies,
        })
    }
}

fn frame(run: usize, n: usize) -> String {
    let text = format!("{n} {}", "un paquete que no llega ".repeat(TEXT / 24));
    json!({"op": "say", "client_id": format!("{run}-{n}"), "text": text, "payload": null}).to_string()
}

/// A sleeping thread is otherwise woken up to 50 µs late.
fn sleep_precisely() {
    if let Ok(thread) = std::fs::read_link("/proc/thread-self")
        && let Some(id) = thread.file_name()
    {
        // Where that is not allowed, the driver is a little later, and says so.
        let _ = std::fs::write(std::path::Path::new("/proc").join(id).join("timerslack_ns"), "1000");
    }
}

async fn read_agent(mut socket: Socket, arrived: mpsc::UnboundedSender<Arrival>) {
    while let Some(Ok(message)) = socket.next().await {
        let at = Instant::now();
        let Message::Text(text) = message else { continue };
        for part in text.split("\"client_id\":\"").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            let Some((run, n)) = name.split_once('-') else { continue };
            if let (Ok(run), Ok(n)) = (run.parse(), n.parse())
                && arrived.send(Arrival { run, n, at }).is_err()
            {
                return;
            }
        }
    }
}

async fn read_visitor(mut stream: SplitStream<Socket>, heard: Arc<Heard>) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        if text.contains("\"op\":\"ack\"") {
            heard.acks.fetch_add(1, Ordering::Relaxed);
        } else if text.contains("\"op\":\"refused\"") || text.contains("\"op\":\"error\"") {
            heard.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A visitor who has just begun a conversation, and its id.
pub(crate) async fn begin(http: &reqwest::Client, address: SocketAddr, client_id: &str) -> Result<(Socket, String)> {
    let mut visitor = Visitor::new(http, address);
    let mut socket = visitor.connect(0).await?;
    say(&mut socket, client_id, "hola").await?;
    let session = visitor.session().await?;
    Ok((socket, session["conversation"].as_str().context("it has begun")?.to_owned()))
}

/// A line of so many visitors to a floor.
pub(crate) async fn to_floor(address: SocketAddr, visitors: usize) -> Result<Line> {
    let agent = connect(address, "/agent").await.context("the floor takes no agent")?;
    let mut sockets = Vec::with_capacity(visitors);
    for _ in 0..visitors {
        sockets.push(connect(address, "/visitor").await?);
    }
    Ok(Line::new(sockets, agent))
}
