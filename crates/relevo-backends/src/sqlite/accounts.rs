use super::SqliteStore;
use super::fault::fault;
use super::text::{get, get_id, get_json, get_word, json, word};
use async_trait::async_trait;
use relevo::store::{Accounts, Agent, Draft, Presence, Session, StoreError, fold};
use relevo_domain::id::AgentId;
use relevo_domain::time::Timestamp;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl Accounts for SqliteStore {
    async fn put_agent(&self, agent: &Agent) -> Result<bool, StoreError> {
        let sql = "INSERT INTO agents (id, name, email, password_hash, role, teams, skills, languages, presence)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
            WHERE NOT EXISTS (SELECT 1 FROM agents WHERE email = ?3 AND id <> ?1)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email,
                password_hash = excluded.password_hash, role = excluded.role, teams = excluded.teams,
                skills = excluded.skills, languages = excluded.languages, presence = excluded.presence";
        let agent = agent.clone();
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql)
                    .bind(agent.id.to_string())
                    .bind(agent.name)
                    .bind(agent.email)
                    .bind(agent.password_hash)
                    .bind(word(agent.role))
                    .bind(json(&agent.teams))
                    .bind(json(&agent.skills))
                    .bind(json(&agent.languages))
                    .bind(word(agent.presence));
                Ok(query.execute(transaction).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let rows = sqlx::query("SELECT * FROM agents").fetch_all(&self.readers).await.map_err(fault)?;
        let mut agents = rows.iter().map(agent).collect::<sqlx::Result<Vec<_>>>().map_err(fault)?;
        agents.sort_by_cached_key(|agent| (fold(&agent.name), agent.id));
        Ok(agents)
    }

    async fn agent_by_email(&self, email: &str) -> Result<Option<Agent>, StoreError> {
        let query = sqlx::query("SELECT * FROM agents WHERE email = ?1").bind(email);
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| agent(&row)).transpose().map_err(fault)
    }

    async fn set_presence(&self, agent: AgentId, presence: Presence) -> Result<(), StoreError> {
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query("UPDATE agents SET presence = ?2 WHERE id = ?1");
                query.bind(agent.to_string()).bind(word(presence)).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn put_session(&self, token_hash: &str, session: &Session) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, agent, created_at, seen_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (token_hash) DO UPDATE SET agent = excluded.agent, created_at = excluded.created_at,
                seen_at = excluded.seen_at";
        let (token_hash, session) = (token_hash.to_owned(), session.clone());
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql).bind(token_hash).bind(session.agent.to_string());
                query.bind(session.created_at.0).bind(session.seen_at.0).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn session(&self, token_hash: &str) -> Result<Option<Session>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE token_hash = ?1").bind(token_hash);
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| session(&row)).transpose().map_err(fault)
    }

    async fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let token_hash = token_hash.to_owned();
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query("DELETE FROM sessions WHERE token_hash = ?1").bind(token_hash);
                query.execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn end_sessions(&self, agent: AgentId) -> Result<(), StoreError> {
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query("DELETE FROM sessions WHERE agent = ?1").bind(agent.to_string());
                query.execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn put_ticket(&self, token_hash: &str, holder: &str, expires: Timestamp) -> Result<(), StoreError> {
        let (token_hash, holder) = (token_hash.to_owned(), holder.to_owned());
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query("INSERT INTO tickets (token_hash, holder, expires) VALUES (?1, ?2, ?3)");
                query.bind(token_hash).bind(holder).bind(expires.0).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn take_ticket(&self, token_hash: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let token_hash = token_hash.to_owned();
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query_as("DELETE FROM tickets WHERE token_hash = ?1 RETURNING holder, expires");
                let taken: Option<(String, i64)> = query.bind(token_hash).fetch_optional(transaction).await?;
                Ok(taken.filter(|(_, expires)| *expires > now.0).map(|(holder, _)| holder))
            })
        })
        .await
    }

    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query("DELETE FROM tickets WHERE expires <= ?1").bind(now.0);
                Ok(query.execute(transaction).await?.rows_affected())
            })
        })
        .await
    }

    async fn put_draft(&self, agent: AgentId, draft: &Draft, at: Timestamp) -> Result<(), StoreError> {
        let sql = if draft.text.is_empty() {
            "DELETE FROM drafts WHERE agent = ?1 AND conversation = ?2 AND mode = ?3"
        } else {
            "INSERT INTO drafts (agent, conversation, mode, text, at) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (agent, conversation, mode) DO UPDATE SET text = excluded.text, at = excluded.at"
        };
        let Draft { conversation, mode, text } = draft.clone();
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql).bind(agent.to_string()).bind(conversation.to_string());
                query.bind(word(mode)).bind(text).bind(at.0).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn drafts(&self, agent: AgentId) -> Result<Vec<Draft>, StoreError> {
        let query = sqlx::query("SELECT * FROM drafts WHERE agent = ?1 ORDER BY at DESC").bind(agent.to_string());
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(draft).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

fn agent(row: &SqliteRow) -> sqlx::Result<Agent> {
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

fn session(row: &SqliteRow) -> sqlx::Result<Session> {
    Ok(Session {
        agent: get_id(row, "agent")?,
        created_at: Timestamp(get(row, "created_at")?),
        seen_at: Timestamp(get(row, "seen_at")?),
    })
}

fn draft(row: &SqliteRow) -> sqlx::Result<Draft> {
    Ok(Draft { conversation: get_id(row, "conversation")?, mode: get_word(row, "mode")?, text: get(row, "text")? })
}
