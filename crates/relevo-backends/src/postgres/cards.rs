use super::PostgresStore;
use super::contacts::contact;
use super::fault::fault;
use super::text::{decode, get, get_id, get_json, get_number, number, plain, size};
use crate::counts::counted;
use crate::search::{self, Indexed, RARE};
use async_trait::async_trait;
use relevo::store::{Cards, Counts, Groups, LABELS, LOOKED_AT, Labelled, Page, Position, Query, Row, Sort, StoreError};
use relevo_domain::card::{View, Visibility};
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::event::Event;
use relevo_domain::id::{ContactId, ConversationId, InboxId, TeamId};
use relevo_domain::time::Timestamp;
use relevo_domain::upcast;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};

/// The columns of a [`Row`].
const ROW: &str = "c.position, c.state, p.id, p.name, p.email, p.phone, p.verified, p.external_id, p.attributes,
    p.created_at";

#[async_trait]
impl Cards for PostgresStore {
    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        search::list(self, query).await
    }

    async fn rows(&self, conversations: &[ConversationId]) -> Result<Vec<Row>, StoreError> {
        let sql =
            format!("SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact WHERE c.id = ANY($1)");
        let ids: Vec<_> = conversations.iter().map(|id| id.0).collect();
        rows(&sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(&self.pool).await.map_err(fault)?)
    }

    async fn changed(&self, after: Position, limit: usize) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact
            WHERE c.position > $1 ORDER BY c.position LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number(after)).bind(size(limit));
        rows(&query.fetch_all(&self.pool).await.map_err(fault)?)
    }

    async fn counts(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Counts, StoreError> {
        let sql = counted(&seen(agent, visibility), view);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.0).bind(teams(agent));
        let row = query.fetch_one(&self.pool).await.map_err(fault)?;
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
                (SELECT min(value) FROM marks WHERE kind = 'label')
                UNION ALL
                SELECT (SELECT min(value) FROM marks WHERE kind = 'label' AND value > name) FROM names
                WHERE name IS NOT NULL
            ),
            used AS (
                SELECT name, (SELECT conversation FROM marks WHERE kind = 'label' AND value = name
                    ORDER BY conversation DESC LIMIT 1) AS newest
                FROM names WHERE name IS NOT NULL ORDER BY newest DESC LIMIT $4
            ),
            seen AS (
                SELECT used.name AS label, c.id AS id, c.version AS version,
                    row_number() OVER (PARTITION BY used.name ORDER BY c.id DESC) AS nth
                FROM used CROSS JOIN LATERAL (SELECT conversation FROM marks WHERE kind = 'label' AND value = used.name
                    ORDER BY conversation DESC LIMIT $5) AS m JOIN conversations AS c ON c.id = m.conversation
                WHERE {seen}
            )
            SELECT label, id, version FROM seen WHERE nth <= $3",
            seen = seen(agent, visibility),
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.0).bind(teams(agent));
        let query = query.bind(size(each)).bind(size(LABELS)).bind(size(LOOKED_AT));
        let found = query.fetch_all(&self.pool).await.map_err(fault)?;
        let one = |row| {
            let (label, conversation) = (get(row, "label")?, get_id(row, "id")?);
            Ok(Labelled { label, conversation, seq: get_number(row, "version")? })
        };
        let mut found: Vec<Labelled> = found.iter().map(one).collect::<sqlx::Result<_>>().map_err(fault)?;
        // The database orders texts as its language does.
        found.sort_by(|a, b| (&a.label, b.conversation).cmp(&(&b.label, a.conversation)));
        Ok(found)
    }

    async fn waiting_before(&self, inbox: &InboxId, since: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM conversations WHERE inbox = $1 AND queued_since < $2";
        let query = sqlx::query_scalar::<_, i64>(sql).bind(inbox.as_str()).bind(since.0);
        let count = query.fetch_one(&self.pool).await.map_err(fault)?;
        u64::try_from(count).map_err(decode).map_err(fault)
    }

    async fn of_contact(&self, contact: ContactId) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {ROW} FROM conversations AS c JOIN contacts AS p ON p.id = c.contact
            WHERE c.contact = $1 ORDER BY c.created_at DESC, c.id DESC LIMIT 50"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(contact.0);
        rows(&query.fetch_all(&self.pool).await.map_err(fault)?)
    }
}

