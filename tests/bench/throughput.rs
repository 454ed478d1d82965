//! Durable messages a second through the desk, against raw inserts of the same rows into the same tables, in groups as
//! large as the store's own. In one process: no socket stands between.

use crate::Plan;
use crate::figures::{Aim, Figure, count};
use anyhow::{Context, Result};
use relevo::bus::LocalBus;
use relevo::clock::{Clock, SystemClock};
use relevo::desk::{Arrival, Desk, Wish};
use relevo::directory::{Directory, HumanPhrases, Inbox};
use relevo::domain::command::{Inbound, InboxPolicy};
use relevo::domain::event::Origin;
use relevo::domain::id::{ContactId, InboxId, MessageId};
use relevo::framework::Framework;
use relevo::store::{Contact, words};
use relevo_backends::postgres::{PostgresOptions, PostgresStore};
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use relevo_tests::deployment::{Storage, scratch};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// As many callers as a group has room for.
const CALLERS: usize = 256;
const TEXT: &str = "¿Dónde está mi paquete? Lo pedí el martes pasado y todavía no ha llegado, número de pedido 4471.";

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    plan.on_each(on).await
}

async fn on(plan: &Plan, storage: &Storage) -> Result<Vec<Figure>> {
    let name = storage.name();
    let folder = tempfile::Builder::new().prefix("throughput-").tempdir_in(scratch()?)?;
    let time = Duration::from_secs(plan.pick(4, 2));
    let (mut products, mut floors) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        eprint!("\r   throughput {name} · round {round} of {} ", plan.rounds);
        let (product, floor) = match storage {
            Storage::Sqlite => {
                let (of_product, of_floor) = (format!("product{round}.db"), format!("floor{round}.db"));
                let store =
                    Arc::new(SqliteStore::open(&folder.path().join(of_product), SqliteOptions::default()).await?);
                let messages = through_the_desk(store.clone(), time).await?;
                store.close().await;
                (messages, raw_sqlite(&folder.path().join(of_floor), time).await?)
            }
            Storage::Postgres { url, .. } => {
                let options =
                    || PostgresOptions { schema: relevo_backends::testing::schema(), ..PostgresOptions::default() };
                let store = Arc::new(PostgresStore::open(url, options()).await?);
                let messages = through_the_desk(store.clone(), time).await?;
                store.close().await;
                (messages, raw_postgres(url, options(), time).await?)
            }
        };
        products.push(product);
        floors.push(floor);
    }
    eprintln!();
    let figure = Figure::against(format!("throughput {name}"), "messages/s", products, floors);
    Ok(vec![figure.aim(Aim::RatioAtLeast(0.5)).told()])
}

async fn through_the_desk(store: Arc<dyn relevo::store::Store>, time: Duration) -> Result<f64> {
    let shop = InboxId::new("shop")?;
    let inbox = Inbox {
        name: "Tienda".into(),
        channel: "web".into(),
        policy: InboxPolicy::default(),
        phrases: HumanPhrases::default(),
    };
    let mut directory = Directory::default();
    directory.inboxes.insert(shop, inbox);
    let framework = Framework::new(store, Arc::new(LocalBus::default()), Arc::new(SystemClock));
    let running = framework.directory(directory).start().await?;
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let desk = running.desk().clone();
        let contact = ContactId(SystemClock.id());
        desk.store().create_contact(&person(contact)).await?;
        callers.push((desk, contact));
    }
    // Their conversations begin before the clock does.
    let warm = callers.iter().map(|(desk, contact)| desk.receive(arrival(*contact)));
    futures::future::try_join_all(warm).await?;
    let began = Instant::now();
    let callers = callers.into_iter().map(|(desk, contact)| tokio::spawn(writes(desk, contact, began, time)));
    let mut messages = 0;
    for caller in callers.collect::<Vec<_>>() {
        messages += caller.await??;
    }
    let rate = count(messages) / began.elapsed().as_secs_f64();
    running.stop().await;
    Ok(rate)
}

async fn writes(desk: Desk, contact: ContactId, began: Instant, time: Duration) -> Result<usize> {
    let mut messages = 0;
    while began.elapsed() < time {
        desk.receive(arrival(contact)).await?;
        messages += 1;
    }
    Ok(messages)
}

fn person(id: ContactId) -> Contact {
    Contact {
        id,
        name: None,
        email: None,
        phone: None,
        verified: false,
        external_id: None,
        attributes: BTreeMap::new(),
        created_at: SystemClock.now(),
    }
}

fn arrival(contact: ContactId) -> Arrival {
    let id = SystemClock.id();
    Arrival {
        inbox: InboxId::new("shop").expect("a slug"),
        contact,
        language: Some("es".into()),
        origin: Origin::default(),
        wish: Wish::Say(Inbound {
            id: MessageId(id),
            text: TEXT.into(),
            attachments: Vec::new(),
            payload: None,
            client_id: Some(id.to_string()),
            asks_for_human: None,
        }),
        provider_id: Some(id.to_string()),
    }
}

/// The rows of one message, as the product writes them: fact, words, state, dedupe key.
struct Rows {
    conversation: Uuid,
    event: String,
    words: String,
    state: String,
}

