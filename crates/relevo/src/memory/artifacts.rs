use super::MemoryStore;
use crate::store::{Artifact, ArtifactStatus, Artifacts, MakeFailure, StoreError};
use async_trait::async_trait;
use relevo_domain::id::{ArtifactId, ConversationId};
use relevo_domain::time::Timestamp;
use std::cmp::Reverse;

#[async_trait]
impl Artifacts for MemoryStore {
    async fn put_artifact(&self, artifact: &Artifact) -> Result<(), StoreError> {
        self.data().artifacts.insert(artifact.id, artifact.clone());
        Ok(())
    }

    async fn begin_artifact(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        let mut data = self.data();
        let new = !data.artifacts.contains_key(&artifact.id);
        if new {
            data.artifacts.insert(artifact.id, artifact.clone());
        }
        Ok(new)
    }

    async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
        Ok(self.data().artifacts.get(&id).cloned())
    }

    async fn artifacts(&self, conversation: ConversationId) -> Result<Vec<Artifact>, StoreError> {
        let data = self.data();
        let of_it = data.artifacts.values().filter(|artifact| artifact.conversation == conversation);
        let mut artifacts: Vec<Artifact> = of_it.cloned().collect();
        artifacts.sort_by_key(|artifact| Reverse((artifact.created_at, artifact.id)));
        Ok(artifacts)
    }

    async fn artifacts_between(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Artifact>, StoreError> {
        let data = self.data();
        let asked_then = data.artifacts.values().filter(|artifact| (from..until).contains(&artifact.created_at));
        let mut artifacts: Vec<Artifact> = asked_then.cloned().collect();
        artifacts.sort_by_key(|artifact| (artifact.created_at, artifact.id));
        Ok(artifacts)
    }

    async fn add_feedback(&self, id: ArtifactId, feedback: serde_json::Value) -> Result<bool, StoreError> {
        let mut data = self.data();
        let Some(artifact) = data.artifacts.get_mut(&id) else { return Ok(false) };
        artifact.feedback.push(feedback);
        Ok(true)
    }

    async fn fail_running_artifacts(&self, before: Timestamp, failure: &MakeFailure) -> Result<u64, StoreError> {
        let mut failed = 0;
        let left = |it: &&mut Artifact| it.status == ArtifactStatus::Running && it.created_at < before;
        for artifact in self.data().artifacts.values_mut().filter(left) {
            artifact.status = ArtifactStatus::Failed;
            artifact.failed_by(Some(failure.clone()));
            failed += 1;
        }
        Ok(failed)
    }
}
