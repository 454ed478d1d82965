use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use relevo::bot::{Handoff, LiveTurn, bot_fn};
use relevo::bus::Signal;
use relevo::framework::{Framework, LocalVisitor, Running};
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus, MakeFailure};
use relevo_domain::card::Visibility;
use relevo_domain::command::{AgentFacts, Command, Outbound, Role};
use relevo_domain::event::Event;
use relevo_domain::id::{ArtifactId, ConversationId, MessageId, TeamId};
use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use relevo_llm::{Answer, ChatModel, Error};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use super::{Request, RequestError, Worker, Workplace};
use crate::copilot::{Copilot, Price, Prices, Settings, Task};
use crate::knowledge::article;
use crate::rewrite::Style;
use crate::tab;
use crate::text::Language;
use crate::transcript::{Line, Who};

/// A shop whose bot hands over when it hears `persona`, and a Copilot at work.
async fn shop(copilot: Copilot) -> (Running, Worker, Receiver<Signal>) {
    shop_seen_by(copilot, Visibility::Everyone).await
}

async fn shop_seen_by(copilot: Copilot, visibility: Visibility) -> (Running, Worker, Receiver<Signal>) {
    let (running, at) = house(visibility).await;
    let signals = at.bus.subscribe();
    let worker = Worker::start(copilot, at, running.feed()).await.unwrap();
    (running, worker, signals)
}

/// The shop alone, and where a worker of it would work.
async fn house(visibility: Visibility) -> (Running, Workplace) {
    let bot = bot_fn(|turn: LiveTurn| async move {
        if turn.text().contains("persona") {
            return turn.handoff(Handoff::because("quiere una persona").captured("pedido", "48213")).await;
        }
        turn.say("¿Me das el número de pedido?").await
    });
    let running = Framework::in_memory().inbox_with_bot("shop", "echo", bot).start().await.unwrap();
    let desk = running.desk();
    let at = Workplace {
        store: desk.store().clone(),
        bus: desk.bus().clone(),
        clock: desk.clock().clone(),
        tracker: running.tracker().clone(),
        stop: running.stopping().clone(),
        shared: false,
        works: true,
        language: Language::Es,
        visibility,
        shortcuts: None,
    };
    (running, at)
}

/// A worker that does not follow the log.
fn unfed(copilot: Copilot, at: Workplace) -> Worker {
    let (runs, day) = (std::sync::Mutex::default(), std::sync::Mutex::default());
    Worker { inner: Arc::new(super::Inner { copilot, at, runs, day, said: super::labels::Said::default() }) }
}

/// A supervisor removes the message that holds this.
async fn remove(running: &Running, here: ConversationId, said: &str) {
    let desk = running.desk();
    let facts = desk.store().read(here, 0, 100).await.unwrap();
    let posted = facts.iter().find(|fact| format!("{fact:?}").contains(said)).unwrap();
    let Event::MessagePosted { message, .. } = &posted.event else { panic!("{posted:?}") };
    let (message, author, posted) = (message.id, message.author.clone(), posted.seq);
    let agent = AgentFacts { role: Role::Supervisor, ..agent(1) };
    desk.run(here, Command::RemoveMessage { agent, message, posted, author }).await.unwrap();
}

/// Waits until an artifact is in this state.
async fn until(running: &Running, signals: &mut Receiver<Signal>, status: ArtifactStatus) -> Artifact {
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Ok(Signal::Artifact { artifact, .. }) = signals.recv().await {
                let found = running.desk().store().artifact(artifact).await.unwrap().unwrap();
                if found.status == status {
                    return found;
                }
            }
        }
    })
    .await
    .expect("the artifact gets there")
}

/// Waits until this artifact is done.
async fn done(running: &Running, signals: &mut Receiver<Signal>, id: ArtifactId) -> Artifact {
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let found = running.desk().store().artifact(id).await.unwrap().unwrap();
            if found.status == ArtifactStatus::Done {
                return found;
            }
            let _ = signals.recv().await;
        }
    })
    .await
    .expect("the artifact gets there")
}

async fn conversation(running: &Running) -> ConversationId {
    let logged = running.desk().store().follow(0, 1).await.unwrap();
    logged[0].envelope.conversation
}

/// A visitor who said this and was answered, and where.
async fn heard(running: &Running, said: &str) -> (LocalVisitor, ConversationId) {
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write(said).await.unwrap();
    visitor.next_reply().await.unwrap();
    let logged = running.desk().store().follow(0, 1_000).await.unwrap();
    (visitor, logged.last().unwrap().envelope.conversation)
}

fn summary(conversation: ConversationId) -> Request {
    Request { conversation, task: Task::Summary, by: None, language: None, internal: true, again: false }
}

