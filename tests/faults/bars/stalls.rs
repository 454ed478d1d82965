//! Bar 9: readers that do not read, and requests that never end. Nobody else waits for them.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::{Visitor, client};
use crate::run::{Found, Run};
use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Tabs of one visitor that do not read, beside one that does.
const TABS: usize = 9;
/// What an agent says to those who do not read: 24 kB each, until the queue of a megabyte and the kernel's are full.
const LETTERS: usize = 8_000;
/// After so many every queue must be full.
const MOST_REPLIES: usize = 250;

pub async fn bar(run: Run) -> Result<Found> {
    let setup = Setup { agents: 4, bots: vec![Bot::silent().await?], ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let (stalled, halves, others) = (run.many(112, 1) * TABS, run.many(1_000, 200), 10);
    let (half, latencies, closed) = tokio::try_join!(
        half_sent(&deployment, halves),
        try_join_all((0..others).map(|n| talks(&deployment, n, run.many(150, 15)))),
        stall(&deployment, stalled / TABS),
    )?;
    let mut found = Found::default();
    let mut latencies: Vec<Duration> = latencies.into_iter().flatten().collect();
    latencies.sort();
    let at = |part: usize| milliseconds(latencies[(latencies.len() * part / 100).min(latencies.len() - 1)]);
    // The short form shares its machine with other work; who waits for a stalled reader waits ten seconds.
    let most = if run.short { 2_000 } else { 250 };
    found.note("messages_of_others", latencies.len());
    found.note("p50_ms", at(50));
    found.must("p99_ms", at(99), at(99) < most);
    found.must("stalled_and_closed", closed, closed == stalled);
    found.note("half_sent", halves);
    found.must("half_sent_closed_within_ms", milliseconds(half), half < Duration::from_secs(12));
    found.never("gaps", deployment.stop().await?.gaps());
    Ok(found)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Connections that send half a head; how long the slowest was kept.
async fn half_sent(deployment: &Deployment, count: usize) -> Result<Duration> {
    let address = deployment.address();
    let waits = (0..count).map(|_| async {
        let mut stream = TcpStream::connect(&address).await?;
        let began = Instant::now();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await?;
        let mut rest = Vec::new();
        // Told so or cut off: both are an end.
        let _ = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await;
        anyhow::Ok(began.elapsed())
    });
    Ok(try_join_all(waits).await?.into_iter().max().unwrap_or_default())
}

/// A visitor in two tabs: how long from saying something in one until it is in the other.
async fn talks(deployment: &Deployment, n: usize, messages: usize) -> Result<Vec<Duration>> {
    let mut speaks = Visitor::comes(deployment, "shop0").await?;
    let mut hears = speaks.tab().await?;
    let mut latencies = Vec::new();
    for message in 0..messages {
        let text = format!("{n}.{message}");
        let began = Instant::now();
        let heard = async {
            hears.sees_in_the_end(|seen| seen == text).await?;
            anyhow::Ok(began.elapsed())
        };
        let client_id = format!("m{message}");
        let (said, heard) = tokio::join!(speaks.say_and_wait(&client_id, &text), heard);
        said?;
        latencies.push(heard?);
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    Ok(latencies)
}

/// Visitors whose tabs do not read what an agent writes, until all of them are closed; how many were.
async fn stall(deployment: &Deployment, visitors: usize) -> Result<usize> {
    let lanes = (0..visitors).map(|n| async move {
        let agent = &deployment.agents[n % deployment.agents.len()];
        let mut visitor = Visitor::comes(deployment, "shop0").await?;
        visitor.say_and_wait("first", "hola").await?;
        let conversation = visitor.conversation().await?;
        // Opened and not read.
        let mut tabs = Vec::new();
        for _ in 0..TABS {
            tabs.push(visitor.tab().await?);
        }
        ensure!(agent.take_over(conversation).await?.0 == 200, "the take-over was refused");
        let text = "漢".repeat(LETTERS - 10);
        for reply in 0..MOST_REPLIES {
            let text = format!("{reply} {text}");
            let body = json!({"text": text, "client_id": format!("r{reply}")});
            let (status, answer) = agent.post(&format!("/api/conversations/{conversation}/messages"), &body).await?;
            ensure!(status == 201, "a reply was refused with {status}: {answer}");
            // The tab that reads has it: so the others could.
            visitor.sees_in_the_end(|seen| *seen == text).await?;
            if reply % 10 == 9 && slow_sockets(deployment).await? >= visitors * TABS {
                break;
            }
        }
        anyhow::Ok(tabs)
    });
    // Kept open until all is counted: whoever goes by themselves was not closed.
    let _tabs = try_join_all(lanes).await?;
    slow_sockets(deployment).await
}

async fn slow_sockets(deployment: &Deployment) -> Result<usize> {
    let metrics = client().get(format!("{}/metrics", deployment.base())).send().await?.text().await?;
    let line = metrics.lines().find(|line| line.starts_with("relevo_slow_sockets_closed_total "));
    let Some(line) = line else { return Ok(0) };
    line.rsplit(' ').next().and_then(|count| count.parse().ok()).context("a count")
}
