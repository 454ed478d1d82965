//! A group of appends in SQLite: what its checks must know is read by one statement per table, and what they admit is
//! written by one statement per table, which takes its rows out of one JSON parameter.

use super::text::{get, get_id, get_number, json, number};
use crate::batch::{Asked, Batch, Card, Known};
use relevo::store::{Append, AppendError, DedupeKey, Position, said, words};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{AgentId, ContactId, ConversationId, InboxId, MessageId, Seq, TeamId};
use relevo_domain::upcast;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt::Write;

/// The last position.
pub(super) async fn head(connection: &mut SqliteConnection) -> sqlx::Result<Position> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM log").fetch_one(connection).await?;
    u64::try_from(head).map_err(super::text::decode)
}

/// Appends; the last position then, and what became of each.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    head: Position,
    appends: Vec<Append>,
) -> sqlx::Result<(Position, Vec<Result<Position, AppendError>>)> {
    if appends.is_empty() {
        return Ok((head, Vec::new()));
    }
    let known = learn(connection, &Asked::of(&appends)).await?;
    let (batch, answers) = Batch::admit(head, known, appends);
    if !batch.facts.is_empty() {
        write(connection, &batch).await?;
    }
    Ok((batch.head, answers))
}

async fn learn(connection: &mut SqliteConnection, asked: &Asked<'_>) -> sqlx::Result<Known> {
    let mut of = Known::default();
    let known = "SELECT id, version, marks FROM conversations WHERE id IN (SELECT value FROM json_each(?1))";
    for row in sqlx::query(known).bind(json(&asked.conversations)).fetch_all(&mut *connection).await? {
        let id = get_id(&row, "id")?;
        of.versions.insert(id, get_number(&row, "version")?);
        of.marks.insert(id, get(&row, "marks")?);
    }
    if !asked.keys.is_empty() {
        let keys: Vec<_> = asked.keys.iter().map(|key| (&key.scope, &key.key)).collect();
        let taken = "SELECT scope, taken.key AS key, conversation, seq FROM json_each(?1) AS asked
            JOIN dedupe AS taken ON scope = asked.value ->> 0 AND taken.key = asked.value ->> 1";
        for row in sqlx::query(taken).bind(json(&keys)).fetch_all(&mut *connection).await? {
            let key = DedupeKey { scope: get(&row, "scope")?, key: get(&row, "key")? };
            of.taken.insert(key, (get_id(&row, "conversation")?, get_number(&row, "seq")?));
        }
    }
    if !asked.claims.is_empty() {
        let claims: Vec<_> = asked.claims.iter().map(|claim| (&claim.inbox, claim.contact)).collect();
        let threads = "SELECT inbox, contact, conversation FROM json_each(?1) AS asked
            JOIN threads ON inbox = asked.value ->> 0 AND contact = asked.value ->> 1";
        for row in sqlx::query(threads).bind(json(&claims)).fetch_all(&mut *connection).await? {
            of.threads.insert((get_id(&row, "inbox")?, get_id(&row, "contact")?), get_id(&row, "conversation")?);
        }
    }
    Ok(of)
}

async fn write(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    write_facts(connection, batch).await?;
    for (conversation, message) in batch.removed() {
        erase(connection, conversation, message).await?;
    }
    write_states(connection, &batch.cards()).await?;
    let keys: Vec<_> = batch.keys().map(|(key, by)| (&key.scope, &key.key, by)).collect();
    let sql = "INSERT INTO dedupe (scope, key, conversation, seq)
        SELECT value ->> 0, value ->> 1, value ->> '$[2][0]', value ->> '$[2][1]' FROM json_each(?1)";
    insert(connection, sql, &keys).await?;
    let threads: Vec<_> = batch.threads().collect();
    let sql = "INSERT INTO threads (inbox, contact, conversation)
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
        ON CONFLICT (inbox, contact) DO UPDATE SET conversation = excluded.conversation";
    insert(connection, sql, &threads).await?;
    let jobs: Vec<_> = batch.jobs.iter().map(|(of, job)| (of, job.kind.lane(), &job.kind, job.due)).collect();
    let sql = "INSERT INTO jobs (conversation, lane, kind, due)
        SELECT value ->> 0, value ->> 1, value -> 2, value ->> 3 FROM json_each(?1) ORDER BY key";
    insert(connection, sql, &jobs).await
}

