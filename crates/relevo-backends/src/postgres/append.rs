//! A group of appends in PostgreSQL, under the lock on `head`: what is read under it stays true until the commit.

use super::fault::is_gone;
use super::text::{decode, get, get_json, get_number, json, number, plain};
use crate::batch::{Asked, Batch, Card, Known, marks};
use relevo::store::{Append, AppendError, DedupeKey, Position};
use relevo_domain::id::{ContactId, ConversationId, InboxId, MessageId, Seq};
use relevo_domain::upcast;
use sqlx::{PgConnection, PgPool, PgTransaction};
use uuid::Uuid;

/// Appends; what became of each, once it is on disk.
pub(super) async fn append(pool: &PgPool, appends: Vec<Append>) -> sqlx::Result<Vec<Result<Position, AppendError>>> {
    let asked = Asked::of(&appends);
    let (mut transaction, head, known) = match locked(pool, &asked).await {
        // The database was restarted since the last append: the next connection is a new one.
        Err(error) if is_gone(&error) => locked(pool, &asked).await?,
        other => other?,
    };
    let (batch, answers) = Batch::admit(head, known, appends);
    if !batch.facts.is_empty() {
        write(&mut transaction, &batch).await?;
    }
    if relevo::sabotaged!("early_ack") {
        tokio::spawn(async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            transaction.commit().await
        });
        return Ok(answers);
    }
    relevo::crash_point!("before_commit");
    transaction.commit().await?;
    relevo::crash_point!("after_commit");
    Ok(answers)
}

async fn locked(pool: &PgPool, asked: &Asked<'_>) -> sqlx::Result<(PgTransaction<'static>, Position, Known)> {
    let mut transaction = pool.begin().await?;
    let (head, seen, known) = learn(&mut transaction, asked).await?;
    if head == seen {
        return Ok((transaction, head, known));
    }
    // Another server appended while this one waited for the lock. Now nobody does.
    let (head, _, known) = learn(&mut transaction, asked).await?;
    Ok((transaction, head, known))
}

/// One statement locks and reads. What it reads is as old as its beginning, but a locked row is read as it is once the
/// lock is there: `position` and `seen` are the same if nobody appended in between.
const LEARN: &str = "
    WITH locked AS MATERIALIZED (SELECT position FROM head FOR UPDATE)
    SELECT position, (SELECT position FROM head) AS seen,
        (SELECT coalesce(json_agg(json_build_array(id, version, marks)), '[]')::text
            FROM conversations WHERE id = ANY($1)) AS conversations,
        (SELECT coalesce(json_agg(json_build_array(n, conversation, seq)), '[]')::text
            FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS asked (scope, key, n)
            JOIN dedupe USING (scope, key)) AS taken,
        (SELECT coalesce(json_agg(json_build_array(inbox, contact, conversation)), '[]')::text
            FROM unnest($4::text[], $5::uuid[]) AS asked (inbox, contact)
            JOIN threads USING (inbox, contact)) AS threads
    FROM locked";

/// The last position once it is locked, the one that was seen, and what was known then.
async fn learn(connection: &mut PgConnection, asked: &Asked<'_>) -> sqlx::Result<(Position, Position, Known)> {
    let ids: Vec<Uuid> = asked.conversations.iter().map(|id| id.0).collect();
    // Asked for in the spelling in which they are kept, answered in the spelling in which they were asked for.
    let stored = |key: &DedupeKey| (plain(&key.scope).into_owned(), plain(&key.key).into_owned());
    let (scopes, keys): (Vec<_>, Vec<_>) = asked.keys.iter().map(|key| stored(key)).unzip();
    let (inboxes, contacts): (Vec<_>, Vec<_>) =
        asked.claims.iter().map(|claim| (claim.inbox.as_str(), claim.contact.0)).unzip();
    let query = sqlx::query(LEARN).bind(ids).bind(scopes).bind(keys).bind(inboxes).bind(contacts);
    let row = query.fetch_one(connection).await?;
    let mut of = Known::default();
    for (id, version, marks) in get_json::<Vec<(ConversationId, Seq, String)>>(&row, "conversations")? {
        of.versions.insert(id, version);
        of.marks.insert(id, marks);
    }
    for (n, conversation, seq) in get_json::<Vec<(usize, ConversationId, Seq)>>(&row, "taken")? {
        of.taken.insert(asked.keys[n - 1].clone(), (conversation, seq));
    }
    for (inbox, contact, conversation) in get_json::<Vec<(InboxId, ContactId, ConversationId)>>(&row, "threads")? {
        of.threads.insert((inbox, contact), conversation);
    }
    Ok((get_number(&row, "position")?, get_number(&row, "seen")?, of))
}

