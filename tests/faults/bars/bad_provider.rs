//! Bar 8, the channel: a provider that answers 429, 500 and 503, breaks off and falls silent. What it says it did not take
//! comes again under the same id, what it may have taken does not; a conversation's messages keep their order, and none
//! is lost: each was taken, or is `unknown` until the provider says what became of it.

use crate::bot::{Answer, Bot, says};
use crate::deployment::{Deployment, Setup};
use crate::provider::{Given, Line, Provider, Reply, settled};
use crate::run::{Found, Run};
use anyhow::Result;
use futures::future::try_join_all;
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that the bot says at once.
const BURST: usize = 5;

/// What the provider did with each message, by its `webhook-id`.
type Answers = Arc<Mutex<HashMap<String, Vec<Reply>>>>;

pub async fn bar(run: Run) -> Result<Found> {
    let answers = Answers::default();
    let provider = Provider::start(moody(&run, &answers)).await?;
    let bot = Bot::start(|asked| {
        let texts: Vec<_> = (0..BURST).map(|n| format!("{}.{n}", asked.text)).collect();
        Box::pin(async move { Answer::Now(says(&texts)) })
    });
    let setup = Setup { agents: 1, bots: vec![bot.await?], provider: Some(provider.url.clone()), ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let (line, agent) = (Line::new(&deployment), deployment.agents[0].clone());
    let (people, words) = (run.many(100, 30), run.many(6, 2));
    let talks = (0..people).map(|n| {
        let line = &line;
        async move {
            let mut conversation = String::new();
            for word in 0..words {
                conversation = line.says(&format!("{n}.{word}"), &format!("{n}"), &format!("{n}.{word}")).await?;
            }
            anyhow::Ok((n, conversation))
        }
    });
    let conversations = try_join_all(talks).await?;
    let mut found = Found::default();
    let (mut unknown, mut ended): (usize, HashMap<String, String>) = (0, HashMap::new());
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (n, conversation) in &conversations {
        let states = settled(&agent, conversation, words * BURST).await?;
        unknown += states.values().filter(|state| *state == "unknown").count();
        ended.extend(states);
        let said = (0..words).flat_map(|word| (0..BURST).map(move |nth| format!("{n}.{word}.{nth}")));
        of.insert(conversation.clone(), said.collect());
    }
    let given = provider.given();
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let was = |id: &String, reply: fn(&Reply) -> bool| answers.get(id).is_some_and(|all| all.iter().any(reply));
    let is_gone = |reply: &Reply| matches!(reply, Reply::BreakOff | Reply::Silence);
    let (mut out_of_order, mut resent, mut under_another_id) = (0, 0, 0);
    for (conversation, said) in &of {
        let came: Vec<&Given> = given.iter().filter(|given| given.conversation == *conversation).collect();
        // Repeats stand together: nobody overtakes a message that is being tried again.
        let mut order: Vec<&str> = came.iter().map(|given| given.text.as_str()).collect();
        order.dedup();
        out_of_order += usize::from(order != *said);
        let ids: HashSet<_> = came.iter().map(|given| &given.webhook_id).collect();
        under_another_id += ids.len().abs_diff(order.iter().collect::<HashSet<_>>().len());
        for id in ids {
            let replies = &answers[id];
            let first = replies.iter().position(is_gone);
            resent += first.map_or(0, |first| replies.len() - first - 1);
        }
    }
    let by_text: HashMap<&str, &String> = given.iter().map(|given| (given.text.as_str(), &given.webhook_id)).collect();
    let state_of = |text: &String| ended.get(text).map_or("", String::as_str);
    let wrong = of.values().flatten().filter(|text| {
        let Some(id) = by_text.get(text.as_str()) else { return true };
        let taken = was(id, |reply| matches!(reply, Reply::Status(200, _)));
        let gone = was(id, |reply| matches!(reply, Reply::BreakOff | Reply::Silence));
        state_of(text) != if taken && !gone { "sent" } else { "unknown" }
    });
    let lost = wrong.count();
    // What became of those that nobody knows of: the provider says it.
    for given in given.iter().filter(|given| was(&given.webhook_id, |r| matches!(r, Reply::BreakOff | Reply::Silence)))
    {
        let state = if given.text.len() % 2 == 0 { "delivered" } else { "failed" };
        let news = json!({"conversation": given.conversation, "message": given.webhook_id, "state": state});
        line.insist("receipts", &news).await?;
    }
    let mut unresolved = 0;
    for (_, conversation) in &conversations {
        let states = settled(&agent, conversation, words * BURST).await?;
        unresolved += states.values().filter(|state| *state == "unknown").count();
    }
    let audit = deployment.stop().await?;
    let status = |status| {
        answers.values().flatten().filter(|reply| matches!(reply, Reply::Status(other, _) if *other == status)).count()
    };
    found.note("conversations", people);
    found.must("messages", ended.len(), ended.len() == people * words * BURST);
    for code in [429, 500, 503] {
        found.must(&format!("answered_{code}"), status(code), status(code) > 0);
    }
    let gone = answers.values().flatten().filter(|reply| is_gone(reply)).count();
    found.must("broken_off_or_silent", gone, gone > 0);
    found.must("unknown", unknown, unknown == gone);
    found.never("lost_or_misjudged", lost);
    found.never("conversations_out_of_order", out_of_order);
    found.never("sent_again_though_perhaps_taken", resent);
    found.never("sent_again_under_another_id", under_another_id);
    found.never("unresolved", unresolved);
    found.never("gaps", audit.gaps());
    Ok(found)
}

/// A provider of which one in three messages is not taken at once, and one in twenty is never answered.
fn moody(
    run: &Run,
    answers: &Answers,
) -> impl Fn(Given) -> futures::future::BoxFuture<'static, Reply> + Send + Sync + 'static {
    let (run, answers) = (run.clone(), Arc::clone(answers));
    let silences = Arc::new(Mutex::new(HashSet::new()));
    move |given| {
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = answers.entry(given.webhook_id).or_default();
        let later = |status, seconds: u64| Reply::Status(status, format!("retry-after: {seconds}\r\n"));
        // The third attempt at the latest is taken, so that nothing waits for half a minute.
        let reply = match (run.below(40), before.len()) {
            (0..5, 0..2) => later(429, 0),
            (5..8, 0) => Reply::Status(500, String::new()),
            (8..13, 0..2) => later(503, 0),
            (13, 0..2) => later(429, 1),
            (14, _) => Reply::BreakOff,
            // 10 s each: one of a conversation is enough.
            (15, _) if silences.lock().unwrap_or_else(PoisonError::into_inner).insert(given.conversation.clone()) => {
                Reply::Silence
            }
            _ => Reply::Status(200, String::new()),
        };
        before.push(reply.clone());
        Box::pin(async move { reply })
    }
}
