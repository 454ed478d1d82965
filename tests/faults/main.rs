//! The fault bars: a real server, clients that speak its REST and its sockets, and something that goes wrong. See
//! `docs/faults.md`; `cargo xtask faults` builds and starts this.

mod audit;
mod bars;
mod bot;
mod deployment;
mod people;
mod provider;
mod run;

use anyhow::{Result, bail};
use clap::Parser;
use run::{Found, Outcome, Run, StoreKind};
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;

/// Holds the product to its fault bars. The last line of each bar is one JSON object.
#[derive(Parser)]
#[command(name = "cargo xtask faults")]
struct Cli {
    /// One bar (`1` … `12`, `crash`), with its parts (`7`: `7` and `7-send`); all when left out.
    #[arg(long)]
    bar: Option<String>,
    /// Under 20 seconds a bar.
    #[arg(long)]
    short: bool,
    /// Repeats the chances of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// What the server keeps its log in.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: StoreKind,
    /// Breaks the product on purpose: every bar must end in `broken`.
    #[arg(long)]
    sabotage: bool,
    /// Names the bars.
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    // reqwest asks for a provider even where it speaks plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_wanted = |name: &str, wanted: &str| {
        name.strip_prefix(wanted).is_some_and(|part| part.is_empty() || part.starts_with('-'))
    };
    let wanted = cli.bar.as_deref();
    let chosen: Vec<_> =
        bars::ALL.iter().filter(|bar| wanted.is_none_or(|wanted| is_wanted(bar.name, wanted))).collect();
    if chosen.is_empty() {
        let names: Vec<_> = bars::ALL.iter().map(|bar| bar.name).collect();
        bail!("--bar: there is no such bar; there are {}", names.join(", "));
    }
    let mut none_broken = true;
    for bar in chosen {
        if cli.list {
            println!("{:>9}  {}", bar.name, bar.about);
            continue;
        }
        if cli.bar.is_none() && !bar.stores.contains(&cli.store) {
            continue;
        }
        let run = Run::new(cli.seed, cli.short, cli.store, cli.sabotage.then_some(bar.sabotage));
        eprintln!("── bar {} · {} · seed {}", bar.name, bar.about, run.seed);
        let began = Instant::now();
        let mut line = json!({
            "bar": bar.name, "store": cli.store.name(), "seed": run.seed, "short": cli.short, "sabotage": cli.sabotage,
        });
        let asked = async {
            if bar.stores.contains(&cli.store) {
                return (bar.run)(run).await;
            }
            let stores: Vec<_> = bar.stores.iter().map(|store| store.name()).collect();
            Ok(Found::skipped(format!("it asks nothing of {}: --store {}", cli.store.name(), stores.join(" or "))))
        };
        let outcome = match asked.await {
            Ok(found) => found.write_into(&mut line),
            Err(error) => {
                line["error"] = format!("{error:#}").into();
                Outcome::Broken
            }
        };
        line["seconds"] = began.elapsed().as_secs().into();
        line["result"] = outcome.word().into();
        println!("{line}");
        none_broken &= outcome != Outcome::Broken;
    }
    Ok(if none_broken { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
