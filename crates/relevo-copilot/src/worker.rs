//! The Copilot at work in a running deployment.
//!
//! It follows the log: when a bot asks for a person, the brief is made at once, so that it is there before an agent opens
//! the conversation; at the take-over it is brought up to date; where the settings say so, a summary is made after so many
//! messages of the customer; when people have resolved a conversation, the Copilot learns from it. Agents ask for
//! summaries, replies, rewritings and answers. The same is never being made twice at the same time, of a conversation's
//! briefs and summaries one after the other is made, each can be stopped, and every one is kept beside the log.

mod budget;
mod labels;
mod learn;
mod read;
mod run;
mod turn;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use relevo::bus::{Bus, Signal};
use relevo::clock::Clock;
use relevo::feed::{Change, Feed};
use relevo::store::{ArtifactKind, ArtifactStatus, MakeFailure, Store, StoreError};
use relevo_domain::card::Visibility;
use relevo_domain::command::AgentFacts;
use relevo_domain::event::{Envelope, Event};
use relevo_domain::id::{AgentId, ArtifactId, ConversationId, Seq};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::copilot::{Copilot, Task};
use crate::feedback::{Feedback, What};
use crate::text::Language;
use crate::transcript::Who;

/// Nothing is made for longer than this: what is older was left by a server that has ended.
const LONGEST: Duration = Duration::from_mins(3);
/// How often servers that share a store look for what another one left.
const LOOK_AROUND: Duration = Duration::from_mins(1);

/// How a deployment's shortcuts read in a conversation.
#[async_trait]
pub trait Shortcuts: Send + Sync {
    /// Every shortcut that has all its values there, in the customer's language, by its source's id. `by` is the agent
    /// who would send it; none: nobody in particular.
    async fn rendered(
        &self,
        conversation: ConversationId,
        by: Option<AgentId>,
        language: Language,
    ) -> Result<BTreeMap<String, String>, StoreError>;
}

/// Where the worker does its work.
#[derive(Clone)]
pub struct Workplace {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// Joined at shutdown.
    pub tracker: TaskTracker,
    /// Ends everything.
    pub stop: CancellationToken,
    /// Whether other servers share the store: what is being made there may be theirs.
    pub shared: bool,
    /// Whether this process makes briefs by itself. Requests are taken in any case.
    pub works: bool,
    /// The agents' language where a request names none.
    pub language: Language,
    /// Which conversations agents see: an answer given in another one is not shown to whoever may not open that.
    pub visibility: Visibility,
    /// The shortcuts that it suggests from; none: they are taken as they are written.
    pub shortcuts: Option<Arc<dyn Shortcuts>>,
}

/// The worker. Clones are the same one.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    copilot: Copilot,
    at: Workplace,
    runs: Mutex<HashMap<ArtifactId, Run>>,
    day: Mutex<budget::Day>,
    /// What taught labels.
    said: labels::Said,
}

/// What is being made. Of summaries there is one in a language for all; what an agent asks for is that agent's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    conversation: ConversationId,
    task: Task,
    by: Option<AgentId>,
    language: Option<Language>,
}

struct Run {
    key: Key,
    cancel: CancellationToken,
    /// The last message that it reads; while it waits it will read whatever is said by its turn.
    covers: Seq,
    /// Cancelled at its end.
    ended: CancellationToken,
    /// What was told of it so far.
    told: Arc<run::Told>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// About which conversation.
    pub conversation: ConversationId,
    /// What.
    pub task: Task,
    /// By whom; none: by itself.
    pub by: Option<AgentFacts>,
    /// In which language. A reply's is the customer's unless named here, and so is a translation's; any other rewriting
    /// is in the draft's.
    pub language: Option<Language>,
    /// May whoever asks read internal articles?
    pub internal: bool,
    /// Is a summary wanted anew, also where nothing was said since the last one?
    pub again: bool,
}

