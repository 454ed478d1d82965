//! What is promised about requests over time: their size, their number, their patience.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use relevo::store::MakeFailure;
use relevo_copilot::rewrite::Style;
use relevo_copilot::transcript::{Line, Who};
use relevo_copilot::{Copilot, Earlier, Price, Prices, Settings, Task};
use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use relevo_llm::{Answer, ChatModel, Error, Finish, Piece, Request, Usage};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{copilot, input, make, said};

/// The numbers of the messages in a request.
fn told(request: &Request) -> Vec<u64> {
    let rows = request.turns[0].text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    rows.filter_map(|row| row["n"].as_u64()).collect()
}

fn dialogue(messages: u64) -> Vec<Line> {
    (1..=messages)
        .map(|n| {
            Line::new(n, if n % 2 == 0 { Who::Agent } else { Who::Visitor }, format!("mensaje {n} sobre el pedido"))
        })
        .collect()
}

/// Summarises after every `step` messages, each time going on from the summary before; the requests.
async fn incremental(messages: u64, step: u64) -> Vec<Request> {
    let (copilot, model) = copilot("Pregunta por el pedido.\n---\nissue: pedido").await;
    let mut earlier = None;
    for upto in (step..=messages).step_by(usize::try_from(step).unwrap()) {
        let mut input = input(dialogue(upto));
        input.earlier = earlier;
        let (draft, _) = make(&copilot, &Task::Summary, &input).await;
        assert_eq!(draft.covers.1, upto);
        let text = draft.body["text"].as_str().unwrap().to_owned();
        earlier = Some(Earlier { text, collected: Vec::new(), covers: draft.covers.1 });
    }
    model.requests()
}

// behaviour 1
#[tokio::test]
async fn every_message_is_read_by_one_summary_and_none_twice() {
    let requests = incremental(40, 5).await;
    let told: Vec<u64> = requests.iter().flat_map(told).collect();
    assert_eq!(told, (1..=40).collect::<Vec<_>>());
    assert!(requests[1].turns[0].text.contains("Pregunta por el pedido."), "it goes on from the one before");
}

// covers: A07; behaviour 23
#[tokio::test]
async fn what_summaries_cost_grows_with_the_messages_and_not_with_their_square() {
    let spent = |requests: &[Request]| requests.iter().map(|one| Counter::upper().count_request(one)).sum::<u64>();
    let (short, long) = (incremental(100, 5).await, incremental(200, 5).await);
    assert!(spent(&long) * 100 <= spent(&short) * 215, "{} for 100, {} for 200", spent(&short), spent(&long));
    let systems: BTreeSet<&str> = long.iter().map(|one| one.system.as_str()).collect();
    assert_eq!(systems.len(), 1, "the same bytes in every call");
}

// behaviour 5
#[tokio::test]
async fn a_request_with_many_articles_stays_within_its_budget_too() {
    use relevo_copilot::knowledge::article;
    let (base, model) = copilot("Sí [1].").await;
    let copilot = base.with_settings(Settings { max_prompt_tokens: 6_000, ..Settings::default() });
    let about =
        |n: usize| if n.is_multiple_of(4) { "¿Cuánto tarda el pedido?" } else { "Cambios de talla en tiendas." };
    let texts: Vec<String> = (0..40).map(|n| format!("# {}\n\n{}", about(n), about(n).repeat(40))).collect();
    let articles: Vec<_> = (0..).zip(&texts).filter_map(|(n, text)| article(&format!("{n}.md"), text)).collect();
    copilot.knowledge().sync("articles", articles, |_, _| ()).await.unwrap();
    let asks = |n: u64| format!("¿cuánto tarda el pedido?{}", " largo".repeat(if n < 1_990 { 30 } else { 0 }));
    let lines = (1..=2_000).map(|n| said(n, &asks(n))).collect();
    let input = input(lines);
    for task in [Task::Reply, Task::Ask { question: "¿Cuánto tarda el pedido?".into() }] {
        make(&copilot, &task, &input).await;
    }
    assert_eq!(model.requests().len(), 2);
    for request in model.requests() {
        assert!(Counter::upper().count_request(&request) <= 6_000);
        assert_eq!(told(&request).last(), Some(&2_000), "the newest message is whole");
    }
}

// behaviours 17 and 18
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_whole_in_time_is_replaced_by_the_offline_one() {
    let slow = Scripted::saying(["Espera ", "su ", "pedido."]).paced(Duration::from_secs(14));
    let copilot = Copilot::offline().with_model(Arc::new(slow), Counter::upper());
    let began = tokio::time::Instant::now();
    let (draft, _) = make(&copilot, &Task::Summary, &input(vec![said(1, "Mi pedido 48213 no llega")])).await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert!(draft.offline && draft.fallback.unwrap().to_string().contains("within 30 s"));
    assert!(draft.body["text"].as_str().unwrap().contains("48213"));
    assert!(
        draft.tokens.is_some_and(|tokens| tokens.prompt > 0 && tokens.completion > 0),
        "it was paid for all the same"
    );
}

