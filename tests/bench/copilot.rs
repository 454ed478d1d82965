//! The Copilot: what the server adds to a model's first word, how fast a long conversation becomes a prompt, what a
//! growing one costs against sending all of it each time, how fast passages are indexed and found.

use crate::Plan;
use crate::dice::Dice;
use crate::figures::{Aim, Figure, count, memory, ms, percentile};
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use relevo_copilot::knowledge::{Audience, Document, Embedded, Filter, Kind, Query, Ready};
use relevo_copilot::text::Language;
use relevo_copilot::transcript::{Line, Who};
use relevo_copilot::{Copilot, Earlier, Input, Settings, Task};
use relevo_llm::Request;
use relevo_llm::tokens::Counter;
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::{Agent, Visitor, say, send, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

const AGENT: &str = "lucia@example.com";
const SEED: u64 = 7;
/// How long the endpoint waits after its first word.
const REST: Duration = Duration::from_millis(50);
/// Words of a passage, and of a question.
const WORDS: usize = 80;
const ASKED: usize = 9;

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let told = |figures: Vec<Figure>| figures.into_iter().map(Figure::told).collect::<Vec<_>>();
    let mut figures = told(retrieval(plan)?);
    figures.extend(told(vec![context(plan).await?, growing().await?]));
    figures.extend(told(first_word(plan).await?));
    Ok(figures)
}

/// From asking to the first word on the agent's screen, against the same request sent straight to the same endpoint.
async fn first_word(plan: &Plan) -> Result<Vec<Figure>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let endpoint = Router::new().route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, endpoint).await });
    let settings = format!("[copilot]\nendpoint = {url:?}\nmodels = [\"gpt-4o\"]\n");
    let mut product = Deployment::new(&Storage::Sqlite, &settings)?;
    product.add_agent(AGENT)?;
    product.start().await?;
    let http = reqwest::Client::new();
    let agent = Agent::sign_in(&http, product.address(), AGENT).await?;
    let mut screen = agent.connect().await?;
    let mut visitor = Visitor::new(&http, product.address());
    let mut socket = visitor.connect(0).await?;
    let mut chance = Chance(Dice(SEED));
    for n in 0..20 {
        say(&mut socket, &format!("m{n}"), &chance.text(15)).await?;
    }
    let id = visitor.session().await?["conversation"].as_str().context("it has begun")?.to_owned();
    send(&mut screen, &json!({"op": "open", "conversation": id, "after": 0})).await?;
    until(&mut screen, |frame| frame["op"] == "viewing").await?;
    let (mut ours, mut theirs, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let (mut asked, mut direct) = (Vec::new(), Vec::new());
        for n in 0..plan.pick(40, 15) {
            direct.push(straight(&http, &url).await?);
            let draft = json!({"kind": "rewrite", "style": "clearer", "draft": format!("Hola, lo miro {round} {n}")});
            let began = Instant::now();
            agent.post(&format!("/api/conversations/{id}/artifacts"), &draft).await?;
            let says = |frame: &Value| {
                frame["op"] == "artifact_delta" && frame["text"].as_str().is_some_and(|t| !t.is_empty())
            };
            until(&mut screen, says).await?;
            asked.push(began.elapsed());
            until(&mut screen, |frame| frame["op"] == "artifact" && frame["artifact"]["status"] == "done").await?;
        }
        // The first round finds connections, prompts and the tokenizer cold.
        if round > 0 {
            let (asked, direct) = (at(&mut asked, 0.5), at(&mut direct, 0.5));
            ours.push(asked);
            theirs.push(direct);
            added.push(asked - direct);
        }
    }
    product.kill();
    let note = "a rewriting, from the agent's request to the first word on the agent's socket";
    Ok(vec![
        Figure::against("first word, p50", "ms", ours, theirs).note(note),
        Figure::alone("added to the first word, p50", "ms", added).aim(Aim::AtMost(5.0)),
    ])
}

