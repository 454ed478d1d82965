//! A team's tokens of the day.

use std::collections::HashMap;
use std::time::Duration;

use relevo::store::{Artifact, MakeFailure, StoreError, Tokens};
use relevo_domain::id::TeamId;
use relevo_domain::time::Timestamp;

use super::Inner;

/// How old the count may be: other servers on the same store use tokens too.
const FRESH: Duration = Duration::from_mins(1);
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What the teams have used on one day (UTC).
#[derive(Debug, Default)]
pub(super) struct Day {
    counted_at: Option<Timestamp>,
    used: HashMap<Option<TeamId>, u64>,
}

impl Day {
    fn add(&mut self, artifact: &Artifact) {
        if let Some(Tokens { prompt, completion }) = artifact.tokens {
            *self.used.entry(artifact.team.clone()).or_default() += u64::from(prompt) + u64::from(completion);
        }
    }
}

impl Inner {
    /// Why no model may be asked for a team today.
    pub(super) async fn spent(&self, team: Option<&TeamId>) -> Result<Option<MakeFailure>, StoreError> {
        let Some(limit) = self.copilot.settings().day_tokens.filter(|_| self.copilot.model.is_some()) else {
            return Ok(None);
        };
        let now = self.at.clock.now();
        let midnight = Timestamp(now.0 - now.0.rem_euclid(DAY));
        let fresh = |at: Timestamp| at >= midnight && now.since(at) < FRESH;
        if !self.day().counted_at.is_some_and(fresh) {
            let mut day = Day { counted_at: Some(now), used: HashMap::new() };
            let until = Timestamp(now.0.saturating_add(1));
            self.at.store.artifacts_between(midnight, until).await?.iter().for_each(|artifact| day.add(artifact));
            *self.day() = day;
        }
        let used = self.day().used.get(&team.cloned()).copied().unwrap_or_default();
        Ok((used >= limit).then(|| MakeFailure::Spent { team: team.cloned(), used, limit }))
    }

    /// Counts what one more has used.
    pub(super) fn count(&self, artifact: &Artifact) {
        self.day().add(artifact);
    }

    fn day(&self) -> std::sync::MutexGuard<'_, Day> {
        self.day.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
