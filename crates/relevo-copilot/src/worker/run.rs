//! One artifact from its request to its end.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relevo::bus::{Bus, Signal};
use relevo::store::{Artifact, ArtifactKind, ArtifactStatus, Covers, MakeFailure, StoreError, Tokens};
use relevo_domain::card::{Visibility, may_see};
use relevo_domain::event::Envelope;
use relevo_domain::id::{ArtifactId, ConversationId, Seq, TeamId};
use relevo_llm::Usage;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument;

use super::{Inner, Key, Request, RequestError, Run, read, turn};
use crate::copilot::{Asked, Draft, Earlier, Input, MakeError, Progress, Task};
use crate::text::Language;
use crate::{ask, rewrite};

/// Every so many summaries one reads the whole conversation again, so that what one got wrong does not stay.
const REBUILT_EVERY: usize = 8;
/// How many of the conversations most like this one are looked at for answers that an agent may see.
const LOOKED_AT: usize = 300;

/// What is known of a task when it begins.
pub(super) struct Work {
    pub(super) artifact: Artifact,
    pub(super) request: Request,
    pub(super) key: Key,
    pub(super) input: Input,
    /// The last fact that was read for it.
    pub(super) read_up_to: Seq,
    pub(super) cancel: CancellationToken,
    told: Arc<Told>,
    /// The ends of what is made before it.
    pub(super) before: Vec<CancellationToken>,
    /// Tells whoever waits for its end, however it ends.
    _ended: DropGuard,
}

/// What a task reads, as it stands now.
pub(super) struct Ready {
    pub(super) input: Input,
    pub(super) read_up_to: Seq,
    /// What says it all already.
    pub(super) there: Option<Artifact>,
    team: Option<TeamId>,
}

/// Begins to make something under this id, unless it is being made already.
pub(super) async fn begin(inner: &Arc<Inner>, request: Request, id: ArtifactId) -> Result<ArtifactId, RequestError> {
    let at = &inner.at;
    let key = key(inner, &request);
    if let Some(made) = turn::same(&inner.runs(), &request, &key, Seq::MAX) {
        return Ok(made);
    }
    let Ready { input, read_up_to, there, team } = ready(inner, &request).await?;
    if let Some(there) = there {
        return Ok(there.id);
    }
    let work = {
        // Somebody may have asked for the same while the conversation was being read.
        let mut runs = inner.runs();
        if let Some(made) = turn::same(&runs, &request, &key, input.covers().1) {
            return Ok(made);
        }
        if runs.contains_key(&id) {
            return Ok(id);
        }
        let (cancel, ended) = (at.stop.child_token(), CancellationToken::new());
        let before = turn::before(&runs, &key);
        let told = Told::new(at.bus.clone(), request.conversation, id);
        let covers = if before.is_empty() { input.covers().1 } else { Seq::MAX };
        let (of, stops) = (key.clone(), cancel.clone());
        runs.insert(id, Run { key: of, cancel: stops, covers, ended: ended.clone(), told: told.clone() });
        let artifact = started(inner, &request, &input, team, id);
        Work { artifact, request, key, input, read_up_to, cancel, told, before, _ended: ended.drop_guard() }
    };
    match at.store.begin_artifact(&work.artifact).await {
        Ok(true) => {}
        // Another server makes it.
        Ok(false) => {
            inner.runs().remove(&id);
            return Ok(id);
        }
        Err(error) => {
            inner.runs().remove(&id);
            return Err(error.into());
        }
    }
    at.bus.publish(Signal::Artifact { conversation: work.artifact.conversation, artifact: id });
    let inner = inner.clone();
    let span =
        tracing::debug_span!("copilot", conversation.id = %work.artifact.conversation, task = ?work.artifact.kind);
    at.tracker.clone().spawn(async move { finish(&inner, work).await }.instrument(span));
    Ok(id)
}

