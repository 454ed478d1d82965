use super::SqliteStore;
use super::fault::fault;
use super::text::{get, get_id, get_json, json, size};
use async_trait::async_trait;
use relevo::store::{Job, Jobs, Lane, NewJob, StoreError};
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl Jobs for SqliteStore {
    async fn claim(&self, lane: Lane, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        let sql = "UPDATE jobs SET due = ?3, attempt = attempt + 1 WHERE id IN (
                SELECT id FROM jobs AS job WHERE lane = ?1 AND due <= ?2 AND (?1 = 'timer' OR NOT EXISTS (
                    SELECT 1 FROM jobs AS before
                    WHERE before.lane = job.lane AND before.conversation = job.conversation AND before.id < job.id
                ))
                ORDER BY id LIMIT ?4
            )
            RETURNING id, conversation, kind, attempt";
        let limit = size(limit);
        let rows = self.write(move |transaction| {
            let query = sqlx::query(sql).bind(lane.as_str()).bind(now.0).bind(until.0).bind(limit);
            Box::pin(query.fetch_all(transaction))
        });
        let rows = rows.await?;
        let mut jobs = rows.iter().map(job).collect::<sqlx::Result<Vec<_>>>().map_err(fault)?;
        // RETURNING promises no order.
        jobs.sort_by_key(|job| job.id);
        Ok(jobs)
    }

    async fn finish(&self, job: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            Box::pin(async move {
                sqlx::query("DELETE FROM jobs WHERE id = ?1").bind(job).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn postpone(&self, job: &Job, due: Timestamp) -> Result<(), StoreError> {
        let (id, attempt) = (job.id, job.attempt);
        self.write(move |transaction| {
            Box::pin(async move {
                let sql = "UPDATE jobs SET due = ?3 WHERE id = ?1 AND attempt = ?2";
                sqlx::query(sql).bind(id).bind(attempt).bind(due.0).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn enqueue(&self, conversation: ConversationId, job: NewJob) -> Result<(), StoreError> {
        let sql = "INSERT INTO jobs (conversation, lane, kind, due) VALUES (?1, ?2, ?3, ?4)";
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql).bind(conversation.to_string()).bind(job.kind.lane().as_str());
                query.bind(json(&job.kind)).bind(job.due.0).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        let sql = match lane {
            Lane::Timer => "SELECT min(due) FROM jobs WHERE lane = ?1",
            // Of each conversation, the oldest.
            Lane::Deliver | Lane::Send | Lane::Turn => {
                "SELECT min(due) FROM jobs WHERE id IN (SELECT min(id) FROM jobs WHERE lane = ?1 GROUP BY conversation)"
            }
        };
        let query = sqlx::query_scalar::<_, Option<i64>>(sql).bind(lane.as_str());
        Ok(query.fetch_one(&self.readers).await.map_err(fault)?.map(Timestamp))
    }
}

fn job(row: &SqliteRow) -> sqlx::Result<Job> {
    Ok(Job {
        id: get(row, "id")?,
        conversation: get_id(row, "conversation")?,
        kind: get_json(row, "kind")?,
        attempt: get(row, "attempt")?,
    })
}