/// A model whose answers end at their limit.
struct Cut;

#[async_trait]
impl ChatModel for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }

    async fn stream(&self, _: &Request, _: &CancellationToken) -> Result<Answer, Error> {
        let usage = Usage { prompt: 900, completion: 8, estimated: false };
        let end = Piece::End { finish: Finish::Length, usage, model: "cut".into() };
        let pieces = [Piece::Text("Puedes devolverlo en 30 días [1] y".into()), end];
        Ok(Answer::new("cut", 900, futures::stream::iter(pieces.map(Ok))))
    }
}

// behaviours 18 and 19
#[tokio::test]
async fn behaviour_19_an_answer_that_its_limit_cut_is_not_used() {
    let (base, _) = copilot("").await;
    let copilot = base.with_model(Arc::new(Cut), Counter::upper());
    let input = input(vec![said(1, "¿Cómo puedo devolver un pedido?")]);
    let draft = "te digo como se devuelve".to_owned();
    let rewrite = Task::Rewrite { draft, style: Style::Corrected };
    let question = "¿Cómo devuelve un pedido?".to_owned();
    for task in [Task::Summary, Task::Reply, rewrite, Task::Ask { question }] {
        let (draft, _) = make(&copilot, &task, &input).await;
        assert!(draft.offline && draft.model == "offline", "{task:?}: {draft:?}");
        assert_eq!((draft.fallback, draft.tokens.map(|used| used.prompt)), (Some(MakeFailure::Cut), Some(900)));
        assert!(!draft.body.to_string().contains("en 30 días y"), "{task:?}: {}", draft.body);
    }
}

/// A model that answers when it is allowed to, and counts how many wait for it at once.
struct Held {
    arrived: mpsc::UnboundedSender<()>,
    allowed: Semaphore,
    now: AtomicUsize,
    most: AtomicUsize,
    answers: Scripted,
}

#[async_trait]
impl ChatModel for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    async fn stream(&self, request: &Request, cancel: &CancellationToken) -> Result<Answer, Error> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.arrived.send(()).unwrap();
        self.allowed.acquire().await.unwrap().forget();
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.answers.stream(request, cancel).await
    }
}

// covers: A07
#[tokio::test]
async fn a_team_has_four_requests_with_a_model_and_another_team_does_not_wait_for_them() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let answers = Scripted::saying(["Pregunta por el pedido.\n---\nissue: pedido"]);
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let held = Arc::new(Held { arrived, allowed: Semaphore::new(0), now, most, answers });
    let copilot = Copilot::offline().with_model(held.clone(), Counter::upper());
    let ask = |team: &str| {
        let mut input = input(dialogue(3));
        input.team = team.into();
        let copilot = copilot.clone();
        tokio::spawn(async move { make(&copilot, &Task::Summary, &input).await.0 })
    };
    let mut asked: Vec<_> = (0..6).map(|_| ask("ventas")).collect();
    for _ in 0..4 {
        arrivals.recv().await.unwrap();
    }
    asked.push(ask("soporte"));
    arrivals.recv().await.unwrap();
    assert_eq!(held.most.load(Ordering::SeqCst), 5, "four of one team and one of the other");
    held.allowed.add_permits(asked.len());
    for asked in asked {
        assert!(!asked.await.unwrap().offline);
    }
    assert_eq!(held.answers.requests().len(), 7);
    assert_eq!(held.most.load(Ordering::SeqCst), 5);
}

// covers: A07
#[test]
fn a_call_costs_what_the_price_table_says() {
    let price = |prompt, completion| Price { prompt, completion };
    let models = [("house".to_owned(), price(1.0, 2.0)), ("house-mini".to_owned(), price(0.15, 0.6))].into();
    let prices = Prices { currency: "EUR".into(), models };
    let usage = Usage { prompt: 1_000, completion: 200, estimated: false };
    let cost = prices.cost("house-mini-2026-07-18", usage).unwrap();
    assert_eq!((cost.micros, cost.currency.as_str()), (270, "EUR"));
    assert_eq!(prices.cost("house", usage).unwrap().micros, 1_400);
    assert_eq!(prices.cost("other", usage), None);
}

/// Every name in the table of behaviours is a test's.
#[test]
fn the_table_of_behaviours_names_tests_that_are_there() {
    fn sources(folder: &Path, found: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() && !["target", "ui", "node_modules"].iter().any(|skipped| name == *skipped) {
                sources(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut all = String::new();
    sources(&root.join("crates"), &mut all);
    let text = std::fs::read_to_string(root.join("docs/copilot.md")).unwrap();
    let row = |n: usize| text.lines().find(|line| line.starts_with(&format!("| {n} |"))).expect("a row for each");
    for n in 1..=24 {
        let tests: Vec<&str> = row(n).split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{n}");
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "{n}: there is no test `{test}`");
        }
    }
}
