//! A contact's thread in an inbox points to its newest conversation.

use super::{Fresh, put};
use crate::store::{Append, AppendError, Position, ThreadClaim};
use crate::testing::corpus::{claiming, contact, conversation, inbox, key, says};
use relevo_domain::id::ConversationId;

/// Each new conversation takes the thread over; other inboxes and contacts have their own.
pub async fn a_thread_points_to_its_newest_conversation(store: &Fresh) {
    let whose = contact(1).id;
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), None);
    put(store, claiming(1, whose, None)).await;
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), Some(conversation(1)));
    put(store, claiming(2, whose, Some(conversation(1)))).await;
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), Some(conversation(2)));
    assert_eq!(store.thread(&inbox("help"), whose).await.unwrap(), None);
    assert_eq!(store.thread(&inbox("shop"), contact(2).id).await.unwrap(), None);
}

/// Of two claims that replace the same conversation one wins; the other learns who did, and leaves nothing behind.
pub async fn a_thread_is_taken_by_one_of_two_claims(store: &Fresh) {
    let whose = contact(1).id;
    put(store, claiming(1, whose, None)).await;
    assert!(is_taken(&store.append(claiming(2, whose, None)).await, conversation(1)));
    put(store, claiming(3, whose, Some(conversation(1)))).await;
    let late = Append { dedupe: Some(key("k")), ..claiming(4, whose, Some(conversation(1))) };
    assert!(is_taken(&store.append(late).await, conversation(3)));
    assert_eq!(store.load(conversation(2)).await.unwrap(), None);
    assert_eq!(store.load(conversation(4)).await.unwrap(), None);
    assert_eq!(store.find(&key("k")).await.unwrap(), None);
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), Some(conversation(3)));
}

/// A later append that names its own conversation asks that no other has the thread, and takes nothing itself.
pub async fn an_append_may_ask_that_the_thread_is_still_its_own(store: &Fresh) {
    let whose = contact(1).id;
    let first = claiming(1, whose, None);
    put(store, first.clone()).await;
    let mine = || Some(ThreadClaim { inbox: inbox("shop"), contact: whose, replaces: Some(conversation(1)) });
    let second = Append { thread: mine(), ..says(&first.state, "hello") };
    put(store, second.clone()).await;
    put(store, claiming(2, whose, Some(conversation(1)))).await;
    let late = Append { thread: mine(), ..says(&second.state, "again") };
    assert!(is_taken(&store.append(late).await, conversation(2)));
    assert_eq!(store.load(conversation(1)).await.unwrap(), Some(second.state));
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), Some(conversation(2)));
}

/// The order of the checks is that of what the caller can do about it.
pub async fn a_duplicate_is_told_before_a_taken_thread_and_that_before_a_conflict(store: &Fresh) {
    let whose = contact(1).id;
    let first = Append { dedupe: Some(key("k")), ..claiming(1, whose, None) };
    put(store, first.clone()).await;
    assert!(matches!(store.append(first.clone()).await, Err(AppendError::Duplicate { seq: 1, .. })));
    assert!(is_taken(&store.append(Append { dedupe: None, ..first }).await, conversation(1)));
}

/// Many browsers' first messages at once: one conversation begins, all others learn which.
pub async fn simultaneous_first_messages_make_one_conversation(store: &Fresh) {
    let whose = contact(1).id;
    let racing = (1..=20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { (n, store.append(claiming(n, whose, None)).await) })
    });
    let mut results = Vec::new();
    for task in racing.collect::<Vec<_>>() {
        results.push(task.await.unwrap());
    }
    let winners: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).map(|(n, _)| *n).collect();
    assert_eq!(winners.len(), 1);
    let winner = conversation(winners[0]);
    assert_eq!(store.thread(&inbox("shop"), whose).await.unwrap(), Some(winner));
    assert_eq!(store.head().await.unwrap(), 1);
    assert!(results.iter().all(|(_, result)| result.is_ok() || is_taken(result, winner)));
}

fn is_taken(result: &Result<Position, AppendError>, winner: ConversationId) -> bool {
    matches!(result, Err(AppendError::ThreadTaken { by }) if *by == winner)
}
