//! Order, parts and filters of lists.

use super::views::{agent, everything, listed, random_rows};
use super::{Fresh, put};
use crate::store::{Query, Row, Sort};
use crate::testing::corpus::{contact, conversation, inbox, says, stage, started, team};
use crate::testing::dice::Dice;
use relevo_domain::card::View;
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;

const SORTS: [Sort; 4] = [Sort::Due, Sort::Newest, Sort::Oldest, Sort::Waiting];

/// Every order, on random conversations; whole rows are compared.
pub async fn lists_are_sorted_as_specified(store: &Fresh) {
    let mut rows = random_rows(store, &mut Dice::new()).await;
    let everybody = everything(&anybody(), View::All);
    for sort in SORTS {
        rows.sort_by(|a, b| sort.compare(a, b));
        for view in [View::All, View::Closed, View::Snoozed] {
            let page = store.list(&Query { view, sort, ..everybody.clone() }).await.unwrap();
            let held: Vec<Row> = rows.iter().filter(|r| view.holds(&r.conversation, anybody().id)).cloned().collect();
            assert_eq!(page.rows, held, "{sort:?} {view:?}");
            assert!(!page.more);
        }
    }
}

/// The specification of the orders itself, on an example: who waits comes before who does not, the nearest window end
/// before a later one and that before none, then who waits longest.
pub async fn what_is_due_comes_first(store: &Fresh) {
    let cases = [
        (1, None, Some(5)),
        (2, Some(30), None),
        (3, Some(20), None),
        (4, Some(40), Some(900)),
        (5, Some(50), Some(800)),
        (6, Some(10), Some(900)),
        (7, None, None),
    ];
    store.create_contact(&contact(1)).await.unwrap();
    for (n, waiting, window) in cases {
        let mut append = started(n);
        append.state.contact = contact(1).id;
        append.state.waiting_since = waiting.map(Timestamp);
        append.state.window_ends_at = window.map(Timestamp);
        put(store, append).await;
    }
    let order = async |sort| listed(store, &Query { sort, ..everything(&anybody(), View::All) }).await;
    assert_eq!(order(Sort::Due).await, [5, 6, 4, 3, 2, 7, 1].map(conversation));
    assert_eq!(order(Sort::Waiting).await, [6, 3, 2, 4, 5, 7, 1].map(conversation));
    assert_eq!(order(Sort::Newest).await, [7, 6, 5, 4, 3, 2, 1].map(conversation));
    assert_eq!(order(Sort::Oldest).await, [1, 2, 3, 4, 5, 6, 7].map(conversation));
}

/// A page says whether more follow; pages of any size make the list again.
pub async fn pages_join_into_the_list(store: &Fresh) {
    random_rows(store, &mut Dice::new()).await;
    for sort in SORTS {
        let whole = store.list(&Query { sort, ..everything(&anybody(), View::All) }).await.unwrap().rows;
        for limit in [1, 7, whole.len(), whole.len() + 1] {
            let mut joined: Vec<Row> = Vec::new();
            loop {
                let query = Query { sort, offset: joined.len(), limit, ..everything(&anybody(), View::All) };
                let page = store.list(&query).await.unwrap();
                assert!(page.rows.len() == limit || !page.more, "a page is full unless it is the last");
                joined.extend(page.rows);
                if !page.more {
                    break;
                }
            }
            assert_eq!(joined, whole);
        }
        let beyond = Query { sort, offset: 500, limit: 5, ..everything(&anybody(), View::All) };
        assert!(store.list(&beyond).await.unwrap().rows.is_empty());
    }
}