/// One statement writes it all, so that the lock on `head` is not held over many round trips; marks, which change
/// rarely, have their own.
const WRITE: &str = "
    WITH facts AS (
        INSERT INTO log (position, conversation, seq, at, actor, event)
        SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
    ), words AS (
        INSERT INTO said (position, conversation, words)
        SELECT position, conversation, array_to_tsvector(string_to_array(words, ' '))
        FROM unnest($7::bigint[], $8::uuid[], $9::text[]) AS of (position, conversation, words)
    ), states AS (
        INSERT INTO conversations (id, version, position, contact, inbox, status, holder, agent, team, answer_by,
            waiting_since, created_at, marks, state, queued_since)
        SELECT * FROM unnest($10::uuid[], $11::bigint[], $12::bigint[], $13::uuid[], $14::text[], $15::text[],
            $16::text[], $17::uuid[], $18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::text[],
            $23::text[], $36::bigint[])
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, position = excluded.position,
            inbox = excluded.inbox, status = excluded.status, holder = excluded.holder, agent = excluded.agent,
            team = excluded.team,
            answer_by = excluded.answer_by, waiting_since = excluded.waiting_since, marks = excluded.marks,
            state = excluded.state, queued_since = excluded.queued_since
    ), keys AS (
        INSERT INTO dedupe (scope, key, conversation, seq)
        SELECT * FROM unnest($24::text[], $25::text[], $26::uuid[], $27::bigint[])
    ), newest AS (
        INSERT INTO threads (inbox, contact, conversation)
        SELECT * FROM unnest($28::text[], $29::uuid[], $30::uuid[])
        ON CONFLICT (inbox, contact) DO UPDATE SET conversation = excluded.conversation
    ), work AS (
        INSERT INTO jobs (conversation, lane, kind, due)
        SELECT conversation, lane, kind, due
        FROM unnest($31::uuid[], $32::text[], $33::text[], $34::bigint[]) WITH ORDINALITY
            AS of (conversation, lane, kind, due, n)
        ORDER BY n
    )
    UPDATE head SET position = $35";