async fn write_facts(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    let mut rows = String::from("[");
    for (position, Envelope { conversation, seq, at, actor, event }) in &batch.facts {
        let comma = if rows.len() == 1 { "" } else { "," };
        let (at, actor, event) = (at.0, json(actor), upcast::store(event));
        write!(rows, r#"{comma}[{position},"{conversation}",{seq},{at},{actor},{event}]"#)
            .expect("a string takes everything");
    }
    rows.push(']');
    let sql = "INSERT INTO log (position, conversation, seq, at, actor, event)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4, value -> 5 FROM json_each(?1)";
    sqlx::query(sql).bind(rows).execute(&mut *connection).await?;

    let words: Vec<_> = batch.said().map(|(position, _, words)| (position, words.join(" "))).collect();
    let sql = "INSERT INTO said (rowid, words) SELECT value ->> 0, value ->> 1 FROM json_each(?1)";
    insert(connection, sql, &words).await
}

/// Takes what a message said out of its facts, and out of the search.
async fn erase(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    message: MessageId,
) -> sqlx::Result<()> {
    let sql = "SELECT position, event FROM log WHERE conversation = ?1 AND instr(event, ?2) > 0";
    let query = sqlx::query(sql).bind(conversation.to_string()).bind(message.to_string());
    for row in query.fetch_all(&mut *connection).await? {
        let position: i64 = get(&row, "position")?;
        let mut event = upcast::load(get(&row, "event")?).map_err(super::text::decode)?;
        let words = said(&event).map(|said| words(&said).join(" "));
        if !event.erase(message) {
            continue;
        }
        let sql = "UPDATE log SET event = ?1 WHERE position = ?2";
        sqlx::query(sql).bind(upcast::store(&event)).bind(position).execute(&mut *connection).await?;
        // An index without content forgets what it is told once more.
        if let Some(words) = words.filter(|words| !words.is_empty()) {
            let sql = "INSERT INTO said (said, rowid, words) VALUES ('delete', ?1, ?2)";
            sqlx::query(sql).bind(position).bind(words).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn write_states(connection: &mut SqliteConnection, cards: &[Card<'_>]) -> sqlx::Result<()> {
    let rows: Vec<_> = cards.iter().map(Columns::of).collect();
    let sql = "INSERT INTO conversations (id, version, position, contact, inbox, status, holder, agent, team,
            answer_by, waiting_since, created_at, marks, state)
        SELECT c ->> 'id', c ->> 'version', c ->> 'position', c ->> 'contact', c ->> 'inbox', c ->> 'status',
            c ->> 'holder', c ->> 'agent', c ->> 'team', c ->> 'answer_by', c ->> 'waiting_since',
            c ->> 'created_at', c ->> 'marks', c -> 'state'
        FROM (SELECT value AS c FROM json_each(?1)) WHERE true
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, position = excluded.position,
            contact = excluded.contact, inbox = excluded.inbox, status = excluded.status,
            holder = excluded.holder, agent = excluded.agent, team = excluded.team,
            answer_by = excluded.answer_by, waiting_since = excluded.waiting_since,
            created_at = excluded.created_at, marks = excluded.marks, state = excluded.state";
    insert(connection, sql, &rows).await?;

    let changed: Vec<_> = cards.iter().filter(|card| card.marked).collect();
    let ids: Vec<_> = changed.iter().map(|card| card.state.id).collect();
    insert(connection, "DELETE FROM marks WHERE conversation IN (SELECT value FROM json_each(?1))", &ids).await?;
    let marks: Vec<_> = changed.iter().map(|card| (card.state.id, &card.marks)).collect();
    let sql = "INSERT INTO marks (conversation, kind, value)
        SELECT card.value ->> 0, mark.value ->> 0, mark.value ->> 1
        FROM json_each(?1) AS card, json_each(card.value ->> 1) AS mark";
    insert(connection, sql, &marks).await
}
/// A row of `conversations`, column by column.
#[derive(Serialize)]
struct Columns<'a> {
    id: ConversationId,
    version: Seq,
    position: i64,
    contact: ContactId,
    inbox: &'a InboxId,
    status: &'static str,
    holder: &'static str,
    agent: Option<AgentId>,
    team: Option<&'a TeamId>,
    answer_by: i64,
    waiting_since: i64,
    created_at: i64,
    marks: &'a str,
    state: &'a Conversation,
}

impl<'a> Columns<'a> {
    fn of(card: &'a Card<'a>) -> Self {
        let Card { position, status, holder, agent, answer_by, waiting_since, ref marks, state, .. } = *card;
        Self {
            id: state.id,
            version: state.seq,
            position: number(position),
            contact: state.contact,
            inbox: &state.inbox,
            status,
            holder,
            agent,
            team: state.team.as_ref(),
            answer_by,
            waiting_since,
            created_at: state.created_at.0,
            marks,
            state,
        }
    }
}

/// One statement for all of `rows`; none when there are none.
async fn insert<T: Serialize>(connection: &mut SqliteConnection, sql: &'static str, rows: &[T]) -> sqlx::Result<()> {
    if !rows.is_empty() {
        sqlx::query(sql).bind(json(rows)).execute(connection).await?;
    }
    Ok(())
}