impl PostgresStore {
    /// Names and numbers. Parameter 1 is the agent, parameter 2 their teams.
    async fn grouped(&self, sql: String, agent: &AgentFacts) -> Result<Vec<(String, u64)>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(sql)).bind(agent.id.0).bind(teams(agent));
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        let one = |row: &PgRow| Ok((row.try_get("name")?, get_number(row, "n")?));
        rows.iter().map(one).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

#[async_trait]
impl Indexed for PostgresStore {
    async fn is_rare(&self, word: &str) -> Result<bool, StoreError> {
        // All hits of a word are gathered before the first is counted; what the statistics know to be common is not.
        let sql = "SELECT CASE WHEN EXISTS (
                SELECT FROM pg_class AS t
                    JOIN pg_stats AS s ON s.schemaname = current_schema() AND s.tablename = t.relname,
                    unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS of (word, share)
                WHERE t.oid IN ('said'::regclass, 'contacts'::regclass) AND s.attname = 'words'
                    AND starts_with(word, $2) AND share * t.reltuples >= $3
            ) THEN false
            ELSE (SELECT count(*) FROM (SELECT FROM said WHERE words @@ $1::text::tsquery LIMIT $3) AS few) < $3
            AND (SELECT count(*) FROM (SELECT FROM contacts WHERE words @@ $1::text::tsquery LIMIT $3) AS few) < $3 END";
        // Planned for this word: how common it is decides how it is counted.
        let query = sqlx::query_scalar(sql).bind(prefix(word)).bind(word).bind(size(RARE + 1)).persistent(false);
        query.fetch_one(&self.pool).await.map_err(fault)
    }

    async fn part(&self, query: &Query, words: &[String], offset: usize, limit: usize) -> Result<Vec<Row>, StoreError> {
        // Ids are chosen and ordered first, so that states are read for one page only. Only fixed text and numbers of
        // parameters are put together here; what is not asked for takes no part.
        let sets: Vec<_> = (9..).zip(words).map(|(parameter, _)| found(parameter)).collect();
        let (found, from) = search::narrowed(&sets, FOUND);
        let seen = seen(&query.agent, query.visibility);
        let mut wanted = vec![view(query.view), &seen];
        wanted.extend(query.inbox.as_ref().map(|_| "c.inbox = $3"));
        wanted.extend(query.team.as_ref().map(|_| "c.team = $4"));
        let marked = "c.id IN (SELECT conversation FROM marks WHERE kind = 'label' AND value = $5)";
        wanted.extend(query.label.as_ref().map(|_| marked));
        let marked = "c.id IN (SELECT conversation FROM marks WHERE kind = 'stage' AND value = $8)";
        wanted.extend(query.stage.as_ref().map(|_| marked));
        let sql = format!(
            "WITH {found} page AS (
                SELECT c.id FROM {from} WHERE {wanted} ORDER BY {order} LIMIT $6 OFFSET $7
            )
            SELECT {ROW} FROM page JOIN conversations AS c ON c.id = page.id JOIN contacts AS p ON p.id = c.contact
            ORDER BY {order}",
            wanted = wanted.join(" AND "),
            order = order(query.sort),
        );
        // Planned for this query: how many have a label decides where to begin.
        let mut sql = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(query.agent.id.0)
            .bind(teams(&query.agent))
            .bind(query.inbox.as_ref().map(ToString::to_string))
            .bind(query.team.as_ref().map(ToString::to_string))
            .bind(query.label.as_deref().map(plain))
            .bind(size(limit))
            .bind(size(offset))
            .bind(query.stage.as_ref().map(ToString::to_string));
        for word in words {
            sql = sql.bind(prefix(word));
        }
        rows(&sql.fetch_all(&self.pool).await.map_err(fault)?)
    }

    async fn facts(&self, conversations: &[ConversationId]) -> Result<Vec<(ConversationId, Event)>, StoreError> {
        let ids: Vec<_> = conversations.iter().map(|id| id.0).collect();
        let query = sqlx::query("SELECT conversation, event FROM log WHERE conversation = ANY($1)").bind(ids);
        let facts = query.fetch_all(&self.pool).await.map_err(fault)?;
        let fact = |row| Ok((get_id(row, "conversation")?, upcast::load(get(row, "event")?).map_err(decode)?));
        facts.iter().map(fact).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

/// Quoted, a word is a word, and letters and digits are all that is in it.
fn prefix(word: &str) -> String {
    format!("'{word}':*")
}

/// `View::holds` in SQL. Parameter 1 is the agent.
fn view(view: View) -> &'static str {
    match view {
        View::Mine => {
            "(c.status IN ('open', 'pending') AND (c.agent = $1
                OR c.id IN (SELECT conversation FROM marks WHERE kind = 'participant' AND value = $1::text)))"
        }
        View::Unassigned => "(c.status IN ('open', 'pending') AND c.agent IS NULL)",
        View::Queue => "(c.status IN ('open', 'pending') AND c.holder = 'queue')",
        View::Bot => "(c.status IN ('open', 'pending') AND c.holder = 'bot')",
        View::Unattended => "(c.status = 'open' AND c.holder <> 'bot' AND c.waiting_since < 9223372036854775807)",
        View::NeedsHelp => {
            "(c.status IN ('open', 'pending')
                AND c.id IN (SELECT conversation FROM marks WHERE kind = 'help'))"
        }
        View::Others => "(c.status IN ('open', 'pending') AND c.agent <> $1)",
        View::All => "(c.status IN ('open', 'pending'))",
        View::Mentions => "(c.id IN (SELECT conversation FROM marks WHERE kind = 'mention' AND value = $1::text))",
        View::Snoozed => "(c.status = 'snoozed')",
        View::Closed => "(c.status = 'closed')",
    }
}

