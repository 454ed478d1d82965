//! Against a real NATS server, which comes and goes.

use super::{NatsBus, NatsError};
use crate::testing::{free_port, start_nats};
use relevo::bus::{Bus, Signal};
use relevo_domain::id::{ArtifactId, ContactId, ConversationId};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn bus(url: &str) -> NatsBus {
    NatsBus::connect(url, "relevo.test", CancellationToken::new()).await.unwrap()
}

fn about(n: u128) -> Signal {
    Signal::Artifact { conversation: ConversationId(Uuid::nil()), artifact: ArtifactId(Uuid::from_u128(n)) }
}

/// The next signal that is not about the connection.
async fn next(signals: &mut Receiver<Signal>) -> Signal {
    tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match signals.recv().await.unwrap() {
                Signal::Appended { position: u64::MAX } => {}
                // What only told that both are connected, and was said until it was heard.
                signal if signal == about(0) => {}
                signal => return signal,
            }
        }
    })
    .await
    .expect("it comes")
}

/// Publishes until the other end hears it: a connection comes about in its own time.
async fn until_heard(from: &NatsBus, at: &mut Receiver<Signal>, signal: &Signal) {
    tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            from.publish(signal.clone());
            if let Ok(Ok(heard)) = tokio::time::timeout(Duration::from_millis(100), at.recv()).await
                && heard == *signal
            {
                return;
            }
        }
    })
    .await
    .expect("it is heard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_reach_every_server_once_and_in_order_and_some_stay_at_home() {
    let server = tokio::task::spawn_blocking(|| start_nats(None)).await.unwrap();
    let (one, two) = (bus(server.address()).await, bus(server.address()).await);
    let (mut at_one, mut at_two) = (one.subscribe(), two.subscribe());
    until_heard(&one, &mut at_two, &about(0)).await;
    one.publish(Signal::Online { contact: ContactId(Uuid::nil()), on: true });
    for n in 1..=100 {
        one.publish(about(n));
    }
    assert!(matches!(next(&mut at_one).await, Signal::Online { .. }));
    for n in 1..=100 {
        assert_eq!(next(&mut at_two).await, about(n));
        assert_eq!(next(&mut at_one).await, about(n), "not lost");
    }
    // Whatever came back of the first server's own would have come before this.
    two.publish(about(200));
    assert_eq!(next(&mut at_one).await, about(200), "not echoed");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_signals_stay_in_the_process_and_when_it_returns_they_go_out_again() {
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let (one, two) = (bus(&url).await, bus(&url).await);
    let (mut at_one, mut at_two) = (one.subscribe(), two.subscribe());
    // Far more than anybody keeps waiting.
    for n in 0..20_000 {
        one.publish(about(n));
        assert_eq!(at_one.recv().await.unwrap(), about(n), "publishing does not wait");
    }
    let server = tokio::task::spawn_blocking(move || start_nats(Some(port))).await.unwrap();
    until_heard(&one, &mut at_two, &about(20_001)).await;
    server.stop();
    one.publish(about(20_002));
    let server = tokio::task::spawn_blocking(move || start_nats(Some(port))).await.unwrap();
    until_heard(&two, &mut at_one, &about(20_003)).await;
    server.stop();
}

#[tokio::test]
async fn a_bad_address_and_a_bad_subject_are_told() {
    let stop = CancellationToken::new();
    let address = NatsBus::connect("http://:x", "relevo", stop.clone()).await.unwrap_err();
    assert!(matches!(address, NatsError::Address(_)), "{address}");
    for subject in ["", "a..b", "a b", "a.*", ">"] {
        let refused = NatsBus::connect("nats://127.0.0.1", subject, stop.clone()).await.unwrap_err();
        assert!(matches!(refused, NatsError::Subject(told) if told == subject));
    }
}
