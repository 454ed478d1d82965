//! Bar 3: an agent takes over while a bot is in the middle of a burst. What the bot has not got out by then, stays in.

use crate::bot::{Answer, Bot, says};
use crate::deployment::{Deployment, Setup};
use crate::people::{Agent, Visitor};
use crate::run::{Found, Run};
use anyhow::Result;
use futures::future::try_join_all;
use relevo::domain::event::{Event, FenceCheck};

/// Conversations that go on at the same time.
const LANES: usize = 40;
/// What the bot says to every message.
const BURST: usize = 6;

pub async fn bar(run: Run) -> Result<Found> {
    let mut bots = Vec::new();
    for _ in 0..4 {
        let burst = |text: &str| says(&(0..BURST).map(|n| format!("{text} · {n}")).collect::<Vec<_>>());
        bots.push(Bot::start(move |asked| Box::pin(async move { Answer::Now(burst(&asked.text)) })).await?);
    }
    let mut deployment = Deployment::start(&run, Setup { agents: 8, bots, ..Setup::default() }).await?;
    let wanted = run.many(10_000, 240);
    let lanes = (0..LANES).map(|lane| {
        let rounds = wanted / LANES + usize::from(lane < wanted % LANES);
        lane_of_take_overs(&run, &deployment, lane, rounds)
    });
    let visitors = try_join_all(lanes).await?;
    let shown: usize = visitors.iter().map(|visitor| visitor.seen.len()).sum();
    let audit = deployment.stop().await?;
    let mut found = Found::default();
    let taken = audit.count(|event| matches!(event, Event::TakenOver { .. }));
    let withheld = |check| audit.count(|event| matches!(event, Event::Suppressed { at, .. } if *at == check));
    found.must("take_overs", taken, taken == wanted);
    let claimed = audit.count(|event| matches!(event, Event::DeliveryClaimed { .. }));
    found.must("bot_deliveries", claimed, claimed > 0);
    found.note("shown", shown);
    // Where nothing was ever late, nothing was tried.
    let (early, late) = (withheld(FenceCheck::Accepted), withheld(FenceCheck::Delivery));
    found.note("withheld_when_said", early);
    found.must("withheld_when_claimed", late, early + late > 0);
    found.never("claimed_after_the_take_over", audit.claimed_under_a_human());
    found.never("delivered_twice", audit.delivered_twice());
    found.never("gaps", audit.gaps());
    found.never("items_shown_twice", visitors.iter().map(|visitor| visitor.repeated).sum());
    Ok(found)
}

async fn lane_of_take_overs(run: &Run, deployment: &Deployment, lane: usize, rounds: usize) -> Result<Visitor> {
    let mut visitor = Visitor::comes(deployment, &format!("shop{}", lane % 4)).await?;
    let agent: &Agent = &deployment.agents[lane % deployment.agents.len()];
    for round in 0..rounds {
        visitor.say_and_wait(&format!("m{round}"), &format!("{lane}.{round}")).await?;
        let conversation = visitor.conversation().await?;
        // Somewhere in the burst: after so many of its messages.
        if let Some(last) = run.below(BURST as u64 - 1).checked_sub(1) {
            let last = format!("{lane}.{round} · {last}");
            visitor.sees_in_the_end(|seen| *seen == last).await?;
        }
        let (status, body) = agent.take_over(conversation).await?;
        anyhow::ensure!(status == 200, "a take-over was refused with {status}: {body}");
        agent.hand_back(conversation).await?;
        // 20 messages in 10 seconds is what a visitor may say.
        tokio::time::sleep(std::time::Duration::from_millis(if round < 15 { 0 } else { 520 })).await;
    }
    Ok(visitor)
}
