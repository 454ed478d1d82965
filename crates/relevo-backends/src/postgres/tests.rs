//! What only this store promises: several servers on one schema, restarts, and a server that hangs. The rest is the
//! contract.

use super::{OpenError, PostgresOptions, PostgresStore, migrate};
use crate::testing;
use relevo::store::{Append, AppendError, DedupeKey, JobKind, Jobs, Lane, Log, NewJob, StoreError, ThreadClaim};
use relevo_domain::control::{Control, Epoch, Holder};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Event, Origin};
use relevo_domain::id::{BotId, ContactId, ConversationId, InboxId, Seq};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

async fn address() -> String {
    tokio::task::spawn_blocking(testing::postgres).await.unwrap()
}

async fn server(schema: &str) -> Arc<PostgresStore> {
    let options = PostgresOptions { schema: schema.to_owned(), connections: 4 };
    Arc::new(PostgresStore::open(&address().await, options).await.unwrap())
}

/// Two servers on a new schema.
async fn two() -> [Arc<PostgresStore>; 2] {
    let schema = testing::schema();
    [server(&schema).await, server(&schema).await]
}

fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n))
}

/// The first append of a conversation.
fn started(n: u128) -> Append {
    let control = Control { holder: Holder::Bot { bot: BotId::new("demo").unwrap() }, epoch: Epoch(1) };
    let event = Event::Started {
        inbox: InboxId::new("shop").unwrap(),
        channel: "web".into(),
        contact: ContactId(Uuid::from_u128(1)),
        language: None,
        origin: Origin::default(),
        control,
    };
    let first = Envelope { conversation: conversation(n), seq: 1, at: Timestamp(1), actor: Actor::Visitor, event };
    let state = Conversation::begin(&first).unwrap();
    let envelopes = vec![first];
    Append { conversation: state.id, expected: 0, envelopes, state, dedupe: None, jobs: Vec::new(), thread: None }
}

