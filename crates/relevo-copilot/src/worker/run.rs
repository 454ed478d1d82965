//! One artifact from its request to its end.

use std::collections::HashSet;
use std::sync::Arc;

use relevo::bus::{Bus, Signal};
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus, Covers, StoreError, Tokens};
use relevo_domain::card::{Visibility, may_see};
use relevo_domain::event::Envelope;
use relevo_domain::id::{ArtifactId, ConversationId, Seq, TeamId};
use relevo_llm::Usage;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Inner, Key, Request, RequestError, Run, read};
use crate::copilot::{Draft, Earlier, Input, MakeError, Progress, Task};
use crate::text::Language;
use crate::transcript::Who;
use crate::{ask, rewrite};

/// What an artifact says whose messages are no longer what they were.
const WITHDRAWN: &str = "a message that this was made from was removed";
/// Every so many summaries one reads the whole conversation again, so that what one got wrong does not stay.
const REBUILT_EVERY: usize = 8;
/// How many of the conversations most like this one are looked at for answers that an agent may see.
const LOOKED_AT: usize = 300;

/// Begins to make something under this id, unless it is being made already.
pub(super) async fn begin(inner: &Arc<Inner>, request: Request, id: ArtifactId) -> Result<ArtifactId, RequestError> {
    let at = &inner.at;
    let key = key(&request);
    if let Some(run) = inner.runs().get(&key) {
        return Ok(run.artifact);
    }
    let found = read::input(at.store.as_ref(), request.conversation).await?;
    let read::Found { mut input, team, read_up_to, removals } = found.ok_or(RequestError::NoConversation)?;
    let alone = matches!(request.task, Task::Rewrite { .. });
    if !alone && !input.lines.iter().any(|line| line.who == Who::Visitor) {
        return Err(RequestError::Empty);
    }
    input.agent_language = request.language.unwrap_or(at.language);
    if let Some(language) = request.language.filter(|_| matches!(request.task, Task::Reply | Task::Rewrite { .. })) {
        input.customer_language = language;
    }
    input.internal = request.internal;
    input.nonce = at.clock.id().simple().to_string();
    input.no_model = inner.spent(team.as_ref()).await?;
    match &request.task {
        Task::Brief | Task::Summary | Task::Reply => {
            input.may_cite = may_cite(inner, &request, &input).await?;
            shortcuts(inner, &request, &mut input).await?;
        }
        Task::Ask { .. } => {
            shortcuts(inner, &request, &mut input).await?;
            input.thread = thread(inner, request.conversation).await?;
        }
        Task::Rewrite { draft, style } => {
            let model = inner.copilot.model.is_some() && input.no_model.is_none();
            if !model && rewrite::offline(&input, draft, *style).is_none() {
                return Err(input.no_model.take().map_or(RequestError::NeedsModel, RequestError::Spent));
            }
        }
    }
    if matches!(request.task, Task::Brief | Task::Summary) && !request.again {
        let earlier = earlier(inner, &request, input.agent_language, &removals).await?;
        if let Some(there) = earlier.iter().find(|artifact| {
            artifact.kind == request.task.kind()
                && artifact.covers.last == input.covers().1
                && artifact.offline == inner.copilot.model.is_none()
        }) {
            return Ok(there.id);
        }
        let whole = earlier.len() % REBUILT_EVERY == REBUILT_EVERY - 1;
        input.earlier =
            earlier.into_iter().find(|artifact| !artifact.offline && !whole).and_then(|artifact| going_on(&artifact));
    }
    let cancel = at.stop.child_token();
    {
        // Somebody may have asked for the same while the conversation was being read.
        let mut runs = inner.runs();
        if let Some(run) = runs.get(&key) {
            return Ok(run.artifact);
        }
        runs.insert(key.clone(), Run { artifact: id, cancel: cancel.clone() });
    }
    let artifact = started(inner, &request, &input, team, id);
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
    let span = tracing::debug_span!("copilot", conversation.id = %artifact.conversation, task = ?artifact.kind);
    at.tracker
        .clone()
        .spawn(async move { finish(&inner, artifact, key, input, read_up_to, cancel).await }.instrument(span));
    Ok(id)
}

fn key(request: &Request) -> Key {
    let for_all = matches!(request.task, Task::Brief | Task::Summary);
    Key {
        conversation: request.conversation,
        task: request.task.clone(),
        by: request.by.as_ref().map(|by| by.id).filter(|_| !for_all),
        language: request.language.filter(|_| !for_all),
    }
}

async fn shortcuts(inner: &Inner, request: &Request, input: &mut Input) -> Result<(), StoreError> {
    if let Some(shortcuts) = &inner.at.shortcuts {
        let by = request.by.as_ref().map(|by| by.id);
        input.shortcuts = Some(shortcuts.rendered(request.conversation, by, input.customer_language).await?);
    }
    Ok(())
}

/// The conversations whose answers may be shown to whoever reads this; none: all. A summary is for everybody who sees
/// this conversation, so nothing is taken from another one as soon as not everybody sees everything.
async fn may_cite(inner: &Inner, request: &Request, input: &Input) -> Result<Option<HashSet<String>>, StoreError> {
    let visibility = inner.at.visibility;
    if visibility == Visibility::Everyone {
        return Ok(None);
    }
    let mut seen = HashSet::new();
    let Some(by) = request.by.as_ref().filter(|_| request.task == Task::Reply) else { return Ok(Some(seen)) };
    for alike in inner.copilot.alike(&input.lines, LOOKED_AT) {
        let Ok(id) = alike.parse::<ConversationId>() else { continue };
        if inner.at.store.load(id).await?.is_some_and(|state| may_see(by, &state, visibility)) {
            seen.insert(alike);
        }
    }
    Ok(Some(seen))
}

