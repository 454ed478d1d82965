//! `cargo xtask bench`: the speed of Relevo against the floor of the machine that it runs on. Server and driver are
//! separate processes on loopback; floor and product are measured in turn in the same run, and the ratio is what counts.

mod copilot;
mod deliver;
mod dice;
mod figures;
mod floor;
mod handoff;
mod lists;
mod load;
mod sockets;
mod start;
mod throughput;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use figures::Figure;
use relevo_backends::testing::{Private, schema, start_postgres};
use relevo_tests::deployment::Storage;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Measures Relevo against the floor of this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench", disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Which: deliver, throughput, sockets, lists, start, handoff, copilot; all when left out.
    names: Vec<String>,
    /// Where to write every figure, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A look at everything in under 3 minutes: fewer rounds, less load. Its figures are no results.
    #[arg(long)]
    short: bool,
    /// Only on this store: sqlite or postgres.
    #[arg(long)]
    store: Option<String>,
}

#[derive(Subcommand)]
enum Inner {
    /// The floor, as a process of its own.
    #[command(hide = true)]
    Floor(floor::Arguments),
}

/// How much is measured.
pub(crate) struct Plan {
    pub(crate) short: bool,
    /// How often floor and product take turns.
    pub(crate) rounds: usize,
    stores: Vec<&'static str>,
}

impl Plan {
    /// `long`, or `short` where only a look is wanted.
    pub(crate) fn pick<T>(&self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }

    /// Each store that is measured, its server started if it needs one.
    pub(crate) fn stores(&self) -> impl Iterator<Item = Store> {
        self.stores.iter().map(|name| match *name {
            "postgres" => {
                let server = start_postgres();
                let storage = Storage::Postgres { url: server.address().to_owned(), schema: schema() };
                Store { storage, server: Some(server) }
            }
            _ => Store { storage: Storage::Sqlite, server: None },
        })
    }
}

/// A store that is measured.
pub(crate) struct Store {
    pub(crate) storage: Storage,
    server: Option<Private>,
}

impl Store {
    /// Ends the server, if it is one of ours.
    pub(crate) fn stop(self) {
        if let Some(server) = self.server {
            server.stop();
        }
    }
}

const NAMES: [&str; 7] = ["start", "throughput", "deliver", "handoff", "sockets", "lists", "copilot"];

fn main() -> Result<()> {
    // A second provider in the process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(Inner::Floor(floor)) = arguments.inner {
        return runtime.block_on(floor::serve(floor));
    }
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> Result<()> {
    let names: Vec<&str> = match &arguments.names[..] {
        [] => NAMES.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        bail!("there is no benchmark `{unknown}`: {}", NAMES.join(", "));
    }
    let stores = match arguments.store.as_deref() {
        None => vec!["sqlite", "postgres"],
        Some("sqlite") => vec!["sqlite"],
        Some("postgres") => vec!["postgres"],
        Some(other) => bail!("--store is sqlite or postgres, not `{other}`"),
    };
    let plan = Plan { short: arguments.short, rounds: if arguments.short { 1 } else { 5 }, stores };
    let machine = figures::machine();
    println!("{}", machine["summary"].as_str().unwrap_or_default());
    let mut all: Vec<Figure> = Vec::new();
    let mut failed = Vec::new();
    for name in names {
        println!("── {name}");
        let began = std::time::Instant::now();
        let measured = match name {
            "deliver" => deliver::run(&plan).await,
            "throughput" => throughput::run(&plan).await,
            "sockets" => sockets::run(&plan).await,
            "lists" => lists::run(&plan).await,
            "start" => start::run(&plan).await,
            "handoff" => handoff::run(&plan).await,
            "copilot" => copilot::run(&plan).await,
            _ => unreachable!("the names were checked"),
        };
        match measured {
            Ok(figures) => all.extend(figures),
            // The others are still worth knowing.
            Err(error) => {
                eprintln!("{name}: {error:#}");
                failed.push(name);
            }
        }
        println!("── {name} · {} s", began.elapsed().as_secs());
    }
    if let Some(path) = &arguments.json {
        let report = json!({"machine": machine, "short": plan.short, "figures": all});
        std::fs::write(path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if failed.is_empty() { Ok(()) } else { bail!("not measured: {}", failed.join(", ")) }
}

/// Waits on purpose: what is measured is rest, or a load whose length was chosen.
pub(crate) async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}
