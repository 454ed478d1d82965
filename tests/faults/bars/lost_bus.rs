//! Bar 8, the bus: NATS dies under load and comes back. Two servers share a log; people speak at one and listen at the
//! other. Nothing may be lost, and within five seconds of its return both have caught up and wake each other again.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::{Visitor, client};
use crate::run::{Found, Run};
use anyhow::{Context, Result};
use futures::future::try_join_all;
use relevo_backends::testing::{Private, free_port, schema, start_nats};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// People who speak and listen.
const VISITORS: usize = 12;
/// 20 messages in 10 seconds is what one of them may say.
const PACE: Duration = Duration::from_millis(700);
/// By then, after the return of NATS, everything is as it was.
const CAUGHT_UP: Duration = Duration::from_secs(5);
/// Nobody waits longer for a message without calling it lost.
const LOST: Duration = Duration::from_secs(30);

/// A message: when it was said, and when it was heard at the other server.
type Said = (Instant, Option<Instant>);

pub async fn bar(run: Run) -> Result<Found> {
    let port = free_port();
    let nats = nats(port).await?;
    let shared = schema();
    let mut servers = Vec::new();
    for _ in 0..2 {
        let (bots, nats) = (vec![Bot::silent().await?], Some(nats.address().to_owned()));
        servers.push(
            Deployment::start(&run, Setup { bots, nats, schema: Some(shared.clone()), ..Setup::default() }).await?,
        );
    }
    let [mut here, mut there] =
        <[Deployment; 2]>::try_from(servers).map_err(|_| anyhow::anyhow!("two were started"))?;
    connected(&here, &there, LOST).await.context("the servers never heard of each other")?;
    let (end, ended) = watch::channel(false);
    let talks: Vec<_> = {
        let comes = (0..VISITORS).map(|_| async {
            let speaks = Visitor::comes(&here, "shop0").await?;
            let hears = speaks.tab_at(&there).await?;
            anyhow::Ok((speaks, hears))
        });
        let pairs = try_join_all(comes).await?;
        pairs.into_iter().enumerate().map(|(n, pair)| tokio::spawn(talk(pair, n, ended.clone()))).collect()
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let gone = Instant::now();
    tokio::task::spawn_blocking(move || nats.stop()).await?;
    tokio::time::sleep(Duration::from_secs(run.many(60, 5) as u64)).await;
    let back = self::nats(port).await?;
    let returned = Instant::now();
    let again = connected(&here, &there, LOST).await;
    tokio::time::sleep_until(returned + CAUGHT_UP).await;
    end.send_replace(true);
    let mut said: Vec<Said> = Vec::new();
    for talk in talks {
        said.extend(talk.await??);
    }
    let audit = here.stop().await?;
    there.stop().await?;
    tokio::task::spawn_blocking(move || back.stop()).await?;

    let mut found = Found::default();
    let took = |said: &&Said| said.1.map_or(LOST, |heard| heard - said.0);
    let worst = |from: Instant, to: Instant| {
        let of = said.iter().filter(|(at, _)| (from..to).contains(at));
        u64::try_from(of.map(|said| took(&said)).max().unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    };
    found.must("messages", said.len(), said.iter().any(|(at, _)| (gone..returned).contains(at)));
    found.note("slowest_with_the_bus_ms", worst(Instant::now() - Duration::from_hours(1), gone));
    // A second, and what a busy machine adds to it.
    let without = worst(gone, returned);
    found.must("slowest_without_ms", without, without < 3_500);
    found.never("lost", said.iter().filter(|(_, heard)| heard.is_none()).count());
    let late =
        said.iter().filter(|(at, heard)| *at < returned && heard.is_none_or(|heard| heard > returned + CAUGHT_UP));
    found.never("not_caught_up", late.count());
    let woken = again.map_or(u64::MAX, |took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    found.must("bus_back_within_ms", woken, woken <= 5_000);
    found.must("said_in_the_log", audit.said_by_visitors().count(), audit.said_by_visitors().count() == said.len());
    found.never("gaps", audit.gaps());
    Ok(found)
}

async fn nats(port: u16) -> Result<Private> {
    Ok(tokio::task::spawn_blocking(move || start_nats(Some(port))).await?)
}

/// Speaks at one server until told to end, and listens at the other.
async fn talk(
    (mut speaks, mut hears): (Visitor, Visitor),
    n: usize,
    ended: watch::Receiver<bool>,
) -> Result<Vec<Said>> {
    let mut said = Vec::new();
    while !*ended.borrow() {
        let text = format!("{n}.{}", said.len());
        let began = Instant::now();
        let heard = async {
            let heard = tokio::time::timeout(LOST, hears.sees_in_the_end(|seen| seen == text)).await;
            heard.is_ok_and(|heard| heard.is_ok()).then(Instant::now)
        };
        let name = format!("m{}", said.len());
        let (acknowledged, heard) = tokio::join!(speaks.say_and_wait(&name, &text), heard);
        acknowledged?;
        said.push((began, heard));
        tokio::time::sleep_until(began + PACE).await;
    }
    Ok(said)
}

/// Waits until both servers say that NATS is there; how long that took.
async fn connected(here: &Deployment, there: &Deployment, most: Duration) -> Option<Duration> {
    let began = Instant::now();
    let both = async {
        for server in [here, there] {
            while !is_connected(server).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(most, both).await.ok()?;
    Some(began.elapsed())
}

async fn is_connected(server: &Deployment) -> bool {
    let Ok(answer) = client().get(format!("{}/metrics", server.base())).send().await else { return false };
    answer.text().await.is_ok_and(|metrics| metrics.lines().any(|line| line == "relevo_bus_connected 1"))
}
