//! Moves a deployment from its SQLite file into PostgreSQL: everything in one transaction, then a comparison of what both
//! hold. The source is only read, and locked meanwhile, so that no server writes to it.

use crate::postgres::{OpenError as PostgresError, PostgresOptions, PostgresStore};
use crate::sqlite::{OpenError as SqliteError, SqliteOptions, SqliteStore};
use futures::TryStreamExt;
use relevo::store::{Cards, Log, StoreError, said, words};
use relevo_domain::upcast;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, SqlitePool};
use std::path::Path;
use uuid::Uuid;

/// Rows a statement.
const BATCH: usize = 2_000;

/// What is being done, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub doing: &'static str,
    /// How many rows, facts or conversations are done.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// What was moved and found to be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Facts.
    pub facts: u64,
    /// Conversations.
    pub conversations: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// Why nothing was moved, or why what was moved is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source.
    #[error(transparent)]
    From(#[from] SqliteError),
    /// The target.
    #[error(transparent)]
    To(#[from] PostgresError),
    /// Something is there already.
    #[error("the schema `{0}` holds a deployment already: give this one an empty schema")]
    NotEmpty(String),
    /// A statement failed. Nothing was changed.
    #[error("nothing was moved: {0}")]
    Failed(String),
    /// Reading it again failed.
    #[error("it was moved, but could not be compared: {0}")]
    Unread(#[from] StoreError),
    /// What is there now is not what was there.
    #[error("it was moved, but {0}: drop the schema and try again")]
    Different(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Uuid,
    Int,
    Bool,
}
use Kind::{Bool, Int, Text, Uuid as Id};

/// A table and its columns, in an order in which references exist before they are referred to. Tickets live for seconds
/// and are left behind; the words of what was said are made anew.
const TABLES: &[(&str, &[(&str, Kind)])] = &[
    ("log", &[("position", Int), ("conversation", Id), ("seq", Int), ("at", Int), ("actor", Text), ("event", Text)]),
    (
        "conversations",
        &[
            ("id", Id),
            ("version", Int),
            ("position", Int),
            ("contact", Id),
            ("inbox", Text),
            ("status", Text),
            ("holder", Text),
            ("agent", Id),
            ("team", Text),
            ("answer_by", Int),
            ("waiting_since", Int),
            ("queued_since", Int),
            ("created_at", Int),
            ("marks", Text),
            ("state", Text),
        ],
    ),
    ("marks", &[("kind", Text), ("value", Text), ("conversation", Id)]),
    ("threads", &[("inbox", Text), ("contact", Id), ("conversation", Id)]),
    ("dedupe", &[("scope", Text), ("key", Text), ("conversation", Id), ("seq", Int)]),
    ("jobs", &[("id", Int), ("conversation", Id), ("lane", Text), ("kind", Text), ("due", Int), ("attempt", Int)]),
    (
        "contacts",
        &[
            ("id", Id),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("verified", Bool),
            ("external_id", Text),
            ("attributes", Text),
            ("created_at", Int),
            ("words", Text),
        ],
    ),
    ("visitors", &[("token_hash", Text), ("contact", Id), ("inbox", Text)]),
    ("artifacts", &[("id", Id), ("conversation", Id), ("created_at", Int), ("status", Text), ("artifact", Text)]),
    (
        "agents",
        &[
            ("id", Id),
            ("name", Text),
            ("email", Text),
            ("password_hash", Text),
            ("role", Text),
            ("teams", Text),
            ("skills", Text),
            ("languages", Text),
            ("presence", Text),
        ],
    ),
    ("sessions", &[("token_hash", Text), ("agent", Id), ("created_at", Int), ("seen_at", Int)]),
    ("drafts", &[("agent", Id), ("conversation", Id), ("mode", Text), ("text", Text), ("at", Int)]),
];

/// Moves everything from the file `from` into the database at `to`, whose schema must be empty, and compares.
pub async fn import(
    from: &Path,
    to: &str,
    options: PostgresOptions,
    progress: impl Fn(Step),
) -> Result<Moved, ImportError> {
    let source = SqliteStore::open(from, SqliteOptions::default()).await?;
    let schema = options.schema.clone();
    let target = PostgresStore::open(to, options).await?;
    if target.head().await? > 0 {
        return Err(ImportError::NotEmpty(schema));
    }
    let rows = copy(source.readers(), &target, &progress).await.map_err(|error| match &error {
        sqlx::Error::Database(refused) if refused.is_unique_violation() => ImportError::NotEmpty(schema),
        _ => ImportError::Failed(error.to_string()),
    })?;
    let facts = compare_logs(&source, &target, &progress).await?;
    let conversations = compare_rows(&source, &target, &progress).await?;
    target.close().await;
    source.close().await;
    Ok(Moved { facts, conversations, rows })
}

async fn copy(source: &SqlitePool, target: &PostgresStore, progress: &impl Fn(Step)) -> sqlx::Result<u64> {
    let mut all = 0;
    let mut transaction = target.pool().begin().await?;
    // A bulk of rows takes longer than anything that a server does.
    sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
    for &(table, columns) in TABLES {
        let of: i64 =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(source).await?;
        let of = u64::try_from(of).unwrap_or(0);
        let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let mut rows = sqlx::query(AssertSqlSafe(format!("SELECT {names} FROM {table}"))).fetch(source);
        let insert = insert(table, columns);
        let (mut batch, mut done) = (Vec::with_capacity(BATCH), 0);
        loop {
            let row = rows.try_next().await?;
            let ended = row.is_none();
            batch.extend(row);
            if batch.len() == BATCH || (ended && !batch.is_empty()) {
                write(&mut transaction, table, columns, &insert, &batch).await?;
                done += batch.len() as u64;
                progress(Step { doing: table, done, of });
                batch.clear();
            }
            if ended {
                break;
            }
        }
        all += done;
    }
    for sql in [
        "UPDATE head SET position = (SELECT coalesce(max(position), 0) FROM log)",
        "SELECT setval(pg_get_serial_sequence('jobs', 'id'), coalesce(max(id), 0) + 1, false) FROM jobs",
    ] {
        sqlx::query(sql).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(all)
}

fn insert(table: &str, columns: &[(&str, Kind)]) -> String {
    let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let value = |name: &str| match name {
        "words" => "array_to_tsvector(string_to_array(words, ' '))".to_owned(),
        name => name.to_owned(),
    };
    let values = columns.iter().map(|(name, _)| value(name)).collect::<Vec<_>>().join(", ");
    let arrays = columns.iter().enumerate().map(|(n, (_, kind))| {
        let of = match kind {
            Text => "text",
            Id => "uuid",
            Int => "bigint",
            Bool => "boolean",
        };
        format!("${}::{of}[]", n + 1)
    });
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM unnest({arrays}) AS of ({names})"
    )
}

async fn write(
    to: &mut PgConnection,
    table: &str,
    columns: &[(&str, Kind)],
    insert: &str,
    rows: &[SqliteRow],
) -> sqlx::Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(insert.to_owned()));
    for (name, kind) in columns {
        query = bind(query, name, *kind, rows)?;
    }
    query.execute(&mut *to).await?;
    if table == "log" { write_words(to, rows).await } else { Ok(()) }
}

fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    name: &str,
    kind: Kind,
    rows: &[SqliteRow],
) -> sqlx::Result<Query<'q, Postgres, PgArguments>> {
    Ok(match kind {
        Text => {
            let text = |row: &SqliteRow| {
                Ok(row.try_get::<Option<String>, _>(name)?.map(|text| text.replace('\0', "\u{fffd}")))
            };
            query.bind(rows.iter().map(text).collect::<sqlx::Result<Vec<_>>>()?)
        }
        Id => query.bind(rows.iter().map(|row| id(row, name)).collect::<sqlx::Result<Vec<_>>>()?),
        Int => query.bind(rows.iter().map(|row| row.try_get(name)).collect::<sqlx::Result<Vec<Option<i64>>>>()?),
        Bool => query.bind(rows.iter().map(|row| row.try_get(name)).collect::<sqlx::Result<Vec<Option<bool>>>>()?),
    })
}

