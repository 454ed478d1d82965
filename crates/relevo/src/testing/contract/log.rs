//! Facts and states.

use super::{Fresh, is_conflict, put};
use crate::store::{Append, Lane, Logged};
use crate::testing::corpus::{conversation, deliver, key, message, next, notes, posted, says, started, turn};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Event, FenceCheck, Withheld};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;

/// Nothing is in it, and asking is no error.
pub async fn a_new_store_is_empty(store: &Fresh) {
    assert_eq!(store.head().await.unwrap(), 0);
    assert_eq!(store.load(conversation(1)).await.unwrap(), None);
    assert!(store.read(conversation(1), 0, 10).await.unwrap().is_empty());
    assert!(store.read_back(conversation(1), 10, 10).await.unwrap().is_empty());
    assert!(store.follow(0, 10).await.unwrap().is_empty());
    assert!(store.changed(0, 10).await.unwrap().is_empty());
}

/// `read` gives what comes after a number, in order, up to a limit.
pub async fn facts_are_read_in_order_and_in_parts(store: &Fresh) {
    let whole = ten_facts(store).await;
    assert_eq!(store.read(conversation(1), 0, 100).await.unwrap(), whole);
    assert_eq!(store.read(conversation(1), 0, 3).await.unwrap(), whole[..3]);
    assert_eq!(store.read(conversation(1), 3, 4).await.unwrap(), whole[3..7]);
    assert_eq!(store.read(conversation(1), 9, 4).await.unwrap(), whole[9..]);
    assert!(store.read(conversation(1), 10, 4).await.unwrap().is_empty());
    assert!(store.read(conversation(1), u64::MAX, 4).await.unwrap().is_empty());
}

/// `read_back` gives what comes before a number, nearest ones first chosen, in order.
pub async fn facts_are_read_backwards_in_parts(store: &Fresh) {
    let whole = ten_facts(store).await;
    assert_eq!(store.read_back(conversation(1), u64::MAX, 3).await.unwrap(), whole[7..]);
    assert_eq!(store.read_back(conversation(1), 8, 3).await.unwrap(), whole[4..7]);
    assert_eq!(store.read_back(conversation(1), 3, 5).await.unwrap(), whole[..2]);
    assert!(store.read_back(conversation(1), 1, 5).await.unwrap().is_empty());
    assert!(store.read_back(conversation(1), 0, 5).await.unwrap().is_empty());
}

/// `follow` gives all conversations' facts by growing position; `append` tells the position of its last fact.
pub async fn the_log_is_followed_across_conversations(store: &Fresh) {
    let (one, two) = (started(1), started(2));
    let first = put(store, one.clone()).await;
    let second = put(store, two.clone()).await;
    let two_facts = ["a", "b"].map(|text| (Actor::Visitor, posted(&one.state, text)));
    let more = next(&one.state, two_facts.to_vec());
    let third = put(store, more.clone()).await;
    assert_eq!(store.head().await.unwrap(), third);

    let all = store.follow(0, 10).await.unwrap();
    let envelopes: Vec<_> = [one.envelopes, two.envelopes, more.envelopes].concat();
    assert_eq!(all.iter().map(|logged| logged.envelope.clone()).collect::<Vec<_>>(), envelopes);
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!([all[0].position, all[1].position, all[3].position], [first, second, third]);
    assert_eq!(store.follow(first, 2).await.unwrap(), all[1..3]);
    assert_eq!(store.follow(third, 2).await.unwrap(), Vec::<Logged>::new());
}

/// `load` gives what the last append wrote.
pub async fn the_state_is_that_of_the_last_append(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    assert_eq!(store.load(conversation(1)).await.unwrap().as_ref(), Some(&one.state));
    let two = says(&one.state, "¿hay alguien?");
    put(store, two.clone()).await;
    let state = store.load(conversation(1)).await.unwrap().expect("it began");
    assert_eq!(state, two.state);
    assert_eq!(Some(state), Conversation::replay(&store.read(conversation(1), 0, 10).await.unwrap()));
    assert_eq!(store.load(conversation(2)).await.unwrap(), None);
}

/// An append that was decided on an older state is refused, and nothing of it is there.
pub async fn a_stale_append_changes_nothing(store: &Fresh) {
    let one = started(1);
    put(store, one.clone()).await;
    let winner = says(&one.state, "first");
    put(store, winner.clone()).await;
    let head = store.head().await.unwrap();

    let loser = Append { dedupe: Some(key("k")), jobs: vec![deliver(1, 0)], ..says(&one.state, "second") };
    assert!(is_conflict(&store.append(loser.clone()).await, 2));
    assert_eq!(store.head().await.unwrap(), head);
    assert_eq!(store.load(conversation(1)).await.unwrap(), Some(winner.state));
    assert_eq!(store.read(conversation(1), 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.find(&key("k")).await.unwrap(), None);
    assert!(store.claim(Lane::Deliver, Timestamp(9), Timestamp(10), 9).await.unwrap().is_empty());
}

/// Neither a conversation that began already nor one that did not begin takes an append meant for the other.
pub async fn an_append_to_a_conversation_that_is_not_there_is_a_conflict(store: &Fresh) {
    let one = started(1);
    assert!(is_conflict(&store.append(says(&one.state, "too early")).await, 0));
    put(store, one.clone()).await;
    assert!(is_conflict(&store.append(one).await, 1));
}

/// Facts come back as they were: line ends, quotes, zero characters, every script, and the words that a fence withheld.
pub async fn every_kind_of_text_survives(store: &Fresh) {
    let text = "ñ 漢字 🙂 \u{301} \r\n\t\u{0}\u{7f} \"'`\\ {{x}} <b> %_ \u{2028}";
    let one = started(1);
    put(store, one.clone()).await;
    let two = says(&one.state, text);
    put(store, two.clone()).await;
    let what = Withheld::Message { message: message(&two.state, text) };
    let event = Event::Suppressed { turn: turn(1), epoch: turn(1).epoch, at: FenceCheck::Accepted, what };
    let three = next(&two.state, vec![(Actor::External { name: text.into() }, event)]);
    put(store, three.clone()).await;
    let four = notes(&three.state, text);
    put(store, four.clone()).await;
    let written: Vec<_> = [one.envelopes, two.envelopes, three.envelopes, four.envelopes].concat();
    assert_eq!(store.read(conversation(1), 0, 10).await.unwrap(), written);
    assert_eq!(store.load(conversation(1)).await.unwrap(), Some(four.state));
}

async fn ten_facts(store: &Fresh) -> Vec<Envelope> {
    // Another conversation's facts stand between.
    let (mut append, mut other) = (started(1), started(2));
    let mut whole = Vec::new();
    for n in 0..10 {
        put(store, append.clone()).await;
        put(store, other.clone()).await;
        whole.extend(append.envelopes.clone());
        append = says(&append.state, &format!("{n}"));
        let event = posted(&other.state, "elsewhere");
        other = next(&other.state, vec![(Actor::Visitor, event)]);
    }
    whole
}
