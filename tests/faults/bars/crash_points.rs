//! The crash points: the server dies at each named place in turn, in the middle of a conversation with files and a
//! bot, and comes back. What must hold afterwards is the same at all of them.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::{Agent, Visitor, client};
use crate::provider::{Line, Provider, settled};
use crate::run::{Found, Run};
use anyhow::{Context, Result, ensure};
use relevo::domain::event::Event;
use relevo::domain::message::Actor;
use relevo::faults::CRASH_POINTS;
use serde_json::Value;
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;

const VISITORS: usize = 4;
const MESSAGES: usize = 3;
/// How a process ends that aborts.
const SIGABRT: i32 = 6;

pub async fn bar(run: Run) -> Result<Found> {
    let (bots, provider) = (vec![Bot::echo().await?], Provider::patient().await?);
    let setup =
        Setup { agents: 1, bots, provider: Some(provider.url.clone()), bot_seconds: Some(5), ..Setup::default() };
    let mut deployment = Deployment::new(&run, setup).await?;
    let mut found = Found::default();
    let mut expected = Vec::new();
    let (mut crashes, mut places) = (0, 0);
    for round in 0..run.many(12, 1) {
        for point in CRASH_POINTS {
            let nth = 1 + run.below(4);
            places += 1;
            deployment.set("RELEVO_CRASH", &format!("{point}:{nth}"));
            if let Err(error) = deployment.restart().await {
                // Some places are passed before the server is ready.
                ensure!(error.to_string().contains("SIGABRT"), "{error}");
                crashes += 1;
                deployment.set("RELEVO_CRASH", "");
                deployment.restart().await?;
            }
            let talks: Vec<_> = (0..VISITORS)
                .map(|n| {
                    let visitor = Visitor::new(&deployment, "shop0");
                    let elsewhere = (Line::new(&deployment), deployment.agents[0].clone());
                    tokio::spawn(talk(visitor, elsewhere, deployment.base(), format!("{round}.{point}.{n}")))
                })
                .collect();
            let mut talks = std::pin::pin!(futures::future::join_all(talks));
            let talked = tokio::select! {
                status = deployment.ended() => {
                    crashes += usize::from(status?.signal() == Some(SIGABRT));
                    deployment.set("RELEVO_CRASH", "");
                    deployment.restart().await?;
                    talks.await
                }
                talked = &mut talks => talked,
            };
            for talked in talked {
                expected.extend(talked?.with_context(|| format!("at {point}:{nth}"))?);
            }
            if deployment.pid().is_ok() {
                deployment.kill().await?;
            }
        }
    }
    let audit = deployment.stop().await?;
    found.must("crashes", crashes, crashes == places);
    found.note("places", CRASH_POINTS.to_vec());
    let (mut visitors, mut bots): (HashMap<&str, usize>, HashMap<&str, usize>) = Default::default();
    for fact in audit.conversations().flatten() {
        if let Event::MessagePosted { message, .. } = &fact.event {
            let of = if message.author == Actor::Visitor { &mut visitors } else { &mut bots };
            *of.entry(message.text.as_str()).or_default() += 1;
        }
    }
    let (said, answered) = (expected.clone(), expected.iter().map(|text| format!("eco: {text}")).collect::<Vec<_>>());
    let missing = |of: &HashMap<&str, usize>, wanted: &[String]| {
        wanted.iter().filter(|text| !of.contains_key(text.as_str())).count()
    };
    let twice = |of: &HashMap<&str, usize>| of.values().filter(|&&times| times > 1).count();
    found.note("messages", expected.len());
    found.never("lost", missing(&visitors, &said));
    found.never("duplicated", twice(&visitors));
    found.never("unanswered", missing(&bots, &answered));
    found.never("answered_twice", twice(&bots));
    found.never("delivered_twice", audit.delivered_twice());
    found.never("undelivered", audit.undelivered());
    let mut given: HashMap<String, usize> = HashMap::new();
    for message in provider.given() {
        *given.entry(message.webhook_id).or_default() += 1;
    }
    found.note("given_to_the_provider", given.len());
    found.never("given_twice", given.values().filter(|&&times| times > 1).count());
    let without = audit.count(|event| matches!(event, Event::MessagePosted { message, .. } if message.text.ends_with("+0") && message.author == Actor::Visitor && message.attachments.is_empty()));
    found.never("messages_without_their_file", without);
    found.never("gaps", audit.gaps());
    Ok(found)
}

/// A visitor who brings a file, says something with it and more after it, and wants an answer to everything; meanwhile
/// somebody says as much over a provider, where an answer may be `unknown`.
async fn talk(mut visitor: Visitor, (line, agent): (Line, Agent), base: String, name: String) -> Result<Vec<String>> {
    visitor.reconnect().await?;
    let on_the_web = async {
        let mut said = Vec::new();
        for n in 0..MESSAGES {
            let text = format!("{name}+{n}");
            let files = if n == 0 { vec![bring(&mut visitor, &base).await?] } else { Vec::new() };
            visitor.insist(&text, &text, &files).await?;
            visitor.sees_in_the_end(|seen| seen.strip_prefix("eco: ") == Some(&text)).await?;
            said.push(text);
        }
        anyhow::Ok(said)
    };
    let over_a_provider = async {
        let mut said = Vec::new();
        for n in 0..MESSAGES {
            let text = format!("{name}-{n}");
            let conversation = line.says(&text, &name, &text).await?;
            settled(&agent, &conversation, n + 1).await?;
            said.push(text);
        }
        anyhow::Ok(said)
    };
    let (mut said, more) = tokio::try_join!(on_the_web, over_a_provider)?;
    said.extend(more);
    Ok(said)
}

/// Brings a file, again where the server died meanwhile.
async fn bring(visitor: &mut Visitor, base: &str) -> Result<Value> {
    for _ in 0..5 {
        let request = client().post(format!("{base}/widget/files?name=note.txt")).bearer_auth(visitor.token());
        let Ok(answer) = request.body("hola").send().await else {
            visitor.reconnect().await?;
            continue;
        };
        ensure!(answer.status() == 201, "a file was refused with {}", answer.status());
        return Ok(answer.json::<Value>().await?["id"].clone());
    }
    anyhow::bail!("a file cannot be brought")
}
