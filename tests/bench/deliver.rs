//! From a visitor's socket over the disk to an agent's socket, at fixed rates.

use crate::Plan;
use crate::figures::{Aim, Figure, count, ms};
use crate::floor::Floor;
use crate::load::{Closes, Delivered, Line, Screen, begin, to_floor};
use anyhow::Result;
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::Agent;
use serde_json::json;
use std::time::Duration;

const RATES: [u32; 3] = [200, 1_000, 3_000];
/// Rates at which the knee is looked for.
const CLIMB: [u32; 6] = [4_000, 5_000, 6_000, 8_000, 10_000, 14_000];
/// Beyond this at the 99th percentile, the load is more than the server carries.
const CARRIED: Duration = Duration::from_millis(100);
const VISITORS: usize = 100;
const AGENT: &str = "lucia@example.com";

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    plan.on_each(on).await
}

async fn on(plan: &Plan, storage: &Storage) -> Result<Vec<Figure>> {
    let name = storage.name();
    let floor = Floor::start(storage)?;
    let mut to_floor = to_floor(floor.address, VISITORS).await?;
    let mut product = Deployment::new(storage, "")?;
    product.add_agent(AGENT)?;
    product.start().await?;
    let mut to_product = line(&product, VISITORS).await?;
    let time = Duration::from_secs(plan.pick(4, 2));
    // Caches, pools and branch predictors fill.
    to_floor.send(1_000, time / 2).await?;
    to_product.send(1_000, time / 2).await?;
    let mut figures = Vec::new();
    let mut carried = 0;
    for rate in RATES {
        let (mut floors, mut products) = (Vec::new(), Vec::new());
        for round in 1..=plan.rounds {
            eprint!("\r   {name} {rate}/s · round {round} of {} ", plan.rounds);
            floors.push(to_floor.send(rate, time).await?);
            products.push(to_product.send(rate, time).await?);
        }
        eprintln!();
        for (share, percentile) in [(0.5, "p50"), (0.99, "p99")] {
            let at = |of: &[Delivered]| of.iter().map(|one| ms(one.at(share))).collect::<Vec<_>>();
            let figure =
                Figure::against(format!("deliver {name} {rate}/s {percentile}"), "ms", at(&products), at(&floors));
            let aimed = rate == 1_000 && percentile == "p99" && name == "sqlite";
            let figure = if aimed { figure.aim(Aim::RatioAtMost(2.0)) } else { figure };
            let late = products.iter().chain(&floors).map(|one| one.driver).max().unwrap_or_default();
            figures.push(figure.note(format!("driver late by {:.2} ms at p99", ms(late))).told());
        }
        let late = |of: &Delivered| of.at(0.99) > CARRIED || of.lost > 0;
        if !products.iter().any(late) {
            carried = rate;
        }
        let lost = products.iter().map(|one| count(one.lost + one.unacknowledged)).collect();
        let figure = Figure::alone(format!("deliver {name} {rate}/s lost"), "messages", lost).aim(Aim::AtMost(0.0));
        let floors_lost: usize = floors.iter().map(|one| one.lost).sum();
        let note = if floors_lost > 0 { format!("the floor lost {floors_lost}") } else { String::new() };
        figures.push(figure.note(note).told());
        figures.push(closes(format!("deliver {name} {rate}/s sockets closed"), &products).told());
    }
    figures.push(knee(plan, name, &mut to_product, (time, carried)).await?.told());
    Ok(figures)
}

/// How many sockets were closed in each round. Whose and why stands beside it.
fn closes(what: String, rounds: &[Delivered]) -> Figure {
    let mut all = Closes::new();
    for (who, times) in rounds.iter().flat_map(|one| &one.closes) {
        *all.entry(who.clone()).or_default() += times;
    }
    let told: Vec<_> = all.iter().map(|(who, times)| format!("{who}: {times}")).collect();
    let each = rounds.iter().map(|one| count(one.closes.values().sum())).collect();
    Figure::alone(what, "sockets", each).note(told.join(", "))
}

/// The last rate that is carried.
async fn knee(plan: &Plan, name: &str, line: &mut Line, (time, mut carried): (Duration, u32)) -> Result<Figure> {
    let mut told = "not reached".to_owned();
    let climb = RATES.iter().chain(CLIMB.iter().take(plan.pick(CLIMB.len(), 2)));
    for &rate in climb.filter(|rate| **rate > carried).collect::<Vec<_>>() {
        eprint!("\r   {name} knee: {rate}/s ");
        let delivered = line.send(rate, time).await?;
        let (late, lost) = (delivered.at(0.99), delivered.lost);
        if late > CARRIED || lost > 0 || delivered.unacknowledged > 0 {
            let missing = if lost > 0 { format!(", {lost} not told within 10 s") } else { String::new() };
            told = format!("at {rate}/s p99 is {:.0} ms{missing}", ms(late));
            break;
        }
        carried = rate;
    }
    eprintln!();
    Ok(Figure::alone(format!("deliver {name} knee"), "messages/s carried", vec![f64::from(carried)]).note(told))
}

/// Visitors with a conversation each, which one agent holds and has open.
async fn line(product: &Deployment, visitors: usize) -> Result<Line> {
    let http = reqwest::Client::new();
    let agent = Agent::sign_in(&http, product.address(), AGENT).await?;
    let (mut sockets, mut conversations) = (Vec::with_capacity(visitors), Vec::with_capacity(visitors));
    for n in 0..visitors {
        let (socket, id) = begin(&http, product.address(), &format!("first{n}")).await?;
        agent.post(&format!("/api/conversations/{id}/take-over"), &json!({})).await?;
        sockets.push(socket);
        conversations.push(id);
    }
    Ok(Line::new(sockets, Screen::of(&agent, &conversations).await?))
}
