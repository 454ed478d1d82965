//! Who finds what in which view. Stores filter by columns; `View::holds` and `may_see` are what they must come to.

use super::{Fresh, put};
use crate::store::{Append, Groups, LOOKED_AT, Query, Row, Sort};
use crate::testing::corpus::{Palette, agent_id, contact, conversation, inbox, notes, says, started, team};
use crate::testing::dice::Dice;
use relevo_domain::card::{View, Visibility, may_see};
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::control::Holder;
use relevo_domain::conversation::Conversation;
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeSet;

const VISIBILITIES: [Visibility; 3] = [Visibility::Everyone, Visibility::Team, Visibility::Assigned];

/// Every view of every agent under every rule, on random conversations.
pub async fn every_view_holds_what_its_specification_says(store: &Fresh) {
    let rows = random_rows(store, &mut Dice::new()).await;
    for (agent, visibility) in viewers() {
        for view in View::ALL {
            let query = Query { visibility, ..everything(&agent, view) };
            let listed = listed(store, &query).await;
            assert_eq!(listed, expected(&rows, &agent, visibility, view), "{view:?} {visibility:?} {agent:?}");
        }
    }
}

/// The numbers beside the views are those of their rows.
pub async fn counts_are_the_sizes_of_the_lists(store: &Fresh) {
    assert!(store.counts(&agent(1, Role::Agent, &[]), Visibility::Team).await.unwrap().iter().all(|(_, n)| *n == 0));
    let rows = random_rows(store, &mut Dice::new()).await;
    for (agent, visibility) in viewers() {
        let size = |view| (view, expected(&rows, &agent, visibility, view).len() as u64);
        let counts = store.counts(&agent, visibility).await.unwrap();
        assert_eq!(counts, View::ALL.map(size).to_vec(), "{visibility:?} {agent:?}");
    }
}

/// The numbers beside inboxes and labels are those of the rows that they choose.
pub async fn groups_are_the_sizes_of_the_filtered_lists(store: &Fresh) {
    let groups = store.groups(&agent(1, Role::Agent, &[]), Visibility::Everyone).await.unwrap();
    assert_eq!(groups, Groups::default(), "nothing is there");
    random_rows(store, &mut Dice::new()).await;
    let mut seen = 0;
    for (agent, visibility) in viewers() {
        let groups = store.groups(&agent, visibility).await.unwrap();
        let all = Query { visibility, ..everything(&agent, View::All) };
        for inbox in ["shop", "help", "nowhere"].map(inbox) {
            let size = listed(store, &Query { inbox: Some(inbox.clone()), ..all.clone() }).await.len() as u64;
            assert_eq!(groups.inboxes.get(&inbox).copied().unwrap_or(0), size, "{inbox} {visibility:?} {agent:?}");
            seen += size;
        }
        for label in Palette::new().labels {
            let size = listed(store, &Query { label: Some(label.clone()), ..all.clone() }).await.len() as u64;
            assert_eq!(groups.labels.get(&label).copied().unwrap_or(0), size, "{label} {visibility:?} {agent:?}");
        }
    }
    assert!(seen > 0, "nobody sees anything");
}

/// What an agent may not see is in no view at all.
pub async fn the_visibility_rule_is_the_domains(store: &Fresh) {
    let rows = random_rows(store, &mut Dice::new()).await;
    for (agent, visibility) in viewers() {
        let mut seen = BTreeSet::new();
        for view in View::ALL {
            seen.extend(listed(store, &Query { visibility, ..everything(&agent, view) }).await);
        }
        let may = rows.iter().filter(|row| may_see(&agent, &row.conversation, visibility));
        assert_eq!(seen, may.map(|row| row.conversation.id).collect(), "{visibility:?} {agent:?}");
    }
}

/// Of each label the newest conversations that may be seen, finished ones too, and none from further back than is looked.
pub async fn labels_come_with_their_newest_conversations(store: &Fresh) {
    let rows = random_rows(store, &mut Dice::new()).await;
    let mut states: Vec<&Conversation> = rows.iter().map(|row| &row.conversation).collect();
    states.sort_by_key(|state| Reverse(state.id));
    for (agent, visibility) in viewers() {
        for each in [1, 3, 1_000] {
            let seen: Vec<_> = states.iter().filter(|state| may_see(&agent, state, visibility)).collect();
            let mut labels = Palette::new().labels;
            labels.sort();
            let of = |label: &String| {
                let with = seen.iter().filter(|state| state.labels.contains(label)).take(each);
                let one = |state: &&&Conversation| (label.clone(), state.id, state.seq);
                with.map(one).collect::<Vec<_>>()
            };
            let wanted: Vec<_> = labels.iter().flat_map(of).collect();
            assert!(!wanted.is_empty());
            let found = store.labelled(&agent, visibility, each).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|one| (one.label, one.conversation, one.seq)).collect();
            assert_eq!(found, wanted, "{each} {visibility:?} {agent:?}");
        }
    }
    // The oldest one is of nobody's team, all later ones are of another.
    let first = 1_000_u128;
    for n in first..=first + LOOKED_AT as u128 {
        let mut append = started(n);
        append.state.labels = BTreeSet::from(["long".to_owned()]);
        append.state.team = (n > first).then(|| team("returns"));
        put(store, append).await;
    }
    let of_sales = agent(1, Role::Agent, &["sales"]);
    let long = async |visibility| {
        let found = store.labelled(&of_sales, visibility, 1_000).await.unwrap();
        found.into_iter().filter(|one| one.label == "long").map(|one| one.conversation).collect::<Vec<_>>()
    };
    let newest: Vec<_> = (first + 1..=first + LOOKED_AT as u128).rev().map(conversation).collect();
    assert_eq!((long(Visibility::Everyone).await, long(Visibility::Team).await), (newest, Vec::new()));
}

