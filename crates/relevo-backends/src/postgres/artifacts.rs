use super::PostgresStore;
use super::fault::fault;
use super::text::{get_json, json, word};
use async_trait::async_trait;
use relevo::store::{Artifact, ArtifactStatus, Artifacts, MakeFailure, StoreError};
use relevo_domain::id::{ArtifactId, ConversationId};
use relevo_domain::time::Timestamp;
use sqlx::{Executor, Postgres};

#[async_trait]
impl Artifacts for PostgresStore {
    async fn put_artifact(&self, artifact: &Artifact) -> Result<(), StoreError> {
        put(&self.pool, artifact).await.map_err(fault)
    }

    async fn begin_artifact(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        let sql = "INSERT INTO artifacts (id, conversation, created_at, status, artifact) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (id) DO NOTHING";
        let query = sqlx::query(sql).bind(artifact.id.0).bind(artifact.conversation.0).bind(artifact.created_at.0);
        let query = query.bind(word(artifact.status)).bind(json(artifact));
        Ok(query.execute(&self.pool).await.map_err(fault)?.rows_affected() > 0)
    }

    async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
        let query = sqlx::query("SELECT artifact FROM artifacts WHERE id = $1").bind(id.0);
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| get_json(&row, "artifact")).transpose().map_err(fault)
    }

    async fn artifacts(&self, conversation: ConversationId) -> Result<Vec<Artifact>, StoreError> {
        let sql = "SELECT artifact FROM artifacts WHERE conversation = $1 ORDER BY created_at DESC, id DESC";
        let rows = sqlx::query(sql).bind(conversation.0).fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(|row| get_json(row, "artifact")).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn artifacts_between(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Artifact>, StoreError> {
        let sql = "SELECT artifact FROM artifacts WHERE created_at >= $1 AND created_at < $2 ORDER BY created_at, id";
        let rows = sqlx::query(sql).bind(from.0).bind(until.0).fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(|row| get_json(row, "artifact")).collect::<sqlx::Result<_>>().map_err(fault)
    }

    async fn add_feedback(&self, id: ArtifactId, feedback: serde_json::Value) -> Result<bool, StoreError> {
        let added = async {
            let mut transaction = self.pool.begin().await?;
            let query = sqlx::query("SELECT artifact FROM artifacts WHERE id = $1 FOR UPDATE").bind(id.0);
            let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(false) };
            let mut artifact: Artifact = get_json(&row, "artifact")?;
            artifact.feedback.push(feedback);
            put(&mut *transaction, &artifact).await?;
            transaction.commit().await?;
            Ok(true)
        };
        added.await.map_err(fault)
    }

    async fn fail_running_artifacts(&self, before: Timestamp, failure: &MakeFailure) -> Result<u64, StoreError> {
        let failed = async {
            let mut transaction = self.pool.begin().await?;
            let sql = "SELECT artifact FROM artifacts WHERE status = 'running' AND created_at < $1 FOR UPDATE";
            let rows = sqlx::query(sql).bind(before.0).fetch_all(&mut *transaction).await?;
            for row in &rows {
                let mut failed: Artifact = get_json(row, "artifact")?;
                failed.status = ArtifactStatus::Failed;
                failed.failed_by(Some(failure.clone()));
                put(&mut *transaction, &failed).await?;
            }
            transaction.commit().await?;
            Ok(rows.len() as u64)
        };
        failed.await.map_err(fault)
    }
}

async fn put(to: impl Executor<'_, Database = Postgres>, artifact: &Artifact) -> sqlx::Result<()> {
    let sql = "INSERT INTO artifacts (id, conversation, created_at, status, artifact) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, artifact = excluded.artifact";
    let query = sqlx::query(sql).bind(artifact.id.0).bind(artifact.conversation.0).bind(artifact.created_at.0);
    query.bind(word(artifact.status)).bind(json(artifact)).execute(to).await?;
    Ok(())
}