/// Says a first word at once and the rest a little later: a page that is shown nothing before all is there is not measured.
async fn answer() -> Response {
    let event = |text: &str| {
        let chunk = json!({"model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": text}}]});
        Ok::<_, Infallible>(format!("data: {chunk}\n\n"))
    };
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let later = vec![event("lo miro ahora."), Ok(format!("data: {end}\n\ndata: [DONE]\n\n"))];
    let later = futures::stream::once(crate::rest(REST)).flat_map(move |()| futures::stream::iter(later.clone()));
    let said = futures::stream::iter([event("Hola, ")]).chain(later);
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(said)).into_response()
}

/// The time to the endpoint's first word.
async fn straight(http: &reqwest::Client, url: &str) -> Result<Duration> {
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hola"}]});
    let began = Instant::now();
    let answer = http.post(format!("{url}/chat/completions")).json(&body).send().await?.error_for_status()?;
    let mut said = answer.bytes_stream();
    ensure!(said.next().await.transpose()?.is_some_and(|first| !first.is_empty()), "the endpoint says something");
    let took = began.elapsed();
    while said.next().await.transpose()?.is_some() {}
    Ok(took)
}

/// A conversation of a thousand messages as a prompt, against counting the tokens of what is in that prompt.
async fn context(plan: &Plan) -> Result<Figure> {
    let counter = Counter::for_model("gpt-4o");
    let model = relevo_llm::scripted::Scripted::saying(["never asked"]);
    let copilot = Copilot::offline().with_model(std::sync::Arc::new(model), counter);
    let mut chance = Chance(Dice(SEED));
    let input = Input::new(talk(1_000, &mut chance));
    let (mut made, mut counted) = (Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..plan.pick(21, 7) {
            let began = Instant::now();
            let preview = black_box(copilot.preview(&Task::Summary, &input).await?);
            ours.push(began.elapsed());
            let text = &preview.request.turns[0].text;
            let began = Instant::now();
            black_box(counter.count(text));
            floor.push(began.elapsed());
        }
        if round > 0 {
            made.push(at(&mut ours, 0.5));
            counted.push(at(&mut floor, 0.5));
        }
    }
    let figure = Figure::against("1,000 messages to a prompt of 8,000 tokens, p50", "ms", made, counted);
    Ok(figure.aim(Aim::AtMost(5.0)).note("the floor: counting that prompt's tokens once"))
}

/// Summaries after every five messages of two hundred, each going on from the one before, against sending all messages
/// each time.
async fn growing() -> Result<Figure> {
    let counter = Counter::for_model("gpt-4o");
    let model = relevo_llm::scripted::Scripted::saying(["never asked"]);
    let copilot = Copilot::offline().with_model(std::sync::Arc::new(model), counter);
    // Whoever sends everything each time has no budget.
    let everything = Settings { max_prompt_tokens: u64::MAX, ..Settings::default() };
    let careless = copilot.clone().with_settings(everything);
    let mut chance = Chance(Dice(SEED));
    let all = talk(200, &mut chance);
    let tokens = |request: &Request| u32::try_from(counter.count_request(request)).unwrap_or(u32::MAX);
    let (mut ours, mut naive, mut earlier) = (0.0, 0.0, None);
    for upto in (5..=all.len()).step_by(5) {
        let whole = Input::new(all[..upto].to_vec());
        naive += f64::from(tokens(&careless.preview(&Task::Summary, &whole).await?.request));
        let going_on = Input { earlier: earlier.take(), ..whole };
        ours += f64::from(tokens(&copilot.preview(&Task::Summary, &going_on).await?.request));
        earlier = Some(Earlier { text: chance.text(60), collected: Vec::new(), covers: upto as u64 });
    }
    let figure = Figure::against("tokens of 40 summaries over 200 messages", "tokens", vec![ours], vec![naive]);
    Ok(figure.aim(Aim::RatioAtMost(0.2)).note("the floor: all messages each time"))
}