// covers: H18 A01
#[tokio::test]
async fn the_brief_is_there_once_the_bot_asked_for_a_person() {
    let (running, _worker, mut signals) = shop(Copilot::offline()).await;
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write("Hola, mi pedido 48213 no ha llegado").await.unwrap();
    visitor.next_reply().await.unwrap();
    visitor.write("Prefiero que me ayude otra persona").await.unwrap();
    let brief = until(&running, &mut signals, ArtifactStatus::Done).await;
    assert_eq!((brief.kind, brief.created_by, brief.offline), (ArtifactKind::Brief, None, true));
    assert!(brief.body["text"].as_str().unwrap().contains("48213"), "{}", brief.body);
    assert_eq!(brief.body["collected"][0]["key"], "pedido");
    let facts = running.desk().store().read(brief.conversation, brief.covers.last, 100).await.unwrap();
    assert_eq!(tab::standing(&brief, &facts).new_messages, 0);
    visitor.write("¿Hay alguien?").await.unwrap();
    let facts = running.desk().store().read(brief.conversation, brief.covers.last, 100).await.unwrap();
    assert_eq!(tab::standing(&brief, &facts), tab::Standing { stale: true, new_messages: 1 });
    running.stop().await;
}

// covers: H18 A01
#[tokio::test]
async fn whoever_takes_over_finds_a_brief_of_all_that_was_said() {
    let model = Arc::new(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write("Quiero una persona: mi pedido 48213 no llega").await.unwrap();
    let first = until(&running, &mut signals, ArtifactStatus::Done).await;
    visitor.write("Y mañana me voy de viaje").await.unwrap();
    running.desk().run(first.conversation, Command::TakeOver { agent: agent(1) }).await.unwrap();
    let second = loop {
        let made = until(&running, &mut signals, ArtifactStatus::Done).await;
        if made.id != first.id {
            break made;
        }
    };
    assert_eq!((second.kind, model.requests().len()), (ArtifactKind::Brief, 2));
    assert!(second.covers.last > first.covers.last);
    // Nothing was said since: whoever takes it over next finds the same one, and nobody is asked.
    worker.make(first.conversation, Task::Brief, second.covers.last + 100).await;
    let made = running.desk().store().artifacts(first.conversation).await.unwrap();
    assert_eq!((made.len(), model.requests().len()), (2, 2));
    running.stop().await;
}

// covers: A01
#[tokio::test]
async fn a_summary_is_made_by_itself_after_as_many_messages_as_the_settings_say() {
    let settings = Settings { summary_after: NonZeroU32::new(2), ..Settings::default() };
    let (running, at) = house(Visibility::Everyone).await;
    // It follows when it is told to, so that what it has made after each message is known.
    let worker = unfed(Copilot::offline().with_settings(settings), at);
    let mut changes = running.feed().subscribe();
    let mut follow = async |until: &dyn Fn(&Event) -> bool| {
        let follows = async {
            loop {
                let change = changes.recv().await.unwrap();
                worker.follow(&change).await;
                if change.facts.iter().any(|fact| until(&fact.event)) {
                    return running.desk().store().artifacts(change.conversation).await.unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), follows).await.expect("it is heard of")
    };
    let posted = |said: &'static str| move |event: &Event| matches!(event, Event::MessagePosted { message, .. } if message.text == said);
    let visitor = running.visitor("shop").await.unwrap();
    for says in ["Hola", "Mi pedido 48213", "¿Hay alguien?"] {
        visitor.write(says).await.unwrap();
        assert!(follow(&posted(says)).await.is_empty(), "the bot's conversations are left alone");
    }
    visitor.write("Quiero una persona").await.unwrap();
    let made = follow(&|event| matches!(event, Event::HandoffRequested { .. })).await;
    assert_eq!(made.iter().map(|made| made.kind).collect::<Vec<_>>(), [ArtifactKind::Brief]);
    visitor.write("Es el 48213").await.unwrap();
    assert_eq!(follow(&posted("Es el 48213")).await.len(), 1, "after two messages, not after one");
    let last = visitor.write("Lo compré el lunes").await.unwrap().state.seq;
    let made = follow(&posted("Lo compré el lunes")).await;
    let summary = made.iter().find(|made| made.kind == ArtifactKind::Summary).expect("it is made");
    assert_eq!((made.len(), summary.created_by, summary.covers.last), (2, None, last));
    running.stop().await;
}

// behaviour 2
#[tokio::test]
async fn of_two_requests_at_once_one_is_made() {
    let model = Arc::new(Scripted::saying(["Espera su pedido 48213.\n---\nissue: pedido"]));
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let (_visitor, here) = heard(&running, "Mi pedido 48213 no llega").await;
    let request = summary(here);
    let (one, two) = tokio::join!(worker.request(request.clone()), worker.request(request.clone()));
    assert_eq!(one.unwrap(), two.unwrap());
    let done = until(&running, &mut signals, ArtifactStatus::Done).await;
    assert_eq!(model.requests().len(), 1);
    assert!(done.tokens.is_some() && !done.offline);
    // behaviour 23: nothing new was said, so nothing is asked.
    assert_eq!(worker.request(request.clone()).await.unwrap(), done.id);
    assert_eq!(model.requests().len(), 1);
    assert_ne!(worker.request(Request { again: true, ..request }).await.unwrap(), done.id, "it is wanted anew");
    running.stop().await;
}

/// A model that answers as often as it is let, and counts how many requests it has at once.
struct Held {
    says: Scripted,
    let_through: Semaphore,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Held {
    fn saying(says: Scripted) -> Arc<Self> {
        let none = AtomicUsize::default;
        Arc::new(Self { says, let_through: Semaphore::new(0), now: none(), most: none() })
    }
}

#[async_trait]
impl ChatModel for Held {
    fn name(&self) -> &str {
        self.says.name()
    }

    async fn stream(&self, request: &relevo_llm::Request, cancel: &CancellationToken) -> Result<Answer, Error> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let answer = self.says.stream(request, cancel).await;
        let turn = cancel.run_until_cancelled(self.let_through.acquire()).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        turn.ok_or(Error::Cancelled)?.expect("it is never closed").forget();
        answer
    }
}

/// Waits until an artifact says that it does this.
async fn step(signals: &mut Receiver<Signal>, of: ArtifactId, wanted: &str) {
    let hears = async {
        loop {
            match signals.recv().await.unwrap() {
                Signal::ArtifactDelta { artifact, step: Some(step), .. } if artifact == of && step == wanted => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), hears).await.unwrap_or_else(|_| panic!("it never was {wanted}"));
}

fn summaries() -> Scripted {
    Scripted::saying(["PRIMERO: pregunta.\n---\nissue: pedido"])
        .then_saying(["SEGUNDO: pregunta.\n---\nissue: pedido"])
        .then_saying(["TERCERO: pregunta.\n---\nissue: pedido"])
}

// behaviour 2
#[tokio::test]
async fn behaviour_02_a_brief_and_a_summary_are_never_with_the_model_together_and_the_later_reads_only_what_is_new() {
    let model = Held::saying(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write("Mi pedido no llega").await.unwrap();
    visitor.next_reply().await.unwrap();
    visitor.write("Prefiero que me ayude otra persona").await.unwrap();
    let brief = until(&running, &mut signals, ArtifactStatus::Running).await;
    step(&mut signals, brief.id, "writing").await;
    let here = brief.conversation;
    // Who asks for what the brief says is answered by the brief.
    assert_eq!(worker.request(summary(here)).await.unwrap(), brief.id);
    visitor.write("Es el CANARY-48213").await.unwrap();
    let ask = |task: Task, again: bool| worker.request(Request { task, again, ..summary(here) });
    let second = ask(Task::Summary, false).await.unwrap();
    let pressed = ask(Task::Summary, false).await.unwrap();
    let in_english = Request { language: Some(Language::En), ..summary(here) };
    let third = worker.request(in_english.clone()).await.unwrap();
    assert!(second == pressed && second != brief.id && third != second);
    step(&mut signals, second, "waiting").await;
    step(&mut signals, third, "waiting").await;
    // What was said while they waited is theirs to read.
    visitor.write("Y llevo una semana").await.unwrap();
    model.let_through.add_permits(3);
    let brief = done(&running, &mut signals, brief.id).await;
    let second = done(&running, &mut signals, second).await;
    let third = done(&running, &mut signals, third).await;
    assert_eq!((model.most.load(Ordering::SeqCst), model.says.requests().len()), (1, 3), "one at a time");
    let told: Vec<String> = model.says.requests().iter().map(|one| one.turns[0].text.clone()).collect();
    assert!(told[1].contains("PRIMERO") && told[1].contains("CANARY-48213"), "{}", told[1]);
    assert!(told[1].contains("una semana") && !told[1].contains("no llega"), "only what is new: {}", told[1]);
    assert!(told[2].contains("no llega") && !told[2].contains("PRIMERO"), "another language reads all: {}", told[2]);
    assert!(brief.covers.last < second.covers.last && second.covers.last == third.covers.last);
    assert!(third.covers.first < second.covers.last);
    running.stop().await;
}

// behaviour 2
#[tokio::test]
async fn behaviour_02_who_asks_again_after_more_was_said_gets_the_summary_that_tells_it() {
    let model = Held::saying(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let (visitor, here) = heard(&running, "Mi pedido no llega").await;
    let ask = || worker.request(summary(here));
    let first = ask().await.unwrap();
    step(&mut signals, first, "writing").await;
    assert_eq!(ask().await.unwrap(), first, "nothing was said since");
    visitor.write("Es el CANARY-48213").await.unwrap();
    visitor.next_reply().await.unwrap();
    let second = ask().await.unwrap();
    step(&mut signals, second, "waiting").await;
    visitor.write("¿Hola?").await.unwrap();
    visitor.next_reply().await.unwrap();
    assert!(second != first && ask().await.unwrap() == second, "who waits reads what is said meanwhile");
    model.let_through.add_permits(2);
    let (first, second) = (done(&running, &mut signals, first).await, done(&running, &mut signals, second).await);
    let told = model.says.requests().pop().unwrap().turns[0].text.clone();
    assert!(told.contains("PRIMERO") && told.contains("CANARY-48213") && told.contains("¿Hola?"), "{told}");
    assert!(!told.contains("no llega") && first.covers.last < second.covers.last, "{told}");
    assert_eq!((model.most.load(Ordering::SeqCst), model.says.requests().len()), (1, 2));
    running.stop().await;
}

// behaviour 2
#[tokio::test]
async fn behaviour_02_who_has_waited_tells_what_was_said_meanwhile_and_nothing_that_is_said_later() {
    let model = Held::saying(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write("Mi pedido no llega").await.unwrap();
    visitor.next_reply().await.unwrap();
    let here = conversation(&running).await;
    let ask = || worker.request(summary(here));
    let first = ask().await.unwrap();
    step(&mut signals, first, "writing").await;
    for says in ["Es el 48213", "¿Hola?"] {
        visitor.write(says).await.unwrap();
        visitor.next_reply().await.unwrap();
        assert_ne!(ask().await.unwrap(), first);
    }
    let second = ask().await.unwrap();
    model.let_through.add_permits(1);
    step(&mut signals, second, "writing").await;
    assert_eq!(ask().await.unwrap(), second, "nothing was said since it read");
    visitor.write("¿Hay alguien?").await.unwrap();
    visitor.next_reply().await.unwrap();
    let third = ask().await.unwrap();
    assert_ne!(third, second, "it has read before that was said");
    model.let_through.add_permits(2);
    let (second, third) = (done(&running, &mut signals, second).await, done(&running, &mut signals, third).await);
    assert!(second.covers.last < third.covers.last);
    running.stop().await;
}

// behaviour 9
#[tokio::test]
async fn behaviour_09_no_two_requests_have_the_same_marks_around_their_data() {
    let model = Arc::new(Scripted::saying(["Espera su pedido.\n---\nissue: pedido"]));
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let (_visitor, here) = heard(&running, "Mi pedido no llega").await;
    for again in [false, true, true] {
        let id = worker.request(Request { again, ..summary(here) }).await.unwrap();
        done(&running, &mut signals, id).await;
    }
    let nonce = |request: &relevo_llm::Request| {
        let (_, rest) = request.turns[0].text.split_once("<data nonce=\"").expect("data is marked");
        rest.split_once('"').unwrap().0.to_owned()
    };
    let nonces: BTreeSet<String> = model.requests().iter().map(nonce).collect();
    assert!(nonces.len() == 3 && nonces.iter().all(|nonce| nonce.len() == 32), "{nonces:?}");
    running.stop().await;
}

// behaviour 22
#[tokio::test]
async fn behaviour_22_the_team_reads_its_own_language_and_the_customer_gets_theirs() {
    let model = Arc::new(Scripted::saying(["It is on its way [1]."]));
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper());
    let parcels = "# Parcels\n\nA parcel that has not arrived is on its way for up to ten days.\n";
    copilot.knowledge().sync("articles", article("parcels.md", parcels), |_, _| ()).await.unwrap();
    let (running, worker, mut signals) = shop(copilot).await;
    let (_visitor, here) = heard(&running, "Hello, where is my parcel? It has not arrived").await;
    let draft = "Tu paquete está en camino y llega mañana".to_owned();
    let rewrite = |style| Task::Rewrite { draft: draft.clone(), style };
    let question = "¿Dónde está el paquete?".to_owned();
    for (task, tag, name) in [
        (Task::Summary, "es", "Spanish"),
        (Task::Ask { question }, "es", "Spanish"),
        (rewrite(Style::Clearer), "es", "Spanish"),
        (Task::Reply, "en", "English"),
        (rewrite(Style::Translated), "en", "English"),
    ] {
        let id = worker.request(Request { task: task.clone(), by: Some(agent(1)), ..summary(here) }).await.unwrap();
        let made = done(&running, &mut signals, id).await;
        let asked = &model.requests().pop().unwrap().turns[0].text;
        let other = if name == "English" { "Spanish" } else { "English" };
        assert!(asked.contains(name) && !asked.contains(other), "{task:?}: {asked}");
        assert_eq!(made.language, tag, "{task:?}");
    }
    assert_eq!(model.requests().len(), 5);
    running.stop().await;
}

// behaviours 2 and 15
#[tokio::test]
async fn behaviour_02_who_waits_for_a_summary_can_stop_it_and_the_next_one_takes_its_turn() {
    let model = Held::saying(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let (_visitor, here) = heard(&running, "Mi pedido no llega").await;
    let in_the = |language| worker.request(Request { language: Some(language), ..summary(here) });
    let first = in_the(Language::Es).await.unwrap();
    step(&mut signals, first, "writing").await;
    let (second, third) = (in_the(Language::Pt).await.unwrap(), in_the(Language::En).await.unwrap());
    step(&mut signals, third, "waiting").await;
    worker.cancel(here, second);
    let stopped = until(&running, &mut signals, ArtifactStatus::Cancelled).await;
    assert_eq!((stopped.id, stopped.tokens, stopped.body), (second, None, json!({})));
    worker.cancel(here, first);
    assert_eq!(until(&running, &mut signals, ArtifactStatus::Cancelled).await.id, first);
    model.let_through.add_permits(1);
    let third = done(&running, &mut signals, third).await;
    assert!(!third.offline);
    assert_eq!((model.most.load(Ordering::SeqCst), model.says.requests().len()), (1, 2), "the second was never sent");
    running.stop().await;
}

// behaviour 2
#[tokio::test]
async fn behaviour_02_servers_that_share_a_store_summarise_one_after_the_other_too() {
    let model = Held::saying(summaries());
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper());
    let (running, one, mut signals) = shop(copilot.clone()).await;
    let mut at = one.inner.at.clone();
    (at.shared, at.works) = (true, false);
    let other = Worker::start(copilot, at, running.feed()).await.unwrap();
    let (_visitor, here) = heard(&running, "Mi pedido no llega").await;
    let first = one.request(summary(here)).await.unwrap();
    step(&mut signals, first, "writing").await;
    let second = other.request(summary(here)).await.unwrap();
    step(&mut signals, second, "waiting").await;
    model.let_through.add_permits(2);
    let first = done(&running, &mut signals, first).await;
    let second = done(&running, &mut signals, second).await;
    // Nothing was said since: what the first says is the answer to both, and it was paid for once.
    assert_eq!((&second.body, second.covers, second.tokens), (&first.body, first.covers, None));
    assert_eq!((model.most.load(Ordering::SeqCst), model.says.requests().len()), (1, 1));
    running.stop().await;
}

// behaviour 2
#[tokio::test]
async fn a_reply_does_not_wait_for_a_summary_and_is_asked_for_once() {
    let model = Held::saying(Scripted::saying(["Lo miro [1]."]));
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper());
    let said = [Line::new(1, Who::Visitor, "Mi pedido no llega"), Line::new(2, Who::Agent, "Lo miro.")];
    copilot.learn("c9", &said, &[]);
    let (running, worker, mut signals) = shop(copilot).await;
    let (_visitor, here) = heard(&running, "Mi pedido no llega").await;
    let first = worker.request(summary(here)).await.unwrap();
    step(&mut signals, first, "writing").await;
    let draft = "llega el martes".to_owned();
    let tasks = [Task::Reply, Task::Rewrite { draft, style: Style::Longer }];
    for (n, task) in (1..).zip(tasks) {
        let request = Request { task, by: Some(agent(1)), ..summary(here) };
        let asked = worker.request(request.clone()).await.unwrap();
        step(&mut signals, asked, "writing").await;
        assert_eq!(worker.request(request).await.unwrap(), asked, "pressed twice");
        while model.says.requests().len() <= n {
            tokio::task::yield_now().await;
        }
        assert_eq!(model.says.requests().len(), n + 1);
    }
    running.stop().await;
}

// behaviour 8
#[tokio::test]
async fn behaviour_08_what_whoever_asks_may_not_read_is_in_no_request() {
    let model = Arc::new(Scripted::saying(["Se envía otra [1]."]));
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper());
    let public = "# Pedidos que no llegan\n\nSi un pedido no llega en diez días se envía otro.\n";
    let internal = "---\ntitle: Pedidos que no llegan\ninternal: true\n---\nSi un pedido no llega, CANARY-INTERNAL.\n";
    let both = article("llegan.md", public).into_iter().chain(article("dentro.md", internal));
    copilot.knowledge().sync("articles", both, |_, _| ()).await.unwrap();
    let (running, worker, mut signals) = shop(copilot).await;
    let (_visitor, here) = heard(&running, "Mi pedido no llega").await;
    let question = "¿Qué pasa si un pedido no llega?".to_owned();
    let mut asked = async |task: Task, internal: bool| {
        let id = worker.request(Request { task, internal, by: Some(agent(1)), ..summary(here) }).await.unwrap();
        done(&running, &mut signals, id).await;
        model.requests().last().unwrap().turns[0].text.clone()
    };
    for task in [Task::Reply, Task::Ask { question }] {
        let without = asked(task.clone(), false).await;
        assert!(without.contains("diez días") && !without.contains("CANARY-INTERNAL"), "{without}");
        assert!(asked(task, true).await.contains("CANARY-INTERNAL"));
    }
    running.stop().await;
}

// behaviour 15
#[tokio::test]
async fn a_stopped_artifact_keeps_nothing_as_final() {
    let slow = Scripted::saying(["Espera ", "su ", "pedido."]).paced(Duration::from_hours(1));
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(Arc::new(slow), Counter::upper())).await;
    running.visitor("shop").await.unwrap().write("Mi pedido no llega").await.unwrap();
    let conversation = conversation(&running).await;
    let id = worker.request(summary(conversation)).await.unwrap();
    let writes = |signal| matches!(signal, Signal::ArtifactDelta { step: Some(step), .. } if step == "writing");
    while !writes(signals.recv().await.unwrap()) {}
    worker.cancel(conversation, id);
    let stopped = until(&running, &mut signals, ArtifactStatus::Cancelled).await;
    assert_eq!(stopped.body, serde_json::json!({}));
    assert!(stopped.tokens.is_some_and(|tokens| tokens.prompt > 0), "what was read was paid for");
    running.stop().await;
}

// behaviour 8, behaviour 15
#[tokio::test]
async fn a_stopped_reply_says_that_its_model_had_read_something_internal() {
    let public = "# Pedidos que no llegan\n\nSi un pedido no llega en diez días se envía otro.\n";
    let internal = "---\ntitle: Pedidos que no llegan\ninternal: true\n---\nSi un pedido no llega, avisa a Rosa.\n";
    for (text, said) in [(internal, serde_json::json!({"internal": true})), (public, serde_json::json!({}))] {
        let slow = Scripted::saying(["Aviso ", "a Rosa."]).paced(Duration::from_hours(1));
        let copilot = Copilot::offline().with_model(Arc::new(slow), Counter::upper());
        copilot.knowledge().sync("articles", article("llegan.md", text), |_, _| ()).await.unwrap();
        let (running, worker, mut signals) = shop(copilot).await;
        running.visitor("shop").await.unwrap().write("Mi pedido no llega").await.unwrap();
        let conversation = conversation(&running).await;
        let request = Request { task: Task::Reply, by: Some(agent(1)), ..summary(conversation) };
        let id = worker.request(request).await.unwrap();
        let writes = |signal| matches!(signal, Signal::ArtifactDelta { step: Some(step), .. } if step == "writing");
        while !writes(signals.recv().await.unwrap()) {}
        worker.cancel(conversation, id);
        let stopped = until(&running, &mut signals, ArtifactStatus::Cancelled).await;
        assert_eq!(stopped.body, said);
        running.stop().await;
    }
}

// behaviour 3
#[tokio::test]
async fn a_failed_update_loses_no_message_for_the_next_one() {
    let model = Scripted::saying(["Primer resumen.\n---\nissue: pedido"])
        .then_failing(Error::transient("500"))
        .then_saying(["Segundo resumen.\n---\nissue: pedido"]);
    let model = Arc::new(model);
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    let mut made = Vec::new();
    for said in ["Mi pedido no llega", "Es el CANARY-48213", "¿Hola?"] {
        visitor.write(said).await.unwrap();
        visitor.next_reply().await.unwrap();
        let id = worker.request(summary(conversation(&running).await)).await.unwrap();
        made.push(done(&running, &mut signals, id).await);
    }
    assert!(made[1].offline && made[1].error.as_ref().is_some_and(|why| why.contains("500")), "{:?}", made[1]);
    assert!(made[0].covers.last < made[1].covers.last && made[1].covers.last < made[2].covers.last);
    let retried = &model.requests()[2].turns[0].text;
    assert!(
        retried.contains("Primer resumen.") && retried.contains("CANARY-48213") && retried.contains("¿Hola?"),
        "{retried}"
    );
    running.stop().await;
}

// behaviour 4
#[tokio::test]
async fn behaviour_04_after_a_removal_the_next_summary_is_made_from_the_start_without_its_text() {
    let model = Scripted::saying(["Pide el CANARY-48213.\n---\nissue: pedido"])
        .then_saying(["Pregunta por un pedido.\n---\nissue: pedido"]);
    let model = Arc::new(model);
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    for said in ["Mi pedido no llega", "Es el CANARY-48213"] {
        visitor.write(said).await.unwrap();
        visitor.next_reply().await.unwrap();
    }
    let here = conversation(&running).await;
    let first = worker.request(summary(here)).await.unwrap();
    assert!(done(&running, &mut signals, first).await.body.to_string().contains("CANARY"));
    let desk = running.desk();
    let facts = desk.store().read(here, 0, 100).await.unwrap();
    let posted = facts.iter().find(|fact| format!("{fact:?}").contains("CANARY")).unwrap();
    let relevo_domain::event::Event::MessagePosted { message, .. } = &posted.event else { panic!("{posted:?}") };
    let (message, author, seq) = (message.id, message.author.clone(), posted.seq);
    let by = |agent| Command::RemoveMessage { agent, message, posted: seq, author: author.clone() };
    assert!(desk.run(here, by(agent(1))).await.is_err(), "it is not this agent's");
    let leader = AgentFacts { role: Role::Supervisor, ..agent(1) };
    desk.run(here, by(leader)).await.unwrap();
    let withdrawn = until(&running, &mut signals, ArtifactStatus::Failed).await;
    assert_eq!((withdrawn.id, withdrawn.body, withdrawn.tokens.is_some()), (first, serde_json::json!({}), true));
    let second = worker.request(summary(here)).await.unwrap();
    let second = done(&running, &mut signals, second).await;
    let asked = &model.requests()[1].turns[0].text;
    assert!(asked.contains("Mi pedido no llega"), "a full rebuild reads what an earlier summary had covered: {asked}");
    assert!(!asked.contains("CANARY") && !asked.contains("earlier summary"), "{asked}");
    assert!(second.id != first && second.covers.first <= facts[1].seq, "{second:?}");
    running.stop().await;
}

// behaviour 4
#[tokio::test]
async fn behaviour_04_what_nobody_withdrew_yet_is_not_gone_on_from_and_what_is_being_made_is_emptied_at_its_end() {
    let model = Held::saying(summaries());
    let (running, at) = house(Visibility::Everyone).await;
    let mut signals = at.bus.subscribe();
    // Another server may not have come to the removal yet.
    let worker = unfed(Copilot::offline().with_model(model.clone(), Counter::upper()), at);
    let visitor = running.visitor("shop").await.unwrap();
    for said in ["Mi pedido no llega", "Es el CANARY-48213"] {
        visitor.write(said).await.unwrap();
        visitor.next_reply().await.unwrap();
    }
    let here = conversation(&running).await;
    model.let_through.add_permits(1);
    let first = worker.request(summary(here)).await.unwrap();
    assert_eq!(done(&running, &mut signals, first).await.body["text"], "PRIMERO: pregunta.");
    visitor.write("¿Hola?").await.unwrap();
    let second = worker.request(Request { again: true, ..summary(here) }).await.unwrap();
    step(&mut signals, second, "writing").await;
    remove(&running, here, "CANARY").await;
    model.let_through.add_permits(2);
    let emptied = until(&running, &mut signals, ArtifactStatus::Failed).await;
    assert_eq!((emptied.id, &emptied.body, emptied.failure), (second, &json!({}), Some(MakeFailure::Withdrawn)));
    let third = worker.request(summary(here)).await.unwrap();
    done(&running, &mut signals, third).await;
    let asked = &model.says.requests()[2].turns[0].text;
    assert!(asked.contains("no llega") && !asked.contains("PRIMERO") && !asked.contains("CANARY"), "{asked}");
    running.stop().await;
}

// behaviour 4
#[tokio::test]
async fn behaviour_04_a_removal_stops_what_is_being_made_from_the_message() {
    let model = Held::saying(summaries());
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model, Counter::upper())).await;
    let (_visitor, here) = heard(&running, "Es el CANARY-48213").await;
    let made = worker.request(summary(here)).await.unwrap();
    step(&mut signals, made, "writing").await;
    // The model never answers: it ends because it is stopped.
    remove(&running, here, "CANARY").await;
    let stopped = until(&running, &mut signals, ArtifactStatus::Failed).await;
    assert_eq!((stopped.id, stopped.body, stopped.failure), (made, json!({}), Some(MakeFailure::Withdrawn)));
    running.stop().await;
}

