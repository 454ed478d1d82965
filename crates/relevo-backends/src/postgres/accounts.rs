use super::PostgresStore;
use super::fault::fault;
use super::text::{get, get_id, get_json, get_word, json, plain, word};
use async_trait::async_trait;
use relevo::store::{Accounts, Agent, Draft, Presence, Session, StoreError, fold};
use relevo_domain::id::AgentId;
use relevo_domain::time::Timestamp;
use sqlx::error::ErrorKind;
use sqlx::postgres::PgRow;

#[async_trait]
impl Accounts for PostgresStore {
    async fn put_agent(&self, agent: &Agent) -> Result<bool, StoreError> {
        let sql = "INSERT INTO agents (id, name, email, password_hash, role, teams, skills, languages, presence)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email,
                password_hash = excluded.password_hash, role = excluded.role, teams = excluded.teams,
                skills = excluded.skills, languages = excluded.languages, presence = excluded.presence";
        let query = sqlx::query(sql)
            .bind(agent.id.0)
            .bind(plain(&agent.name))
            .bind(plain(&agent.email))
            .bind(&agent.password_hash)
            .bind(word(agent.role))
            .bind(json(&agent.teams))
            .bind(json(&agent.skills))
            .bind(json(&agent.languages))
            .bind(word(agent.presence));
        match query.execute(&self.pool).await {
            Ok(_) => Ok(true),
            // The only name that must be unique besides the id is the e-mail.
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(false),
            Err(error) => Err(fault(error)),
        }
    }

    async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let rows = sqlx::query("SELECT * FROM agents").fetch_all(&self.pool).await.map_err(fault)?;
        let mut agents = rows.iter().map(agent).collect::<sqlx::Result<Vec<_>>>().map_err(fault)?;
        agents.sort_by_cached_key(|agent| (fold(&agent.name), agent.id));
        Ok(agents)
    }

    async fn agent_by_email(&self, email: &str) -> Result<Option<Agent>, StoreError> {
        let query = sqlx::query("SELECT * FROM agents WHERE email = $1").bind(plain(email));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| agent(&row)).transpose().map_err(fault)
    }

    async fn set_presence(&self, agent: AgentId, presence: Presence) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE agents SET presence = $2 WHERE id = $1").bind(agent.0).bind(word(presence));
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn put_session(&self, token_hash: &str, session: &Session) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, agent, created_at, seen_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (token_hash) DO UPDATE SET agent = excluded.agent, created_at = excluded.created_at,
                seen_at = excluded.seen_at";
        let query = sqlx::query(sql).bind(token_hash).bind(session.agent.0).bind(session.created_at.0);
        query.bind(session.seen_at.0).execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn session(&self, token_hash: &str) -> Result<Option<Session>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE token_hash = $1").bind(token_hash);
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| session(&row)).transpose().map_err(fault)
    }

    async fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash);
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn end_sessions(&self, agent: AgentId) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM sessions WHERE agent = $1").bind(agent.0);
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn put_ticket(&self, token_hash: &str, holder: &str, expires: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO tickets (token_hash, holder, expires) VALUES ($1, $2, $3)");
        let query = query.bind(token_hash).bind(plain(holder)).bind(expires.0);
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn take_ticket(&self, token_hash: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_as("DELETE FROM tickets WHERE token_hash = $1 RETURNING holder, expires");
        let taken: Option<(String, i64)> = query.bind(token_hash).fetch_optional(&self.pool).await.map_err(fault)?;
        Ok(taken.filter(|(_, expires)| *expires > now.0).map(|(holder, _)| holder))
    }

    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let query = sqlx::query("DELETE FROM tickets WHERE expires <= $1").bind(now.0);
        Ok(query.execute(&self.pool).await.map_err(fault)?.rows_affected())
    }

    async fn put_draft(&self, agent: AgentId, draft: &Draft, at: Timestamp) -> Result<(), StoreError> {
        let sql = if draft.text.is_empty() {
            "DELETE FROM drafts WHERE agent = $1 AND conversation = $2 AND mode = $3"
        } else {
            "INSERT INTO drafts (agent, conversation, mode, text, at) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (agent, conversation, mode) DO UPDATE SET text = excluded.text, at = excluded.at"
        };
        let mut query = sqlx::query(sql).bind(agent.0).bind(draft.conversation.0).bind(word(draft.mode));
        if !draft.text.is_empty() {
            query = query.bind(plain(&draft.text)).bind(at.0);
        }
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn drafts(&self, agent: AgentId) -> Result<Vec<Draft>, StoreError> {
        let query = sqlx::query("SELECT * FROM drafts WHERE agent = $1 ORDER BY at DESC").bind(agent.0);
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(draft).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

fn agent(row: &PgRow) -> sqlx::Result<Agent> {
    Ok(Agent {
        id: get_id(row, "id")?,
        name: get(row, "name")?,
        email: get(row, "email")?,
        password_hash: get(row, "password_hash")?,
        role: get_word(row, "role")?,
        teams: get_json(row, "teams")?,
        skills: get_json(row, "skills")?,
        languages: get_json(row, "languages")?,
        presence: get_word(row, "presence")?,
    })
}

fn session(row: &PgRow) -> sqlx::Result<Session> {
    Ok(Session {
        agent: get_id(row, "agent")?,
        created_at: Timestamp(get(row, "created_at")?),
        seen_at: Timestamp(get(row, "seen_at")?),
    })
}

fn draft(row: &PgRow) -> sqlx::Result<Draft> {
    Ok(Draft { conversation: get_id(row, "conversation")?, mode: get_word(row, "mode")?, text: get(row, "text")? })
}
