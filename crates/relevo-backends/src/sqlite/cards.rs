use super::SqliteStore;
use super::contacts::contact;
use super::fault::fault;
use super::text::{decode, get, get_id, get_json, get_number, json, number, size};
use crate::counts::counted;
use crate::search::{self, Indexed, RARE};
use async_trait::async_trait;
use relevo::store::{Cards, Counts, Groups, LABELS, LOOKED_AT, Labelled, Page, Position, Query, Row, Sort, StoreError};
use relevo_domain::card::{View, Visibility};
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::event::Event;
use relevo_domain::id::{ContactId, ConversationId, InboxId};
use relevo_domain::time::Timestamp;
use relevo_domain::upcast;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

/// So many forms of a word are looked at one by one.
const FORMS: usize = 500;
/// So many conversations with a mark are looked up one by one. Where there are more of them, a page of a list is sooner full
/// of them than they are sorted.
const FEW: usize = if cfg!(test) { 20 } else { 400 };

/// The columns of a [`Row`].
const ROW: &str = "c.position AS position, c.state AS state, p.id AS id, p.name AS name, p.email AS email,
    p.phone AS phone, p.verified AS verified, p.external_id AS external_id, p.attributes AS attributes,
    p.created_at AS created_at";

#[async_trait]
impl Cards for SqliteStore {
    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        search::list(self, query).await
    }

    async fn rows(&self, conversations: &[ConversationId]) -> Result<Vec<Row>, StoreError> {
        if let Some(rows) = self.fresh().rows(conversations) {
            return Ok(rows);
        }
        let sql = format!(
            "SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact
            WHERE c.id IN (SELECT value FROM json_each(?1))"
        );
        let edits = self.fresh().edits();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(json(conversations));
        let rows = rows(&query.fetch_all(&self.readers).await.map_err(fault)?)?;
        self.fresh().read(rows.iter().map(|row| &row.contact), edits);
        Ok(rows)
    }

    async fn changed(&self, after: Position, limit: usize) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact
            WHERE c.position > ?1 ORDER BY c.position LIMIT ?2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number(after)).bind(size(limit));
        rows(&query.fetch_all(&self.readers).await.map_err(fault)?)
    }

    async fn counts(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Counts, StoreError> {
        let sql = counted(&seen(agent, visibility), view);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.to_string()).bind(json(&agent.teams));
        let row = query.fetch_one(&self.readers).await.map_err(fault)?;
        let count = |(column, of)| {
            let count: i64 = row.try_get::<i64, usize>(column)?;
            Ok((of, u64::try_from(count).map_err(decode)?))
        };
        (0..).zip(View::ALL).map(count).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn groups(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Groups, StoreError> {
        let held = format!("{} AND ({})", view(View::All), seen(agent, visibility));
        let inboxes = format!("SELECT c.inbox AS name, count(*) AS n FROM conversations AS c WHERE {held} GROUP BY 1");
        let labels = format!(
            "SELECT m.value AS name, count(*) AS n FROM marks AS m JOIN conversations AS c ON c.id = m.conversation
            WHERE m.kind = 'label' AND {held} GROUP BY 1"
        );
        let mut groups = Groups::default();
        for row in self.grouped(inboxes, agent).await? {
            let (name, n) = row;
            groups.inboxes.insert(InboxId::new(name).map_err(|error| fault(decode(error)))?, n);
        }
        groups.labels = self.grouped(labels, agent).await?.into_iter().collect();
        Ok(groups)
    }

    async fn labelled(
        &self,
        agent: &AgentFacts,
        visibility: Visibility,
        each: usize,
    ) -> Result<Vec<Labelled>, StoreError> {
        // From one label to the next: much that has few labels is not read for their names.
        let sql = format!(
            "WITH RECURSIVE names (name) AS (
                SELECT min(value) FROM marks WHERE kind = 'label'
                UNION ALL
                SELECT (SELECT min(value) FROM marks WHERE kind = 'label' AND value > name) FROM names
                WHERE name IS NOT NULL
            ),
            used AS (
                SELECT name, (SELECT max(conversation) FROM marks WHERE kind = 'label' AND value = name) AS newest
                FROM names WHERE name IS NOT NULL ORDER BY newest DESC LIMIT ?4
            ),
            seen AS (
                SELECT used.name AS label, c.id AS id, c.version AS version,
                    row_number() OVER (PARTITION BY used.name ORDER BY c.id DESC) AS nth
                FROM used CROSS JOIN conversations AS c
                WHERE c.id IN (SELECT conversation FROM marks WHERE kind = 'label' AND value = used.name
                    ORDER BY conversation DESC LIMIT ?5) AND {seen}
            )
            SELECT label, id, version FROM seen WHERE nth <= ?3 ORDER BY label, nth",
            seen = seen(agent, visibility),
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.to_string()).bind(json(&agent.teams));
        let query = query.bind(size(each)).bind(size(LABELS)).bind(size(LOOKED_AT));
        let found = query.fetch_all(&self.readers).await.map_err(fault)?;
        let one = |row| {
            let (label, conversation) = (get(row, "label")?, get_id(row, "id")?);
            Ok(Labelled { label, conversation, seq: get_number(row, "version")? })
        };
        found.iter().map(one).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn waiting_before(&self, inbox: &InboxId, since: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM conversations WHERE inbox = ?1 AND queued_since < ?2";
        let query = sqlx::query_scalar::<_, i64>(sql).bind(inbox.to_string()).bind(since.0);
        let count = query.fetch_one(&self.readers).await.map_err(fault)?;
        u64::try_from(count).map_err(decode).map_err(fault)
    }

    async fn of_contact(&self, contact: ContactId) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact
            WHERE c.contact = ?1 ORDER BY c.created_at DESC, c.id DESC LIMIT 50"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(contact.to_string());
        rows(&query.fetch_all(&self.readers).await.map_err(fault)?)
    }
}

