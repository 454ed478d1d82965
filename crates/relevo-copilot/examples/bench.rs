//! How fast knowledge is found, and how fast a long conversation becomes a prompt.
//!
//! `cargo run --release --package relevo-copilot --example bench -- [PASSAGES] [SEED]` prints one JSON object a line.
//! Every figure stands beside a floor that is measured in the same run on the same data: reading all passages once for the
//! search, counting the tokens of the same messages for the prompt.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use relevo_copilot::knowledge::{Audience, Document, Embedded, Filter, Kind, Query, Ready};
use relevo_copilot::text::Language;
use relevo_copilot::transcript::{Line, Who};
use relevo_copilot::{Copilot, Input, Silent, Task};
use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const QUESTIONS: usize = 300;
const WORDS: usize = 80;
const RUNS: usize = 21;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut given = std::env::args().skip(1);
    let passages = given.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut chance = Chance(given.next().and_then(|n| n.parse().ok()).unwrap_or(7));
    eprintln!("{passages} passages of {WORDS} words, seed {}", chance.0);
    retrieval(passages, &mut chance);
    for messages in [100, 1_000] {
        context(messages, &mut chance).await;
    }
}

fn retrieval(passages: usize, chance: &mut Chance) {
    let texts: Vec<String> = (0..passages).map(|_| chance.text(WORDS)).collect();
    let index = Embedded::default();
    let start = Instant::now();
    for (n, batch) in texts.chunks(128).enumerate() {
        let ready = batch.iter().enumerate().flat_map(|(m, text)| document(n * 128 + m, text).passages("bench"));
        index.put(ready.map(|passage| Ready { passage, meaning: None }).collect());
    }
    let indexed = start.elapsed();
    let filter = Filter { inbox: Some("shop".into()), ..Filter::public() };
    let mut found = 0;
    let (mut searched, mut scanned) = (Vec::new(), Vec::new());
    for n in 0..=QUESTIONS {
        let from = chance.below(passages);
        let words: Vec<&str> = texts[from].split(' ').skip(chance.below(WORDS - 10)).take(9).collect();
        let question = words.join(" ");
        let start = Instant::now();
        let hits = index.search(&Query { question: &question, meaning: None, filter: &filter, limit: 6 });
        let took = start.elapsed();
        found += usize::from(hits.iter().any(|hit| hit.passage.document == from.to_string()));
        // The first search also computes what every search needs.
        if n > 0 {
            searched.push(took);
        }
        if n.is_multiple_of(10) {
            let start = Instant::now();
            black_box(texts.iter().map(|text| text.bytes().map(u64::from).sum::<u64>()).sum::<u64>());
            scanned.push(start.elapsed());
        }
    }
    let floor = at(&mut scanned, 50);
    let (half, most) = (at(&mut searched, 50), at(&mut searched, 95));
    let told = json!({
        "bench": "retrieval", "passages": passages, "questions": QUESTIONS, "found": found,
        "p50_ms": ms(half), "p95_ms": ms(most), "floor_read_all_ms": ms(floor), "p95_over_floor": ms(most) / ms(floor),
        "indexed_per_second": per_second(passages, indexed), "resident_mib": resident(),
    });
    println!("{told}");
}

async fn context(messages: usize, chance: &mut Chance) {
    let who = [Who::Visitor, Who::Agent];
    let lines = (1..=messages).map(|n| Line::new(n as u64, who[n % 2], chance.text(15))).collect();
    let input = Input::new(lines);
    let counter = Counter::for_model("gpt-4o");
    let answers = vec!["Espera su pedido.\n---\nissue: pedido"; RUNS + 1];
    let model = Arc::new(Scripted::saying(answers));
    let copilot = Copilot::offline().with_model(model, counter);
    let going_on = CancellationToken::new();
    let (mut made, mut counted) = (Vec::new(), Vec::new());
    for n in 0..=RUNS {
        let start = Instant::now();
        black_box(copilot.make(&Task::Summary, &input, &Silent, &going_on).await.is_ok());
        let took = start.elapsed();
        let start = Instant::now();
        black_box(input.lines.iter().map(|line| counter.count(&line.text)).sum::<u64>());
        let floor = start.elapsed();
        if n > 0 {
            made.push(took);
            counted.push(floor);
        }
    }
    let (half, floor) = (at(&mut made, 50), at(&mut counted, 50));
    let told = json!({
        "bench": "context", "messages": messages, "p50_ms": ms(half), "p95_ms": ms(at(&mut made, 95)),
        "floor_count_tokens_ms": ms(floor), "p50_over_floor": ms(half) / ms(floor),
    });
    println!("{told}");
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

/// Words as in a language: a few that everybody uses, many that hardly anybody does.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % limit
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 24] = [
            "pe", "di", "do", "en", "ví", "o", "ta", "re", "ci", "bo", "ca", "ja", "mi", "fac", "tu", "ra", "cam",
            "bio", "lor", "zas", "nue", "vo", "gar", "te",
        ];
        // The n-th most frequent word about n times as rare as the first, of some 60,000.
        let share = f64::from(u32::try_from(self.next()).unwrap_or(1)) / f64::from(1_u32 << 31);
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

fn at(taken: &mut [Duration], percent: usize) -> Duration {
    taken.sort_unstable();
    taken[(taken.len() - 1) * percent / 100]
}

fn ms(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e3
}

fn per_second(count: usize, taken: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let count = count as f64;
    (count / taken.as_secs_f64()).round()
}

/// Memory that the process holds, in MiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default()
        / 1024
}