const THEIRS: &str = "c.agent = $1 OR c.id IN (
    SELECT conversation FROM marks WHERE kind IN ('participant', 'mention') AND value = $1::text)";
const HELP: &str = "c.id IN (SELECT conversation FROM marks WHERE kind = 'help')";
const OF_THEIR_TEAM: &str = "(c.team IS NULL OR c.team = ANY($2))";

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

fn teams(agent: &AgentFacts) -> Vec<String> {
    agent.teams.iter().map(TeamId::to_string).collect()
}

/// What was found is looked up one by one. It is taken for much more than it is, since the statistics tell little of
/// beginnings of words, and without `OFFSET` all conversations would be read.
const FOUND: &str = "CROSS JOIN LATERAL (SELECT * FROM conversations WHERE id = found.id OFFSET 0) AS c";

/// The conversations in which a word was said, and those with a contact who has it.
fn found(parameter: usize) -> String {
    format!(
        "(SELECT conversation AS id FROM said WHERE words @@ ${parameter}::text::tsquery
        UNION SELECT c.id FROM contacts AS p JOIN conversations AS c ON c.contact = p.id
            WHERE p.words @@ ${parameter}::text::tsquery)"
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

fn rows(found: &[PgRow]) -> Result<Vec<Row>, StoreError> {
    found.iter().map(row).collect::<sqlx::Result<_>>().map_err(fault)
}

fn row(row: &PgRow) -> sqlx::Result<Row> {
    Ok(Row { position: get_number(row, "position")?, conversation: get_json(row, "state")?, contact: contact(row)? })
}
