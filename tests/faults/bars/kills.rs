//! Bar 1: many visitors talk at once, the server is killed again and again, and every visitor's page resends what was
//! not acknowledged, under the same id.

use crate::audit::Audit;
use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::Visitor;
use crate::run::{Found, Run};
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Messages of one visitor that are not acknowledged yet.
const IN_FLIGHT: usize = 5;
/// A visitor may say 20 messages in 10 seconds: this many at once, and then one every [`PACE`].
const AT_ONCE: usize = 14;
const PACE: Duration = Duration::from_millis(600);

/// How long the last message may take to be on the screen once it is acknowledged.
const LAST: Duration = Duration::from_secs(10);

pub async fn bar(run: Run) -> Result<Found> {
    let (visitors, messages) = (run.many(400, 60), run.many(250, 20));
    let mut deployment =
        Deployment::start(&run, Setup { bots: vec![Bot::silent().await?], ..Setup::default() }).await?;
    let talks = (0..visitors).map(|n| {
        let visitor = Visitor::new(&deployment, "shop0");
        tokio::spawn(talk(visitor, n, messages))
    });
    let mut talks = std::pin::pin!(try_join_all(talks.collect::<Vec<_>>()));
    let mut kills = 0;
    let talked = loop {
        let pause = if run.short { run.between(700, 1_500) } else { run.between(2_000, 8_000) };
        // However slow the machine is, the short form comes to its end.
        let may_kill = !run.short || kills < 6;
        tokio::select! {
            talked = &mut talks => break talked?.into_iter().collect::<Result<Vec<_>>>()?,
            () = tokio::time::sleep(pause), if may_kill => {
                deployment.kill().await?;
                kills += 1;
                deployment.restart().await?;
            }
        }
    };
    let audit = deployment.stop().await?;
    let mut found = Found::default();
    found.must("kills", kills, kills > 1);
    found.must("acknowledged", talked.iter().map(|talk| talk.acknowledged).sum::<usize>(), true);
    found.note("resent", talked.iter().map(|talk| talk.resent).sum::<usize>());
    let log = order(&audit);
    let (mut lost, mut duplicated, mut disordered) = (0, 0, 0);
    for n in 0..visitors {
        let said = log.get(&n).map_or(&[][..], Vec::as_slice);
        let times = |message| said.iter().filter(|&&one| one == message).count();
        lost += (0..messages).filter(|&message| times(message) == 0).count();
        duplicated += (0..messages).map(|message| times(message).saturating_sub(1)).sum::<usize>();
        disordered += said.windows(2).filter(|pair| pair[0] > pair[1]).count();
    }
    found.never("lost", lost);
    found.never("duplicated", duplicated);
    found.never("out_of_order", disordered);
    found.never("acks_out_of_order", talked.iter().map(|talk| talk.disordered).sum());
    found.never("screens_that_differ", talked.iter().filter(|talk| !talk.screen_is_right).count());
    found.never("gaps", audit.gaps());
    Ok(found)
}

/// What each visitor has said, as the log has it.
fn order(audit: &Audit) -> HashMap<usize, Vec<usize>> {
    let mut order: HashMap<usize, Vec<usize>> = HashMap::new();
    for (_, text) in audit.said_by_visitors() {
        let parts = text.split_once('.').and_then(|(who, what)| Some((who.parse().ok()?, what.parse().ok()?)));
        if let Some((who, what)) = parts {
            order.entry(who).or_default().push(what);
        }
    }
    order
}

struct Talk {
    acknowledged: usize,
    resent: usize,
    disordered: usize,
    screen_is_right: bool,
}

async fn talk(mut visitor: Visitor, n: usize, messages: usize) -> Result<Talk> {
    let mut talk = Talk { acknowledged: 0, resent: 0, disordered: 0, screen_is_right: false };
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    let mut may_speak = Instant::now();
    visitor.reconnect().await?;
    while talk.acknowledged < messages {
        if next < messages && waiting.len() < IN_FLIGHT && may_speak <= Instant::now() {
            waiting.push_back(next);
            // What cannot be sent is resent below.
            let _ = visitor.say(&format!("{n}.{next}"), &format!("{n}.{next}")).await;
            next += 1;
            if next >= AT_ONCE {
                may_speak = Instant::now() + PACE;
            }
            continue;
        }
        let heard = if next < messages && waiting.len() < IN_FLIGHT {
            tokio::select! {
                heard = visitor.next() => heard,
                () = tokio::time::sleep_until(may_speak) => continue,
            }
        } else {
            visitor.next().await
        };
        match heard {
            Ok(frame) if frame["op"] == "ack" => {
                let is_next = waiting.front().is_some_and(|front| frame["client_id"] == format!("{n}.{front}"));
                talk.disordered += usize::from(!is_next);
                waiting.pop_front();
                talk.acknowledged += 1;
            }
            Ok(frame) => ensure!(frame["op"] != "refused", "visitor {n}: {frame}"),
            Err(_) => {
                visitor.reconnect().await?;
                for message in &waiting {
                    talk.resent += 1;
                    let _ = visitor.say(&format!("{n}.{message}"), &format!("{n}.{message}")).await;
                }
            }
        }
    }
    let last = format!("{n}.{}", messages - 1);
    // A screen on which it never comes differs, which is counted.
    let _ = tokio::time::timeout(LAST, visitor.sees_in_the_end(|text| text == last)).await;
    let whole: Vec<String> = (0..messages).map(|message| format!("{n}.{message}")).collect();
    talk.screen_is_right = visitor.seen == whole && visitor.repeated == 0;
    Ok(talk)
}
