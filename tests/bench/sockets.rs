//! Thousands of visitors who only look on, and all of them coming back at once.

use crate::figures::{Aim, Figure, count, memory};
use crate::floor::Floor;
use crate::{Plan, rest};
use anyhow::{Context, Result, bail};
use futures::StreamExt;
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::{Socket, Visitor, connect, say, until};
use std::time::{Duration, Instant};

const AGENT: &str = "lucia@example.com";
/// So many connect at a time: more than a listener's backlog only measures the kernel's patience.
const AT_ONCE: usize = 256;

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
    let visit = async |_| Visitor::new(&http, address).connect(0).await;
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
        let mut socket = visitor.connect(0).await?;
        say(&mut socket, &format!("storm{n}"), "¿dónde está mi pedido?").await?;
        Ok((visitor, socket))
    })
    .await?;
    product.kill();
    let mut visitors: Vec<Visitor> = visitors.into_iter().map(|(visitor, _)| visitor).collect();
    product.start().await?;
    eprint!("\r   sockets · {sockets} visitors come back ");
    let began = Instant::now();
    let back = futures::stream::iter(visitors.iter_mut().enumerate().map(async |(n, visitor)| -> Result<Socket> {
        let mut socket = visitor.connect(0).await?;
        let name = format!("storm{n}");
        until(&mut socket, |frame| frame["op"] == "items" && frame.to_string().contains(&name)).await?;
        Ok(socket)
    }));
    let back: Vec<Result<Socket>> = back.buffer_unordered(AT_ONCE).collect().await;
    let took = began.elapsed();
    eprintln!();
    let back = back.into_iter().collect::<Result<Vec<_>>>()?;
    let note = format!("{} of {sockets} caught up, {AT_ONCE} at a time, after kill -9", back.len());
    Ok(Figure::alone("sockets reconnect storm", "s", vec![took.as_secs_f64()]).note(note))
}

async fn all<T, F: Future<Output = Result<T>>>(count: usize, make: impl Fn(usize) -> F) -> Result<Vec<T>> {
    let made: Vec<Result<T>> = futures::stream::iter((0..count).map(make)).buffer_unordered(AT_ONCE).collect().await;
    made.into_iter().collect()
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
