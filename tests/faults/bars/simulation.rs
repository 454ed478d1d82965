//! Bar 5: whole deployments inside this process, on a simulated network (turmoil): two servers with real HTTP and real
//! sockets share a log, servers crash, lines are cut and stand still, and the bus between the servers fails. Afterwards
//! every visitor's screen must be the log: no gap, nothing twice.
//!
//! A seed decides everything that this file does and what the network does with it, on a clock that runs only here.

mod network;
mod node;
mod person;

use crate::run::{Found, Run};
use anyhow::{Result, anyhow};
use network::{Dice, Simulated};
use node::{Deployed, NODES};
use person::Screen;
use relevo::domain::event::Event;
use relevo::domain::message::Actor;
use relevo::domain::timeline;
use relevo::store::Log;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Visitors of a deployment.
const VISITORS: usize = 3;
/// What each of them says.
const MESSAGES: usize = 6;
/// For so long, of the simulated time, something goes wrong.
const TROUBLE: Duration = Duration::from_secs(30);
/// By then everybody must have seen everything.
const END: Duration = Duration::from_mins(10);
/// How long the short form may look for a fault.
const SHORT: Duration = Duration::from_secs(8);

/// What a seed came to.
#[derive(Debug, Default)]
struct Counts {
    seeds: usize,
    crashes: usize,
    partitions: usize,
    holds: usize,
    bus_cuts: usize,
    reconnects: usize,
    items: usize,
    lost: usize,
    duplicated: usize,
    gaps: usize,
    wrong_screens: usize,
    unanswered: usize,
    delivered_twice: usize,
    bad_seeds: Vec<u64>,
    errors: Vec<String>,
}

