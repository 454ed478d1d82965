//! Thousands of visitors who only look on, and all of them coming back at once.

use crate::figures::{Aim, Figure, count, memory};
use crate::floor::Floor;
use crate::{Plan, rest, within};
use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt};
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::{Visitor, connect, say, until};
use std::cell::Cell;
use std::time::{Duration, Instant};

const AGENT: &str = "lucia@example.com";
/// So many connect at a time: more than a listener's backlog only measures the kernel's patience.
const AT_ONCE: usize = 256;
/// Whoever is not caught up by then is not waited for.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let sockets = plan.pick(5_000, 1_000);
    enough_files(2 * sockets)?;
    let (mut products, mut floors) = (Vec::new(), Vec::new());
    // Each round holds so many sockets that a process of its own is the only clean beginning.
    for round in 1..=plan.pick(3, 1) {
        eprint!("\r   sockets · round {round} · floor ");
        floors.push(floor(sockets).await?);
        eprint!("\r   sockets · round {round} · relevo ");
        products.push(product(sockets).await?);
    }
    eprintln!();
    let mut figures = vec![
        Figure::against(format!("sockets memory each of {sockets} idle"), "KiB", products, floors)
            .aim(Aim::RatioAtMost(1.5))
            .told(),
    ];
    figures.push(storm(sockets).await?.told());
    Ok(figures)
}

async fn floor(sockets: usize) -> Result<f64> {
    let floor = Floor::start(&Storage::Sqlite)?;
    // The first few pay for what all share.
    let _warm = all(32, |_| connect(floor.address, "/visitor")).await?;
    let before = memory(floor.process())?;
    let open = all(sockets, |_| connect(floor.address, "/visitor")).await?;
    rest(Duration::from_secs(1)).await;
    Ok((memory(floor.process())? - before) / count(open.len()))
}

async fn product(sockets: usize) -> Result<f64> {
    let mut product = Deployment::new(&Storage::Sqlite, "")?;
    product.start().await?;
    let (address, process) = (product.address(), product.process().context("it runs")?);
    // Sessions are asked over connections that stay few.
    let http = reqwest::Client::builder().pool_max_idle_per_host(8).build()?;
    // Who they are is kept in the store, and in its caches, with or without a socket.
    let visitors = all(sockets, async |_| {
        let mut visitor = Visitor::new(&http, address);
        visitor.session().await?;
        Ok(visitor)
    });
    let visitors = visitors.await?;
    let visit = async |n: usize| visitors[n].clone().connect(0).await;
    let _warm = all(32, visit).await?;
    let before = memory(process)?;
    let open = all(sockets, visit).await?;
    rest(Duration::from_secs(1)).await;
    Ok((memory(process)? - before) / count(open.len()))
}

/// The server is killed and started, and everybody comes back to read what they had read and one thing more.
async fn storm(sockets: usize) -> Result<Figure> {
    let mut product = Deployment::new(&Storage::Sqlite, "")?;
    product.add_agent(AGENT)?;
    product.start().await?;
    let address = product.address();
    let http = reqwest::Client::builder().pool_max_idle_per_host(8).build()?;
    eprint!("\r   sockets · {sockets} visitors write ");
    let visitors = all(sockets, async |n| {
        let mut visitor = Visitor::new(&http, address);
        let name = format!("storm{n}");
        let mut socket = visitor.connect(0).await?;
        say(&mut socket, &name, "¿dónde está mi pedido?").await?;
        Ok((visitor, name, socket))
    })
    .await?;
    product.kill();
    // Their sockets are dead and dropped; who said what is kept, since they did not end in the order of their numbers.
    let visitors: Vec<(Visitor, String)> = visitors.into_iter().map(|(visitor, name, _)| (visitor, name)).collect();
    product.start().await?;
    let began = Instant::now();
    let caught_up = Cell::new(0);
    let back = all(sockets, async |n| {
        let (mut visitor, name) = visitors[n].clone();
        let comes = async {
            let mut socket = visitor.connect(0).await?;
            until(&mut socket, |frame| frame["op"] == "items" && frame.to_string().contains(&name)).await?;
            Ok(socket)
        };
        let what = format!("a visitor who came back ({} of {sockets} were caught up by then)", caught_up.get());
        let socket = within(PATIENCE, &what, comes).await?;
        caught_up.set(caught_up.get() + 1);
        eprint!("\r   sockets · {} of {sockets} visitors came back ", caught_up.get());
        Ok(socket)
    });
    let back = back.await?;
    let took = began.elapsed();
    eprintln!();
    let note = format!("{} of {sockets} caught up, {AT_ONCE} at a time, after kill -9", back.len());
    Ok(Figure::alone("sockets reconnect storm", "s", vec![took.as_secs_f64()]).note(note))
}

/// All of them, in the order in which they are done; the first failure ends it.
async fn all<T, F: Future<Output = Result<T>>>(count: usize, make: impl Fn(usize) -> F) -> Result<Vec<T>> {
    futures::stream::iter((0..count).map(make)).buffer_unordered(AT_ONCE).try_collect().await
}

fn enough_files(wanted: usize) -> Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = most.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    match most {
        Some(most) if most < wanted => {
            bail!("this needs {wanted} open files and {most} are allowed: `ulimit -n {wanted}`")
        }
        _ => Ok(()),
    }
}