fn id(row: &SqliteRow, name: &str) -> sqlx::Result<Option<Uuid>> {
    let text: Option<&str> = row.try_get(name)?;
    text.map(Uuid::parse_str).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Under which words each fact is found.
async fn write_words(to: &mut PgConnection, facts: &[SqliteRow]) -> sqlx::Result<()> {
    let (mut positions, mut conversations, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for fact in facts {
        let event = upcast::load(fact.try_get("event")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        if let Some(text) = said(&event) {
            positions.push(fact.try_get::<i64, _>("position")?);
            conversations.push(id(fact, "conversation")?);
            found.push(words(&text).join(" "));
        }
    }
    let sql = "INSERT INTO said (position, conversation, words)
        SELECT position, conversation, array_to_tsvector(string_to_array(words, ' '))
        FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS of (position, conversation, words)";
    sqlx::query(sql).bind(positions).bind(conversations).bind(found).execute(to).await?;
    Ok(())
}

async fn compare_logs(
    source: &SqliteStore,
    target: &PostgresStore,
    progress: &impl Fn(Step),
) -> Result<u64, ImportError> {
    let (mut after, mut facts, of) = (0, 0, source.head().await?);
    loop {
        let (here, there) = (source.follow(after, BATCH).await?, target.follow(after, BATCH).await?);
        if here != there {
            return Err(ImportError::Different(format!("the facts after position {after} differ")));
        }
        let Some(last) = here.last() else { return Ok(facts) };
        after = last.position;
        facts += here.len() as u64;
        progress(Step { doing: "comparing facts", done: after, of });
    }
}

async fn compare_rows(
    source: &SqliteStore,
    target: &PostgresStore,
    progress: &impl Fn(Step),
) -> Result<u64, ImportError> {
    let (mut after, mut conversations, of) = (0, 0, source.head().await?);
    loop {
        let (here, there) = (source.changed(after, BATCH).await?, target.changed(after, BATCH).await?);
        if here.len() != there.len() {
            return Err(ImportError::Different(format!("the conversations after position {after} differ in number")));
        }
        for (mut one, other) in here.iter().cloned().zip(&there) {
            // PostgreSQL has no NUL in a name.
            for field in [&mut one.contact.name, &mut one.contact.email, &mut one.contact.phone].into_iter().flatten() {
                *field = field.replace('\0', "\u{fffd}");
            }
            if one != *other {
                return Err(ImportError::Different(format!("conversation {} differs", one.conversation.id)));
            }
        }
        let Some(last) = here.last() else { return Ok(conversations) };
        after = last.position;
        conversations += here.len() as u64;
        progress(Step { doing: "comparing conversations", done: after, of });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use relevo::store::{Accounts, Append, Contact, Contacts, Draft, DraftMode, JobKind, Jobs, Lane, NewJob};
    use relevo::store::{Query as Asked, Sort};
    use relevo::testing::corpus;
    use relevo_domain::card::{View, Visibility};
    use relevo_domain::id::ConversationId;
    use relevo_domain::time::Timestamp;
    use std::collections::BTreeSet;

    async fn deployment(file: &Path) -> SqliteStore {
        let store = SqliteStore::open(file, SqliteOptions::default()).await.unwrap();
        for n in 1..=40 {
            let first = corpus::started(n);
            let named = Contact { name: Some("Ñandú\0".into()), ..corpus::contact(n) };
            store.create_contact(&named).await.unwrap();
            store.append(first.clone()).await.unwrap();
            let said = corpus::says(&first.state, &format!("¿Dónde está el pedido {n}? \0"));
            let job = NewJob { kind: JobKind::Wake { until: Timestamp(5) }, due: Timestamp(5) };
            store.append(Append { jobs: vec![job], ..said }).await.unwrap();
        }
        store.put_agent(&corpus::account(1, "ana@example.com")).await.unwrap();
        let draft = Draft { conversation: corpus::conversation(1), mode: DraftMode::Note, text: "ojo".into() };
        store.put_draft(corpus::agent_id(1), &draft, Timestamp(1)).await.unwrap();
        store
    }

    fn search(text: &str) -> Asked {
        Asked {
            agent: corpus::account(1, "ana@example.com").facts(),
            visibility: Visibility::Everyone,
            view: View::All,
            text: Some(text.into()),
            inbox: None,
            team: None,
            label: None,
            stage: None,
            sort: Sort::Newest,
            offset: 0,
            limit: 10,
        }
    }

    #[tokio::test]
    async fn a_deployment_moves_whole_is_found_again_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relevo.db");
        deployment(&file).await.close().await;
        let url = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
        let options = PostgresOptions { schema: testing::schema(), connections: 4 };
        let moved = import(&file, &url, options.clone(), |_| ()).await.unwrap();
        assert_eq!((moved.facts, moved.conversations), (80, 40));

        let there = PostgresStore::open(&url, options.clone()).await.unwrap();
        let found = there.list(&search("donde 17")).await.unwrap();
        assert_eq!(found.rows.len(), 1);
        assert_eq!(found.rows[0].conversation.id, corpus::conversation(17));
        assert_eq!(there.list(&search("nandu")).await.unwrap().rows.len(), 10, "people are found too");
        assert_eq!(there.drafts(corpus::agent_id(1)).await.unwrap().len(), 1);
        assert_eq!(there.claim(Lane::Timer, Timestamp(9), Timestamp(99), 100).await.unwrap().len(), 40);
        let job = NewJob { kind: JobKind::Wake { until: Timestamp(5) }, due: Timestamp(5) };
        there.enqueue(ConversationId(Uuid::nil()), job).await.unwrap();
        let state = there.load(corpus::conversation(1)).await.unwrap().unwrap();
        assert_eq!(there.append(corpus::says(&state, "y sigue")).await.unwrap(), 81);

        let twice = import(&file, &url, options, |_| ()).await.unwrap_err();
        assert!(matches!(twice, ImportError::NotEmpty(_)), "{twice}");
    }

    #[tokio::test]
    async fn no_table_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap();
        let all = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name NOT LIKE 'said%' AND name NOT LIKE 'contact_words%' AND name NOT IN ('schema_version', 'tickets')";
        let there: Vec<String> = sqlx::query_scalar(all).fetch_all(store.readers()).await.unwrap();
        let moved: BTreeSet<_> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
        assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), moved);
    }
}
