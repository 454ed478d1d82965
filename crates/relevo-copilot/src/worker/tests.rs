use std::sync::Arc;
use std::time::Duration;

use relevo::bot::{Handoff, LiveTurn, bot_fn};
use relevo::bus::Signal;
use relevo::framework::{Framework, Running};
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus};
use relevo_domain::id::ConversationId;
use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use tokio::sync::broadcast::Receiver;

use super::{Request, Worker, Workplace};
use crate::copilot::Copilot;
use crate::tab;
use crate::text::Language;

/// A shop whose bot hands over when it hears `persona`, and a Copilot at work.
async fn shop(copilot: Copilot) -> (Running, Worker, Receiver<Signal>) {
    let bot = bot_fn(|turn: LiveTurn| async move {
        if turn.text().contains("persona") {
            return turn.handoff(Handoff::because("quiere una persona").captured("pedido", "48213")).await;
        }
        turn.say("¿Me das el número de pedido?").await
    });
    let running = Framework::in_memory().inbox_with_bot("shop", "echo", bot).start().await.unwrap();
    let desk = running.desk();
    let signals = desk.bus().subscribe();
    let at = Workplace {
        store: desk.store().clone(),
        bus: desk.bus().clone(),
        clock: desk.clock().clone(),
        tracker: running.tracker().clone(),
        stop: running.stopping().clone(),
        shared: false,
        works: true,
        language: Language::Es,
        shortcuts: None,
    };
    let worker = Worker::start(copilot, at, running.feed()).await.unwrap();
    (running, worker, signals)
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

async fn conversation(running: &Running) -> ConversationId {
    let logged = running.desk().store().follow(0, 1).await.unwrap();
    logged[0].envelope.conversation
}

fn summary(conversation: ConversationId) -> Request {
    Request { conversation, kind: ArtifactKind::Summary, by: None, language: None, internal: true }
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

// behaviour 2
#[tokio::test]
async fn of_two_requests_at_once_one_is_made() {
    let model = Arc::new(Scripted::saying(["Espera su pedido 48213.\n---\nissue: pedido"]));
    let (running, worker, mut signals) = shop(Copilot::offline().with_model(model.clone(), Counter::upper())).await;
    let visitor = running.visitor("shop").await.unwrap();
    visitor.write("Mi pedido 48213 no llega").await.unwrap();
    visitor.next_reply().await.unwrap();
    let request = summary(conversation(&running).await);
    let (one, two) = tokio::join!(worker.request(request.clone()), worker.request(request.clone()));
    assert_eq!(one.unwrap(), two.unwrap());
    let done = until(&running, &mut signals, ArtifactStatus::Done).await;
    assert_eq!(model.requests().len(), 1);
    assert!(done.tokens.is_some() && !done.offline);
    // behaviour 23: nothing new was said, so nothing is asked.
    assert_eq!(worker.request(request).await.unwrap(), done.id);
    assert_eq!(model.requests().len(), 1);
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
    worker.cancel(conversation, id);
    let stopped = until(&running, &mut signals, ArtifactStatus::Cancelled).await;
    assert_eq!(stopped.body, serde_json::json!({}));
    running.stop().await;
}
