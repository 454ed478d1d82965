//! The appends of one group. What their checks must know is read by one statement per table; then each append is
//! admitted or refused in the order of arrival, as if the ones before it were written already; then everything that
//! was admitted is written, again by one statement per table. A refused append takes nothing from the others.

use super::text::{get, get_id, get_number, json, number};
use relevo::store::{Append, AppendError, DedupeKey, NewJob, Position, said, words};
use relevo_domain::control::Holder;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Status};
use relevo_domain::id::{ContactId, ConversationId, InboxId, Seq, TeamId};
use relevo_domain::upcast;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// "Never", where an order wants a number.
const NEVER: i64 = i64::MAX;

/// The last position.
pub(super) async fn head(connection: &mut SqliteConnection) -> sqlx::Result<Position> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM log").fetch_one(connection).await?;
    u64::try_from(head).map_err(super::text::decode)
}

/// What is known, and what is to be written.
pub(super) struct Batch {
    head: Position,
    taken: HashMap<DedupeKey, (ConversationId, Seq)>,
    threads: HashMap<(InboxId, ContactId), ConversationId>,
    versions: HashMap<ConversationId, Seq>,
    /// The marks of each known conversation before this group.
    marks: HashMap<ConversationId, String>,
    facts: Vec<(Position, Envelope)>,
    states: HashMap<ConversationId, (Position, Conversation)>,
    new_keys: Vec<DedupeKey>,
    new_threads: HashSet<(InboxId, ContactId)>,
    jobs: Vec<(ConversationId, NewJob)>,
}

impl Batch {
    /// Nothing yet, after `head`.
    pub(super) fn new(head: Position) -> Self {
        Self {
            head,
            taken: HashMap::new(),
            threads: HashMap::new(),
            versions: HashMap::new(),
            marks: HashMap::new(),
            facts: Vec::new(),
            states: HashMap::new(),
            new_keys: Vec::new(),
            new_threads: HashSet::new(),
            jobs: Vec::new(),
        }
    }

    /// Admits or refuses each append. Nothing is written yet.
    pub(super) async fn admit(
        &mut self,
        connection: &mut SqliteConnection,
        appends: Vec<Append>,
    ) -> sqlx::Result<Vec<Result<Position, AppendError>>> {
        self.learn(connection, &appends).await?;
        let admit = |append: Append| self.check(&append).map(|()| self.take(append));
        Ok(appends.into_iter().map(admit).collect())
    }

    async fn learn(&mut self, connection: &mut SqliteConnection, appends: &[Append]) -> sqlx::Result<()> {
        let ids: Vec<ConversationId> = appends.iter().map(|append| append.conversation).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let known = "SELECT id, version, marks FROM conversations WHERE id IN (SELECT value FROM json_each(?1))";
        for row in sqlx::query(known).bind(json(&ids)).fetch_all(&mut *connection).await? {
            let id = get_id(&row, "id")?;
            self.versions.insert(id, get_number(&row, "version")?);
            self.marks.insert(id, get(&row, "marks")?);
        }
        let keys: Vec<_> = appends.iter().filter_map(|append| append.dedupe.as_ref()).collect();
        if !keys.is_empty() {
            let keys: Vec<_> = keys.iter().map(|key| (&key.scope, &key.key)).collect();
            let taken = "SELECT scope, taken.key AS key, conversation, seq FROM json_each(?1) AS asked
                JOIN dedupe AS taken ON scope = asked.value ->> 0 AND taken.key = asked.value ->> 1";
            for row in sqlx::query(taken).bind(json(&keys)).fetch_all(&mut *connection).await? {
                let key = DedupeKey { scope: get(&row, "scope")?, key: get(&row, "key")? };
                self.taken.insert(key, (get_id(&row, "conversation")?, get_number(&row, "seq")?));
            }
        }
        let claims: Vec<_> = appends.iter().filter_map(|append| append.thread.as_ref()).collect();
        if !claims.is_empty() {
            let claims: Vec<_> = claims.iter().map(|claim| (&claim.inbox, claim.contact)).collect();
            let threads = "SELECT inbox, contact, conversation FROM json_each(?1) AS asked
                JOIN threads ON inbox = asked.value ->> 0 AND contact = asked.value ->> 1";
            for row in sqlx::query(threads).bind(json(&claims)).fetch_all(&mut *connection).await? {
                self.threads.insert((get_id(&row, "inbox")?, get_id(&row, "contact")?), get_id(&row, "conversation")?);
            }
        }
        Ok(())
    }