/// Passages indexed and found, against reading all their texts once.
fn retrieval(plan: &Plan) -> Result<Vec<Figure>> {
    let passages: usize = plan.pick(100_000, 10_000);
    let mut chance = Chance(Dice(SEED));
    let texts: Vec<String> = (0..passages).map(|_| chance.text(WORDS)).collect();
    let before = memory(std::process::id())?;
    let index = Embedded::default();
    let began = Instant::now();
    for (n, batch) in texts.chunks(128).enumerate() {
        let ready = batch.iter().enumerate().flat_map(|(m, text)| document(n * 128 + m, text).passages("bench"));
        index.put(ready.map(|passage| Ready { passage, meaning: None }).collect());
    }
    let rate = count(passages) / began.elapsed().as_secs_f64();
    let grown = (memory(std::process::id())? - before) / 1024.0;
    let filter = Filter { inbox: Some("shop".into()), ..Filter::public() };
    let (mut half, mut most, mut floors, mut found, mut asked) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    for round in 0..=plan.rounds {
        let mut took = Vec::new();
        for _ in 0..plan.pick(300, 100) {
            let from = chance.below(passages);
            let words: Vec<&str> = texts[from].split(' ').skip(chance.below(WORDS - ASKED)).take(ASKED).collect();
            let question = words.join(" ");
            let began = Instant::now();
            let hits = index.search(&Query { question: &question, meaning: None, filter: &filter, limit: 6 });
            took.push(began.elapsed());
            // What is internal is not for this reader.
            if !from.is_multiple_of(10) {
                asked += 1;
                found += usize::from(hits.iter().any(|hit| hit.passage.document == from.to_string()));
            }
        }
        let began = Instant::now();
        black_box(texts.iter().map(|text| text.bytes().map(u64::from).sum::<u64>()).sum::<u64>());
        let floor = began.elapsed();
        // The first search also computes what every search needs.
        if round > 0 {
            half.push(at(&mut took, 0.5));
            most.push(at(&mut took, 0.95));
            floors.push(ms(floor));
        }
    }
    let note =
        format!("{found} of {asked} passages that may be seen were among the first 6; the floor reads all texts once");
    Ok(vec![
        Figure::against(format!("search in {passages} passages, p50"), "ms", half, floors.clone()).note(note),
        Figure::against(format!("search in {passages} passages, p95"), "ms", most, floors).aim(Aim::AtMost(20.0)),
        Figure::alone(format!("indexing {passages} passages"), "/s", vec![rate]),
        Figure::alone(format!("memory of {passages} passages"), "MiB", vec![grown]),
    ])
}

fn talk(messages: u64, chance: &mut Chance) -> Vec<Line> {
    (1..=messages).map(|n| Line::new(n, if n % 2 == 0 { Who::Agent } else { Who::Visitor }, chance.text(15))).collect()
}

fn document(n: usize, text: &str) -> Document {
    Document {
        kind: Kind::Article,
        id: n.to_string(),
        title: text.split(' ').take(5).collect::<Vec<_>>().join(" "),
        language: Some(Language::Es),
        audience: if n.is_multiple_of(10) { Audience::Internal } else { Audience::Public },
        inboxes: BTreeSet::new(),
        text: text.to_owned(),
    }
}

fn at(taken: &mut [Duration], share: f64) -> f64 {
    taken.sort_unstable();
    ms(percentile(taken, share))
}

/// Words as in a language: a few that everybody uses, many that hardly anybody does.
struct Chance(Dice);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 24] = [
            "pe", "di", "do", "en", "ví", "o", "ta", "re", "ci", "bo", "ca", "ja", "mi", "fac", "tu", "ra", "cam",
            "bio", "lor", "zas", "nue", "vo", "gar", "te",
        ];
        // The n-th most frequent word about n times as rare as the first, of some 60,000.
        let share = count(self.below(1 << 31)) / count(1 << 31);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 60,000")]
        let mut rank = 60_000_f64.powf(share) as usize;
        let mut word = String::new();
        while rank > 0 || word.len() < 4 {
            word.push_str(SYLLABLES[rank % 24]);
            rank /= 24;
        }
        word
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}
