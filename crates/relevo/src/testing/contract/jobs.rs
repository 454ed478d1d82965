//! The outbox.

use super::{Fresh, put};
use crate::store::{Append, Job, JobKind, Lane, NewJob};
use crate::testing::corpus::{conversation, deliver, says, started, turn, wake};
use relevo_domain::id::MessageId;
use relevo_domain::time::Timestamp;
use std::collections::HashSet;
use uuid::Uuid;

/// What an append brings is there to be claimed, with its conversation and its kind.
pub async fn jobs_come_with_their_facts(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 5), wake(7)], ..started(1) }).await;
    let claimed = claim(store, Lane::Deliver, 5).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].conversation, claimed[0].attempt), (conversation(1), 1));
    assert_eq!(claimed[0].kind, deliver(1, 0).kind);
    assert!(claim(store, Lane::Turn, 100).await.is_empty());
    assert_eq!(claim(store, Lane::Timer, 7).await[0].kind, wake(7).kind);
}

/// Jobs live and die with the rest of their append.
pub async fn a_refused_append_leaves_no_job(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    put(store, says(&one.state, "first")).await;
    store.append(Append { jobs: vec![deliver(1, 0)], ..says(&one.state, "second") }).await.unwrap_err();
    assert!(claim(store, Lane::Deliver, 100).await.is_empty());
    assert_eq!(store.next_due(Lane::Deliver).await.unwrap(), None);
}

/// In the lanes of sends and turns, only a conversation's oldest unfinished job can be claimed.
pub async fn jobs_of_a_conversation_wait_for_each_other(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 5), deliver(2, 0)], ..started(1) }).await;
    assert!(claim(store, Lane::Deliver, 4).await.is_empty(), "the second is due, but waits for the first");
    let first = claim(store, Lane::Deliver, 5).await;
    assert_eq!(numbers(&first), [1]);
    assert!(claim(store, Lane::Deliver, 6).await.is_empty(), "the second waits for a claimed first");
    store.finish(first[0].id).await.unwrap();
    let second = claim(store, Lane::Deliver, 6).await;
    assert_eq!(numbers(&second), [2]);
    assert!(second[0].id > first[0].id);
}

/// One conversation's queue is nothing to another's, nor to another lane of its own.
pub async fn conversations_do_not_wait_for_each_other(store: &Fresh) {
    let turn = NewJob { kind: JobKind::BotTurn { turn: turn(1) }, due: Timestamp(0) };
    put(store, Append { jobs: vec![deliver(1, 900), turn], ..started(1) }).await;
    put(store, Append { jobs: vec![deliver(2, 0)], ..started(2) }).await;
    assert_eq!(numbers(&claim(store, Lane::Deliver, 5).await), [2]);
    assert_eq!(claim(store, Lane::Turn, 5).await.len(), 1);
}

/// Timers of one conversation are claimed together.
pub async fn timers_do_not_wait_for_each_other(store: &Fresh) {
    put(store, Append { jobs: vec![wake(900), wake(2), wake(1)], ..started(1) }).await;
    let kinds: Vec<_> = claim(store, Lane::Timer, 5).await.into_iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [wake(2).kind, wake(1).kind]);
}

/// In the order in which they were written, never more than asked for, never before their time.
pub async fn jobs_are_claimed_when_due_and_oldest_first(store: &Fresh) {
    for n in 1..=5 {
        let due = if n == 2 { 50 } else { 10 };
        put(store, Append { jobs: vec![deliver(n, due)], ..started(n) }).await;
    }
    assert!(claim(store, Lane::Deliver, 9).await.is_empty());
    let part = store.claim(Lane::Deliver, Timestamp(10), Timestamp(100), 2).await.unwrap();
    assert_eq!(numbers(&part), [1, 3]);
    assert_eq!(numbers(&claim(store, Lane::Deliver, 10).await), [4, 5]);
    assert_eq!(numbers(&claim(store, Lane::Deliver, 50).await), [2]);
}

/// A claimer that died is replaced when its time is over, and the next one knows that it is not the first.
pub async fn a_claim_ends_by_itself(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 0)], ..started(1) }).await;
    let first = store.claim(Lane::Deliver, Timestamp(10), Timestamp(40), 9).await.unwrap();
    assert!(store.claim(Lane::Deliver, Timestamp(39), Timestamp(80), 9).await.unwrap().is_empty());
    let again = store.claim(Lane::Deliver, Timestamp(40), Timestamp(80), 9).await.unwrap();
    assert_eq!((again[0].id, again[0].attempt), (first[0].id, 2));
}