    fn check(&self, append: &Append) -> Result<(), AppendError> {
        if let Some(&(conversation, seq)) = append.dedupe.as_ref().and_then(|key| self.taken.get(key)) {
            return Err(AppendError::Duplicate { conversation, seq });
        }
        if let Some(claim) = &append.thread {
            let newest = self.threads.get(&(claim.inbox.clone(), claim.contact)).copied();
            if newest != claim.replaces {
                let by = newest.or(claim.replaces).expect("two different options are not both none");
                return Err(AppendError::ThreadTaken { by });
            }
        }
        let actual = self.versions.get(&append.conversation).copied().unwrap_or(0);
        if actual == append.expected { Ok(()) } else { Err(AppendError::Conflict { actual }) }
    }

    fn take(&mut self, append: Append) -> Position {
        let Append { conversation, envelopes, state, dedupe, jobs, thread, .. } = append;
        let last = state.seq;
        if let Some(key) = dedupe {
            self.taken.insert(key.clone(), (conversation, last));
            self.new_keys.push(key);
        }
        if let Some(claim) = thread {
            self.threads.insert((claim.inbox.clone(), claim.contact), conversation);
            self.new_threads.insert((claim.inbox, claim.contact));
        }
        self.jobs.extend(jobs.into_iter().map(|job| (conversation, job)));
        for envelope in envelopes {
            self.head += 1;
            self.facts.push((self.head, envelope));
        }
        self.versions.insert(conversation, last);
        self.states.insert(conversation, (self.head, state));
        self.head
    }

    /// Writes what was admitted; the last position.
    pub(super) async fn write(self, connection: &mut SqliteConnection) -> sqlx::Result<Position> {
        if self.facts.is_empty() {
            return Ok(self.head);
        }
        self.write_facts(connection).await?;
        self.write_states(connection).await?;
        let keys: Vec<_> = self.new_keys.iter().map(|key| (&key.scope, &key.key, self.taken[key])).collect();
        let sql = "INSERT INTO dedupe (scope, key, conversation, seq)
            SELECT value ->> 0, value ->> 1, value ->> '$[2][0]', value ->> '$[2][1]' FROM json_each(?1)";
        insert(connection, sql, &keys).await?;
        let threads: Vec<_> = self.new_threads.iter().map(|of| (&of.0, of.1, self.threads[of])).collect();
        let sql = "INSERT INTO threads (inbox, contact, conversation)
            SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
            ON CONFLICT (inbox, contact) DO UPDATE SET conversation = excluded.conversation";
        insert(connection, sql, &threads).await?;
        let jobs: Vec<_> = self.jobs.iter().map(|(of, job)| (of, job.kind.lane(), &job.kind, job.due)).collect();
        let sql = "INSERT INTO jobs (conversation, lane, kind, due)
            SELECT value ->> 0, value ->> 1, value -> 2, value ->> 3 FROM json_each(?1) ORDER BY key";
        insert(connection, sql, &jobs).await?;
        Ok(self.head)
    }

