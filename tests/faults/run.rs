//! One run of a bar: how it was asked for, its chances, and what it found.

use clap::ValueEnum;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the server keeps its log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// One file.
    Sqlite,
    /// A private PostgreSQL server.
    Postgres,
}

impl StoreKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// How a bar was asked for.
#[derive(Debug, Clone)]
pub struct Run {
    pub seed: u64,
    pub short: bool,
    pub store: StoreKind,
    /// The promise that the server breaks on purpose.
    pub sabotage: Option<&'static str>,
    dice: Arc<Mutex<u64>>,
}

impl Run {
    pub fn new(seed: Option<u64>, short: bool, store: StoreKind, sabotage: Option<&'static str>) -> Self {
        let seed = seed.unwrap_or_else(|| {
            relevo_server::sign_in::token().bytes().fold(7, |n, byte| n * 31 % (1 << 40) + u64::from(byte))
        });
        Self { seed, short, store, sabotage, dice: Arc::new(Mutex::new(seed)) }
    }

    /// `long`, or `short` where time is short.
    pub fn many(&self, long: usize, short: usize) -> usize {
        if self.short { short } else { long }
    }

    /// A random number below `end` (`SplitMix64`). What the operating system makes of it is not repeated.
    pub fn below(&self, end: u64) -> u64 {
        let mut state = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A random index of something that has `len`.
    pub fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below len")
    }

    /// A random time between two numbers of milliseconds.
    pub fn between(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    /// The same items in a random order.
    pub fn shuffled<T>(&self, mut items: Vec<T>) -> Vec<T> {
        for n in (1..items.len()).rev() {
            items.swap(n, self.index(n + 1));
        }
        items
    }
}

/// What a bar counted, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Found {
    counts: Map<String, Value>,
    wrong: Vec<String>,
    skipped: Option<String>,
}

/// What a bar came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was wrong.
    Held,
    /// Something was.
    Broken,
    /// It could not be asked here.
    Skipped,
}

impl Outcome {
    /// As the bar's line has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Skipped => "skipped",
        }
    }
}

impl Found {
    /// Nothing was tried, because this machine does not allow it.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }

    /// A figure for the reader.
    pub fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.counts.insert(name.to_owned(), value.into());
    }

    /// A figure that has to be so; the bar is broken where `holds` is false.
    pub fn must(&mut self, name: &str, value: impl Into<Value>, holds: bool) {
        let value = value.into();
        if !holds {
            self.wrong.push(format!("{name} = {value}"));
        }
        self.counts.insert(name.to_owned(), value);
    }

    /// A count of things that must never happen.
    pub fn never(&mut self, name: &str, count: usize) {
        self.must(name, count, count == 0);
    }

    /// Adds everything to the bar's line; what the bar came to.
    pub fn write_into(self, line: &mut Value) -> Outcome {
        if let Some(why) = self.skipped {
            line["why"] = why.into();
            return Outcome::Skipped;
        }
        let held = self.wrong.is_empty();
        if let Value::Object(members) = line {
            members.extend(self.counts);
            if !held {
                members.insert("wrong".into(), self.wrong.into());
            }
        }
        if held { Outcome::Held } else { Outcome::Broken }
    }
}