/// What was asked last about a conversation, oldest first.
async fn thread(inner: &Inner, conversation: ConversationId) -> Result<Vec<(String, String)>, StoreError> {
    let artifacts = inner.at.store.artifacts(conversation).await?;
    let answered = artifacts.iter().filter(|it| it.kind == ArtifactKind::Ask && it.status == ArtifactStatus::Done);
    let mut thread: Vec<(String, String)> = answered
        .filter_map(|it| Some((it.body["question"].as_str()?.to_owned(), it.body["text"].as_str()?.to_owned())))
        .take(ask::THREAD)
        .collect();
    thread.reverse();
    Ok(thread)
}

/// Finished summaries in this language, newest first, of which nothing was removed.
async fn earlier(
    inner: &Inner,
    request: &Request,
    language: Language,
    removals: &[Envelope],
) -> Result<Vec<Artifact>, StoreError> {
    let mut artifacts = inner.at.store.artifacts(request.conversation).await?;
    artifacts.retain(|artifact| {
        matches!(artifact.kind, ArtifactKind::Brief | ArtifactKind::Summary)
            && artifact.status == ArtifactStatus::Done
            && artifact.language == language.tag()
            // Whoever withdraws it may not have come to it yet.
            && !removals.iter().any(|fact| {
                artifact.created_at <= fact.at && read::withdrawn(artifact.covers, std::slice::from_ref(fact))
            })
    });
    Ok(artifacts)
}

fn going_on(artifact: &Artifact) -> Option<Earlier> {
    let text = artifact.body["text"].as_str()?.to_owned();
    let collected = artifact.body["collected"].as_array().cloned().unwrap_or_default();
    Some(Earlier { text, collected, covers: artifact.covers.last })
}

fn started(inner: &Inner, request: &Request, input: &Input, team: Option<TeamId>, id: ArtifactId) -> Artifact {
    let (first, last) = input.covers();
    let language = match &request.task {
        Task::Brief | Task::Summary | Task::Ask { .. } => input.agent_language,
        Task::Reply => input.customer_language,
        Task::Rewrite { draft, style } => input.rewritten_in(draft, *style),
    };
    Artifact {
        id,
        conversation: request.conversation,
        team,
        kind: request.task.kind(),
        status: ArtifactStatus::Running,
        created_at: inner.at.clock.now(),
        created_by: request.by.as_ref().map(|by| by.id),
        language: language.tag().to_owned(),
        model: inner.copilot.model_name().to_owned(),
        offline: inner.copilot.model.is_none(),
        prompt_version: String::new(),
        covers: Covers { first, last },
        tokens: None,
        cost: None,
        body: json!({}),
        sources: Vec::new(),
        feedback: Vec::new(),
        error: None,
    }
}

/// Leaves of an artifact only that it was there, and what it cost.
pub(super) fn empty(artifact: &mut Artifact) {
    artifact.status = ArtifactStatus::Failed;
    artifact.body = json!({});
    artifact.sources = Vec::new();
    artifact.error = Some(WITHDRAWN.to_owned());
}

/// `read_up_to` is the last fact that was read for it.
async fn finish(
    inner: &Inner,
    mut artifact: Artifact,
    key: Key,
    input: Input,
    read_up_to: Seq,
    cancel: CancellationToken,
) {
    let listener = Deltas { bus: inner.at.bus.as_ref(), conversation: artifact.conversation, artifact: artifact.id };
    let usage = match inner.copilot.make(&key.task, &input, &listener, &cancel).await {
        Ok(draft) => {
            let usage = fill(&mut artifact, draft);
            if artifact.offline && input.no_model.is_some() {
                artifact.body["spent"] = json!(true);
            }
            usage
        }
        Err(MakeError::Cancelled { usage }) => {
            artifact.status = ArtifactStatus::Cancelled;
            usage
        }
        Err(error) => {
            artifact.status = ArtifactStatus::Failed;
            artifact.error = Some(error.to_string());
            if let MakeError::NeedsModel { usage, .. } = error { usage } else { None }
        }
    };
    if let Some(usage) = usage {
        // What fell back is the offline Copilot's text at the model's expense.
        let model = if artifact.offline { inner.copilot.model_name() } else { &artifact.model };
        artifact.cost = inner.copilot.settings().prices.cost(model, usage);
        artifact.tokens = Some(tokens(usage));
        inner.count(&artifact);
    }
    // Somebody may have removed a message while it was being made.
    match read::facts_after(inner.at.store.as_ref(), artifact.conversation, read_up_to).await {
        Ok(since) if read::withdrawn(artifact.covers, &since) => empty(&mut artifact),
        Ok(_) => {}
        Err(error) => {
            artifact.body = json!({});
            artifact.status = ArtifactStatus::Failed;
            artifact.error = Some(error.to_string());
        }
    }
    if let Err(error) = inner.at.store.put_artifact(&artifact).await {
        tracing::error!(artifact.id = %artifact.id, %error, "an artifact could not be kept");
    }
    inner.runs().remove(&key);
    inner.at.bus.publish(Signal::Artifact { conversation: artifact.conversation, artifact: artifact.id });
}

/// Takes a draft over; what it used.
fn fill(artifact: &mut Artifact, draft: Draft) -> Option<Usage> {
    artifact.status = ArtifactStatus::Done;
    artifact.body = draft.body;
    artifact.sources = draft.sources.into_iter().map(|source| json!(source)).collect();
    artifact.model = draft.model;
    artifact.offline = draft.offline;
    artifact.prompt_version = draft.prompt_version;
    // Why the model did not write it; the artifact itself is complete.
    artifact.error = draft.fallback;
    draft.tokens
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
