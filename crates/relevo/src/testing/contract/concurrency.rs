//! Many at once.

use super::{Fresh, put};
use crate::store::{Append, AppendError, Logged};
use crate::testing::corpus::{conversation, key, says, started};
use std::sync::Arc;
use tokio::sync::Barrier;

/// 200 writers of one conversation, each deciding again on a conflict: every fact is there once, numbered without gap.
pub async fn parallel_appends_to_one_conversation_leave_no_gap(store: &Fresh) {
    const WRITERS: u64 = 200;
    put(store, started(1)).await;
    let tasks: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(insist(store.clone(), format!("writer {n}")))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let facts = store.read(conversation(1), 0, 1_000).await.unwrap();
    assert_eq!(facts.iter().map(|fact| fact.seq).collect::<Vec<_>>(), (1..=WRITERS + 1).collect::<Vec<_>>());
    let state = store.load(conversation(1)).await.unwrap().expect("it began");
    assert_eq!(u64::from(state.counts.visitor), WRITERS, "no writer's state was overwritten");
    assert_eq!(store.head().await.unwrap(), WRITERS + 1);
}

async fn insist(store: Fresh, text: String) {
    loop {
        let state = store.load(conversation(1)).await.unwrap().expect("it began");
        match store.append(says(&state, &text)).await {
            Ok(_) => return,
            Err(AppendError::Conflict { actual }) => assert!(actual > state.seq, "a conflict names a later state"),
            Err(other) => panic!("{other}"),
        }
    }
}

/// A provider that sends the same message many times at once is heard once, also where every copy would begin a
/// conversation of its own.
pub async fn parallel_appends_with_one_key_happen_once(store: &Fresh) {
    let gate = Arc::new(Barrier::new(16));
    let racing = (1..=16).map(|n| {
        let (store, gate) = (store.clone(), gate.clone());
        tokio::spawn(async move {
            gate.wait().await;
            (n, store.append(Append { dedupe: Some(key("same")), ..started(n) }).await)
        })
    });
    let (mut winner, mut told) = (None, Vec::new());
    for task in racing.collect::<Vec<_>>() {
        match task.await.unwrap() {
            (n, Ok(_)) => assert_eq!(winner.replace(conversation(n)), None, "only one may win"),
            (_, Err(AppendError::Duplicate { conversation, seq: 1 })) => told.push(conversation),
            (_, Err(other)) => panic!("{other}"),
        }
    }
    let winner = winner.expect("one wins");
    assert_eq!(told, [winner; 15]);
    assert_eq!(store.head().await.unwrap(), 1);
    assert_eq!(store.find(&key("same")).await.unwrap(), Some((winner, 1)));
}

/// A follower that reads while others write sees every fact, in order, and never finds a new one behind it.
pub async fn a_follower_misses_nothing_of_parallel_appends(store: &Fresh) {
    const WRITERS: u128 = 8;
    const EACH: usize = 25;
    let following = tokio::spawn(follow_until(store.clone(), 8 * EACH));
    let writing: Vec<_> = (1..=WRITERS)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut append = started(n);
                for text in 0..EACH {
                    put(&store, append.clone()).await;
                    append = says(&append.state, &format!("{text}"));
                }
            })
        })
        .collect();
    for task in writing {
        task.await.unwrap();
    }
    let seen = following.await.unwrap();
    assert!(seen.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(seen, store.follow(0, 1_000).await.unwrap());
}

async fn follow_until(store: Fresh, total: usize) -> Vec<Logged> {
    let mut seen: Vec<Logged> = Vec::new();
    while seen.len() < total {
        let after = seen.last().map_or(0, |logged| logged.position);
        seen.extend(store.follow(after, 7).await.unwrap());
        tokio::task::yield_now().await;
    }
    seen
}