impl SqliteStore {
    /// Names and numbers. Parameter 1 is the agent, parameter 2 their teams.
    async fn grouped(&self, sql: String, agent: &AgentFacts) -> Result<Vec<(String, u64)>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.to_string()).bind(json(&agent.teams));
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        let one = |row: &SqliteRow| Ok((row.try_get("name")?, get_number(row, "n")?));
        rows.iter().map(one).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

impl SqliteStore {
    /// Whether at most [`FEW`] conversations have a mark.
    async fn are_few(&self, kind: &str, value: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) <= ?3 FROM (SELECT 1 FROM marks WHERE kind = ?1 AND value = ?2 LIMIT ?3 + 1)";
        let query = sqlx::query_scalar(sql).bind(kind).bind(value).bind(size(FEW));
        query.fetch_one(&self.readers).await.map_err(fault)
    }
}

#[async_trait]
impl Indexed for SqliteStore {
    async fn is_rare(&self, word: &str) -> Result<bool, StoreError> {
        // A word is read as far as it matters. All that begin with it would be put together first; and so each that does
        // is asked for by itself, the next one being found in their order, until these are more than matters.
        let sql = "WITH RECURSIVE forms (form) AS (
                SELECT (SELECT term FROM said_forms WHERE term >= ?1 LIMIT 1)
                UNION ALL
                SELECT (SELECT term FROM said_forms WHERE term >= form || char(1) LIMIT 1) FROM forms
                WHERE substr(form, 1, length(?1)) = ?1
                LIMIT ?4
            ),
            common AS (
                SELECT 1 FROM forms CROSS JOIN said
                WHERE substr(form, 1, length(?1)) = ?1 AND said MATCH '\"' || form || '\"' LIMIT ?3
            )
            SELECT CASE WHEN (SELECT count(*) FROM common) >= ?3 THEN false
                ELSE (SELECT count(*) FROM (SELECT 1 FROM said WHERE said MATCH ?2 LIMIT ?3)) < ?3
                AND (SELECT count(*) FROM (SELECT 1 FROM contact_words WHERE contact_words MATCH ?2 LIMIT ?3)) < ?3 END";
        let query = sqlx::query_scalar(sql).bind(word).bind(prefix(word)).bind(size(RARE + 1)).bind(size(FORMS));
        query.fetch_one(&self.readers).await.map_err(fault)
    }

    async fn part(&self, query: &Query, words: &[String], offset: usize, limit: usize) -> Result<Vec<Row>, StoreError> {
        // Ids are chosen and ordered first, so that states are read for one page only. Only fixed text and numbers of
        // parameters are put together here; what is not asked for takes no part. SQLite reads what stands before CROSS
        // first.
        let (label, stage) = (query.label.clone(), query.stage.as_ref().map(ToString::to_string));
        let mut sets: Vec<_> = (9..).zip(words).map(|(parameter, _)| found(parameter)).collect();
        let mut wanted = vec![view(query.view), seen(&query.agent, query.visibility)];
        wanted.extend(query.inbox.as_ref().map(|_| "c.inbox = ?3".to_owned()));
        wanted.extend(query.team.as_ref().map(|_| "c.team = ?4".to_owned()));
        for (kind, parameter, value) in [("label", 5, &label), ("stage", 8, &stage)] {
            let Some(value) = value else { continue };
            let marked = format!("SELECT conversation AS id FROM marks WHERE kind = '{kind}' AND value = ?{parameter}");
            if self.are_few(kind, value).await? {
                sets.push(marked);
            } else {
                wanted.push(format!("EXISTS ({marked} AND conversation = c.id)"));
            }
        }
        let (found, from) = search::narrowed(&sets, "CROSS JOIN conversations AS c ON c.id = found.id");
        let sql = format!(
            "WITH {found} page AS (
                SELECT c.id FROM {from} WHERE {wanted} ORDER BY {order} LIMIT ?6 OFFSET ?7
            )
            SELECT {ROW} FROM page JOIN conversations AS c ON c.id = page.id JOIN contacts AS p ON p.id = c.contact
            ORDER BY {order}",
            wanted = wanted.join(" AND "),
            order = order(query.sort),
        );
        let mut sql = sqlx::query(AssertSqlSafe(sql))
            .bind(query.agent.id.to_string())
            .bind(json(&query.agent.teams))
            .bind(query.inbox.as_ref().map(ToString::to_string))
            .bind(query.team.as_ref().map(ToString::to_string))
            .bind(label)
            .bind(size(limit))
            .bind(size(offset))
            .bind(stage);
        for word in words {
            sql = sql.bind(prefix(word));
        }
        rows(&sql.fetch_all(&self.readers).await.map_err(fault)?)
    }

    async fn facts(&self, conversations: &[ConversationId]) -> Result<Vec<(ConversationId, Event)>, StoreError> {
        let sql = "SELECT conversation, event FROM log WHERE conversation IN (SELECT value FROM json_each(?1))";
        let query = sqlx::query(sql).bind(json(conversations));
        let facts = query.fetch_all(&self.readers).await.map_err(fault)?;
        let fact = |row| Ok((get_id(row, "conversation")?, upcast::load(get(row, "event")?).map_err(decode)?));
        facts.iter().map(fact).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

/// Quoted, a word is a word to FTS5, and letters and digits are all that is in it.
fn prefix(word: &str) -> String {
    format!("\"{word}\"*")
}

/// A status as the lists know it, word for word as their indexes have it: open and pending are one.
const STANDING: &str = "iif(c.status = 'pending', 'open', c.status)";

/// `View::holds` in SQL. Parameter 1 is the agent.
fn view(view: View) -> String {
    let marked = |how| format!("c.id IN (SELECT conversation FROM marks WHERE {how})");
    let (standing, and) = match view {
        View::Mentions => return marked("kind = 'mention' AND value = ?1"),
        View::Mine => ("open", format!("(c.agent IS ?1 OR {})", marked("kind = 'participant' AND value = ?1"))),
        View::Unassigned => ("open", "c.agent IS NULL".into()),
        View::Queue => ("open", "c.holder = 'queue'".into()),
        View::Bot => ("open", "c.holder = 'bot'".into()),
        View::Unattended => {
            ("open", "c.status = 'open' AND c.holder <> 'bot' AND c.waiting_since < 9223372036854775807".into())
        }
        View::NeedsHelp => ("open", marked("kind = 'help'")),
        View::Others => ("open", "c.agent IS NOT NULL AND c.agent IS NOT ?1".into()),
        View::All => ("open", "true".into()),
        View::Snoozed => ("snoozed", "true".into()),
        View::Closed => ("closed", "true".into()),
    };
    format!("({STANDING} = '{standing}' AND {and})")
}

const THEIRS: &str = "c.agent IS ?1 OR c.id IN (
    SELECT conversation FROM marks WHERE kind IN ('participant', 'mention') AND value = ?1)";
