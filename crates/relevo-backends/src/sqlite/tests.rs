//! What only this store promises: groups, disks, locks and versions. The rest is the contract.

use super::{OpenError, SqliteOptions, SqliteStore, migrate};
use relevo::store::{Append, AppendError, DedupeKey, JobKind, Jobs, Lane, Log, NewJob, StoreError};
use relevo_domain::control::{Control, Epoch, Holder};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Event, Origin};
use relevo_domain::id::{BotId, ContactId, ConversationId, InboxId};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

async fn open(folder: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(&folder.join("relevo.db"), SqliteOptions::default()).await
}

/// The first append of a conversation.
fn started(n: u8) -> Append {
    let id: ConversationId = format!("00000000-0000-0000-0000-0000000000{n:02x}").parse().unwrap();
    let contact: ContactId = "00000000-0000-0000-0000-000000000001".parse().unwrap();
    let inbox = InboxId::new("shop").unwrap();
    let control = Control { holder: Holder::Bot { bot: BotId::new("demo").unwrap() }, epoch: Epoch(1) };
    let origin = Origin { user_agent: Some("x".repeat(10_000)), ..Origin::default() };
    let event = Event::Started { inbox, channel: "web".into(), contact, language: None, origin, control };
    let first = Envelope { conversation: id, seq: 1, at: Timestamp(1), actor: Actor::Visitor, event };
    let state = Conversation::begin(&first).unwrap();
    let envelopes = vec![first];
    Append { conversation: id, expected: 0, envelopes, state, dedupe: None, jobs: Vec::new(), thread: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_shares_transactions_and_each_caller_hears_of_its_own_append() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await.unwrap());
    let key = |n: u8| Some(DedupeKey { scope: "inbox:shop".into(), key: format!("{}", n / 2) });
    let burst = (0..200_u8).map(|n| {
        let (store, append) = (store.clone(), Append { dedupe: key(n), ..started(n) });
        tokio::spawn(async move { store.append(append).await })
    });
    let (mut positions, mut duplicates) = (Vec::new(), 0);
    for task in burst.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(position) => positions.push(position),
            Err(AppendError::Duplicate { seq: 1, .. }) => duplicates += 1,
            Err(other) => panic!("{other}"),
        }
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
    assert_eq!(duplicates, 100, "every key came twice");
    assert!(store.commits() <= 50, "{} transactions for 200 appends", store.commits());
}

#[tokio::test]
async fn what_a_dead_process_had_claimed_is_free_at_the_next_start_and_what_is_not_due_still_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let wake = |at| NewJob { kind: JobKind::Wake { until: Timestamp(at) }, due: Timestamp(at) };
    store.append(Append { jobs: vec![wake(10), wake(5_000)], ..started(1) }).await.unwrap();
    let claim = async |store: &SqliteStore| store.claim(Lane::Timer, Timestamp(20), Timestamp(1_000), 8).await.unwrap();
    assert_eq!(claim(&store).await.len(), 1);
    assert_eq!(claim(&store).await, [], "it is somebody's");
    store.close().await;
    let store = open(folder.path()).await.unwrap();
    let again = claim(&store).await;
    assert_eq!(again.iter().map(|job| (&job.kind, job.attempt)).collect::<Vec<_>>(), [(&wake(10).kind, 2)]);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.append(started(1)).await.unwrap();
    // What a machine that lost power would find: the files as they are, of a store that was never closed.
    let found = tempfile::tempdir().unwrap();
    for file in ["relevo.db", "relevo.db-wal"] {
        std::fs::copy(folder.path().join(file), found.path().join(file)).unwrap();
    }
    let again = open(found.path()).await.unwrap();
    assert_eq!(again.load(started(1).conversation).await.unwrap(), Some(started(1).state));
    again.append(started(2)).await.unwrap();
    assert_eq!(again.head().await.unwrap(), 2);
}

#[tokio::test]
async fn an_append_of_which_one_statement_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let change = async |sql: &'static str| {
        store.write(move |transaction| Box::pin(sqlx::query(sql).execute(transaction))).await.unwrap();
    };
    // The last of its statements.
    change("CREATE TRIGGER fails BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'on purpose'); END").await;
    let wake = NewJob { kind: JobKind::Wake { until: Timestamp(10) }, due: Timestamp(10) };
    let append = Append { jobs: vec![wake], ..started(1) };
    store.append(append.clone()).await.unwrap_err();
    assert_eq!(store.head().await.unwrap(), 0);
    assert_eq!(store.load(append.conversation).await.unwrap(), None);
    change("DROP TRIGGER fails").await;
    assert_eq!(store.append(append).await.unwrap(), 1);
}