// covers: A07
#[tokio::test]
async fn a_team_that_has_used_its_day_is_answered_offline_and_told_why() {
    let model = Arc::new(Scripted::saying(["Espera.\n---\nissue: pedido"]));
    let prices = Prices {
        currency: "EUR".into(),
        models: [("scripted".to_owned(), Price { prompt: 2.0, completion: 4.0 })].into(),
    };
    let settings = Settings { day_tokens: Some(10), prices, ..Settings::default() };
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper()).with_settings(settings);
    let (running, worker, mut signals) = shop(copilot.clone()).await;
    let (visitor, here) = heard(&running, "Mi pedido no llega").await;
    let id = worker.request(summary(here)).await.unwrap();
    let first = done(&running, &mut signals, id).await;
    let tokens = first.tokens.unwrap();
    let micros = u64::from(tokens.prompt) * 2 + u64::from(tokens.completion) * 4;
    assert_eq!(first.cost.as_ref().map(|cost| (cost.micros, cost.currency.as_str())), Some((micros, "EUR")));
    visitor.write("¿Hola?").await.unwrap();
    visitor.next_reply().await.unwrap();
    let id = worker.request(summary(here)).await.unwrap();
    let second = done(&running, &mut signals, id).await;
    let why = second.error.clone().unwrap_or_default();
    assert!(second.offline && why.contains("of 10 tokens today") && why.contains("copilot.day_tokens"), "{why}");
    let used = u64::from(tokens.prompt) + u64::from(tokens.completion);
    assert_eq!(second.failure, Some(MakeFailure::Spent { team: None, used, limit: 10 }));
    assert_eq!(model.requests().len(), 1);
    let task = Task::Rewrite { draft: "Hola".into(), style: Style::Longer };
    let refused = worker.request(Request { task, ..summary(second.conversation) }).await;
    assert!(
        matches!(&refused, Err(RequestError::Spent(why)) if why.to_string().contains("of 10 tokens today")),
        "{refused:?}"
    );
    // Another server on the same store finds what was used in it.
    let other = unfed(copilot, worker.inner.at.clone());
    assert!(other.inner.spent(None).await.unwrap().is_some());
    assert!(other.inner.spent(Some(&TeamId::new("ventas").unwrap())).await.unwrap().is_none(), "each team has its own");
    running.stop().await;
}

