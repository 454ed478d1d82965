//! One artifact from its request to its end.

use std::sync::Arc;

use relevo::bus::{Bus, Signal};
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus, Covers, Tokens};
use relevo_domain::id::{ArtifactId, ConversationId};
use relevo_llm::Usage;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Inner, Request, RequestError, Run, read};
use crate::copilot::{Draft, Earlier, Input, MakeError, Progress, Task};
use crate::text::Language;
use crate::transcript::Who;

/// Begins to make something under this id, unless it is being made already.
pub(super) async fn begin(inner: &Arc<Inner>, request: Request, id: ArtifactId) -> Result<ArtifactId, RequestError> {
    let at = &inner.at;
    let key = (request.conversation, request.kind);
    if let Some(run) = inner.runs().get(&key) {
        return Ok(run.artifact);
    }
    let mut input = read::input(at.store.as_ref(), request.conversation).await?.ok_or(RequestError::NoConversation)?;
    if !input.lines.iter().any(|line| line.who == Who::Visitor) {
        return Err(RequestError::Empty);
    }
    input.agent_language = request.language.unwrap_or(at.language);
    if let Some(language) = request.language.filter(|_| request.kind == ArtifactKind::Reply) {
        input.customer_language = language;
    }
    input.internal = request.internal;
    if let Some(shortcuts) = &at.shortcuts {
        input.shortcuts = Some(shortcuts.rendered(request.conversation, request.by, input.customer_language).await?);
    }
    input.nonce = at.clock.id().simple().to_string();
    if request.kind != ArtifactKind::Reply {
        let earlier = earlier(inner, &request, input.agent_language).await?;
        if let Some(there) = earlier.iter().find(|artifact| {
            artifact.kind == request.kind
                && artifact.covers.last == input.covers().1
                && artifact.offline == inner.copilot.model.is_none()
        }) {
            return Ok(there.id);
        }
        input.earlier = earlier.into_iter().find(|artifact| !artifact.offline).and_then(|artifact| going_on(&artifact));
    }
    let cancel = at.stop.child_token();
    {
        // Somebody may have asked for the same while the conversation was being read.
        let mut runs = inner.runs();
        if let Some(run) = runs.get(&key) {
            return Ok(run.artifact);
        }
        runs.insert(key, Run { artifact: id, cancel: cancel.clone() });
    }
    let artifact = started(inner, &request, &input, id);
    match at.store.begin_artifact(&artifact).await {
        Ok(true) => {}
        // Another server makes it.
        Ok(false) => {
            inner.runs().remove(&key);
            return Ok(id);
        }
        Err(error) => {
            inner.runs().remove(&key);
            return Err(error.into());
        }
    }
    at.bus.publish(Signal::Artifact { conversation: request.conversation, artifact: id });
    let inner = inner.clone();
    at.tracker.clone().spawn(async move { finish(&inner, artifact, input, cancel).await });
    Ok(id)
}

/// Finished summaries in this language, newest first.
async fn earlier(inner: &Inner, request: &Request, language: Language) -> Result<Vec<Artifact>, RequestError> {
    let mut artifacts = inner.at.store.artifacts(request.conversation).await?;
    artifacts.retain(|artifact| {
        artifact.kind != ArtifactKind::Reply
            && artifact.status == ArtifactStatus::Done
            && artifact.language == language.tag()
    });
    Ok(artifacts)
}

fn going_on(artifact: &Artifact) -> Option<Earlier> {
    let text = artifact.body["text"].as_str()?.to_owned();
    let collected = artifact.body["collected"].as_array().cloned().unwrap_or_default();
    Some(Earlier { text, collected, covers: artifact.covers.last })
}

fn started(inner: &Inner, request: &Request, input: &Input, id: ArtifactId) -> Artifact {
    let (first, last) = input.covers();
    let language = if request.kind == ArtifactKind::Reply { input.customer_language } else { input.agent_language };
    Artifact {
        id,
        conversation: request.conversation,
        kind: request.kind,
        status: ArtifactStatus::Running,
        created_at: inner.at.clock.now(),
        created_by: request.by,
        language: language.tag().to_owned(),
        model: inner.copilot.model_name().to_owned(),
        offline: inner.copilot.model.is_none(),
        prompt_version: String::new(),
        covers: Covers { first, last },
        tokens: None,
        body: json!({}),
        sources: Vec::new(),
        feedback: Vec::new(),
        error: None,
    }
}

async fn finish(inner: &Inner, mut artifact: Artifact, input: Input, cancel: CancellationToken) {
    let listener = Deltas { bus: inner.at.bus.as_ref(), conversation: artifact.conversation, artifact: artifact.id };
    let task = match artifact.kind {
        ArtifactKind::Brief | ArtifactKind::Summary => Task::Summary,
        ArtifactKind::Reply => Task::Reply,
    };
    match inner.copilot.make(task, &input, &listener, &cancel).await {
        Ok(draft) => fill(&mut artifact, draft),
        Err(MakeError::Cancelled { usage }) => {
            artifact.status = ArtifactStatus::Cancelled;
            artifact.tokens = usage.map(tokens);
        }
        Err(error @ MakeError::Empty) => {
            artifact.status = ArtifactStatus::Failed;
            artifact.error = Some(error.to_string());
        }
    }
    if let Err(error) = inner.at.store.put_artifact(&artifact).await {
        tracing::error!(artifact.id = %artifact.id, %error, "an artifact could not be kept");
    }
    inner.runs().remove(&(artifact.conversation, artifact.kind));
    inner.at.bus.publish(Signal::Artifact { conversation: artifact.conversation, artifact: artifact.id });
}

fn fill(artifact: &mut Artifact, draft: Draft) {
    artifact.status = ArtifactStatus::Done;
    artifact.body = draft.body;
    artifact.sources = draft.sources.into_iter().map(|source| json!(source)).collect();
    artifact.model = draft.model;
    artifact.offline = draft.offline;
    artifact.prompt_version = draft.prompt_version;
    artifact.tokens = draft.tokens.map(tokens);
    // Why the model did not write it; the artifact itself is complete.
    artifact.error = draft.fallback;
}

fn tokens(usage: Usage) -> Tokens {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Tokens { prompt: small(usage.prompt), completion: small(usage.completion) }
}

/// Tells the bus how an artifact grows.
struct Deltas<'a> {
    bus: &'a dyn Bus,
    conversation: ConversationId,
    artifact: ArtifactId,
}

impl Deltas<'_> {
    fn publish(&self, step: Option<&str>, text: &str) {
        self.bus.publish(Signal::ArtifactDelta {
            conversation: self.conversation,
            artifact: self.artifact,
            step: step.map(str::to_owned),
            text: text.to_owned(),
        });
    }
}

impl Progress for Deltas<'_> {
    fn step(&self, step: &str) {
        self.publish(Some(step), "");
    }

    fn text(&self, piece: &str) {
        self.publish(None, piece);
    }

    fn restart(&self) {
        self.bus.publish(Signal::Artifact { conversation: self.conversation, artifact: self.artifact });
    }
}