/// Why a request cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such conversation.
    #[error("there is no such conversation")]
    NoConversation,
    /// The customer has not said anything yet.
    #[error("the customer has not written anything yet")]
    Empty,
    /// Rules cannot do this, and there is no model.
    #[error("this rewriting needs a model: name one in the settings (`copilot.endpoint`, `copilot.models`)")]
    NeedsModel,
    /// Rules cannot do this, and the team's tokens of the day are used up.
    #[error("this rewriting needs a model, and {0}")]
    Spent(MakeFailure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("copilot", &self.inner.copilot).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts to follow the log. What was being made when the process last ended is marked failed.
    pub async fn start(copilot: Copilot, at: Workplace, feed: &Feed) -> Result<Self, StoreError> {
        let worker = Self {
            inner: Arc::new(Inner {
                copilot,
                at,
                runs: Mutex::default(),
                day: Mutex::default(),
                said: labels::Said::default(),
            }),
        };
        // Nobody else writes here: what is being made was made by a process that has ended.
        let now = worker.inner.at.clock.now();
        worker.inner.fail_what_was_left(if worker.inner.at.shared { now.before(LONGEST) } else { now }).await?;
        if worker.inner.at.shared {
            let (left, stop) = (worker.clone(), worker.inner.at.stop.clone());
            worker.inner.at.tracker.spawn(async move {
                while stop.run_until_cancelled(tokio::time::sleep(LOOK_AROUND)).await.is_some() {
                    let before = left.inner.at.clock.now().before(LONGEST);
                    if let Err(error) = left.inner.fail_what_was_left(before).await {
                        tracing::warn!(%error, "artifacts that were left could not be looked for");
                    }
                }
            });
        }
        worker.listen();
        let mut changes = feed.subscribe();
        let (follower, stop) = (worker.clone(), worker.inner.at.stop.clone());
        worker.inner.at.tracker.spawn(async move {
            loop {
                match stop.run_until_cancelled(changes.recv()).await {
                    None | Some(Err(RecvError::Closed)) => return,
                    // Nothing is lost for good: the brief is made at the take-over or on request.
                    Some(Err(RecvError::Lagged(missed))) => tracing::warn!(missed, "the Copilot could not keep up"),
                    Some(Ok(change)) => follower.follow(&change).await,
                }
            }
        });
        let learner = worker.clone();
        worker.inner.at.tracker.spawn(async move { learner.learn_from_the_past().await });
        Ok(worker)
    }

    /// The Copilot, to give it prompts and knowledge.
    pub fn copilot(&self) -> &Copilot {
        &self.inner.copilot
    }

    /// Begins to make something; its id at once. While the same is being made in the conversation, it is that one's id,
    /// unless it is a summary that will not tell what was said since it began: then the next one waits for its turn. When
    /// nothing was said since the last summary in this language, it is that summary's.
    pub async fn request(&self, request: Request) -> Result<ArtifactId, RequestError> {
        let id = ArtifactId(self.inner.at.clock.id());
        // Whoever asks may go away meanwhile, as handlers of requests do: it is begun whole all the same.
        let inner = Arc::clone(&self.inner);
        let begun = async move { run::begin(&inner, request, id).await };
        let begun = self.inner.at.tracker.spawn(begun.in_current_span()).await;
        begun.unwrap_or_else(|_| Err(StoreError::Unavailable("the server stops".into()).into()))
    }

    /// Stops one that is being made, on whichever server.
    pub fn cancel(&self, conversation: ConversationId, artifact: ArtifactId) {
        self.inner.at.bus.publish(Signal::CancelArtifact { conversation, artifact });
    }

    fn listen(&self) {
        let mut signals = self.inner.at.bus.subscribe();
        let (worker, stop) = (self.clone(), self.inner.at.stop.clone());
        self.inner.at.tracker.spawn(async move {
            while let Some(heard) = stop.run_until_cancelled(signals.recv()).await {
                let (made, stop) = match heard {
                    Ok(Signal::CancelArtifact { artifact, .. }) => (artifact, true),
                    Ok(Signal::ArtifactWanted { artifact, .. }) => (artifact, false),
                    Ok(_) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                match worker.inner.runs().get(&made) {
                    Some(run) if stop => run.cancel.cancel(),
                    Some(run) => run.told.again(),
                    None => {}
                }
            }
        });
    }

    /// Records what became of an artifact. False when there is no such artifact.
    pub async fn feedback(&self, artifact: ArtifactId, agent: AgentId, feedback: Feedback) -> Result<bool, StoreError> {
        let at = self.inner.at.clock.now().to_rfc3339();
        let Feedback { what, distance, suggestion, rating } = feedback;
        let mut given = json!({"what": what, "distance": distance, "suggestion": suggestion, "agent": agent, "at": at});
        if what == What::Rated {
            given["rating"] = json!(rating);
        }
        self.inner.at.store.add_feedback(artifact, given).await
    }

    async fn follow(&self, change: &Change) {
        for fact in change.facts.iter() {
            match &fact.event {
                Event::HandoffRequested { .. } | Event::TakenOver { .. } if !self.inner.at.works => {}
                // Whoever takes over may have let the visitor wait, and write. Where nothing was said since, the brief
                // that is there is theirs.
                Event::HandoffRequested { .. } | Event::TakenOver { .. } => {
                    self.make(change.conversation, Task::Brief, fact.seq).await;
                }
                Event::MessagePosted { message, .. } if message.author == Actor::Visitor && self.inner.at.works => {
                    let with_people = change.row.conversation.control.bot().is_none();
                    let enough = with_people && self.much_was_said(change.conversation).await;
                    if enough {
                        self.make(change.conversation, Task::Summary, fact.seq).await;
                    }
                }
                Event::Closed { .. } => self.learn(change.conversation).await,
                Event::MessageRemoved { posted, .. } => self.withdraw(change.conversation, *posted).await,
                _ => {}
            }
        }
    }

    /// A message was removed: what was made from it says nothing any more, what is being made is stopped, and what was
    /// learnt from it is learnt anew without it. Every server does so; to do it twice changes nothing.
    async fn withdraw(&self, conversation: ConversationId, posted: Seq) {
        self.inner.said.forget(conversation);
        for run in self.inner.runs().values() {
            if run.key.conversation == conversation {
                run.cancel.cancel();
            }
        }
        let result = async {
            let store = self.inner.at.store.as_ref();
            for mut artifact in store.artifacts(conversation).await? {
                let covers = (artifact.covers.first..=artifact.covers.last).contains(&posted);
                if covers && artifact.status != ArtifactStatus::Running && artifact.body != json!({}) {
                    run::empty(&mut artifact);
                    store.put_artifact(&artifact).await?;
                    self.inner.at.bus.publish(Signal::Artifact { conversation, artifact: artifact.id });
                }
            }
            Ok::<_, StoreError>(store.load(conversation).await?.is_some_and(|state| state.is_closed()))
        };
        match result.await {
            Ok(true) => self.learn(conversation).await,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(conversation.id = %conversation, %error, "what was made from a removed message is still there");
            }
        }
    }

    /// What fact `seq` asks for. Every server hears of the fact; the artifact's id is made from it, so that one of them
    /// makes it.
    async fn make(&self, conversation: ConversationId, task: Task, seq: Seq) {
        let name = format!("{} {seq}", if task == Task::Brief { "brief" } else { "summary" });
        let id = ArtifactId(Uuid::new_v5(&conversation.0, name.as_bytes()));
        let request = Request { conversation, task, by: None, language: None, internal: true, again: false };
        match run::begin(&self.inner, request, id).await.map(drop) {
            // A visitor may ask for a person before saying anything: there is nothing to brief on.
            Ok(())
            | Err(
                RequestError::Empty | RequestError::NoConversation | RequestError::NeedsModel | RequestError::Spent(_),
            ) => {}
            Err(error @ RequestError::Store(_)) => {
                tracing::warn!(conversation.id = %conversation, %error, "no summary could be made");
            }
        }
    }

    /// Whether the customer wrote so much since the last summary that the next one is made by itself. One that failed
    /// or was stopped counts: the next is tried after as many messages again.
    async fn much_was_said(&self, conversation: ConversationId) -> bool {
        let Some(enough) = self.inner.copilot.settings().summary_after else { return false };
        let store = self.inner.at.store.as_ref();
        let said = async {
            let made = store.artifacts(conversation).await?;
            let summaries = made.iter().filter(|it| matches!(it.kind, ArtifactKind::Brief | ArtifactKind::Summary));
            let covered = summaries.map(|it| it.covers.last).max().unwrap_or(0);
            let since = read::facts_after(store, conversation, covered).await?;
            // What a bot was told before people came is the brief's.
            let came = |fact: &Envelope| matches!(fact.event, Event::HandoffRequested { .. } | Event::TakenOver { .. });
            let with_people = since.iter().rposition(came).map_or(0, |at| at + 1);
            let lines = read::lines(&since[with_people..]);
            Ok::<_, StoreError>(lines.iter().filter(|line| line.who == Who::Visitor).count())
        };
        match said.await {
            Ok(said) => said >= enough.get() as usize,
            Err(error) => {
                tracing::warn!(conversation.id = %conversation, %error, "what was said could not be counted");
                false
            }
        }
    }
}

impl Inner {
    async fn fail_what_was_left(&self, before: Timestamp) -> Result<(), StoreError> {
        let failed = self.at.store.fail_running_artifacts(before, &MakeFailure::Stopped).await?;
        if failed > 0 {
            tracing::info!(artifacts = failed, "artifacts that nobody makes any more are marked failed");
        }
        Ok(())
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<ArtifactId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