impl Rows {
    fn sample() -> Self {
        let id = SystemClock.id();
        let event = json!({
            "type": "message_posted", "v": 1,
            "message": {"id": id, "author": {"kind": "visitor"}, "text": TEXT, "attachments": [], "buttons": [],
                "payload": null, "reply_to": null, "client_id": id},
            "turn": null, "window_ends_at": null,
        });
        // About as long as a state is.
        let state = json!({"id": id, "pad": "x".repeat(1_100)});
        Self { conversation: id, event: event.to_string(), words: words(TEXT).join(" "), state: state.to_string() }
    }
}

async fn raw_sqlite(path: &Path, time: Duration) -> Result<f64> {
    // The product makes the tables, and then stands aside.
    SqliteStore::open(path, SqliteOptions::default()).await?.close().await;
    let mut connection = crate::floor::sqlite(path).await?;
    let rows: Vec<Rows> = (0..CALLERS).map(|_| Rows::sample()).collect();
    let began = Instant::now();
    let mut groups = 0;
    while began.elapsed() < time {
        groups += 1;
        raw_sqlite_group(&mut connection, &rows, groups).await?;
    }
    let rate = count(groups * CALLERS) / began.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}

async fn raw_sqlite_group(connection: &mut SqliteConnection, rows: &[Rows], group: usize) -> Result<()> {
    let numbered = || rows.iter().enumerate().map(|(n, row)| ((group - 1) * CALLERS + n + 1, row));
    let statements = [
        "INSERT INTO log (position, conversation, seq, at, actor, event)
         SELECT value ->> 0, value ->> 1, value ->> 2, 0, '{\"kind\":\"visitor\"}', value ->> 3 FROM json_each(?1)",
        "INSERT INTO said (rowid, words) SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
        "INSERT INTO conversations (id, version, position, contact, inbox, status, holder, answer_by, waiting_since,
             created_at, marks, state)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 0, 'shop', 'open', 'queue', 0, 0, 0, '[]', value ->> 3
         FROM json_each(?1) WHERE true ON CONFLICT (id) DO UPDATE SET version = excluded.version,
             position = excluded.position, state = excluded.state",
        "INSERT INTO dedupe (scope, key, conversation, seq)
         SELECT 'inbox:shop', value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)",
    ];
    let parameters: [Vec<Value>; 4] = [
        numbered().map(|(position, row)| json!([position, row.conversation, group, row.event])).collect(),
        numbered().map(|(position, row)| json!([position, row.words])).collect(),
        numbered().map(|(position, row)| json!([row.conversation, group, position, row.state])).collect(),
        numbered().map(|(_, row)| json!([SystemClock.id(), row.conversation, group])).collect(),
    ];
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    for (statement, parameter) in statements.into_iter().zip(parameters) {
        sqlx::query(statement).bind(Value::from(parameter).to_string()).execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

async fn raw_postgres(url: &str, options: PostgresOptions, time: Duration) -> Result<f64> {
    let schema = options.schema.clone();
    PostgresStore::open(url, options).await?.close().await;
    let connect = PgConnectOptions::from_str(url)?.options([("search_path", schema)]);
    let mut connection = connect.connect().await.context("the database takes another connection")?;
    let rows: Vec<Rows> = (0..CALLERS).map(|_| Rows::sample()).collect();
    let began = Instant::now();
    let mut groups = 0;
    while began.elapsed() < time {
        groups += 1;
        raw_postgres_group(&mut connection, &rows, groups).await?;
    }
    Ok(count(groups * CALLERS) / began.elapsed().as_secs_f64())
}

async fn raw_postgres_group(connection: &mut PgConnection, rows: &[Rows], group: usize) -> Result<()> {
    let first = i64::try_from((group - 1) * CALLERS)? + 1;
    let positions: Vec<i64> = (first..).take(rows.len()).collect();
    let seq = i64::try_from(group)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.conversation).collect();
    let of = |field: fn(&Rows) -> &str| rows.iter().map(|row| field(row).to_owned()).collect::<Vec<_>>();
    let keys: Vec<String> = rows.iter().map(|_| SystemClock.id().to_string()).collect();
    let statement = "
        WITH facts AS (
            INSERT INTO log (position, conversation, seq, at, actor, event)
            SELECT position, id, $3, 0, '{\"kind\":\"visitor\"}', event
            FROM unnest($1::bigint[], $2::uuid[], $4::text[]) AS of (position, id, event)
        ), words AS (
            INSERT INTO said (position, conversation, words)
            SELECT position, id, array_to_tsvector(string_to_array(words, ' '))
            FROM unnest($1::bigint[], $2::uuid[], $5::text[]) AS of (position, id, words)
        ), states AS (
            INSERT INTO conversations (id, version, position, contact, inbox, status, holder, answer_by, waiting_since,
                created_at, marks, state)
            SELECT id, $3, position, id, 'shop', 'open', 'queue', 0, 0, 0, '[]', state
            FROM unnest($1::bigint[], $2::uuid[], $6::text[]) AS of (position, id, state)
            ON CONFLICT (id) DO UPDATE SET version = excluded.version, position = excluded.position,
                state = excluded.state
        )
        INSERT INTO dedupe (scope, key, conversation, seq)
        SELECT 'inbox:shop', key, id, $3 FROM unnest($7::text[], $2::uuid[]) AS of (key, id)";
    sqlx::query(statement)
        .bind(&positions)
        .bind(&ids)
        .bind(seq)
        .bind(of(|row| &row.event))
        .bind(of(|row| &row.words))
        .bind(of(|row| &row.state))
        .bind(&keys)
        .execute(connection)
        .await?;
    Ok(())
}