fn agent(n: u8) -> AgentFacts {
    let id = format!("00000000-0000-0000-0000-00000000000{n}").parse().unwrap();
    AgentFacts { id, role: Role::Agent, teams: Vec::new() }
}

/// A customer asks where the parcel is, the bot answers, the agent takes over, and the customer asks again.
async fn asks_where_it_is(running: &Running, agent: &AgentFacts) -> (LocalVisitor, ConversationId) {
    let (visitor, conversation) = heard(running, "¿Dónde está mi paquete?").await;
    running.desk().run(conversation, Command::TakeOver { agent: agent.clone() }).await.unwrap();
    visitor.write("¿Dónde está mi paquete?").await.unwrap();
    (visitor, conversation)
}

// behaviours 8 and 16
#[tokio::test]
async fn an_answer_given_by_a_colleague_elsewhere_is_suggested_only_to_whoever_may_open_that() {
    let (running, worker, mut signals) = shop_seen_by(Copilot::offline(), Visibility::Assigned).await;
    let desk = running.desk();
    let (first, there) = asks_where_it_is(&running, &agent(1)).await;
    let answers = async |conversation| {
        let message = Outbound {
            id: MessageId(desk.clock().id()),
            text: "Lo miro y te digo algo hoy.".into(),
            attachments: Vec::new(),
            buttons: Vec::new(),
            reply_to: None,
            client_id: None,
        };
        desk.run(conversation, Command::Reply { agent: agent(1), message }).await.unwrap();
    };
    answers(there).await;
    first.next_reply().await.unwrap();
    worker.learn(there).await;
    let (second, here) = asks_where_it_is(&running, &agent(1)).await;
    let mut asked = async |by: AgentFacts| {
        let request = Request {
            conversation: here,
            task: Task::Reply,
            by: Some(by),
            language: None,
            internal: true,
            again: false,
        };
        let id = worker.request(request).await.unwrap();
        done(&running, &mut signals, id).await
    };
    assert_eq!(asked(agent(2)).await.body["suggestions"], serde_json::json!([]), "the conversation is another's");
    let mut made = asked(agent(1)).await;
    assert_eq!(made.body["suggestions"][0]["text"], "Lo miro y te digo algo hoy.");
    let since = async |made: &Artifact| desk.store().read(here, made.covers.last, 100).await.unwrap();
    assert!(!tab::standing(&made, &since(&made).await).stale);
    answers(here).await;
    let standing = tab::standing(&made, &since(&made).await);
    assert_eq!(standing, tab::Standing { stale: false, new_messages: 1 }, "it is what was sent");
    second.write("¿Hola?").await.unwrap();
    assert!(tab::standing(&made, &since(&made).await).stale, "the customer wrote again");
    tab::without_conversation(&mut made, &there.to_string());
    assert_eq!((made.body["suggestions"].clone(), made.sources.len()), (serde_json::json!([]), 0));
    running.stop().await;
}