pub async fn bar(run: Run) -> Result<Found> {
    if let Some(promise) = run.sabotage {
        relevo::faults::sabotage(promise);
    }
    let seeds = run.many(1_000, 60) as u64;
    let (next, total) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Counts::default())));
    let began = Instant::now();
    let workers: Vec<_> = (0..std::thread::available_parallelism().map_or(1, usize::from))
        .map(|_| {
            let (next, total, run) = (Arc::clone(&next), Arc::clone(&total), run.clone());
            std::thread::spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= seeds || (run.short && began.elapsed() > SHORT) {
                        return;
                    }
                    // The first is the one that was asked for: `--seed` of a broken one shows it first.
                    let seed = run.seed + n;
                    let outcome = one(seed);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.add(seed, outcome);
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(move || workers.into_iter().try_for_each(std::thread::JoinHandle::join))
        .await?
        .map_err(|_| anyhow!("a simulation panicked"))?;
    let total = std::mem::take(&mut *total.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(total.found())
}

impl Counts {
    fn add(&mut self, seed: u64, outcome: Result<Counts>) {
        self.seeds += 1;
        match outcome {
            Ok(counts) => {
                let wrong = counts.lost
                    + counts.duplicated
                    + counts.gaps
                    + counts.wrong_screens
                    + counts.unanswered
                    + counts.delivered_twice;
                if wrong > 0 {
                    self.bad_seeds.push(seed);
                }
                self.crashes += counts.crashes;
                self.partitions += counts.partitions;
                self.holds += counts.holds;
                self.bus_cuts += counts.bus_cuts;
                self.reconnects += counts.reconnects;
                self.items += counts.items;
                self.lost += counts.lost;
                self.duplicated += counts.duplicated;
                self.gaps += counts.gaps;
                self.wrong_screens += counts.wrong_screens;
                self.unanswered += counts.unanswered;
                self.delivered_twice += counts.delivered_twice;
            }
            Err(error) => {
                self.bad_seeds.push(seed);
                self.errors.push(format!("seed {seed}: {error:#}"));
            }
        }
    }

    fn found(self) -> Found {
        let mut found = Found::default();
        found.must("seeds", self.seeds, self.seeds > 0);
        found.must("crashes", self.crashes, self.crashes > 0);
        found.must("partitions", self.partitions, self.partitions > 0);
        found.note("lines_held", self.holds);
        found.note("bus_cuts", self.bus_cuts);
        found.must("reconnects", self.reconnects, self.reconnects > 0);
        found.must("items_on_screens", self.items, self.items > 0);
        found.never("lost", self.lost);
        found.never("duplicated", self.duplicated);
        found.never("gaps", self.gaps);
        found.never("screens_that_differ", self.wrong_screens);
        found.never("unanswered", self.unanswered);
        found.never("delivered_twice", self.delivered_twice);
        found.must("errors", self.errors.clone(), self.errors.is_empty());
        let mut bad_seeds = self.bad_seeds;
        bad_seeds.sort_unstable();
        found.note("bad_seeds", bad_seeds);
        found
    }
}

/// One deployment from its start to everybody's last message.
fn one(seed: u64) -> Result<Counts> {
    let dice = Dice::new(seed);
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(END)
        .tick_duration(Duration::from_millis(5))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(dice.between(5, 120)))
        .tcp_capacity(4_096)
        .enable_random_order()
        .build();
    let deployed = Deployed::new(&dice)?;
    for node in NODES {
        let deployed = deployed.clone();
        sim.host(node, move || {
            let deployed = deployed.clone();
            async move { Ok(deployed.serve(node).await?) }
        });
    }
    let screens: Vec<_> = (0..VISITORS).map(|_| Screen::default()).collect();
    for (n, screen) in screens.iter().enumerate() {
        let (screen, dice) = (screen.clone(), dice.fork());
        sim.client(format!("visitor{n}"), async move { Ok(person::visits(n, MESSAGES, screen, dice).await?) });
    }
    let mut counts = Counts::default();
    trouble(&mut sim, &dice, &deployed, &mut counts)?;
    // Dropped first, so that no task of a server writes any more.
    drop(sim);
    judge(&deployed, &screens, &mut counts)?;
    Ok(counts)
}

/// Lets time pass and things go wrong, and in the end go right.
fn trouble(sim: &mut Simulated<'_>, dice: &Dice, deployed: &Deployed, counts: &mut Counts) -> Result<()> {
    let visitors: Vec<String> = (0..VISITORS).map(|n| format!("visitor{n}")).collect();
    let mut next = Duration::from_millis(dice.between(500, 2_500));
    // What is to be mended, and when.
    let mut mends: Vec<(Duration, Wrong)> = Vec::new();
    loop {
        let ended = sim.step().map_err(|error| anyhow!("{error}"))?;
        if ended {
            return Ok(());
        }
        let now = sim.elapsed();
        for (_, wrong) in mends.extract_if(.., |(at, _)| *at <= now) {
            wrong.mend(sim, deployed);
        }
        if now < next || now > TROUBLE {
            continue;
        }
        next = now + Duration::from_millis(dice.between(300, 3_000));
        let node = NODES[dice.index(NODES.len())];
        let visitor = visitors[dice.index(visitors.len())].clone();
        let until = now + Duration::from_millis(dice.between(50, 6_000));
        let wrong = match dice.index(4) {
            // Crashed already.
            0 if !sim.is_host_running(node) => continue,
            0 => {
                counts.crashes += 1;
                sim.crash(node);
                Wrong::Crashed(node)
            }
            1 => {
                counts.partitions += 1;
                sim.partition(visitor.as_str(), node);
                Wrong::Cut(visitor, node)
            }
            2 => {
                counts.holds += 1;
                sim.hold(visitor.as_str(), node);
                Wrong::Held(visitor, node)
            }
            _ => {
                counts.bus_cuts += 1;
                deployed.cut_bus();
                Wrong::NoBus
            }
        };
        mends.push((until, wrong));
    }
}

/// What is wrong for a while.
enum Wrong {
    /// A server is down.
    Crashed(&'static str),
    /// What is sent between these two is lost.
    Cut(String, &'static str),
    /// It waits.
    Held(String, &'static str),
    /// The servers do not hear each other.
    NoBus,
}

impl Wrong {
    fn mend(self, sim: &mut Simulated<'_>, deployed: &Deployed) {
        match self {
            Self::Crashed(node) => sim.bounce(node),
            Self::Cut(visitor, node) => sim.repair(visitor, node),
            Self::Held(visitor, node) => sim.release(visitor, node),
            Self::NoBus => deployed.mend_bus(),
        }
    }
}

/// Compares the log with what was said and with every screen.
fn judge(deployed: &Deployed, screens: &[Screen], counts: &mut Counts) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let log = runtime.block_on(deployed.store().follow(0, 100_000))?;
    let mut facts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for logged in log {
        facts.entry(logged.envelope.conversation).or_default().push(logged.envelope);
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut claimed: BTreeMap<_, usize> = BTreeMap::new();
    for facts in facts.values() {
        counts.gaps += facts.iter().zip(1..).filter(|(fact, seq)| fact.seq != *seq).count();
        for fact in facts {
            match &fact.event {
                Event::MessagePosted { message, .. } => *times.entry(message.text.clone()).or_default() += 1,
                Event::DeliveryClaimed { message, .. } => *claimed.entry(message.id.0).or_default() += 1,
                _ => {}
            }
        }
    }
    counts.delivered_twice += claimed.values().filter(|&&times| times > 1).count();
    for (n, screen) in screens.iter().enumerate() {
        let seen = screen.seen();
        counts.reconnects += seen.connects.saturating_sub(1);
        counts.items += seen.items.len();
        counts.duplicated += seen.repeated;
        for message in 0..MESSAGES {
            let text = format!("{n}.{message}");
            let said = times.get(&text).copied().unwrap_or(0);
            counts.lost += usize::from(said == 0);
            counts.duplicated += said.saturating_sub(1);
            let answered = times.get(&format!("eco: {text}")).copied().unwrap_or(0);
            counts.unanswered += usize::from(answered == 0);
            counts.duplicated += answered.saturating_sub(1);
        }
        // What this visitor may see of the conversation in which they speak.
        let own = facts.values().find(|facts| {
            facts.iter().any(|fact| {
                matches!(&fact.event, Event::MessagePosted { message, .. }
                    if message.author == Actor::Visitor && message.text.starts_with(&format!("{n}.")))
            })
        });
        let shown: Vec<u64> = own
            .into_iter()
            .flatten()
            .filter(|fact| timeline::for_visitor(fact).is_some())
            .map(|fact| fact.seq)
            .collect();
        let missing = shown.iter().filter(|seq| !seen.items.contains(seq)).count();
        counts.gaps += missing;
        counts.wrong_screens += usize::from(shown != seen.items);
    }
    Ok(())
}
