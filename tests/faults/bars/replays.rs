//! Bar 6: everything that may come twice comes five times, shuffled, in parallel. There is no provider's webhook yet:
//! this asks of what there is, visitors' messages with their client ids and the late replies of bots.

use crate::bot::{Answer, Bot, secret};
use crate::deployment::{Deployment, Setup};
use crate::people::{Visitor, client};
use crate::run::{Found, Run};
use anyhow::{Result, ensure};
use futures::future::{join_all, try_join_all};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::event::Event;
use relevo::domain::message::Actor;
use relevo::webhook::seconds;
use serde_json::json;
use std::collections::HashMap;
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
    let bots = vec![Bot::silent().await?, later.await?];
    let mut deployment = Deployment::start(&run, Setup { bots, ..Setup::default() }).await?;
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

    let audit = deployment.stop().await?;
    let begun = audit.count(|event| matches!(event, Event::Started { inbox, .. } if inbox.as_str() == "shop0"));
    found.must("conversations", begun, begun == contacts + visitors);
    found.note("contacts_with_ten_first_messages", contacts);
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
    let mut said: HashMap<&str, usize> = HashMap::new();
    for fact in audit.conversations().flatten() {
        if let Event::MessagePosted { message, .. } = &fact.event
            && matches!(message.author, Actor::Bot { .. })
        {
            *said.entry(message.text.as_str()).or_default() += 1;
        }
    }
    let (replies, repeated) = once("late ", &said);
    found.must("late_replies_replayed", replies, replies == turns * 3);
    found.never("late_replies_said_twice", repeated);
    found.never("gaps", audit.gaps());
    Ok(found)
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
