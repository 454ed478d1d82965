//! Bar 7: the server is killed between asking a bot and recording its answer. A turn that is run again asks under the same
//! `webhook-id`, so that the bot can know it; what the bot says is said once; and no visitor is left without an answer. In a
//! debug build the server dies the first time by itself, at a place that chance seldom meets: where an answer is recorded
//! and its job is not yet finished.

use crate::bot::{Answer, Asked, Bot, says};
use crate::deployment::{Deployment, Setup};
use crate::people::Visitor;
use crate::run::{Found, Run};
use anyhow::{Context, Result};
use futures::future::BoxFuture;
use relevo::domain::event::Event;
use relevo::domain::message::Actor;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Bots, each asked by at most eight turns at a time.
const BOTS: usize = 4;
/// Visitors of each bot.
const VISITORS: usize = 8;

/// So many requests are to be open when the server is killed; it is killed after [`PATIENCE`] in any case.
const OPEN: usize = 12;
const PATIENCE: Duration = Duration::from_secs(3);

/// Where the server dies the first time: the first job that is done and not finished is a turn's, or the delivery of what
/// a turn said that is not finished either.
const RECORDED: &str = "before_finish:1";
/// A bound for what would otherwise wait for ever.
const RECORDED_WITHIN: Duration = Duration::from_mins(1);

/// The `webhook-id` of every request, by what was asked.
type Requests = Arc<Mutex<HashMap<String, Vec<String>>>>;

pub async fn bar(run: Run) -> Result<Found> {
    let requests = Requests::default();
    let open = Arc::new(watch::Sender::new(0));
    let mut bots = Vec::new();
    for _ in 0..BOTS {
        bots.push(Bot::start(answering(&run, &requests, &open)).await?);
    }
    let mut deployment = Deployment::new(&run, Setup { bots, bot_seconds: Some(20), ..Setup::default() }).await?;
    deployment.set("RELEVO_CRASH", RECORDED);
    deployment.restart().await?;
    deployment.set("RELEVO_CRASH", "");
    let wanted = run.many(1_000, 40);
    let mut visitors = Vec::new();
    let (mut kills, mut round) = (0, 0);
    while interrupted(&requests) < wanted && round < wanted {
        // Nobody may say more than 20 messages in 10 seconds or 300 in an hour: others come.
        if round % 10 == 0 {
            visitors.clear();
            for n in 0..BOTS * VISITORS {
                visitors.push(Visitor::comes(&deployment, &format!("shop{}", n % BOTS)).await?);
            }
        }
        let talks: Vec<_> = std::mem::take(&mut visitors)
            .into_iter()
            .enumerate()
            .map(|(n, visitor)| tokio::spawn(hears_an_answer(visitor, n, round)))
            .collect();
        if cfg!(debug_assertions) && std::env::var_os("RELEVO_BIN").is_none() && round == 0 {
            tokio::time::timeout(RECORDED_WITHIN, deployment.ended())
                .await
                .context("the server does not die at its place")??;
        } else {
            // In the middle of many requests, of which some are answered at this very moment.
            let _ = tokio::time::timeout(PATIENCE, open.subscribe().wait_for(|open| *open >= OPEN)).await;
            tokio::time::sleep(run.between(0, 100)).await;
            deployment.kill().await?;
        }
        kills += 1;
        // Whoever asked is gone.
        open.send_replace(0);
        deployment.restart().await?;
        for talk in talks {
            visitors.push(talk.await??);
        }
        round += 1;
    }
    let audit = deployment.stop().await?;
    let mut found = Found::default();
    let requests = requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
    found.note("kills", kills);
    found.note("turns", requests.len());
    let again = requests.values().filter(|ids| ids.len() > 1).count();
    found.must("turns_asked_again", again, again >= wanted);
    let blind = requests.values().filter(|ids| ids.iter().collect::<HashSet<_>>().len() > 1).count();
    found.never("asked_again_under_another_id", blind);
    let mut said: HashMap<&str, usize> = HashMap::new();
    for fact in audit.conversations().flatten() {
        if let Event::MessagePosted { message, .. } = &fact.event
            && matches!(message.author, Actor::Bot { .. })
        {
            *said.entry(message.text.as_str()).or_default() += 1;
        }
    }
    found.never("said_twice", said.values().filter(|&&times| times > 1).count());
    found.never(
        "unanswered",
        requests.keys().filter(|text| !said.contains_key(format!("eco: {text}").as_str())).count(),
    );
    found.never("delivered_twice", audit.delivered_twice());
    found.never("undelivered", audit.undelivered());
    found.never("gaps", audit.gaps());
    Ok(found)
}

fn answering(
    run: &Run,
    requests: &Requests,
    open: &Arc<watch::Sender<usize>>,
) -> impl Fn(Asked) -> BoxFuture<'static, Answer> + Send + Sync + 'static {
    let (run, requests, open) = (run.clone(), Arc::clone(requests), Arc::clone(open));
    move |asked| {
        requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(asked.text.clone())
            .or_default()
            .push(asked.webhook_id);
        open.send_modify(|open| *open += 1);
        let (thinks, open) = (run.between(50, 150), Arc::clone(&open));
        Box::pin(async move {
            tokio::time::sleep(thinks).await;
            open.send_modify(|open| *open = open.saturating_sub(1));
            Answer::Now(says(&[format!("eco: {}", asked.text)]))
        })
    }
}

fn interrupted(requests: &Requests) -> usize {
    requests.lock().unwrap_or_else(PoisonError::into_inner).values().filter(|ids| ids.len() > 1).count()
}

async fn hears_an_answer(mut visitor: Visitor, n: usize, round: usize) -> Result<Visitor> {
    let text = format!("{n}.{round}");
    visitor.insist(&format!("m{round}"), &text, &[]).await?;
    visitor.sees_in_the_end(|seen| seen.strip_prefix("eco: ") == Some(&text)).await?;
    Ok(visitor)
}
