//! Bar 6: everything that may come twice comes five times, shuffled, in parallel: visitors' messages with their client
//! ids, the late replies of bots, what a provider's visitors say, and its news of what it was given.

use crate::bot::{Answer, Bot, secret};
use crate::deployment::{Deployment, Setup};
use crate::people::{Visitor, client};
use crate::provider::{INBOX, Line, Provider};
use crate::run::{Found, Run};
use anyhow::{Result, ensure};
use futures::future::{join_all, try_join_all};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::event::Event;
use relevo::domain::message::{Actor, DeliveryState};
use relevo::webhook::seconds;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// How often everything comes.
const TIMES: usize = 5;
/// First messages of one visitor at once.
const FIRST: usize = 10;
/// Visitors at a time.
const CROWD: usize = 20;
/// Messages of one visitor: five times four are what may be said at once.
const MESSAGES: usize = 4;

pub async fn bar(run: Run) -> Result<Found> {
    let promised: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&promised);
    let later = Bot::start(move |asked| {
        keep.lock().unwrap_or_else(PoisonError::into_inner).push(asked.token);
        Box::pin(async { Answer::Later })
    });
    let bots = vec![Bot::silent().await?, later.await?, Bot::echo().await?];
    let provider = Provider::patient().await?;
    let setup = Setup { bots, provider: Some(provider.url.clone()), ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let mut found = Found::default();

    let contacts = run.many(1_000, 40);
    for crowd in 0..contacts.div_ceil(CROWD) {
        let size = CROWD.min(contacts - crowd * CROWD);
        try_join_all((0..size).map(|_| first_messages(&deployment))).await?;
    }
    let visitors = run.many(200, 20);
    let mut answered_differently = 0;
    for crowd in 0..visitors.div_ceil(CROWD) {
        let names = (crowd * CROWD..visitors.min((crowd + 1) * CROWD)).collect::<Vec<_>>();
        let differing = try_join_all(names.into_iter().map(|n| replayed(&run, &deployment, n))).await?;
        answered_differently += differing.into_iter().sum::<usize>();
    }
    let turns = run.many(200, 20);
    for n in 0..turns {
        let mut visitor = Visitor::comes(&deployment, "shop1").await?;
        visitor.say_and_wait("first", &format!("turn {n}")).await?;
    }
    let tokens = loop {
        let tokens = promised.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if tokens.len() >= turns {
            break tokens;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    late_replies(&run, &deployment, &tokens).await?;
    let people = run.many(1_000, 20);
    let differing = provided(&run, &Line::new(&deployment), &provider, people).await?;

    let audit = deployment.stop().await?;
    let begun = audit.count(|event| matches!(event, Event::Started { inbox, .. } if inbox.as_str() == "shop0"));
    found.must("conversations", begun, begun == contacts + visitors);
    found.note("contacts_with_ten_first_messages", contacts);
    let begun = audit.count(|event| matches!(event, Event::Started { inbox, .. } if inbox.as_str() == INBOX));
    found.must("conversations_of_the_provider", begun, begun == people);
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (_, text) in audit.said_by_visitors() {
        *times.entry(text).or_default() += 1;
    }
    let first = times.get("hola").copied().unwrap_or(0);
    found.must("first_messages", first, first == contacts * FIRST);
    let once = |prefix: &str, times: &HashMap<&str, usize>| -> (usize, usize) {
        let of = times.iter().filter(|(text, _)| text.starts_with(prefix));
        let all: Vec<usize> = of.map(|(_, times)| *times).collect();
        (all.len(), all.iter().filter(|&&times| times != 1).count())
    };
    let (messages, repeated) = once("m ", &times);
    found.must("messages_replayed", messages, messages == visitors * MESSAGES);
    found.never("messages_said_twice", repeated);
    found.never("acks_that_differ", answered_differently);
    let (messages, repeated) = once("p ", &times);
    found.must("provider_messages_replayed", messages, messages == people * MESSAGES);
    found.never("provider_messages_said_twice", repeated);
    found.never("provider_acks_that_differ", differing);
    let mut said: HashMap<&str, usize> = HashMap::new();
    for fact in audit.conversations().flatten() {
        if let Event::MessagePosted { message, .. } = &fact.event
            && matches!(message.author, Actor::Bot { .. })
        {
            *said.entry(message.text.as_str()).or_default() += 1;
        }
    }
    let (answers, repeated) = once("eco: p ", &said);
    found.must("provider_messages_answered", answers, answers == people * MESSAGES);
    found.never("provider_messages_answered_twice", repeated);
    let mut given: HashMap<String, usize> = HashMap::new();
    for message in provider.given() {
        *given.entry(message.webhook_id).or_default() += 1;
    }
    found.never("given_to_the_provider_twice", given.values().filter(|&&times| times > 1).count());
    let news = |wanted| audit.count(|event| matches!(event, Event::DeliveryUpdated { state, .. } if *state == wanted));
    let read = news(DeliveryState::Read);
    found.must("read_once_each", read, read == given.len());
    found.must("delivered_once_at_most", news(DeliveryState::Delivered), news(DeliveryState::Delivered) <= read);
    let (replies, repeated) = once("late ", &said);
    found.must("late_replies_replayed", replies, replies == turns * 3);
    found.never("late_replies_said_twice", repeated);
    found.never("gaps", audit.gaps());
    Ok(found)
}

/// Four first messages of each person, five times each, all shuffled, many at a time; when all are answered, the news of
/// the answers in the same way. How many requests were answered in two ways.
async fn provided(run: &Run, line: &Line, provider: &Provider, people: usize) -> Result<usize> {
    let mut said = Vec::new();
    for n in 0..people {
        for message in 0..MESSAGES {
            let (id, text) = (format!("{n}.{message}"), format!("p {n}.{message}"));
            let body = json!({"id": id, "contact": {"external_id": n.to_string()}, "text": text});
            said.extend((0..TIMES).map(|_| (id.clone(), body.clone())));
        }
    }
    let differing = posted(run, line, "messages", said).await?;
    provider.has(people * MESSAGES).await?;
    let mut news = Vec::new();
    for given in provider.given() {
        for state in ["delivered", "read"] {
            let body = json!({"conversation": given.conversation, "message": given.webhook_id, "state": state});
            news.extend((0..TIMES).map(|_| (String::new(), body.clone())));
        }
    }
    posted(run, line, "receipts", news).await?;
    Ok(differing)
}

/// Posts all in a random order, many at a time; of how many ids the answers differ.
async fn posted(run: &Run, line: &Line, route: &str, bodies: Vec<(String, Value)>) -> Result<usize> {
    let mut answers: HashMap<String, Value> = HashMap::new();
    let mut differing = HashSet::new();
    let bodies = run.shuffled(bodies);
    for crowd in bodies.chunks(5 * CROWD) {
        let posts = crowd.iter().map(|(id, body)| async move { anyhow::Ok((id, line.insist(route, body).await?)) });
        for (id, answer) in try_join_all(posts).await? {
            if *answers.entry(id.clone()).or_insert_with(|| answer.clone()) != answer {
                differing.insert(id);
            }
        }
    }
    Ok(differing.len())
}

/// Ten tabs of a new visitor say their first words at the same moment.
async fn first_messages(deployment: &Deployment) -> Result<()> {
    let visitor = Visitor::comes(deployment, "shop0").await?;
    let mut tabs = vec![];
    for _ in 1..FIRST {
        tabs.push(visitor.tab().await?);
    }
    tabs.push(visitor);
    let said =
        tabs.iter_mut().enumerate().map(|(n, tab)| async move { tab.say_and_wait(&format!("f{n}"), "hola").await });
    for said in join_all(said).await {
        said?;
    }
    Ok(())
}

/// Five tabs say the same messages, each in its own order; how many messages were acknowledged in two ways.
async fn replayed(run: &Run, deployment: &Deployment, n: usize) -> Result<usize> {
    let visitor = Visitor::comes(deployment, "shop0").await?;
    let mut tabs = vec![];
    for _ in 1..TIMES {
        tabs.push(visitor.tab().await?);
    }
    tabs.push(visitor);
    let said = tabs.iter_mut().map(|tab| {
        let order = run.shuffled((0..MESSAGES).collect());
        async move {
            let mut acks = vec![0; MESSAGES];
            for message in order {
                acks[message] = tab.say_and_wait(&format!("m{message}"), &format!("m {n}.{message}")).await?;
            }
            anyhow::Ok(acks)
        }
    });
    let acks = try_join_all(said).await?;
    Ok((0..MESSAGES).filter(|&message| acks.iter().any(|tab| tab[message] != acks[0][message])).count())
}

/// Three late replies to each turn, each five times, all shuffled, many at a time.
async fn late_replies(run: &Run, deployment: &Deployment, tokens: &[String]) -> Result<()> {
    let mut all = Vec::new();
    for (turn, token) in tokens.iter().enumerate() {
        for reply in 0..3 {
            let body = json!({"id": format!("r{reply}"), "messages": [{"text": format!("late {turn}.{reply}")}]});
            all.extend((0..TIMES).map(|_| (token, body.to_string())));
        }
    }
    let (client, url) = (client(), format!("{}/bots/bot1/replies", deployment.base()));
    for crowd in run.shuffled(all).chunks(CROWD) {
        let posts = crowd.iter().enumerate().map(|(n, (token, body))| {
            let now = SystemClock.now();
            let id = format!("msg_{n}");
            let request = client
                .post(&url)
                .header("webhook-id", &id)
                .header("webhook-timestamp", seconds(now).to_string())
                .header("webhook-signature", secret().sign(&id, now, body.as_bytes()))
                .bearer_auth(token)
                .body(body.clone());
            async move {
                let answer = request.send().await?;
                ensure!(answer.status().is_success(), "a late reply was refused: {}", answer.text().await?);
                Ok(())
            }
        });
        try_join_all(posts).await?;
    }
    Ok(())
}
