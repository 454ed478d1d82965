use super::SqliteStore;
use super::fault::fault;
use super::text::{get_json, json};
use async_trait::async_trait;
use relevo::store::{Artifact, Artifacts, MakeFailure, StoreError};
use relevo_domain::id::{ArtifactId, ConversationId};
use relevo_domain::time::Timestamp;

#[async_trait]
impl Artifacts for SqliteStore {
    async fn put_artifact(&self, artifact: &Artifact) -> Result<(), StoreError> {
        let sql = "INSERT INTO artifacts (id, artifact) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET artifact = excluded.artifact";
        let (id, artifact) = (artifact.id.to_string(), json(artifact));
        self.write(move |transaction| {
            Box::pin(async move {
                sqlx::query(sql).bind(id).bind(artifact).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn begin_artifact(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        let sql = "INSERT INTO artifacts (id, artifact) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
        let (id, artifact) = (artifact.id.to_string(), json(artifact));
        self.write(move |transaction| {
            Box::pin(async move {
                Ok(sqlx::query(sql).bind(id).bind(artifact).execute(transaction).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
        let query = sqlx::query("SELECT artifact FROM artifacts WHERE id = ?1").bind(id.to_string());
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| get_json(&row, "artifact")).transpose().map_err(fault)
    }

    async fn artifacts(&self, conversation: ConversationId) -> Result<Vec<Artifact>, StoreError> {
        let sql = "SELECT artifact FROM artifacts WHERE conversation = ?1 ORDER BY created_at DESC, id DESC";
        let rows = sqlx::query(sql).bind(conversation.to_string()).fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(|row| get_json(row, "artifact")).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn artifacts_between(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Artifact>, StoreError> {
        let sql = "SELECT artifact FROM artifacts WHERE created_at >= ?1 AND created_at < ?2 ORDER BY created_at, id";
        let query = sqlx::query(sql).bind(from.0).bind(until.0);
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(|row| get_json(row, "artifact")).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn add_feedback(&self, id: ArtifactId, feedback: serde_json::Value) -> Result<bool, StoreError> {
        let sql = "UPDATE artifacts SET artifact = json_insert(artifact, '$.feedback[#]', json(?2)) WHERE id = ?1";
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql).bind(id.to_string()).bind(feedback.to_string());
                Ok(query.execute(transaction).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn fail_running_artifacts(&self, before: Timestamp, failure: &MakeFailure) -> Result<u64, StoreError> {
        let sql = "UPDATE artifacts
            SET artifact = json_set(artifact, '$.status', 'failed', '$.error', ?1, '$.failure', json(?2))
            WHERE status = 'running' AND created_at < ?3";
        let (error, failure) = (failure.to_string(), json(failure));
        self.write(move |transaction| {
            Box::pin(async move {
                Ok(sqlx::query(sql)
                    .bind(error)
                    .bind(failure)
                    .bind(before.0)
                    .execute(transaction)
                    .await?
                    .rows_affected())
            })
        })
        .await
    }
}