/// One more fact.
fn labelled(state: &Conversation, label: String) -> Append {
    let event = Event::LabelsChanged { added: vec![label], removed: Vec::new() };
    let fact = Envelope { conversation: state.id, seq: state.seq + 1, at: Timestamp(2), actor: Actor::System, event };
    let mut after = state.clone();
    after.evolve(&fact);
    let (expected, envelopes) = (state.seq, vec![fact]);
    Append { conversation: state.id, expected, envelopes, state: after, dedupe: None, jobs: Vec::new(), thread: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_leave_no_gap_and_a_follower_on_a_third_finds_nothing_behind_it() {
    const WRITERS: u128 = 8;
    const EACH: usize = 20;
    let schema = testing::schema();
    let servers = [server(&schema).await, server(&schema).await];
    let third = server(&schema).await;
    servers[0].append(started(1)).await.unwrap();
    let total = 1 + usize::try_from(WRITERS).unwrap() * EACH;
    let following = tokio::spawn(async move {
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < total {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(third.follow(after, 7).await.unwrap().iter().map(|logged| logged.position));
        }
        seen
    });
    let writing: Vec<_> = (0..WRITERS)
        .map(|n| {
            let store = servers[usize::try_from(n % 2).unwrap()].clone();
            tokio::spawn(async move {
                for text in 0..EACH {
                    insist(&store, format!("{n}-{text}")).await;
                }
            })
        })
        .collect();
    for task in writing {
        task.await.unwrap();
    }
    assert_eq!(following.await.unwrap(), (1..=total as u64).collect::<Vec<_>>());
    let facts = servers[1].read(conversation(1), 0, 1_000).await.unwrap();
    assert_eq!(facts.iter().map(|fact| fact.seq).collect::<Vec<Seq>>(), (1..=total as u64).collect::<Vec<_>>());
    let state = servers[0].load(conversation(1)).await.unwrap().unwrap();
    assert_eq!(state.labels.len(), total - 1, "no server's state was overwritten");
}

async fn insist(store: &PostgresStore, label: String) {
    loop {
        let state = store.load(conversation(1)).await.unwrap().unwrap();
        match store.append(labelled(&state, label.clone())).await {
            Ok(_) => return,
            Err(AppendError::Conflict { actual }) => assert!(actual > state.seq, "a conflict names a later state"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reaches_two_servers_at_once_happens_once() {
    let servers = two().await;
    let contact = ContactId(Uuid::from_u128(1));
    let thread = || Some(ThreadClaim { inbox: InboxId::new("shop").unwrap(), contact, replaces: None });
    let racing: Vec<_> = (1..=40_u128)
        .map(|n| {
            let store = servers[usize::try_from(n % 2).unwrap()].clone();
            // Odd rounds carry one provider id, even ones one contact's first message.
            let key = Some(DedupeKey { scope: "inbox:shop".into(), key: "same\0id".into() });
            let append = match n / 2 % 2 {
                0 => Append { dedupe: key, ..started(n) },
                _ => Append { thread: thread(), ..started(n) },
            };
            tokio::spawn(async move { store.append(append).await })
        })
        .collect();
    let (mut won, mut duplicates, mut taken) = (0, BTreeSet::new(), BTreeSet::new());
    for task in racing {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(AppendError::Duplicate { conversation, .. }) => _ = duplicates.insert(conversation),
            Err(AppendError::ThreadTaken { by }) => _ = taken.insert(by),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((won, duplicates.len(), taken.len()), (2, 1, 1), "one winner each, and all others were told the same");
    assert_eq!(servers[0].head().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_claimed_by_one_of_two_servers() {
    let servers = two().await;
    let job = NewJob { kind: JobKind::Wake { until: Timestamp(5) }, due: Timestamp(5) };
    for n in 0..200 {
        servers[0].enqueue(conversation(n), job.clone()).await.unwrap();
    }
    let claiming = (0..8).map(|n| {
        let store = servers[n % 2].clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(Lane::Timer, Timestamp(10), Timestamp(1_000), 7).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.id));
            }
        })
    });
    let mut all = Vec::new();
    for task in claiming.collect::<Vec<_>>() {
        all.extend(task.await.unwrap());
    }
    // A row that another claim had locked is skipped, so the last look of all may come too early.
    let rest = servers[0].claim(Lane::Timer, Timestamp(10), Timestamp(1_000), 200).await.unwrap();
    all.extend(rest.into_iter().map(|job| job.id));
    let distinct: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!((all.len(), distinct.len()), (200, 200), "every job once");
}

#[tokio::test]
async fn servers_that_start_at_once_make_the_tables_once() {
    let schema = testing::schema();
    let starting: Vec<_> = (0..4)
        .map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move { server(&schema).await.head().await.unwrap() })
        })
        .collect();
    for task in starting {
        assert_eq!(task.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn every_commit_waits_for_the_disk_whatever_the_database_says() {
    let store = server(&testing::schema()).await;
    sqlx::query("ALTER DATABASE postgres SET synchronous_commit = off").execute(&store.pool).await.unwrap();
    let other = server(&testing::schema()).await;
    let commit: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&other.pool).await.unwrap();
    sqlx::query("ALTER DATABASE postgres RESET synchronous_commit").execute(&store.pool).await.unwrap();
    assert_eq!(commit, "on");
}

#[tokio::test]
async fn a_server_that_hangs_in_the_middle_loses_its_lock() {
    let schema = testing::schema();
    let store = server(&schema).await;
    let mut hanging = PgConnection::connect(&address().await).await.unwrap();
    let held = format!(
        "SET search_path = {schema}; SET idle_in_transaction_session_timeout = 100; BEGIN; SELECT * FROM head FOR UPDATE"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(held)).execute(&mut hanging).await.unwrap();
    assert_eq!(store.append(started(1)).await.unwrap(), 1);
    let limits: (String, String) = sqlx::query_as(
        "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')",
    )
    .fetch_one(&store.pool)
    .await
    .unwrap();
    assert_eq!(limits, ("10s".into(), "15s".into()), "what a server of ours is given");
}

#[tokio::test]
async fn a_database_that_was_restarted_is_used_again() {
    let store = server(&testing::schema()).await;
    store.append(started(1)).await.unwrap();
    let mut shell = PgConnection::connect(&address().await).await.unwrap();
    let mine: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(store.writer.pool()).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)").bind(mine).execute(&mut shell).await.unwrap();
    assert_eq!(store.append(started(2)).await.unwrap(), 2, "the next append finds a new connection");
}

#[tokio::test]
async fn a_newer_schema_a_bad_name_and_a_bad_address_are_told() {
    let schema = testing::schema();
    let store = server(&schema).await;
    sqlx::query("INSERT INTO schema_version VALUES (99)").execute(&store.pool).await.unwrap();
    let open = async |schema: &str, url: &str| {
        let options = PostgresOptions { schema: schema.to_owned(), connections: 1 };
        PostgresStore::open(url, options).await.unwrap_err()
    };
    let newer = open(&schema, &address().await).await;
    assert!(matches!(newer, OpenError::Newer { found: 99, known: migrate::KNOWN, .. }), "{newer}");
    for name in ["", "1a", "Shop", "a-b", "a;drop", &"x".repeat(64)] {
        assert!(matches!(open(name, &address().await).await, OpenError::Schema(told) if told == name));
    }
    assert!(matches!(open("a", "mysql:nowhere").await, OpenError::Address(_)));
    let away = open("a", "postgres://relevo@localhost/x?host=/nowhere").await.to_string();
    assert!(away.contains("is it running, and is its address right?"), "{away}");
}

#[tokio::test]
async fn a_closed_store_refuses_what_comes_later() {
    let store = server(&testing::schema()).await;
    store.append(started(1)).await.unwrap();
    store.close().await;
    let late = store.append(started(2)).await;
    assert!(matches!(late, Err(AppendError::Store(StoreError::Unavailable(why))) if why == "it has been closed"));
    assert!(matches!(store.head().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_server_had_claimed_is_free_at_once_and_what_others_hold_or_put_off_is_not() {
    let schema = testing::schema();
    let [dead, alive, third] = [server(&schema).await, server(&schema).await, server(&schema).await];
    for n in 1..=4 {
        let ended_at = Timestamp(i64::try_from(n).unwrap());
        alive
            .enqueue(conversation(n), NewJob { kind: JobKind::EndWindow { ended_at }, due: Timestamp(1) })
            .await
            .unwrap();
    }
    let (now, lease) = (Timestamp(10), Timestamp(i64::MAX));
    let claim = async |by: &PostgresStore, limit| by.claim(Lane::Timer, now, lease, limit).await.unwrap();
    let (theirs, ours) = (claim(&dead, 2).await, claim(&alive, 2).await);
    assert_eq!((theirs.len(), ours.len()), (2, 2));
    dead.postpone(&theirs[1], lease).await.unwrap();
    let mut connection = third.pool().acquire().await.unwrap();
    let free = async |connection: &mut PgConnection| super::holder::free(connection, &schema).await.unwrap();
    assert_eq!(free(&mut connection).await, 0, "everybody lives");
    assert!(claim(&third, 9).await.is_empty());

    // A kill ends its connections, as this does.
    dead.close().await;
    let again = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            // The servers that live look for themselves.
            let again = claim(&third, 9).await;
            if !again.is_empty() {
                return again;
            }
        }
    });
    let again = again.await.expect("it is free");
    assert_eq!(again.iter().map(|job| (job.id, job.attempt)).collect::<Vec<_>>(), [(theirs[0].id, 2)]);
    free(&mut connection).await;
    assert!(claim(&third, 9).await.is_empty(), "the living keep theirs, and what was put off is not due");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_its_number_draws_another() {
    let schema = testing::schema();
    let store = server(&schema).await;
    let before = store.holder.number();
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $1";
    sqlx::query(sql).bind(i64::from(before)).execute(store.pool()).await.unwrap();
    let drawn = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while store.holder.number() == before {
            tokio::task::yield_now().await;
        }
    });
    drawn.await.expect("it has another");
    store
        .enqueue(conversation(1), NewJob { kind: JobKind::EndWindow { ended_at: Timestamp(1) }, due: Timestamp(1) })
        .await
        .unwrap();
    let claimed = store.claim(Lane::Timer, Timestamp(2), Timestamp(i64::MAX), 1).await.unwrap();
    let mut connection = store.pool().acquire().await.unwrap();
    assert_eq!((claimed.len(), super::holder::free(&mut connection, &schema).await.unwrap()), (1, 0), "it is alive");
}

#[tokio::test]
async fn no_more_jobs_are_claimed_than_asked_for_whatever_way_the_planner_takes() {
    let (address, options) = (address().await, PostgresOptions { schema: testing::schema(), connections: 4 });
    let off = ["hashjoin", "mergejoin", "material", "hashagg", "sort"].map(|way| format!("-c%20enable_{way}%3Doff"));
    let more = if address.contains('?') { '&' } else { '?' };
    let store = PostgresStore::open(&format!("{address}{more}options={}", off.join("%20")), options).await.unwrap();
    for n in 1..=5 {
        let wake = NewJob { kind: JobKind::Wake { until: Timestamp(1) }, due: Timestamp(1) };
        store.append(Append { jobs: vec![wake], ..started(n) }).await.unwrap();
    }
    for wanted in [2, 2, 1, 0] {
        let claimed = store.claim(Lane::Timer, Timestamp(9), Timestamp(20), 2).await.unwrap();
        assert_eq!(claimed.len(), wanted);
    }
    store.close().await;
}