#[tokio::test]
async fn every_commit_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let pragma = async |sql: &'static str| -> String {
        let row = store.write(move |transaction| Box::pin(sqlx::query_scalar(sql).fetch_one(transaction))).await;
        row.unwrap()
    };
    assert_eq!(pragma("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await, "2", "FULL");
    assert_eq!(pragma("SELECT journal_mode FROM pragma_journal_mode").await, "wal");
    assert_eq!(pragma("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await, "1");
}

#[tokio::test]
async fn closing_finishes_what_was_asked_and_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await.unwrap());
    let appending: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.append(started(n)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let mut written = 0;
    for task in appending {
        match task.await.unwrap() {
            Ok(_) => written += 1,
            Err(AppendError::Store(StoreError::Unavailable(_))) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let late = store.append(started(99)).await;
    assert!(matches!(late, Err(AppendError::Store(StoreError::Unavailable(why))) if why == "it has been closed"));
    assert!(matches!(store.head().await, Err(StoreError::Unavailable(_))));
    assert!(!folder.path().join("relevo.db-wal").exists());

    let again = open(folder.path()).await.unwrap();
    assert_eq!(again.head().await.unwrap(), written);
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let text = refused.to_string();
    assert!(text.contains("relevo.db is in use") && text.contains("relevo.db.lock"), "{text}");
    first.append(started(1)).await.unwrap();
    first.close().await;
    open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store
        .write(|transaction| Box::pin(sqlx::query("INSERT INTO schema_version VALUES (99)").execute(transaction)))
        .await
        .unwrap();
    store.close().await;
    let refused = open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 99, known: migrate::KNOWN, .. }));
    let told = format!("version 99, this program knows versions up to {}", migrate::KNOWN);
    assert!(refused.to_string().contains(&told), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relevo.db");
    std::fs::write(&file, "my holiday photographs ".repeat(100)).unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert!(refused.to_string().contains("the file is not a database"), "{refused}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("my holiday"));
    let nowhere = SqliteStore::open(&folder.path().join("no/folder.db"), SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(nowhere, OpenError::Unusable { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_loses_nothing_and_can_be_recovered_from() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await.unwrap());
    store.append(started(1)).await.unwrap();
    let limit = async |pages: &'static str| {
        store.write(move |transaction| Box::pin(sqlx::query(pages).execute(transaction))).await.unwrap();
    };
    // A database that may not grow meets the same error as one on a full disk.
    limit("PRAGMA max_page_count = 1").await;
    let mut refused = 0;
    for n in 2..60 {
        match store
            .append(Append { dedupe: Some(DedupeKey { scope: "s".into(), key: n.to_string() }), ..started(n) })
            .await
        {
            Ok(_) => assert_eq!(refused, 0, "pages that were free before are used up first"),
            Err(AppendError::Store(StoreError::Unavailable(why))) => {
                assert!(why.contains("the disk is full: free some space"), "{why}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    let head = store.head().await.unwrap();
    assert_eq!(store.follow(0, 100).await.unwrap().len() as u64, head);
    assert_eq!(store.find(&DedupeKey { scope: "s".into(), key: "59".into() }).await.unwrap(), None);

    limit("PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.append(started(60)).await.unwrap(), head + 1);
}

#[tokio::test]
async fn a_database_that_somebody_has_locked_is_told_and_used_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relevo.db");
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::default() };
    let store = SqliteStore::open(&file, options).await.unwrap();
    let connect = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let mut shell = sqlx::ConnectOptions::connect(&connect).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut shell).await.unwrap();
    let refused = store.append(started(1)).await.unwrap_err();
    assert!(matches!(&refused, AppendError::Store(StoreError::Unavailable(why)) if why.contains("another program")));
    sqlx::query("ROLLBACK").execute(&mut shell).await.unwrap();
    assert_eq!(store.append(started(1)).await.unwrap(), 1);
}

#[tokio::test]
async fn an_append_that_is_not_numbered_is_refused_before_it_can_fail_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let empty = Append { envelopes: Vec::new(), ..started(1) };
    let gap = Append { expected: 1, ..started(1) };
    for bad in [empty, gap] {
        assert!(matches!(store.append(bad).await, Err(AppendError::Store(StoreError::Damaged(_)))));
    }
    assert_eq!(store.commits(), 0);
}
