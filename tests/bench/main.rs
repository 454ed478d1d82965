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
use relevo_backends::testing::{schema, start_postgres};
use relevo_tests::deployment::Storage;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Measures Relevo against the floor of this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench", disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Which: start, throughput, deliver, handoff, sockets, lists, copilot; all when left out.
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(NAMES.map(|(name, ..)| name)))]
    names: Vec<String>,
    /// Where to write every figure, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A look at everything in under 3 minutes: fewer rounds, less load. Its figures are no results.
    #[arg(long)]
    short: bool,
    /// Only on this store.
    #[arg(long, value_parser = STORES)]
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
    stores: Vec<String>,
}

impl Plan {
    /// `long`, or `short` where only a look is wanted.
    pub(crate) fn pick<T>(&self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }

    /// Measures on each store. Its server, if it needs one, ends with the measuring, however that ends.
    pub(crate) async fn on_each(
        &self,
        measure: impl AsyncFn(&Self, &Storage) -> Result<Vec<Figure>>,
    ) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for name in &self.stores {
            if name == "postgres" {
                let server = start_postgres();
                break_in(server.address()).await.context("PostgreSQL cannot be prepared")?;
                let storage = Storage::Postgres { url: server.address().to_owned(), schema: schema() };
                figures.extend(measure(self, &storage).await?);
                server.stop();
            } else {
                figures.extend(measure(self, &Storage::Sqlite).await?);
            }
        }
        Ok(figures)
    }
}

const STORES: [&str; 2] = ["sqlite", "postgres"];
/// Files of PostgreSQL's write-ahead log, 16 MB each, that are there before anything is measured.
const LOG_FILES: usize = 64;

/// Brings a new database to where one is that has run for a while: each file of its log is written full of zeros when it
/// is first needed, and everybody waits a tenth of a second; later ones are old ones used again.
async fn break_in(url: &str) -> Result<()> {
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    for setting in ["min_wal_size = '2GB'", "max_wal_size = '4GB'"] {
        sqlx::query(AssertSqlSafe(format!("ALTER SYSTEM SET {setting}"))).execute(&mut connection).await?;
    }
    sqlx::query("SELECT pg_reload_conf()").execute(&mut connection).await?;
    for _ in 0..LOG_FILES {
        sqlx::query("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()").execute(&mut connection).await?;
    }
    // What it freed is used again after two of them.
    for _ in 0..2 {
        sqlx::query("CHECKPOINT").execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// The benchmarks, and how many minutes one may take at most, long and short: whatever hangs ends in an error.
const NAMES: [(&str, u64, u64); 7] = [
    ("start", 5, 2),
    ("throughput", 10, 3),
    ("deliver", 30, 10),
    ("handoff", 10, 3),
    ("sockets", 30, 10),
    ("lists", 120, 15),
    ("copilot", 30, 10),
];

fn main() -> Result<()> {
    // A second provider in the process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(Inner::Floor(floor)) = arguments.inner {
        return runtime.block_on(floor::serve(floor));
    }
    let outcome = runtime.block_on(run(arguments));
    // What was given up may still wait for something.
    runtime.shutdown_background();
    outcome
}

async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { names, json: report_to, short, store, .. } = arguments;
    let stores = store.map_or(STORES.map(str::to_owned).to_vec(), |store| vec![store]);
    let plan = Plan { short, rounds: if short { 1 } else { 5 }, stores };
    let machine = figures::machine();
    println!("{}", machine["summary"].as_str().unwrap_or_default());
    let mut all: Vec<Figure> = Vec::new();
    let mut failed = BTreeMap::new();
    for (name, long_minutes, short_minutes) in NAMES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("── {name}");
        let began = Instant::now();
        let most = Duration::from_mins(plan.pick(long_minutes, short_minutes));
        let measured = within(most, name, async {
            match name {
                "deliver" => deliver::run(&plan).await,
                "throughput" => throughput::run(&plan).await,
                "sockets" => sockets::run(&plan).await,
                "lists" => lists::run(&plan).await,
                "start" => start::run(&plan).await,
                "handoff" => handoff::run(&plan).await,
                "copilot" => copilot::run(&plan).await,
                _ => unreachable!("all names are here"),
            }
        });
        match measured.await {
            Ok(figures) => all.extend(figures),
            // The others are still worth knowing.
            Err(error) => {
                eprintln!("\n{name}: {error:#}");
                failed.insert(name, format!("{error:#}"));
            }
        }
        println!("── {name} · {} s", began.elapsed().as_secs());
    }
    if let Some(path) = &report_to {
        let report = json!({"machine": machine, "short": plan.short, "figures": all, "failed": failed});
        std::fs::write(path, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("not measured: {}", failed.into_keys().collect::<Vec<_>>().join(", "))
    }
}

/// Does something that must end: what takes longer is an error that says what it was.
pub(crate) async fn within<T>(most: Duration, what: &str, doing: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(most, doing).await;
    done.unwrap_or_else(|_| Err(anyhow::anyhow!("{what} was given up after {} s", most.as_secs())))
}

/// Waits on purpose: what is measured is rest, or a load whose length was chosen.
pub(crate) async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}