const HELP: &str = "c.id IN (SELECT conversation FROM marks WHERE kind = 'help')";
const OF_THEIR_TEAM: &str = "(c.team IS NULL OR c.team IN (SELECT value FROM json_each(?2)))";

/// `card::may_see` in SQL. Parameter 1 is the agent, parameter 2 their teams.
fn seen(agent: &AgentFacts, visibility: Visibility) -> String {
    match (visibility, agent.role) {
        (Visibility::Everyone, _) | (_, Role::Admin) => "true".into(),
        (Visibility::Team, _) | (Visibility::Assigned, Role::Supervisor) => format!("({THEIRS} OR {OF_THEIR_TEAM})"),
        (Visibility::Assigned, Role::Agent) => {
            format!("({THEIRS} OR ((c.agent IS NULL OR {HELP}) AND {OF_THEIR_TEAM}))")
        }
    }
}

/// The conversations in which a word was said, and those with a contact who has it.
fn found(parameter: usize) -> String {
    format!(
        "SELECT conversation AS id FROM (
            SELECT conversation FROM log WHERE position IN (SELECT rowid FROM said WHERE said MATCH ?{parameter})
            UNION SELECT id FROM conversations WHERE contact IN (SELECT id FROM contacts WHERE number IN (
                SELECT rowid FROM contact_words WHERE contact_words MATCH ?{parameter})))"
    )
}

/// `Sort::compare` in SQL.
fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Due => "c.answer_by, c.waiting_since, c.position DESC",
        Sort::Newest => "c.position DESC",
        Sort::Oldest => "c.position",
        Sort::Waiting => "c.waiting_since, c.position DESC",
    }
}

fn rows(found: &[SqliteRow]) -> Result<Vec<Row>, StoreError> {
    found.iter().map(row).collect::<sqlx::Result<_>>().map_err(fault)
}

fn row(row: &SqliteRow) -> sqlx::Result<Row> {
    Ok(Row { position: get_number(row, "position")?, conversation: get_json(row, "state")?, contact: contact(row)? })
}