/// Somebody writes these; their conversation then has these labels.
async fn labelled(running: &Running, says: &[&str], labels: &[&str]) -> ConversationId {
    let visitor = running.visitor("shop").await.unwrap();
    let mut here = None;
    for text in says {
        here = Some(visitor.write(text).await.unwrap().state.id);
        visitor.next_reply().await.unwrap();
    }
    let here = here.expect("something is said");
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    running.desk().run(here, Command::SetLabels { agent: agent(1), labels }).await.unwrap();
    here
}

async fn suggested(worker: &Worker, here: ConversationId, by: &AgentFacts) -> Vec<String> {
    worker.labels(here, by).await.unwrap().into_iter().map(|likely| likely.label).collect()
}

// covers: A02
#[tokio::test]
async fn labels_are_suggested_that_conversations_have_in_which_customers_said_the_like() {
    let (running, at) = house(Visibility::Everyone).await;
    let worker = unfed(Copilot::offline(), at);
    let here = labelled(&running, &["Hola", "Quiero devolver los zapatos azules"], &[]).await;
    assert!(suggested(&worker, here, &agent(2)).await.is_empty(), "nobody has a label");
    labelled(&running, &["Hola, quiero devolver unos zapatos"], &["devolucion", "calzado"]).await;
    labelled(&running, &["Hola, ¿dónde está mi paquete? No ha llegado"], &["envio"]).await;
    let noted = labelled(&running, &["Hola, ¿qué horario tenéis?"], &["horario"]).await;
    let note = Command::AddNote {
        agent: agent(1),
        note: running.desk().clock().id().into(),
        text: "Quiero devolver los zapatos azules".into(),
        mentions: Vec::new(),
        client_id: None,
    };
    running.desk().run(noted, note).await.unwrap();
    assert_eq!(suggested(&worker, here, &agent(2)).await, ["calzado", "devolucion"]);
    let has = Command::SetLabels { agent: agent(1), labels: vec!["calzado".into()] };
    running.desk().run(here, has).await.unwrap();
    assert_eq!(suggested(&worker, here, &agent(2)).await, ["devolucion"]);
    let nothing = labelled(&running, &["Xyz"], &[]).await;
    assert!(suggested(&worker, nothing, &agent(2)).await.is_empty());
    running.stop().await;
}

