//! A group of appends in SQLite. Each query crosses to the thread of the connection and back, and each result of its
//! statements wakes the writer. So what the group's checks must know is one row of one query, and what they admit is
//! written and committed by a second: a statement per table that has something to be written, which takes its rows out
//! of one JSON parameter.

use super::text::{decode, get, get_json, json, number};
use crate::batch::{Asked, Batch, Card, Known};
use relevo::store::{Append, AppendError, DedupeKey, Position, said, words};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{AgentId, ContactId, ConversationId, InboxId, MessageId, Seq, TeamId};
use relevo_domain::upcast;
use serde::Serialize;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::fmt::Write;

/// The last position.
pub(super) async fn head(connection: &mut SqliteConnection) -> sqlx::Result<Position> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM log").fetch_one(connection).await?;
    u64::try_from(head).map_err(decode)
}

/// Begins a transaction and decides: what is to be written, if something is, and what becomes of each.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    head: Position,
    appends: Vec<Append>,
) -> sqlx::Result<(Option<Batch>, Vec<Result<Position, AppendError>>)> {
    if appends.is_empty() {
        sqlx::query("BEGIN IMMEDIATE").execute(connection).await?;
        return Ok((None, Vec::new()));
    }
    let known = learn(connection, &Asked::of(&appends)).await?;
    let (batch, answers) = Batch::admit(head, known, appends);
    Ok((Some(batch), answers))
}

/// One column a table.
const LEARN: &str = "
    BEGIN IMMEDIATE;
    SELECT
        (SELECT json_group_array(json_array(id, version, marks)) FROM conversations
            WHERE id IN (SELECT value FROM jsonb_each(?))) AS conversations,
        (SELECT json_group_array(json_array(scope, taken.key, conversation, seq)) FROM jsonb_each(?) AS asked
            JOIN dedupe AS taken ON scope = asked.value ->> 0 AND taken.key = asked.value ->> 1) AS taken,
        (SELECT json_group_array(json_array(inbox, contact, conversation)) FROM jsonb_each(?) AS asked
            JOIN threads ON inbox = asked.value ->> 0 AND contact = asked.value ->> 1) AS threads";

async fn learn(connection: &mut SqliteConnection, asked: &Asked<'_>) -> sqlx::Result<Known> {
    let keys: Vec<_> = asked.keys.iter().map(|key| (&key.scope, &key.key)).collect();
    let claims: Vec<_> = asked.claims.iter().map(|claim| (&claim.inbox, claim.contact)).collect();
    let query = sqlx::query(LEARN).bind(json(&asked.conversations)).bind(json(&keys)).bind(json(&claims));
    let tables = query.fetch_one(connection).await?;
    let mut of = Known::default();
    for (id, version, marks) in get_json::<Vec<(ConversationId, Seq, String)>>(&tables, "conversations")? {
        of.versions.insert(id, version);
        of.marks.insert(id, marks);
    }
    for (scope, key, conversation, seq) in get_json::<Vec<(String, String, ConversationId, Seq)>>(&tables, "taken")? {
        of.taken.insert(DedupeKey { scope, key }, (conversation, seq));
    }
    for (inbox, contact, conversation) in get_json::<Vec<(InboxId, ContactId, ConversationId)>>(&tables, "threads")? {
        of.threads.insert((inbox, contact), conversation);
    }
    Ok(of)
}

/// Each table's statement. Parameters have no numbers: sqlx would count those of all statements together.
const LOG: &str = "
    INSERT INTO log (position, conversation, seq, at, actor, event)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4, value -> 5 FROM jsonb_each(?);";
const SAID: &str = "
    INSERT INTO said (rowid, words) SELECT value ->> 0, value ->> 1 FROM jsonb_each(?);";
const CONVERSATIONS: &str = "
    INSERT INTO conversations (id, version, position, contact, inbox, status, holder, agent, team,
            answer_by, waiting_since, queued_since, created_at, marks, state)
        SELECT c ->> 'id', c ->> 'version', c ->> 'position', c ->> 'contact', c ->> 'inbox', c ->> 'status',
            c ->> 'holder', c ->> 'agent', c ->> 'team', c ->> 'answer_by', c ->> 'waiting_since',
            c ->> 'queued_since', c ->> 'created_at', c ->> 'marks', c -> 'state'
        FROM (SELECT value AS c FROM jsonb_each(?)) WHERE true
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, position = excluded.position,
            inbox = excluded.inbox, status = excluded.status, holder = excluded.holder, agent = excluded.agent, team = excluded.team,
            answer_by = excluded.answer_by, waiting_since = excluded.waiting_since,
            queued_since = excluded.queued_since, marks = excluded.marks, state = excluded.state;";