/// Filters, alone and together; a label is compared whole, whatever stands in it.
pub async fn lists_are_filtered_by_inbox_team_label_and_stage(store: &Fresh) {
    let mut rows = random_rows(store, &mut Dice::new()).await;
    rows.sort_by(|a, b| Sort::Newest.compare(a, b));
    let inboxes = [None, Some(inbox("shop")), Some(inbox("nowhere"))];
    let teams = [None, Some(team("sales")), Some(team("nobody"))];
    let labels = [None, Some("vip"), Some("it's \"odd\" [1]"), Some("vi"), Some("%")].map(|l| l.map(str::to_owned));
    let stages = [None, Some(stage("won")), Some(stage("wo"))];
    for ((inbox, team, label), stage) in pairs(&product(&inboxes, &teams, &labels), &stages) {
        let held = |row: &&Row| {
            let state = &row.conversation;
            View::All.holds(state, anybody().id)
                && inbox.as_ref().is_none_or(|inbox| state.inbox == *inbox)
                && team.as_ref().is_none_or(|team| state.team.as_ref() == Some(team))
                && label.as_ref().is_none_or(|label| state.labels.contains(label))
                && stage.as_ref().is_none_or(|stage| state.stage.as_ref() == Some(stage))
        };
        let held: Vec<ConversationId> = rows.iter().filter(held).map(|row| row.conversation.id).collect();
        let query = Query { inbox, team, label, stage, ..everything(&anybody(), View::All) };
        assert_eq!(listed(store, &query).await, held, "{query:?}");
    }
}

fn product<A: Clone, B: Clone, C: Clone>(a: &[A], b: &[B], c: &[C]) -> Vec<(A, B, C)> {
    pairs(&pairs(a, b), c).into_iter().map(|((a, b), c)| (a, b, c)).collect()
}

fn pairs<A: Clone, B: Clone>(a: &[A], b: &[B]) -> Vec<(A, B)> {
    a.iter().flat_map(|a| b.iter().map(move |b| (a.clone(), b.clone()))).collect()
}

/// `row` asks for no right: its callers ask the rule.
pub async fn a_row_is_found_whoever_sees_it(store: &Fresh) {
    let mut rows = random_rows(store, &mut Dice::new()).await;
    let ids: Vec<_> = rows.iter().map(|row| row.conversation.id).chain([conversation(999)]).collect();
    let mut found = store.rows(&ids).await.unwrap();
    for row in &rows {
        assert_eq!(store.row(row.conversation.id).await.unwrap().as_ref(), Some(row));
    }
    assert_eq!(store.row(conversation(999)).await.unwrap(), None);
    rows.sort_by_key(|row| row.position);
    found.sort_by_key(|row| row.position);
    assert_eq!(found, rows);
}

/// A reader that remembers where it was finds each change, once, in parts of any size.
pub async fn changed_rows_come_in_the_order_of_their_change(store: &Fresh) {
    let rows = random_rows(store, &mut Dice::new()).await;
    assert_eq!(store.changed(0, 1_000).await.unwrap(), rows);
    let mut joined: Vec<Row> = Vec::new();
    while joined.len() < rows.len() {
        let after = joined.last().map_or(0, |row| row.position);
        joined.extend(store.changed(after, 7).await.unwrap());
    }
    assert_eq!(joined, rows);

    let head = store.head().await.unwrap();
    assert!(store.changed(head, 10).await.unwrap().is_empty());
    put(store, says(&rows[3].conversation, "again")).await;
    let changed = store.changed(head, 10).await.unwrap();
    assert_eq!(changed.iter().map(|row| row.conversation.id).collect::<Vec<_>>(), [rows[3].conversation.id]);
    assert_eq!(store.changed(0, 1_000).await.unwrap().len(), rows.len(), "a row is there once, at its last change");
}

/// The latest begun first, at most 50.
pub async fn a_contacts_conversations_come_newest_first(store: &Fresh) {
    for n in [1, 2] {
        store.create_contact(&contact(n)).await.unwrap();
    }
    for n in 1..=60 {
        let mut append = started(n);
        append.state.contact = contact(1 + n % 2).id;
        put(store, append.clone()).await;
        if n == 2 {
            put(store, says(&append.state, "a later change does not make it newer")).await;
        }
    }
    let ids = async |n| -> Vec<ConversationId> {
        let rows = store.of_contact(contact(n).id).await.unwrap();
        rows.iter().map(|row| row.conversation.id).collect()
    };
    let even: Vec<ConversationId> = (1..=60).rev().filter(|n| n % 2 == 0).map(conversation).collect();
    assert_eq!(ids(1).await, even);
    assert!(ids(3).await.is_empty());
    for n in 61..=90 {
        let mut append = started(n);
        append.state.contact = contact(1).id;
        put(store, append).await;
    }
    assert_eq!(ids(1).await.len(), 50);
    assert_eq!(ids(1).await[0], conversation(90));
}

fn anybody() -> AgentFacts {
    agent(1, Role::Agent, &[])
}
