//! What is measured, and how it is told.

use serde::Serialize;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// One thing that was measured, of the product and, where there is one, of the floor.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// The median of `products`.
    pub(crate) product: f64,
    pub(crate) floor: Option<f64>,
    /// The median of the rounds' ratios, product by floor.
    pub(crate) ratio: Option<f64>,
    pub(crate) aim: Option<Aim>,
    pub(crate) met: Option<bool>,
    pub(crate) products: Vec<f64>,
    pub(crate) floors: Vec<f64>,
    pub(crate) note: String,
}

/// What it should be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// The ratio is at most this.
    RatioAtMost(f64),
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// The figure itself is at most this.
    AtMost(f64),
}

impl Figure {
    /// Of the product alone.
    pub(crate) fn alone(what: impl Into<String>, unit: &'static str, products: Vec<f64>) -> Self {
        Self::against(what, unit, products, Vec::new())
    }

    /// Against a floor, measured in turn: the nth of one with the nth of the other.
    pub(crate) fn against(what: impl Into<String>, unit: &'static str, products: Vec<f64>, floors: Vec<f64>) -> Self {
        let ratios = products.iter().zip(&floors).map(|(product, floor)| product / floor).collect::<Vec<_>>();
        let some = |of: &[f64]| (!of.is_empty()).then(|| median(of));
        let (product, floor, ratio) = (median(&products), some(&floors), some(&ratios));
        let what = what.into();
        Self { what, unit, product, floor, ratio, aim: None, met: None, products, floors, note: String::new() }
    }

    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.met = match aim {
            Aim::RatioAtMost(most) => self.ratio.map(|ratio| ratio <= most),
            Aim::RatioAtLeast(least) => self.ratio.map(|ratio| ratio >= least),
            Aim::AtMost(most) => Some(self.product <= most),
        };
        self.aim = Some(aim);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Tells it in a line.
    pub(crate) fn told(self) -> Self {
        let mut told = vec![format!("   {:<46} {:>10} {}", self.what, short(self.product), self.unit)];
        if let (Some(floor), Some(ratio)) = (self.floor, self.ratio) {
            told.push(format!("floor {} · ratio {ratio:.2}", short(floor)));
        }
        if let Some(aim) = self.aim {
            let aim = match aim {
                Aim::RatioAtMost(most) => format!("aim ≤ {most}"),
                Aim::RatioAtLeast(least) => format!("aim ≥ {least}"),
                Aim::AtMost(most) => format!("aim ≤ {}", short(most)),
            };
            told.push(format!("{aim} {}", if self.met == Some(true) { "✓" } else { "✗" }));
        }
        if !self.note.is_empty() {
            told.push(self.note.clone());
        }
        println!("{}", told.join(" · "));
        self
    }
}

pub(crate) fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which `share` of all lie. Sorted already.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(Duration::MAX)
}

pub(crate) fn sorted(times: &[Duration]) -> Vec<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// The memory that a process holds, in KiB.
pub(crate) fn memory(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok());
    kib.ok_or_else(|| anyhow::anyhow!("/proc/{process}/status tells no memory"))
}

/// What it was measured on.
pub(crate) fn machine() -> Value {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (processor, memory) = (field(&file("/proc/cpuinfo"), "model name"), field(&file("/proc/meminfo"), "MemTotal"));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, rustc, postgres) = (said("uname", "-sr"), said("rustc", "--version"), said("pg_config", "--version"));
    let load = file("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let summary = format!("{processor} · {cores} cores · {memory} · {kernel} · {rustc} · {postgres} · load {load}");
    json!({"summary": summary, "processor": processor, "cores": cores, "memory": memory, "kernel": kernel,
        "rustc": rustc, "postgres": postgres, "load_average": load})
}