const UNMARK: &str = "
    DELETE FROM marks WHERE conversation IN (SELECT value ->> 0 FROM jsonb_each(?));";
const MARKS: &str = "
    INSERT INTO marks (conversation, kind, value)
        SELECT card.value ->> 0, mark.value ->> 0, mark.value ->> 1
        FROM jsonb_each(?) AS card, json_each(card.value ->> 1) AS mark;";
const DEDUPE: &str = "
    INSERT INTO dedupe (scope, key, conversation, seq)
        SELECT value ->> 0, value ->> 1, value ->> '$[2][0]', value ->> '$[2][1]' FROM jsonb_each(?);";
const THREADS: &str = "
    INSERT INTO threads (inbox, contact, conversation)
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE true
        ON CONFLICT (inbox, contact) DO UPDATE SET conversation = excluded.conversation;";
const JOBS: &str = "
    INSERT INTO jobs (conversation, lane, kind, due)
        SELECT value ->> 0, value ->> 1, value -> 2, value ->> 3 FROM jsonb_each(?) ORDER BY key;";
const COMMIT: &str = "
    COMMIT";

/// Writes what was admitted, if something was, and commits.
pub(super) async fn commit(connection: &mut SqliteConnection, batch: Option<&Batch>) -> sqlx::Result<()> {
    let Some(batch) = batch.filter(|batch| !batch.facts.is_empty()) else {
        sqlx::query(COMMIT).execute(connection).await?;
        return Ok(());
    };
    let cards = batch.cards();
    let words: Vec<_> = batch.said().map(|(position, _, words)| (position, words.join(" "))).collect();
    let columns: Vec<_> = cards.iter().map(Columns::of).collect();
    let marked: Vec<_> = cards.iter().filter(|card| card.marked).map(|card| (card.state.id, &card.marks)).collect();
    let keys: Vec<_> = batch.keys().map(|(key, by)| (&key.scope, &key.key, by)).collect();
    let threads: Vec<_> = batch.threads().collect();
    let jobs: Vec<_> = batch.jobs.iter().map(|(of, job)| (of, job.kind.lane(), &job.kind, job.due)).collect();
    let tables = [
        (LOG, facts(batch)),
        (SAID, json(&words)),
        (CONVERSATIONS, json(&columns)),
        (UNMARK, json(&marked)),
        (MARKS, json(&marked)),
        (DEDUPE, json(&keys)),
        (THREADS, json(&threads)),
        (JOBS, json(&jobs)),
    ];
    let (statements, rows): (Vec<_>, Vec<_>) = tables.into_iter().filter(|(_, rows)| rows != "[]").unzip();
    let removed: Vec<_> = batch.removed().collect();
    let ends = if removed.is_empty() { COMMIT } else { "" };
    let sql = AssertSqlSafe(statements.concat() + ends);
    rows.into_iter().fold(sqlx::query(sql), Query::bind).execute(&mut *connection).await?;
    if removed.is_empty() {
        return Ok(());
    }
    for (conversation, message) in removed {
        erase(connection, conversation, message).await?;
    }
    sqlx::query(COMMIT).execute(connection).await?;
    Ok(())
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
        let mut event = upcast::load(get(&row, "event")?).map_err(decode)?;
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

fn facts(batch: &Batch) -> String {
    let mut rows = String::from("[");
    for (position, Envelope { conversation, seq, at, actor, event }) in &batch.facts {
        let comma = if rows.len() == 1 { "" } else { "," };
        let (at, actor, event) = (at.0, json(actor), upcast::store(event));
        write!(rows, r#"{comma}[{position},"{conversation}",{seq},{at},{actor},{event}]"#)
            .expect("a string takes everything");
    }
    rows.push(']');
    rows
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
    queued_since: Option<i64>,
    created_at: i64,
    marks: &'a str,
    state: &'a Conversation,
}

impl<'a> Columns<'a> {
    fn of(card: &'a Card<'a>) -> Self {
        let Card { position, status, holder, agent, answer_by, waiting_since, queued_since, ref marks, state, .. } =
            *card;
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
            queued_since,
            created_at: state.created_at.0,
            marks,
            state,
        }
    }
}
