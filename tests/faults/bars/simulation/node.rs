//! The servers of a simulation: composed as `relevo serve` composes them, on a log that outlives them.

use super::network::{Dice, Doors, SimulatedClock};
use anyhow::Result;
use relevo::bot::{LiveTurn, bot_fn};
use relevo::bus::{Bus, LocalBus, Signal};
use relevo::clock::Clock;
use relevo::domain::id::{BotId, ConversationId};
use relevo::memory::MemoryStore;
use relevo::topics::Following;
use relevo_server::compose::{Ports, Server};
use relevo_server::config::{Config, Limits};
use relevo_server::serve;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Their names on the network.
pub const NODES: [&str; 2] = ["node0", "node1"];
/// Enough for whoever has to say everything again and again.
const PLENTY: u32 = 1_000_000;

/// What servers share, and what outlives them.
#[derive(Clone)]
pub struct Deployed {
    store: Arc<MemoryStore>,
    clock: Arc<SimulatedClock>,
    line: Arc<Line>,
    dice: Dice,
    folder: Arc<tempfile::TempDir>,
}

/// The bus between servers, which can be cut.
#[derive(Default)]
struct Line {
    cut: AtomicBool,
    ends: Mutex<BTreeMap<&'static str, LocalBus>>,
}

/// A server's end of it.
struct End {
    node: &'static str,
    here: LocalBus,
    line: Arc<Line>,
}

impl Bus for End {
    fn publish(&self, signal: Signal) {
        if signal.is_for_others() && !self.line.cut.load(Ordering::Relaxed) {
            let ends = self.line.ends.lock().unwrap_or_else(PoisonError::into_inner);
            for (_, end) in ends.iter().filter(|(node, _)| **node != self.node) {
                end.publish(signal.clone());
            }
        }
        self.here.publish(signal);
    }

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.here.subscribe()
    }

    fn subscribe_to(&self, conversation: ConversationId) -> Following<ConversationId, Signal> {
        self.here.subscribe_to(conversation)
    }
}

impl Deployed {
    pub fn new(dice: &Dice) -> Result<Self> {
        // A store that takes its time, so that a crash falls between any two of its answers.
        let slow = dice.fork();
        let store = MemoryStore::slow(move || Duration::from_millis(slow.between(0, 12)));
        Ok(Self {
            store: Arc::new(store),
            clock: Arc::new(SimulatedClock::new(dice)),
            line: Arc::default(),
            dice: dice.fork(),
            folder: Arc::new(tempfile::tempdir()?),
        })
    }

    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    pub fn cut_bus(&self) {
        self.line.cut.store(true, Ordering::Relaxed);
    }

    pub fn mend_bus(&self) {
        self.line.cut.store(false, Ordering::Relaxed);
    }

    /// Starts a server and serves until it is crashed.
    pub async fn serve(&self, node: &'static str) -> Result<()> {
        let here = LocalBus::default();
        self.line.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(node, here.clone());
        let bus = End { node, here, line: Arc::clone(&self.line) };
        let ports = Ports {
            store: Arc::clone(&self.store) as Arc<_>,
            bus: Arc::new(bus),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        };
        let thinks = self.dice.fork();
        let echo = bot_fn(move |turn: LiveTurn| {
            let pause = Duration::from_millis(thinks.between(0, 400));
            async move {
                tokio::time::sleep(pause).await;
                turn.say(format!("eco: {}", turn.text())).await
            }
        });
        let data = self.folder.path().join(node);
        std::fs::create_dir_all(&data)?;
        let bots = BTreeMap::from([(BotId::new("echo")?, echo)]);
        let server = Server::compose_on(config(data), bots, ports).await?;
        let app = server.app.clone();
        let stop = app.stop.clone();
        serve::serve(Doors::open().await?, serve::router(app), stop).await;
        Ok(())
    }
}

fn config(data: PathBuf) -> Config {
    let limits = Limits {
        messages_per_10_seconds: PLENTY,
        messages_per_hour: PLENTY,
        conversations_per_hour: PLENTY,
        visitors_per_hour: PLENTY,
        sockets_per_address: 1_000,
        sockets_per_visitor: 1_000,
        ..Limits::default()
    };
    // Without the shortcuts that ship with Relevo, which every start of a server would read.
    Config { shortcuts: Some(data.clone()), data, limits, ..Config::default() }
}
