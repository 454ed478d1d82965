//! Agents, sessions, drafts.

use super::Fresh;
use crate::store::{Draft, DraftMode, Presence, Session};
use crate::testing::corpus::{account, agent_id, conversation};
use relevo_domain::command::Role;
use relevo_domain::time::Timestamp;

/// Nobody can take a colleague's e-mail; one's own record can be written again.
pub async fn an_email_belongs_to_one_agent(store: &Fresh) {
    let mut ana = account(1, "ana@shop.example");
    assert!(store.put_agent(&ana).await.unwrap());
    assert!(!store.put_agent(&account(2, "ana@shop.example")).await.unwrap());
    assert_eq!(store.agent_by_email("ana@shop.example").await.unwrap(), Some(ana.clone()));
    assert_eq!(store.agents().await.unwrap(), [ana.clone()]);

    ana.role = Role::Admin;
    ana.teams = Vec::new();
    assert!(store.put_agent(&ana).await.unwrap());
    let bob = account(2, "bob@shop.example");
    assert!(store.put_agent(&bob).await.unwrap());
    assert!(!store.put_agent(&account(2, "ana@shop.example")).await.unwrap(), "nor by a change");
    assert_eq!(store.agents().await.unwrap(), [ana, bob]);
    assert_eq!(store.agent_by_email("nobody@shop.example").await.unwrap(), None);
}

/// As people sort names.
pub async fn agents_come_by_name(store: &Fresh) {
    for (n, name) in [(1, "zoe"), (2, "Óscar"), (3, "ana"), (4, "Bea"), (5, "Ana")] {
        let mut agent = account(n, &format!("{n}@shop.example"));
        agent.name = name.into();
        assert!(store.put_agent(&agent).await.unwrap());
    }
    let names: Vec<_> = store.agents().await.unwrap().into_iter().map(|agent| agent.name).collect();
    assert_eq!(names, ["ana", "Ana", "Bea", "Óscar", "zoe"]);
}

/// Presence changes alone.
pub async fn an_agents_presence_is_kept(store: &Fresh) {
    let mut ana = account(1, "ana@shop.example");
    store.put_agent(&ana).await.unwrap();
    for presence in [Presence::Available, Presence::Away, Presence::Offline] {
        store.set_presence(ana.id, presence).await.unwrap();
        ana.presence = presence;
        assert_eq!(store.agents().await.unwrap(), [ana.clone()]);
    }
    store.set_presence(agent_id(9), Presence::Away).await.unwrap();
    assert_eq!(store.agents().await.unwrap().len(), 1);
}

/// One session, or all of an agent's, can be ended.
pub async fn sessions_are_kept_until_they_end(store: &Fresh) {
    for n in [1, 2] {
        store.put_agent(&account(n, &format!("{n}@shop.example"))).await.unwrap();
    }
    let mut session = Session { agent: agent_id(1), created_at: Timestamp(1), seen_at: Timestamp(1) };
    let other = Session { agent: agent_id(2), ..session.clone() };
    for hash in ["a", "b", "c"] {
        store.put_session(hash, &session).await.unwrap();
    }
    store.put_session("d", &other).await.unwrap();
    session.seen_at = Timestamp(5);
    store.put_session("a", &session).await.unwrap();
    assert_eq!(store.session("a").await.unwrap(), Some(session.clone()));
    assert_eq!(store.session("e").await.unwrap(), None);

    store.end_session("b").await.unwrap();
    store.end_session("b").await.unwrap();
    assert_eq!(store.session("b").await.unwrap(), None);
    assert_eq!(store.session("a").await.unwrap(), Some(session));
    store.end_sessions(agent_id(1)).await.unwrap();
    for hash in ["a", "c"] {
        assert_eq!(store.session(hash).await.unwrap(), None);
    }
    assert_eq!(store.session("d").await.unwrap(), Some(other));
}

/// Of many sockets that show the same ticket one is let in, and none when it is late.
pub async fn a_ticket_is_taken_once_and_in_time(store: &Fresh) {
    for (hash, holder, expires) in [("a", "{\"agent\":1}", 100), ("late", "x", 50), ("old", "y", 10)] {
        store.put_ticket(hash, holder, Timestamp(expires)).await.unwrap();
    }
    let taking: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take_ticket("a", Timestamp(99)).await.unwrap() })
        })
        .collect();
    let mut taken = Vec::new();
    for task in taking {
        taken.extend(task.await.unwrap());
    }
    assert_eq!(taken, ["{\"agent\":1}"]);
    assert_eq!(store.take_ticket("nobody's", Timestamp(0)).await.unwrap(), None);
    assert_eq!(store.take_ticket("late", Timestamp(50)).await.unwrap(), None, "on the minute is late");
    assert_eq!(store.forget_tickets(Timestamp(10)).await.unwrap(), 1, "used ones are gone already");
    assert_eq!(store.take_ticket("old", Timestamp(0)).await.unwrap(), None, "forgotten");
}

/// A conversation has a draft per agent and composer.
pub async fn drafts_are_kept_until_they_are_emptied(store: &Fresh) {
    for n in [1, 2] {
        store.put_agent(&account(n, &format!("{n}@shop.example"))).await.unwrap();
    }
    let draft = |n, mode, text: &str| Draft { conversation: conversation(n), mode, text: text.into() };
    let reply = draft(1, DraftMode::Reply, "Buenos días,\n");
    let note = draft(1, DraftMode::Note, "preguntar");
    let other = draft(2, DraftMode::Reply, "hola");
    for draft in [&draft(1, DraftMode::Reply, "Bu"), &reply, &note, &other] {
        store.put_draft(agent_id(1), draft, Timestamp(1)).await.unwrap();
    }
    let colleagues = draft(1, DraftMode::Reply, "mine");
    store.put_draft(agent_id(2), &colleagues, Timestamp(1)).await.unwrap();

    let drafts = store.drafts(agent_id(1)).await.unwrap();
    assert_eq!(drafts.len(), 3);
    assert!([&reply, &note, &other].iter().all(|draft| drafts.contains(draft)));
    store.put_draft(agent_id(1), &draft(1, DraftMode::Reply, ""), Timestamp(2)).await.unwrap();
    let drafts = store.drafts(agent_id(1)).await.unwrap();
    assert_eq!(drafts.len(), 2);
    assert!([&note, &other].iter().all(|draft| drafts.contains(draft)));
    assert_eq!(store.drafts(agent_id(2)).await.unwrap(), [colleagues]);
    assert!(store.drafts(agent_id(3)).await.unwrap().is_empty());
}
