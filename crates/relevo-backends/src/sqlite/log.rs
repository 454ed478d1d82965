use super::SqliteStore;
use super::fault::fault;
use super::text::{decode, from_json, get, get_id, get_json, get_number, number, size};
use crate::batch::numbered;
use async_trait::async_trait;
use relevo::store::{Append, AppendError, DedupeKey, Log, Logged, Position, StoreError};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{ContactId, ConversationId, InboxId, Seq};
use relevo_domain::time::Timestamp;
use relevo_domain::upcast;
use sqlx::sqlite::SqliteRow;
use std::time::Instant;

#[async_trait]
impl Log for SqliteStore {
    async fn load(&self, conversation: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let sql = "SELECT state FROM conversations WHERE id = ?1";
        let query = sqlx::query_scalar::<_, String>(sql).bind(conversation.to_string());
        let state = query.fetch_optional(&self.readers).await.map_err(fault)?;
        state.map(|json| from_json(&json)).transpose().map_err(fault)
    }

    async fn append(&self, append: Append) -> Result<Position, AppendError> {
        numbered(&append)?;
        let begun = Instant::now();
        let answer = self.writer.append(append).await;
        metrics::histogram!("relevo_append_seconds").record(begun.elapsed().as_secs_f64());
        answer
    }

    async fn read(&self, conversation: ConversationId, after: Seq, limit: usize) -> Result<Vec<Envelope>, StoreError> {
        let sql = "SELECT * FROM log WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let query = sqlx::query(sql).bind(conversation.to_string()).bind(number(after)).bind(size(limit));
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(envelope).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn read_back(
        &self,
        conversation: ConversationId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        let sql = "SELECT * FROM log WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        let query = sqlx::query(sql).bind(conversation.to_string()).bind(number(before)).bind(size(limit));
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().rev().map(envelope).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn follow(&self, after: Position, limit: usize) -> Result<Vec<Logged>, StoreError> {
        match self.fresh().follow(after, limit) {
            Some(facts) => Ok(facts),
            None => self.follow_file(after, limit).await,
        }
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(fault)?;
        super::append::head(&mut connection).await.map_err(fault)
    }

    async fn thread(&self, inbox: &InboxId, contact: ContactId) -> Result<Option<ConversationId>, StoreError> {
        let sql = "SELECT conversation FROM threads WHERE inbox = ?1 AND contact = ?2";
        let query = sqlx::query(sql).bind(inbox.as_str()).bind(contact.to_string());
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| get_id(&row, "conversation")).transpose().map_err(fault)
    }

    async fn find(&self, key: &DedupeKey) -> Result<Option<(ConversationId, Seq)>, StoreError> {
        let sql = "SELECT conversation, seq FROM dedupe WHERE scope = ?1 AND key = ?2";
        let query = sqlx::query(sql).bind(&key.scope).bind(&key.key);
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| Ok((get_id(&row, "conversation")?, get_number(&row, "seq")?))).transpose().map_err(fault)
    }
}

impl SqliteStore {
    pub(super) async fn follow_file(&self, after: Position, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let sql = "SELECT * FROM log WHERE position > ?1 ORDER BY position LIMIT ?2";
        let query = sqlx::query(sql).bind(number(after)).bind(size(limit));
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        let logged = |row| Ok(Logged { position: get_number(row, "position")?, envelope: envelope(row)? });
        rows.iter().map(logged).collect::<sqlx::Result<_>>().map_err(fault)
    }
}

fn envelope(row: &SqliteRow) -> sqlx::Result<Envelope> {
    Ok(Envelope {
        conversation: get_id(row, "conversation")?,
        seq: get_number(row, "seq")?,
        at: Timestamp(get(row, "at")?),
        actor: get_json(row, "actor")?,
        event: upcast::load(get(row, "event")?).map_err(decode)?,
    })
}