async fn write(connection: &mut PgConnection, batch: &Batch) -> sqlx::Result<()> {
    let cards = batch.cards();
    let (facts, said) = (&batch.facts, batch.said().collect::<Vec<_>>());
    let (keys, threads) = (batch.keys().collect::<Vec<_>>(), batch.threads().collect::<Vec<_>>());
    let jobs = &batch.jobs;
    sqlx::query(WRITE)
        .bind(all(facts, |(position, _)| number(*position)))
        .bind(all(facts, |(_, fact)| fact.conversation.0))
        .bind(all(facts, |(_, fact)| number(fact.seq)))
        .bind(all(facts, |(_, fact)| fact.at.0))
        .bind(all(facts, |(_, fact)| json(&fact.actor)))
        .bind(all(facts, |(_, fact)| upcast::store(&fact.event)))
        .bind(all(&said, |(position, ..)| number(*position)))
        .bind(all(&said, |(_, conversation, _)| conversation.0))
        .bind(all(&said, |(.., words)| words.join(" ")))
        .bind(all(&cards, |card| card.state.id.0))
        .bind(all(&cards, |card| number(card.state.seq)))
        .bind(all(&cards, |card| number(card.position)))
        .bind(all(&cards, |card| card.state.contact.0))
        .bind(all(&cards, |card| card.state.inbox.to_string()))
        .bind(all(&cards, |card| card.status))
        .bind(all(&cards, |card| card.holder))
        .bind(all(&cards, |card| card.agent.map(|agent| agent.0)))
        .bind(all(&cards, |card| card.state.team.as_ref().map(ToString::to_string)))
        .bind(all(&cards, |card| card.answer_by))
        .bind(all(&cards, |card| card.waiting_since))
        .bind(all(&cards, |card| card.state.created_at.0))
        .bind(all(&cards, |card| card.marks.as_str()))
        .bind(all(&cards, |card| json(card.state)))
        .bind(all(&keys, |(key, _)| plain(&key.scope).into_owned()))
        .bind(all(&keys, |(key, _)| plain(&key.key).into_owned()))
        .bind(all(&keys, |(_, (conversation, _))| conversation.0))
        .bind(all(&keys, |(_, (_, seq))| number(*seq)))
        .bind(all(&threads, |(inbox, ..)| inbox.to_string()))
        .bind(all(&threads, |(_, contact, _)| contact.0))
        .bind(all(&threads, |(.., conversation)| conversation.0))
        .bind(all(jobs, |(of, _)| of.0))
        .bind(all(jobs, |(_, job)| job.kind.lane().as_str()))
        .bind(all(jobs, |(_, job)| json(&job.kind)))
        .bind(all(jobs, |(_, job)| job.due.0))
        .bind(number(batch.head))
        .bind(all(&cards, |card| card.queued_since))
        .execute(&mut *connection)
        .await?;
    write_marks(connection, &cards).await?;
    for (conversation, message) in batch.removed() {
        erase(connection, conversation, message).await?;
    }
    Ok(())
}

/// Takes what a message said out of its facts, and out of the search.
async fn erase(connection: &mut PgConnection, conversation: ConversationId, message: MessageId) -> sqlx::Result<()> {
    let sql = "SELECT position, event FROM log WHERE conversation = $1 AND strpos(event, $2) > 0";
    let query = sqlx::query(sql).bind(conversation.0).bind(message.to_string());
    for row in query.fetch_all(&mut *connection).await? {
        let position: i64 = get(&row, "position")?;
        let mut event = upcast::load(get(&row, "event")?).map_err(decode)?;
        if !event.erase(message) {
            continue;
        }
        let sql = "UPDATE log SET event = $1 WHERE position = $2";
        sqlx::query(sql).bind(upcast::store(&event)).bind(position).execute(&mut *connection).await?;
        sqlx::query("DELETE FROM said WHERE position = $1").bind(position).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_marks(connection: &mut PgConnection, cards: &[Card<'_>]) -> sqlx::Result<()> {
    let changed: Vec<_> = cards.iter().filter(|card| card.marked).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let ids = all(&changed, |card| card.state.id.0);
    sqlx::query("DELETE FROM marks WHERE conversation = ANY($1)").bind(ids).execute(&mut *connection).await?;
    let rows: Vec<_> = changed
        .iter()
        .flat_map(|card| marks(card.state).into_iter().map(|(kind, value)| (kind, value, card.state.id.0)))
        .collect();
    let sql = "INSERT INTO marks (kind, value, conversation) SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[])";
    sqlx::query(sql)
        .bind(all(&rows, |(kind, ..)| *kind))
        .bind(all(&rows, |(_, value, _)| plain(value).into_owned()))
        .bind(all(&rows, |(.., conversation)| *conversation))
        .execute(connection)
        .await?;
    Ok(())
}

/// A column.
fn all<'a, T, C>(rows: &'a [T], column: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(column).collect()
}