/// Reads the conversation for a request.
pub(super) async fn ready(inner: &Inner, request: &Request) -> Result<Ready, RequestError> {
    let at = &inner.at;
    let found = read::input(at.store.as_ref(), request.conversation).await?;
    let read::Found { mut input, team, read_up_to, removals } = found.ok_or(RequestError::NoConversation)?;
    if !request.task.can_read(&input) {
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
            input.may_cite = may_cite(inner, request, &input).await?;
            shortcuts(inner, request, &mut input).await?;
        }
        Task::Ask { .. } => {
            shortcuts(inner, request, &mut input).await?;
            input.thread = thread(inner, request.conversation).await?;
        }
        Task::Rewrite { draft, style } => {
            let model = inner.copilot.model.is_some() && input.no_model.is_none();
            if !model && rewrite::offline(&input, draft, *style).is_none() {
                return Err(input.no_model.take().map_or(RequestError::NeedsModel, RequestError::Spent));
            }
        }
    }
    let mut there = None;
    if request.task.summarises() && !request.again {
        let mut earlier = earlier(inner, request, input.agent_language, &removals).await?;
        let whole = earlier.len() % REBUILT_EVERY == REBUILT_EVERY - 1;
        let says_it_all = |artifact: &Artifact| {
            turn::answers(artifact.kind, &request.task)
                && artifact.covers.last == input.covers().1
                && artifact.offline == inner.copilot.model.is_none()
        };
        there = earlier.iter().position(says_it_all).map(|at| earlier.remove(at));
        input.earlier =
            earlier.into_iter().find(|artifact| !artifact.offline && !whole).and_then(|artifact| going_on(&artifact));
    }
    Ok(Ready { input, read_up_to, there, team })
}

fn key(inner: &Inner, request: &Request) -> Key {
    let for_all = request.task.summarises();
    Key {
        conversation: request.conversation,
        task: request.task.clone(),
        by: request.by.as_ref().map(|by| by.id).filter(|_| !for_all),
        language: if for_all { Some(request.language.unwrap_or(inner.at.language)) } else { request.language },
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
async fn thread(inner: &Inner, conversation: ConversationId) -> Result<Vec<Asked>, StoreError> {
    let artifacts = inner.at.store.artifacts(conversation).await?;
    let answered = artifacts.iter().filter(|it| it.kind == ArtifactKind::Ask && it.status == ArtifactStatus::Done);
    let text = |body: &Value, key: &str| body[key].as_str().map(str::to_owned);
    let mut thread: Vec<Asked> = answered
        .filter_map(|it| {
            let internal = it.body["internal"] == true;
            Some(Asked { question: text(&it.body, "question")?, answer: text(&it.body, "text")?, internal })
        })
        .take(ask::THREAD)
        .collect();
    thread.reverse();
    Ok(thread)
}

/// Finished summaries in this language, of which nothing was removed: what covers most first, and of those the newest.
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
    artifacts.sort_by_key(|artifact| std::cmp::Reverse(artifact.covers.last));
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
        failure: None,
    }
}

/// Leaves of an artifact only that it was there, and what it cost.
pub(super) fn empty(artifact: &mut Artifact) {
    artifact.status = ArtifactStatus::Failed;
    artifact.body = json!({});
    artifact.sources = Vec::new();
    artifact.failed_by(Some(MakeFailure::Withdrawn));
}

