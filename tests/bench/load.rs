//! An open-loop load: the instants of all messages are fixed in advance, and a message's latency counts from its
//! instant, however late the driver or the server is. A load that waits for answers would hide its own waiting.

use crate::figures::percentile;
use crate::rest;
use anyhow::{Context, Result, bail};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use relevo_tests::people::{Agent, Socket, Visitor, connect, say, send};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A message has this much text, in bytes.
const TEXT: usize = 120;
/// Nothing more comes after so long a silence.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a screen waits before it tries to come back once more.
const AGAIN: Duration = Duration::from_millis(250);

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
    closes: Mutex<Closes>,
}

/// How often whose socket was closed, with which code.
pub(crate) type Closes = BTreeMap<String, usize>;

impl Heard {
    fn closes(&self, whose: &str, why: &str) {
        let mut closes = self.closes.lock().unwrap_or_else(PoisonError::into_inner);
        *closes.entry(format!("{whose} {why}")).or_default() += 1;
    }
}

/// The socket on which everything is read, and what it takes to come back as a page does.
pub(crate) struct Screen {
    socket: Socket,
    page: Option<Page>,
}

/// What a page remembers.
struct Page {
    agent: Agent,
    /// Up to where it was told of cards.
    position: u64,
    /// Up to where it was told of each open conversation.
    told: HashMap<String, u64>,
}

impl Screen {
    /// The screen of an agent who has some conversations open.
    pub(crate) async fn of(agent: &Agent, conversations: &[String]) -> Result<Self> {
        let told = conversations.iter().map(|id| (id.clone(), 0)).collect();
        let mut page = Page { agent: agent.clone(), position: 0, told };
        Ok(Self { socket: page.connect().await?, page: Some(page) })
    }
}

impl Page {
    async fn connect(&mut self) -> Result<Socket> {
        let mut socket = self.agent.resume(self.position).await?;
        for (id, after) in &self.told {
            send(&mut socket, &json!({"op": "open", "conversation": id, "after": after})).await?;
        }
        Ok(socket)
    }

    fn reads(&mut self, text: &str) {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else { return };
        if let Some(card) = frame.card {
            self.position = self.position.max(card.position);
        }
        if let (Some(id), Some(seq)) = (frame.conversation, frame.last_seq)
            && let Some(told) = self.told.get_mut(id)
        {
            *told = seq;
        }
    }
}

/// As much of a frame as a page needs to come back.
#[derive(Deserialize)]
struct Frame<'a> {
    conversation: Option<&'a str>,
    last_seq: Option<u64>,
    card: Option<Card>,
}

#[derive(Deserialize)]
struct Card {
    position: u64,
}

/// What became of a load.
pub(crate) struct Delivered {
    /// From the intended instant to the agent's socket, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) lost: usize,
    pub(crate) unacknowledged: usize,
    /// How late the driver itself was, at the 99th percentile.
    pub(crate) driver: Duration,
    /// Sockets that were closed meanwhile. An agent's comes back, and reads what it missed.
    pub(crate) closes: Closes,
}

impl Delivered {
    pub(crate) fn at(&self, share: f64) -> Duration {
        percentile(&self.latencies, share)
    }
}

impl Line {
    pub(crate) fn new(visitors: Vec<Socket>, screen: Screen) -> Self {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let heard = Arc::new(Heard::default());
        tokio::spawn(watch(screen, arrived, Arc::clone(&heard)));
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
            rest(Duration::from_millis(5)).await;
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
            closes: std::mem::take(&mut *self.heard.closes.lock().unwrap_or_else(PoisonError::into_inner)),
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

/// Reads a screen, and comes back to where it was whenever its socket ends, until nobody asks for its arrivals.
async fn watch(mut screen: Screen, arrived: mpsc::UnboundedSender<Arrival>, heard: Arc<Heard>) {
    loop {
        let why = read(&mut screen, &arrived).await;
        heard.closes("agent", &why);
        let Some(page) = &mut screen.page else { return };
        screen.socket = loop {
            if arrived.is_closed() {
                return;
            }
            match page.connect().await {
                Ok(socket) => break socket,
                Err(_) => rest(AGAIN).await,
            }
        };
    }
}

/// Reads until the socket ends; why it did.
async fn read(screen: &mut Screen, arrived: &mpsc::UnboundedSender<Arrival>) -> String {
    while let Some(message) = screen.socket.next().await {
        let at = Instant::now();
        let text = match message {
            Ok(Message::Text(text)) => text,
            Ok(Message::Close(frame)) => return closed(frame),
            Ok(_) => continue,
            Err(error) => return error.to_string(),
        };
        for part in text.split("\"client_id\":\"").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            let Some((run, n)) = name.split_once('-') else { continue };
            if let (Ok(run), Ok(n)) = (run.parse(), n.parse())
                && arrived.send(Arrival { run, n, at }).is_err()
            {
                return "no longer read".to_owned();
            }
        }
        if let Some(page) = &mut screen.page {
            page.reads(&text);
        }
    }
    "ended".to_owned()
}

async fn read_visitor(mut stream: SplitStream<Socket>, heard: Arc<Heard>) {
    while let Some(Ok(message)) = stream.next().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => return heard.closes("visitor", &closed(frame)),
            _ => continue,
        };
        if text.contains("\"op\":\"ack\"") {
            heard.acks.fetch_add(1, Ordering::Relaxed);
        } else if text.contains("\"op\":\"refused\"") || text.contains("\"op\":\"error\"") {
            heard.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> String {
    frame.map_or("without a code".to_owned(), |frame| u16::from(frame.code).to_string())
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
    Ok(Line::new(sockets, Screen { socket: agent, page: None }))
}
