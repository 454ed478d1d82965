//! Bar 7, the channel: the server is killed between giving a message to a provider and recording its answer. Nothing is
//! given twice; what was under way becomes `unknown`, and the provider's word resolves it.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::provider::{Line, Provider, Reply, settled};
use crate::run::{Found, Run};
use anyhow::Result;
use relevo::domain::event::Event;
use relevo::domain::id::MessageId;
use relevo::domain::message::{Actor, DeliveryState};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// People who write at the same time.
const PEOPLE: usize = 48;
/// So many requests are to be open when the server is killed; it is killed after [`PATIENCE`] in any case.
const OPEN: usize = 12;
const PATIENCE: Duration = Duration::from_secs(3);
/// Nobody may say more than 300 messages in an hour, and a page of items is to hold a conversation: others come.
const ROUNDS: usize = 20;

pub async fn bar(run: Run) -> Result<Found> {
    let open = Arc::new(watch::Sender::new(0_usize));
    let provider = {
        let (run, open) = (run.clone(), Arc::clone(&open));
        Provider::start(move |_| {
            open.send_modify(|open| *open += 1);
            let (thinks, open) = (run.between(50, 150), Arc::clone(&open));
            Box::pin(async move {
                tokio::time::sleep(thinks).await;
                open.send_modify(|open| *open = open.saturating_sub(1));
                Reply::Status(200, String::new())
            })
        })
        .await?
    };
    let bots = vec![Bot::echo().await?];
    let setup = Setup { agents: 1, bots, provider: Some(provider.url.clone()), ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let (line, agent) = (Line::new(&deployment), deployment.agents[0].clone());
    let wanted = run.many(1_000, 80);
    // What each person was told, by conversation.
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut kills, mut unknown) = (0, 0);
    // A server that sends blindly again calls nothing unknown, and is found out as soon.
    while unknown + repeats(&provider) < wanted && kills < wanted {
        let talks: Vec<_> = (0..PEOPLE)
            .map(|n| {
                let (line, text) = (line.clone(), format!("{n}.{kills}"));
                let who = format!("{n}.{}", kills / ROUNDS);
                tokio::spawn(async move { anyhow::Ok((line.says(&text, &who, &text).await?, text)) })
            })
            .collect();
        // In the middle of many requests, of which some are answered at this very moment.
        let _ = tokio::time::timeout(PATIENCE, open.subscribe().wait_for(|open| *open >= OPEN)).await;
        tokio::time::sleep(run.between(0, 200)).await;
        deployment.kill().await?;
        kills += 1;
        // Whoever asked is gone.
        open.send_replace(0);
        deployment.restart().await?;
        let mut rests = Vec::new();
        for talk in talks {
            let (conversation, text) = talk.await??;
            told.entry(conversation.clone()).or_default().push(format!("eco: {text}"));
            rests.push(conversation);
        }
        for conversation in rests {
            let states = settled(&agent, &conversation, told[&conversation].len()).await?;
            let newest = told[&conversation].last().and_then(|text| states.get(text));
            unknown += usize::from(newest.is_some_and(|state| state == "unknown"));
        }
    }
    // The provider says what became of every other message that it took.
    let mut asked: HashMap<String, usize> = HashMap::new();
    let mut resolved = Vec::new();
    for given in provider.given() {
        let times = asked.entry(given.webhook_id.clone()).or_default();
        *times += 1;
        if *times == 1 && run.below(2) == 0 {
            let news = json!({"conversation": given.conversation, "message": given.webhook_id, "state": "delivered"});
            line.insist("receipts", &news).await?;
            resolved.push(given.webhook_id);
        }
    }
    let audit = deployment.stop().await?;
    let (mut last, mut interrupted): (HashMap<MessageId, DeliveryState>, usize) = (HashMap::new(), 0);
    for fact in audit.conversations().flatten() {
        match &fact.event {
            Event::MessagePosted { message, .. } if message.author != Actor::Visitor => {
                last.insert(message.id, DeliveryState::Queued);
            }
            Event::DeliveryClaimed { message, state } => drop(last.insert(message.id, *state)),
            Event::DeliveryUpdated { message, state, .. } => {
                interrupted += usize::from(*state == DeliveryState::Unknown);
                last.insert(*message, *state);
            }
            _ => {}
        }
    }
    let count = |state| last.values().filter(|&&other| other == state).count();
    let mut found = Found::default();
    found.note("kills", kills);
    found.note("messages", last.len());
    found.must("interrupted", interrupted, interrupted >= wanted);
    found.never("resent_blindly", asked.values().filter(|&&times| times > 1).count());
    let told_of = |id: &String| id.parse().ok().and_then(|id| last.get(&id));
    let wrong = resolved.iter().filter(|id| told_of(id) != Some(&DeliveryState::Delivered)).count();
    found.never("told_of_and_not_resolved", wrong);
    found.note("still_unknown", count(DeliveryState::Unknown));
    found.note("sent", count(DeliveryState::Sent));
    found.note("delivered", count(DeliveryState::Delivered));
    let sent = |state: &DeliveryState| matches!(state, DeliveryState::Sent | DeliveryState::Delivered);
    let never = last.iter().filter(|(id, state)| sent(state) && !asked.contains_key(&id.to_string())).count();
    found.never("called_sent_and_never_given", never);
    let left = [DeliveryState::Queued, DeliveryState::Sending, DeliveryState::Failed].map(count);
    found.never("left_undone", left.iter().sum());
    found.never("unanswered", told.values().flatten().count().abs_diff(last.len()));
    found.never("gaps", audit.gaps());
    Ok(found)
}

/// How many requests were not the first of their message.
fn repeats(provider: &Provider) -> usize {
    let given = provider.given();
    given.len() - given.iter().map(|given| &given.webhook_id).collect::<HashSet<_>>().len()
}
