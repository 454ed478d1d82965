//! A conversation's briefs and summaries are made one after the other: each goes on from what the one before it covers.

use std::collections::HashMap;
use std::time::Duration;

use relevo::bus::Signal;
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus, Covers, MakeFailure, StoreError};
use relevo_domain::id::{ArtifactId, ConversationId, Seq};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::run::{NotMade, Work};
use super::{Inner, Key, LONGEST, Request, Run, run};
use crate::copilot::{Progress, Task};

/// How often what another server makes is looked at, should the bus not tell its end.
const LOOK: Duration = Duration::from_secs(1);

/// Whether an artifact of this kind answers the task too. A brief is a summary, and says why it was handed over besides.
pub(super) fn answers(kind: ArtifactKind, task: &Task) -> bool {
    kind == task.kind() || (kind == ArtifactKind::Brief && *task == Task::Summary)
}

/// The one being made that will answer a request whose last message is `last`.
pub(super) fn same(runs: &HashMap<ArtifactId, Run>, request: &Request, key: &Key, last: Seq) -> Option<ArtifactId> {
    let summarises = request.task.summarises();
    let says_it_too = |other: &Key| {
        summarises
            && !request.again
            && other.conversation == key.conversation
            && other.language == key.language
            && other.task.summarises()
            && answers(other.task.kind(), &request.task)
    };
    let will = |run: &Run| (run.key == *key || says_it_too(&run.key)) && (!summarises || run.covers >= last);
    runs.iter().filter(|(_, run)| will(run)).min_by_key(|(_, run)| run.covers).map(|(id, _)| *id)
}

/// The ends of those that come before a new one.
pub(super) fn before(runs: &HashMap<ArtifactId, Run>, key: &Key) -> Vec<CancellationToken> {
    let others = runs.values().filter(|Run { key: other, .. }| {
        key.task.summarises() && other.task.summarises() && other.conversation == key.conversation
    });
    others.map(|run| run.ended.clone()).collect()
}

/// Waits for its turn, and reads what was said meanwhile. What was made by then may say it all: it is given back.
pub(super) async fn wait(inner: &Inner, work: &mut Work, progress: &dyn Progress) -> Result<Option<Artifact>, NotMade> {
    let cancel = work.cancel.clone();
    match cancel.run_until_cancelled(others(inner, work, progress)).await {
        None => return Err(NotMade { why: None, usage: None, internal: false }),
        Some(Ok(false)) => return Ok(None),
        Some(Ok(true)) => {}
        Some(Err(error)) => return Err(failed(&error)),
    }
    let will_cover = |last| {
        if let Some(run) = inner.runs().get_mut(&work.artifact.id) {
            run.covers = last;
        }
    };
    // What is said while it reads may come too late for it.
    will_cover(work.artifact.covers.last);
    let ready = run::ready(inner, &work.request).await.map_err(|error| failed(&error))?;
    let (first, last) = ready.input.covers();
    will_cover(last);
    work.artifact.covers = Covers { first, last };
    (work.input, work.read_up_to) = (ready.input, ready.read_up_to);
    Ok(ready.there)
}

fn failed(error: &dyn std::fmt::Display) -> NotMade {
    NotMade { why: Some(MakeFailure::Other { text: error.to_string() }), usage: None, internal: false }
}

/// Waits for the others; whether there were any.
async fn others(inner: &Inner, work: &Work, progress: &dyn Progress) -> Result<bool, StoreError> {
    let mut waited = !work.before.is_empty();
    if work.before.iter().any(|ended| !ended.is_cancelled()) {
        progress.step("waiting");
    }
    for ended in &work.before {
        ended.cancelled().await;
    }
    if inner.at.shared && work.key.task.summarises() {
        let mut signals = inner.at.bus.subscribe();
        while elsewhere(inner, &work.artifact).await? {
            if !std::mem::replace(&mut waited, true) {
                progress.step("waiting");
            }
            let _ = tokio::time::timeout(LOOK, told(&mut signals, work.artifact.conversation)).await;
        }
    }
    Ok(waited)
}

/// Hears that an artifact of the conversation changed.
async fn told(signals: &mut Receiver<Signal>, of: ConversationId) {
    loop {
        match signals.recv().await {
            Ok(Signal::Artifact { conversation, .. }) if conversation == of => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Whether a server makes one that was asked for before this one.
async fn elsewhere(inner: &Inner, mine: &Artifact) -> Result<bool, StoreError> {
    let since = inner.at.clock.now().before(LONGEST);
    let order = |artifact: &Artifact| (artifact.created_at, artifact.id.0);
    let made = inner.at.store.artifacts(mine.conversation).await?;
    Ok(made.iter().any(|other| {
        other.status == ArtifactStatus::Running
            && matches!(other.kind, ArtifactKind::Brief | ArtifactKind::Summary)
            && order(other) < order(mine)
            && other.created_at >= since
    }))
}