/// Whoever was taken for dead and comes back gives nothing up that another one does by now; what it has done is done.
pub async fn a_replaced_claimer_gives_nothing_up(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 0), deliver(2, 0)], ..started(1) }).await;
    let first = store.claim(Lane::Deliver, Timestamp(10), Timestamp(40), 9).await.unwrap();
    let again = store.claim(Lane::Deliver, Timestamp(40), Timestamp(80), 9).await.unwrap();
    store.postpone(&first[0], Timestamp(41)).await.unwrap();
    assert!(claim(store, Lane::Deliver, 79).await.is_empty(), "the second claim stands");
    store.postpone(&again[0], Timestamp(42)).await.unwrap();
    assert_eq!(numbers(&claim(store, Lane::Deliver, 42).await), [1]);
    store.finish(first[0].id).await.unwrap();
    assert_eq!(numbers(&claim(store, Lane::Deliver, 43).await), [2]);
}

/// A job that is tried again later still goes before those written after it.
pub async fn a_postponed_job_keeps_its_place(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 0), deliver(2, 0)], ..started(1) }).await;
    let first = claim(store, Lane::Deliver, 10).await;
    store.postpone(&first[0], Timestamp(20)).await.unwrap();
    assert!(claim(store, Lane::Deliver, 19).await.is_empty());
    let again = claim(store, Lane::Deliver, 20).await;
    assert_eq!(numbers(&again), [1]);
    assert_eq!(again[0].attempt, 2);
}

/// Whoever hears of a finish twice does no harm; nor does one who postpones what is finished.
pub async fn finishing_twice_changes_nothing(store: &Fresh) {
    put(store, Append { jobs: vec![deliver(1, 0), deliver(2, 0)], ..started(1) }).await;
    let first = claim(store, Lane::Deliver, 10).await;
    store.finish(first[0].id).await.unwrap();
    store.finish(first[0].id).await.unwrap();
    store.postpone(&first[0], Timestamp(0)).await.unwrap();
    assert_eq!(numbers(&claim(store, Lane::Deliver, 10).await), [2]);
}

/// A worker sleeps until exactly then: until something is due, or a claim ends.
pub async fn the_next_due_job_is_known(store: &Fresh) {
    assert_eq!(store.next_due(Lane::Deliver).await.unwrap(), None);
    put(store, Append { jobs: vec![deliver(1, 50), deliver(2, 10)], ..started(1) }).await;
    assert_eq!(next_due(store).await, Some(50), "the second waits for the first");
    store.enqueue(conversation(2), deliver(3, 70)).await.unwrap();
    assert_eq!(next_due(store).await, Some(50));
    let job = store.claim(Lane::Deliver, Timestamp(60), Timestamp(90), 9).await.unwrap();
    assert_eq!(next_due(store).await, Some(70));
    store.postpone(&job[0], Timestamp(65)).await.unwrap();
    assert_eq!(next_due(store).await, Some(65));
    store.finish(job[0].id).await.unwrap();
    assert_eq!(next_due(store).await, Some(10), "the second is free now");
    assert_eq!(store.next_due(Lane::Timer).await.unwrap(), None);
    store.enqueue(conversation(1), wake(33)).await.unwrap();
    assert_eq!(store.next_due(Lane::Timer).await.unwrap(), Some(Timestamp(33)));
}

/// Several workers at once: each job goes to one of them.
pub async fn parallel_claims_share_no_job(store: &Fresh) {
    for n in 1..=40 {
        store.enqueue(conversation(n), deliver(n, 0)).await.unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.claim(Lane::Deliver, Timestamp(1), Timestamp(9), 7).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), 40);
    assert_eq!(claimed.iter().map(|job| job.id).collect::<HashSet<_>>().len(), 40);
}

/// Jobs come back as they were written.
pub async fn every_kind_of_job_survives(store: &Fresh) {
    let at = Timestamp(1_795_212_062_345_678);
    let kinds = [
        JobKind::Deliver { message: MessageId(Uuid::from_u128(7)) },
        JobKind::BotTurn { turn: turn(7) },
        JobKind::EndTurn { turn: turn(8) },
        JobKind::Wake { until: at },
        JobKind::EndWindow { ended_at: at },
    ];
    for kind in kinds {
        let lane = kind.lane();
        store.enqueue(conversation(1), NewJob { kind: kind.clone(), due: at }).await.unwrap();
        let claimed = store.claim(lane, at, at, 1).await.unwrap();
        assert_eq!(claimed[0].kind, kind);
        store.finish(claimed[0].id).await.unwrap();
    }
}

/// Claims everything that is due at `now`, for a long time.
async fn claim(store: &Fresh, lane: Lane, now: i64) -> Vec<Job> {
    store.claim(lane, Timestamp(now), Timestamp(1_000_000), 100).await.unwrap()
}

async fn next_due(store: &Fresh) -> Option<i64> {
    store.next_due(Lane::Deliver).await.unwrap().map(|due| due.0)
}

fn numbers(jobs: &[Job]) -> Vec<u128> {
    let number = |job: &Job| match job.kind {
        JobKind::Deliver { message } => message.0.as_u128(),
        _ => panic!("not of this lane"),
    };
    jobs.iter().map(number).collect()
}