    async fn write_facts(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let mut rows = String::from("[");
        for (position, Envelope { conversation, seq, at, actor, event }) in &self.facts {
            let comma = if rows.len() == 1 { "" } else { "," };
            let (at, actor, event) = (at.0, json(actor), upcast::store(event));
            write!(rows, r#"{comma}[{position},"{conversation}",{seq},{at},{actor},{event}]"#)
                .expect("a string takes everything");
        }
        rows.push(']');
        let sql = "INSERT INTO log (position, conversation, seq, at, actor, event)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4, value -> 5 FROM json_each(?1)";
        sqlx::query(sql).bind(rows).execute(&mut *connection).await?;

        let text = self.facts.iter().filter_map(|(position, envelope)| Some((*position, said(&envelope.event)?)));
        let words: Vec<_> = text.map(|(position, text)| (position, words(&text).join(" "))).collect();
        let sql = "INSERT INTO said (rowid, words) SELECT value ->> 0, value ->> 1 FROM json_each(?1)";
        insert(connection, sql, &words).await
    }

    async fn write_states(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let cards: Vec<Card<'_>> = self.states.values().map(|(position, state)| Card::of(*position, state)).collect();
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
        insert(connection, sql, &cards).await?;

        let old = |id: &ConversationId| self.marks.get(id).map_or("[]", String::as_str);
        let changed: Vec<_> = cards.iter().filter(|card| card.marks != old(&card.state.id)).collect();
        let ids: Vec<_> = changed.iter().map(|card| card.state.id).collect();
        insert(connection, "DELETE FROM marks WHERE conversation IN (SELECT value FROM json_each(?1))", &ids).await?;
        let marks: Vec<_> = changed.iter().map(|card| (card.state.id, &card.marks)).collect();
        let sql = "INSERT INTO marks (conversation, kind, value)
            SELECT card.value ->> 0, mark.value ->> 0, mark.value ->> 1
            FROM json_each(?1) AS card, json_each(card.value ->> 1) AS mark";
        insert(connection, sql, &marks).await
    }
}

/// A row of `conversations`.
#[derive(Serialize)]
struct Card<'a> {
    id: ConversationId,
    version: Seq,
    position: i64,
    contact: ContactId,
    inbox: &'a InboxId,
    status: &'static str,
    holder: &'static str,
    agent: Option<String>,
    team: Option<&'a str>,
    answer_by: i64,
    waiting_since: i64,
    created_at: i64,
    marks: String,
    state: &'a Conversation,
}

impl<'a> Card<'a> {
    fn of(position: Position, state: &'a Conversation) -> Self {
        let never = |at: Option<relevo_domain::time::Timestamp>| at.map_or(NEVER, |at| at.0);
        Self {
            id: state.id,
            version: state.seq,
            position: number(position),
            contact: state.contact,
            inbox: &state.inbox,
            status: match state.status {
                Status::Open => "open",
                Status::Pending => "pending",
                Status::Snoozed { .. } => "snoozed",
                Status::Closed => "closed",
            },
            holder: match state.control.holder {
                Holder::Bot { .. } => "bot",
                Holder::Queue { .. } => "queue",
                Holder::Human { .. } => "human",
            },
            agent: state.control.agent().map(|agent| agent.to_string()),
            team: state.team.as_ref().map(TeamId::as_str),
            answer_by: state.waiting_since.map_or(NEVER, |_| never(state.window_ends_at)),
            waiting_since: never(state.waiting_since),
            created_at: state.created_at.0,
            marks: marks(state),
            state,
        }
    }
}

/// Everything that a conversation is marked with, as `[[kind, value], …]`.
fn marks(state: &Conversation) -> String {
    let mark = |kind: &'static str, value: String| (kind, value);
    let participants = state.participants.iter().map(|agent| mark("participant", agent.to_string()));
    let mentions = state.mentions.iter().map(|agent| mark("mention", agent.to_string()));
    let labels = state.labels.iter().map(|label| mark("label", label.clone()));
    json(&participants.chain(mentions).chain(labels).collect::<Vec<_>>())
}

/// One statement for all of `rows`; none when there are none.
async fn insert<T: Serialize>(connection: &mut SqliteConnection, sql: &'static str, rows: &[T]) -> sqlx::Result<()> {
    if !rows.is_empty() {
        sqlx::query(sql).bind(json(rows)).execute(connection).await?;
    }
    Ok(())
}
