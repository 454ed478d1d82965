use super::PostgresStore;
use super::fault::fault;
use super::text::{decode, get, get_id, get_json, json, size};
use async_trait::async_trait;
use relevo::store::{Job, Jobs, Lane, NewJob, StoreError};
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;
use sqlx::postgres::PgRow;

#[async_trait]
impl Jobs for PostgresStore {
    async fn claim(&self, lane: Lane, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        // What another server is claiming is skipped. What it has claimed since this statement began is looked at
        // again by PostgreSQL, and is no longer due.
        // An array is made once. What is IN a statement may be asked for row by row, and its LIMIT holds each time.
        let sql = "UPDATE jobs SET due = $3, attempt = attempt + 1, holder = $5 WHERE id = ANY(ARRAY(
                SELECT id FROM jobs AS job WHERE lane = $1 AND due <= $2 AND ($1 = 'timer' OR NOT EXISTS (
                    SELECT 1 FROM jobs AS before
                    WHERE before.lane = job.lane AND before.conversation = job.conversation AND before.id < job.id
                ))
                ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED
            ))
            RETURNING id, conversation, kind, attempt";
        let query =
            sqlx::query(sql).bind(lane.as_str()).bind(now.0).bind(until.0).bind(size(limit)).bind(self.holder.number());
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        let mut jobs = rows.iter().map(job).collect::<sqlx::Result<Vec<_>>>().map_err(fault)?;
        // RETURNING promises no order.
        jobs.sort_by_key(|job| job.id);
        Ok(jobs)
    }

    async fn finish(&self, job: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM jobs WHERE id = $1").bind(job).execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn postpone(&self, job: &Job, due: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET due = $3, holder = NULL WHERE id = $1 AND attempt = $2";
        let query = sqlx::query(sql).bind(job.id).bind(i64::from(job.attempt)).bind(due.0);
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn enqueue(&self, conversation: ConversationId, job: NewJob) -> Result<(), StoreError> {
        let sql = "INSERT INTO jobs (conversation, lane, kind, due) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(conversation.0).bind(job.kind.lane().as_str());
        query.bind(json(&job.kind)).bind(job.due.0).execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        let sql = match lane {
            Lane::Timer => "SELECT min(due) FROM jobs WHERE lane = $1",
            // Of each conversation, the oldest.
            Lane::Deliver | Lane::Send | Lane::Turn => {
                "SELECT min(due) FROM (
                    SELECT DISTINCT ON (conversation) due FROM jobs WHERE lane = $1 ORDER BY conversation, id
                ) AS first"
            }
        };
        let query = sqlx::query_scalar::<_, Option<i64>>(sql).bind(lane.as_str());
        Ok(query.fetch_one(&self.pool).await.map_err(fault)?.map(Timestamp))
    }
}

fn job(row: &PgRow) -> sqlx::Result<Job> {
    Ok(Job {
        id: get(row, "id")?,
        conversation: get_id(row, "conversation")?,
        kind: get_json(row, "kind")?,
        attempt: u32::try_from(get::<i32>(row, "attempt")?).map_err(decode)?,
    })
}