// behaviour 4
#[tokio::test]
async fn behaviour_04_a_removed_message_teaches_no_label_any_more() {
    let (running, at) = house(Visibility::Everyone).await;
    let worker = unfed(Copilot::offline(), at);
    let here = labelled(&running, &["Quiero devolver los zapatos azules"], &[]).await;
    let shoes = labelled(&running, &["Quiero devolver unos zapatos", "Son del lunes"], &["devolucion"]).await;
    labelled(&running, &["¿Dónde está mi paquete?"], &["envio"]).await;
    assert_eq!(suggested(&worker, here, &agent(2)).await, ["devolucion"]);
    remove(&running, shoes, "unos zapatos").await;
    assert!(suggested(&worker, here, &agent(2)).await.is_empty());
    running.stop().await;
}

// behaviours 6 and 20
#[tokio::test]
async fn what_teaches_a_label_is_the_customers_own_masked_words() {
    let (running, _) = house(Visibility::Everyone).await;
    let here = labelled(&running, &["Soy ana@example.com", "Mi pedido no llega"], &[]).await;
    let facts = running.desk().store().read(here, 0, 100).await.unwrap();
    assert_eq!(super::labels::said(&facts), "Soy [EMAIL_1]\nMi pedido no llega");
    running.stop().await;
}

// behaviour 8
#[tokio::test]
async fn behaviour_08_labels_are_learnt_only_from_conversations_that_whoever_asks_may_see() {
    let (running, at) = house(Visibility::Assigned).await;
    let worker = unfed(Copilot::offline(), at);
    let here = labelled(&running, &["Quiero devolver los zapatos azules"], &[]).await;
    labelled(&running, &["¿Dónde está mi paquete?"], &["envio"]).await;
    let theirs = labelled(&running, &["Quiero devolver unos zapatos"], &["devolucion"]).await;
    running.desk().run(theirs, Command::TakeOver { agent: agent(1) }).await.unwrap();
    assert_eq!(suggested(&worker, here, &agent(1)).await, ["devolucion"]);
    assert!(suggested(&worker, here, &agent(2)).await.is_empty());
    running.stop().await;
}