async fn finish(inner: &Inner, mut work: Work) {
    let told = work.told.clone();
    let made = match turn::wait(inner, &mut work, told.as_ref()).await {
        Ok(Some(same)) => Ok(Made::Before(same)),
        Ok(None) => {
            let made = inner.copilot.make(&work.key.task, &work.input, told.as_ref(), &work.cancel).await;
            made.map(Made::Now).map_err(NotMade::from)
        }
        Err(error) => Err(error),
    };
    let Work { mut artifact, read_up_to, .. } = work;
    let usage = match made {
        Ok(Made::Now(draft)) => fill(&mut artifact, draft),
        Ok(Made::Before(same)) => {
            let Artifact { status, body, sources, model, offline, prompt_version, covers, error, failure, .. } = same;
            let mine = artifact;
            artifact =
                Artifact { status, body, sources, model, offline, prompt_version, covers, error, failure, ..mine };
            None
        }
        Err(NotMade { why: None, usage, internal }) => {
            artifact.status = ArtifactStatus::Cancelled;
            // Who stopped it may still take what they saw.
            if internal {
                artifact.body = json!({"internal": true});
            }
            usage
        }
        Err(NotMade { why, usage, .. }) => {
            artifact.status = ArtifactStatus::Failed;
            artifact.failed_by(why);
            usage
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
            artifact.failed_by(Some(MakeFailure::Other { text: error.to_string() }));
        }
    }
    if let Err(error) = inner.at.store.put_artifact(&artifact).await {
        tracing::error!(artifact.id = %artifact.id, %error, "an artifact could not be kept");
    }
    inner.runs().remove(&artifact.id);
    inner.at.bus.publish(Signal::Artifact { conversation: artifact.conversation, artifact: artifact.id });
}

/// What an artifact is made of.
enum Made {
    Now(Draft),
    /// Another one says it all.
    Before(Artifact),
}

/// Why nothing was made.
pub(super) struct NotMade {
    /// None: it was stopped.
    pub(super) why: Option<MakeFailure>,
    pub(super) usage: Option<Usage>,
    /// Whether what was written by then may rest on something for the team only.
    pub(super) internal: bool,
}

impl From<MakeError> for NotMade {
    fn from(error: MakeError) -> Self {
        let text = error.to_string();
        match error {
            MakeError::Cancelled { usage, internal } => Self { why: None, usage, internal },
            MakeError::NeedsModel { reason, usage } => {
                Self { why: Some(reason.unwrap_or(MakeFailure::NeedsModel)), usage, internal: false }
            }
            MakeError::Empty => Self { why: Some(MakeFailure::Other { text }), usage: None, internal: false },
        }
    }
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
    artifact.failed_by(draft.fallback);
    draft.tokens
}

fn tokens(usage: Usage) -> Tokens {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Tokens { prompt: small(usage.prompt), completion: small(usage.completion) }
}

/// Tells the bus how an artifact grows, and all of it again to whoever comes later. What it tells is in order: nobody
/// tells anything while something is being told.
pub(super) struct Told {
    bus: Arc<dyn Bus>,
    conversation: ConversationId,
    artifact: ArtifactId,
    so_far: Mutex<SoFar>,
}

#[derive(Default)]
struct SoFar {
    step: Option<String>,
    text: String,
    characters: usize,
}

impl Told {
    fn new(bus: Arc<dyn Bus>, conversation: ConversationId, artifact: ArtifactId) -> Arc<Self> {
        Arc::new(Self { bus, conversation, artifact, so_far: Mutex::default() })
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, step: Option<String>, at: usize, text: String) {
        let Self { conversation, artifact, .. } = *self;
        self.bus.publish(Signal::ArtifactDelta { conversation, artifact, step, at, text });
    }

    /// Everything from its beginning.
    pub(super) fn again(&self) {
        let so_far = self.so_far();
        self.publish(so_far.step.clone(), 0, so_far.text.clone());
    }
}

impl Progress for Told {
    fn step(&self, step: &str) {
        let mut so_far = self.so_far();
        so_far.step = Some(step.to_owned());
        self.publish(so_far.step.clone(), so_far.characters, String::new());
    }

    fn text(&self, piece: &str) {
        let mut so_far = self.so_far();
        self.publish(None, so_far.characters, piece.to_owned());
        so_far.text.push_str(piece);
        so_far.characters += piece.chars().count();
    }

    fn restart(&self) {
        let mut so_far = self.so_far();
        (so_far.text, so_far.characters) = (String::new(), 0);
        self.bus.publish(Signal::Artifact { conversation: self.conversation, artifact: self.artifact });
    }
}
