//! Once: dedupe keys are taken in the append's own transaction.

use super::{Fresh, is_conflict, put};
use crate::store::{Append, AppendError, DedupeKey};
use crate::testing::corpus::{conversation, key, says, started};

/// The second append with a key learns where the first one is.
pub async fn a_key_is_taken_once(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    let two = Append { dedupe: Some(key("wamid.1")), ..says(&one.state, "hola") };
    put(store, two.clone()).await;
    assert_eq!(store.find(&key("wamid.1")).await.unwrap(), Some((conversation(1), 2)));

    let again = Append { dedupe: Some(key("wamid.1")), ..says(&two.state, "hola") };
    assert!(is_duplicate(&store.append(again).await));
    assert_eq!(store.read(conversation(1), 0, 10).await.unwrap().len(), 2);

    put(store, Append { dedupe: Some(key("wamid.2")), ..says(&two.state, "adiós") }).await;
    assert_eq!(store.find(&key("wamid.2")).await.unwrap(), Some((conversation(1), 3)));
}

/// "It happened before" is more useful than "decide again".
pub async fn a_duplicate_is_told_even_to_a_stale_append(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    let two = Append { dedupe: Some(key("k")), ..says(&one.state, "hola") };
    put(store, two.clone()).await;
    put(store, says(&two.state, "later")).await;
    assert!(is_duplicate(&store.append(two).await));
    // Even in another conversation, which would begin with it.
    assert!(is_duplicate(&store.append(Append { dedupe: Some(key("k")), ..started(2) }).await));
    assert_eq!(store.load(conversation(2)).await.unwrap(), None);
}

/// A key lives and dies with the rest of its append.
pub async fn a_refused_append_takes_no_key(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    put(store, says(&one.state, "first")).await;
    let stale = Append { dedupe: Some(key("k")), ..says(&one.state, "second") };
    assert!(is_conflict(&store.append(stale).await, 2));
    assert_eq!(store.find(&key("k")).await.unwrap(), None);

    let now = store.load(conversation(1)).await.unwrap().expect("it began");
    put(store, Append { dedupe: Some(key("k")), ..says(&now, "second") }).await;
    assert_eq!(store.find(&key("k")).await.unwrap(), Some((conversation(1), 3)));
}

/// Keys are unique in their scope only.
pub async fn the_same_key_in_another_scope_is_another_key(store: &Fresh) {
    let elsewhere = DedupeKey { scope: "inbox:help".into(), ..key("k") };
    put(store, Append { dedupe: Some(key("k")), ..started(1) }).await;
    put(store, Append { dedupe: Some(elsewhere.clone()), ..started(2) }).await;
    assert_eq!(store.find(&key("k")).await.unwrap(), Some((conversation(1), 1)));
    assert_eq!(store.find(&elsewhere).await.unwrap(), Some((conversation(2), 1)));
}

fn is_duplicate(result: &Result<u64, AppendError>) -> bool {
    matches!(result, Err(AppendError::Duplicate { conversation: c, seq: 2 }) if *c == conversation(1))
}