/// How many wait in an inbox since before an instant: of any number, closed and sleeping ones left out.
pub async fn those_who_wait_longer_are_counted(store: &Fresh) {
    let rows = random_rows(store, &mut Dice::new()).await;
    let since = |row: &Row| match row.conversation.control.holder {
        Holder::Queue { since, .. } if View::Queue.holds(&row.conversation, agent_id(1)) => Some(since),
        _ => None,
    };
    assert!(rows.iter().any(|row| since(row).is_some()), "nobody waits");
    let instants = rows.iter().filter_map(since).flat_map(|at| [at, Timestamp(at.0 + 1)]).chain([Timestamp(0)]);
    for at in instants.collect::<BTreeSet<_>>() {
        for inbox in rows.iter().map(|row| &row.conversation.inbox).collect::<BTreeSet<_>>() {
            let earlier = |row: &&Row| since(row).is_some_and(|since| since < at) && row.conversation.inbox == *inbox;
            let wanted = rows.iter().filter(earlier).count() as u64;
            assert_eq!(store.waiting_before(inbox, at).await.unwrap(), wanted, "{inbox} {at:?}");
        }
    }
}

/// Nothing of an older state stays in a list.
pub async fn a_view_follows_every_change(store: &Fresh) {
    let mut dice = Dice::new();
    let rows = random_rows(store, &mut dice).await;
    let palette = Palette::new();
    for row in rows {
        let mut append = says(&row.conversation, "changed");
        palette.shuffle(&mut dice, &mut append.state);
        put(store, append).await;
    }
    let rows = store.changed(0, 1_000).await.unwrap();
    for (agent, visibility) in viewers() {
        for view in View::ALL {
            let query = Query { visibility, ..everything(&agent, view) };
            let listed = listed(store, &query).await;
            assert_eq!(listed, expected(&rows, &agent, visibility, view), "{view:?} {visibility:?} {agent:?}");
        }
    }
}

/// 60 random conversations, some of them of one contact; gives the rows as the store must have them.
pub(super) async fn random_rows(store: &Fresh, dice: &mut Dice) -> Vec<Row> {
    let palette = Palette::new();
    let mut rows = Vec::new();
    for n in 1..=60_u128 {
        let whose = contact(1 + n % 40);
        if n <= 40 {
            store.create_contact(&whose).await.unwrap();
        }
        let mut append = started(n);
        // Some have a past with another state.
        if dice.once_in(2) {
            palette.shuffle(dice, &mut append.state);
            append.state.contact = whose.id;
            put(store, append.clone()).await;
            append = notes(&append.state, "once more");
        }
        palette.shuffle(dice, &mut append.state);
        append.state.contact = whose.id;
        let Append { state: conversation, .. } = append.clone();
        rows.push(Row { position: put(store, append).await, conversation, contact: whose });
    }
    rows
}

/// Agents of each role with no, one and several teams, one of whom nobody knows, under each rule.
fn viewers() -> Vec<(AgentFacts, Visibility)> {
    let agents = [
        agent(1, Role::Agent, &[]),
        agent(2, Role::Agent, &["sales", "support"]),
        agent(3, Role::Supervisor, &["returns"]),
        agent(4, Role::Admin, &[]),
        agent(77, Role::Agent, &["sales"]),
    ];
    agents.iter().flat_map(|agent| VISIBILITIES.map(|rule| (agent.clone(), rule))).collect()
}

pub(super) fn agent(n: u128, role: Role, teams: &[&str]) -> AgentFacts {
    AgentFacts { id: agent_id(n), role, teams: teams.iter().map(|name| team(name)).collect() }
}

/// A query for a whole view.
pub(super) fn everything(agent: &AgentFacts, view: View) -> Query {
    Query {
        agent: agent.clone(),
        visibility: Visibility::Everyone,
        view,
        text: None,
        inbox: None,
        team: None,
        label: None,
        stage: None,
        sort: Sort::Newest,
        offset: 0,
        limit: 1_000,
    }
}

pub(super) async fn listed(store: &Fresh, query: &Query) -> Vec<ConversationId> {
    let page = store.list(query).await.unwrap();
    page.rows.iter().map(|row| row.conversation.id).collect()
}

fn expected(rows: &[Row], agent: &AgentFacts, visibility: Visibility, view: View) -> Vec<ConversationId> {
    let holds = |state: &Conversation| may_see(agent, state, visibility) && view.holds(state, agent.id);
    let mut held: Vec<&Row> = rows.iter().filter(|row| holds(&row.conversation)).collect();
    held.sort_by(|a, b| Sort::Newest.compare(a, b));
    held.iter().map(|row| row.conversation.id).collect()
}
