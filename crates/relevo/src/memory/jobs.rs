use super::{Data, MemoryStore, Queued};
use crate::store::{Job, Jobs, Lane, NewJob, StoreError};
use async_trait::async_trait;
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;
use std::collections::HashSet;

#[async_trait]
impl Jobs for MemoryStore {
    async fn claim(&self, lane: Lane, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.pause().await;
        let claimed = self.data().claim(lane, now, until, limit);
        self.pause().await;
        Ok(claimed)
    }

    async fn finish(&self, job: i64) -> Result<(), StoreError> {
        self.pause().await;
        self.data().jobs.remove(&job);
        self.pause().await;
        Ok(())
    }

    async fn postpone(&self, job: &Job, due: Timestamp) -> Result<(), StoreError> {
        if let Some(queued) = self.data().jobs.get_mut(&job.id)
            && queued.attempt == job.attempt
        {
            queued.due = due;
        }
        Ok(())
    }

    async fn enqueue(&self, conversation: ConversationId, job: NewJob) -> Result<(), StoreError> {
        self.data().enqueue(conversation, job);
        Ok(())
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.data().free(lane).map(|(_, job)| job.due).min())
    }
}

impl Data {
    fn claim(&mut self, lane: Lane, now: Timestamp, until: Timestamp, limit: usize) -> Vec<Job> {
        let ids: Vec<i64> = self.free(lane).filter(|(_, job)| job.due <= now).map(|(id, _)| id).take(limit).collect();
        let claim = |id| {
            let job = self.jobs.get_mut(&id)?;
            job.due = until;
            job.attempt += 1;
            Some(Job { id, conversation: job.conversation, kind: job.kind.clone(), attempt: job.attempt })
        };
        ids.into_iter().filter_map(claim).collect()
    }

    pub(super) fn enqueue(&mut self, conversation: ConversationId, job: NewJob) {
        self.last_job += 1;
        let NewJob { kind, due } = job;
        self.jobs.insert(self.last_job, Queued { conversation, kind, due, attempt: 0 });
    }

    /// The jobs of a lane that wait for nothing but their time, oldest first.
    fn free(&self, lane: Lane) -> impl Iterator<Item = (i64, &Queued)> {
        let mut met = HashSet::new();
        self.jobs.iter().filter_map(move |(&id, job)| {
            let of_lane = job.kind.lane() == lane;
            (of_lane && (lane == Lane::Timer || met.insert(job.conversation))).then_some((id, job))
        })
    }
}
