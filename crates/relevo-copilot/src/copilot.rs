//! One task from its input to its draft: with the model where there is one, offline otherwise.

mod call;
mod screen;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use relevo::store::{ArtifactKind, MakeFailure};

use relevo_llm::tokens::Counter;
use relevo_llm::{ChatModel, Request, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::extractive::replies::Replies;
use crate::knowledge::{Filter, Kind, Knowledge, Passage};
use crate::prompt::Prompts;
use crate::rewrite::Style;
use crate::text::{Language, detect};
use crate::transcript::{Line, Notes, Who};
use crate::{ask, reply, rewrite, summary};

pub(crate) use call::{Call, NO_MESSAGE, Outcome};

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Task {
    /// What an agent must know at a hand-over.
    Brief,
    /// The same on request.
    Summary,
    /// Up to three replies that the agent could send.
    Reply,
    /// An agent's draft in other words.
    Rewrite {
        /// The draft as it stands.
        draft: String,
        /// How it should read.
        style: Style,
    },
    /// A question of an agent's about the conversation and what the team knows.
    Ask {
        /// The question.
        question: String,
    },
}

impl Task {
    /// The kind of artifact that it makes.
    pub fn kind(&self) -> ArtifactKind {
        match self {
            Self::Brief => ArtifactKind::Brief,
            Self::Summary => ArtifactKind::Summary,
            Self::Reply => ArtifactKind::Reply,
            Self::Rewrite { .. } => ArtifactKind::Rewrite,
            Self::Ask { .. } => ArtifactKind::Ask,
        }
    }

    /// Whether there is something to do it with: a rewriting reads the draft alone, all else what the customer wrote.
    pub fn can_read(&self, input: &Input) -> bool {
        matches!(self, Self::Rewrite { .. }) || input.lines.iter().any(|line| line.who == Who::Visitor)
    }

    /// Whether it tells the conversation, covering all of its messages.
    pub(crate) fn summarises(&self) -> bool {
        matches!(self, Self::Brief | Self::Summary)
    }
}

/// How the Copilot behaves in a deployment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most tokens of a request, the system prompt included.
    pub max_prompt_tokens: u64,
    /// Whether summaries and answers to agents may read notes. Nothing meant for the customer ever does.
    pub notes: Notes,
    /// Whether personal data is masked before it leaves the process.
    pub masking: Masking,
    /// The inboxes where that is otherwise.
    pub inbox_masking: BTreeMap<String, Masking>,
    /// After how many messages of the customer since the last one a summary is made by itself, while people hold the
    /// conversation; none: on request only.
    pub summary_after: Option<NonZeroU32>,
    /// Most words of an offline summary's text.
    pub summary_words: usize,
    /// How long a model may take for a whole answer, waiting its turn and every attempt included; then the offline
    /// Copilot answers.
    pub deadline: Duration,
    /// How many requests of one team are with a model at the same time; the next ones wait for their turn.
    pub in_flight: usize,
    /// What models read and write for one team in a day (UTC), in tokens; none: as much as is asked for.
    pub day_tokens: Option<u64>,
    /// What models cost.
    pub prices: Prices,
}

/// Whether personal data is masked before it leaves the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Masking {
    /// Placeholders leave, the values stay.
    #[default]
    Mask,
    /// Everything leaves: for a model that runs in the same house.
    Off,
    /// Nothing leaves that holds personal data: such a request is answered offline.
    Block,
}

/// The price table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    /// The currency of all prices, such as `USD`.
    pub currency: String,
    /// By the model's name.
    pub models: BTreeMap<String, Price>,
}

/// What a model costs, for each million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Read.
    pub prompt: f64,
    /// Written.
    pub completion: f64,
}

impl Prices {
    /// What a call cost. A model that is answered by a dated version of itself (`house-2026-01`) has its price.
    pub fn cost(&self, model: &str, usage: Usage) -> Option<relevo::store::Cost> {
        let named = self.models.iter().filter(|(name, _)| model.starts_with(name.as_str()));
        let (_, price) = named.max_by_key(|(name, _)| name.len())?;
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
        let micros = usage.prompt as f64 * price.prompt + usage.completion as f64 * price.completion;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "prices are checked to be positive"
        )]
        let micros = micros.round() as u64;
        Some(relevo::store::Cost { micros, currency: self.currency.clone() })
    }
}

impl Settings {
    /// What an inbox lets out.
    pub fn masking_of(&self, inbox: &str) -> Masking {
        self.inbox_masking.get(inbox).copied().unwrap_or(self.masking)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_prompt_tokens: 8_000,
            notes: Notes::Excluded,
            masking: Masking::Mask,
            inbox_masking: BTreeMap::new(),
            summary_after: None,
            summary_words: 60,
            deadline: Duration::from_secs(30),
            in_flight: 4,
            day_tokens: None,
            prices: Prices::default(),
        }
    }
}

/// How a conversation came to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handoff {
    /// Its reason as the wire names it (`bot_asked`, `visitor_asked`, …).
    pub reason: String,
    /// More about it.
    pub detail: Option<String>,
    /// The bot's note to the agent.
    pub note: Option<String>,
}

/// What a task reads.
#[derive(Debug, Clone)]
pub struct Input {
    /// The conversation, in order.
    pub lines: Vec<Line>,
    /// The language for the agent.
    pub agent_language: Language,
    /// The customer's language.
    pub customer_language: Language,
    /// What bots learnt.
    pub captured: BTreeMap<String, String>,
    /// The hand-over, if there was one.
    pub handoff: Option<Handoff>,
    /// A random text that nobody outside has seen; it marks where data ends in a prompt.
    pub nonce: String,
    /// May the agent who asked read internal articles?
    pub internal: bool,
    /// The conversation's inbox: articles of other inboxes are not read, and it may have prompts and masking of its own.
    pub inbox: Option<String>,
    /// The summary made before, to go on from.
    pub earlier: Option<Earlier>,
    /// What was asked about this conversation before and how it was answered, oldest first.
    pub thread: Vec<Asked>,
    /// The team that it is of; teams do not wait for each other.
    pub team: String,
    /// Why no model may be asked this time.
    pub no_model: Option<MakeFailure>,
    /// The other conversations whose answers may be read and cited; none: all that were learnt.
    pub may_cite: Option<HashSet<String>>,
    /// How shortcuts read in this conversation, by their source's id; one that is not here lacks a value and is not
    /// suggested. None: shortcuts are taken as they are written.
    pub shortcuts: Option<BTreeMap<String, String>>,
}

/// What was asked about a conversation before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub question: String,
    /// How it was answered.
    pub answer: String,
    /// Whether that may rest on something for the team only.
    pub internal: bool,
}

/// A summary made before: the next one reads it and only what was said since.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// Its text.
    pub text: String,
    /// Its collected values.
    pub collected: Vec<Value>,
    /// The last message that it covers.
    pub covers: u64,
}

impl Input {
    /// The input of a conversation. Languages are told from the customer's own words.
    pub fn new(lines: Vec<Line>) -> Self {
        let said: Vec<&str> =
            lines.iter().filter(|line| line.who == Who::Visitor).map(|line| line.text.as_str()).collect();
        let language = detect(&said.join(" ")).unwrap_or_default();
        Self {
            lines,
            agent_language: language,
            customer_language: language,
            captured: BTreeMap::new(),
            handoff: None,
            nonce: String::from("relevo"),
            internal: true,
            inbox: None,
            earlier: None,
            thread: Vec::new(),
            team: String::new(),
            no_model: None,
            may_cite: None,
            shortcuts: None,
        }
    }

    /// How a passage reads in this conversation.
    pub(crate) fn reading<'a>(&'a self, passage: &'a Passage) -> Option<&'a str> {
        match (&self.shortcuts, passage.kind) {
            (Some(shortcuts), Kind::Shortcut) => shortcuts.get(&passage.document).map(String::as_str),
            _ => Some(&passage.text),
        }
    }

    /// What the Copilot may find for this conversation and this agent.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            internal: self.internal,
            inbox: self.inbox.clone(),
            language: None,
            shortcuts: self.shortcuts.as_ref().map(|shortcuts| shortcuts.keys().cloned().collect()),
        }
    }

    /// The inbox, or nothing.
    pub(crate) fn inbox(&self) -> &str {
        self.inbox.as_deref().unwrap_or_default()
    }

    /// Whether an answer given in that conversation may be shown here.
    pub(crate) fn cites(&self, conversation: &str) -> bool {
        self.may_cite.as_ref().is_none_or(|may| may.contains(conversation))
    }

    /// First and last message that the input holds.
    pub fn covers(&self) -> (u64, u64) {
        (self.lines.first().map_or(0, |line| line.seq), self.lines.last().map_or(0, |line| line.seq))
    }
}

/// Where a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRef {
    /// Its number in the body.
    pub n: usize,
    /// `article`, `shortcut`, `conversation` or `message`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its title for people.
    pub title: String,
    /// The content hash that was read; none for messages, which never change.
    pub version: Option<String>,
    /// First and last byte of the passage.
    pub span: Option<(usize, usize)>,
    /// The message.
    pub seq: Option<u64>,
}

/// What a task made.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The body of the artifact, in the shape of the wire contract.
    pub body: Value,
    /// Where its statements come from.
    pub sources: Vec<SourceRef>,
    /// First and last message that it was made from.
    pub covers: (u64, u64),
    /// The model's name, or `offline`.
    pub model: String,
    /// No model took part.
    pub offline: bool,
    /// The content hash of the prompt; empty when offline.
    pub prompt_version: String,
    /// What the model counted, also where its answer is not what is shown.
    pub tokens: Option<Usage>,
    /// The language it is written in.
    pub language: Language,
    /// Why the model's answer is not what is shown, when it was asked and failed.
    pub fallback: Option<MakeFailure>,
}

/// A request as it would be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The request.
    pub request: Request,
    /// The content hash of its prompt.
    pub prompt_version: String,
    /// How many tokens it has.
    pub tokens: u64,
    /// Whether the model's own tokenizer counted them; otherwise it is an upper bound.
    pub exact: bool,
}

/// Why nothing would be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NothingSent(pub String);

/// Hears how a task goes on.
pub trait Progress: Send + Sync {
    /// The task begins another step: `reading`, `searching`, `writing`, `checking`.
    fn step(&self, step: &str);
    /// The text grew by this.
    fn text(&self, piece: &str);
    /// What was streamed so far no longer holds: another text follows.
    fn restart(&self) {}
}

/// A listener that does not listen.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str) {}
    fn text(&self, _: &str) {}
}

/// Why there is no draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// Somebody stopped it. What the model had read and written by then was still paid for.
    #[error("stopped")]
    Cancelled {
        /// What it cost.
        usage: Option<Usage>,
        /// Whether what was written by then may rest on something for the team only.
        internal: bool,
    },
    /// There is nothing to read yet.
    #[error("the conversation holds no message of the customer yet")]
    Empty,
    /// Rules cannot do this honestly.
    #[error("this rewriting needs a model{}", reason.as_ref().map(|why| format!(", and {why}")).unwrap_or_default())]
    NeedsModel {
        /// Why the one that there is did not do it.
        reason: Option<MakeFailure>,
        /// What it cost all the same.
        usage: Option<Usage>,
    },
}

impl MakeError {
    /// Of a task that may have read something for the team only.
    pub(crate) fn having_read(self, read: bool) -> Self {
        match self {
            Self::Cancelled { usage, internal } => Self::Cancelled { usage, internal: internal || read },
            other => other,
        }
    }
}

/// The Copilot of a deployment. Cheap to clone; clones share knowledge, prompts and what was learnt.
#[derive(Clone)]
pub struct Copilot {
    pub(crate) model: Option<Arc<dyn ChatModel>>,
    pub(crate) counter: Counter,
    pub(crate) settings: Settings,
    prompts: Arc<RwLock<Arc<Prompts>>>,
    knowledge: Knowledge,
    replies: Arc<RwLock<Replies>>,
    gates: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl std::fmt::Debug for Copilot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copilot")
            .field("model", &self.model_name())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Copilot {
    /// A Copilot without a model: extraction and retrieval only.
    pub fn offline() -> Self {
        Self {
            model: None,
            counter: Counter::upper(),
            settings: Settings::default(),
            prompts: Arc::new(RwLock::new(Arc::new(Prompts::built_in()))),
            knowledge: Knowledge::default(),
            replies: Arc::default(),
            gates: Arc::default(),
        }
    }

    /// Asks a model first. `counter` is the one of that model.
    #[must_use]
    pub fn with_model(mut self, model: Arc<dyn ChatModel>, counter: Counter) -> Self {
        self.model = Some(model);
        self.counter = counter;
        self
    }

    /// Looks things up in this knowledge.
    #[must_use]
    pub fn with_knowledge(mut self, knowledge: Knowledge) -> Self {
        self.knowledge = knowledge;
        self
    }

    /// Changes the settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The model's name, or `offline`.
    pub fn model_name(&self) -> &str {
        self.model.as_ref().map_or("offline", |model| model.name())
    }

    /// Uses other prompts from now on.
    pub fn set_prompts(&self, prompts: Prompts) {
        *self.prompts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prompts);
    }

    /// The prompts in use.
    pub fn prompts(&self) -> Arc<Prompts> {
        self.prompts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The knowledge in use. Tasks that are running check their citations against it at their end.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Learns from a conversation that people resolved. Personal data is masked before anything is kept; notes teach
    /// nothing. `own` is what is known of its customer (the name, captured values): a reply that repeats any of that, or
    /// a value that the customer wrote, was meant for them alone and is not learnt.
    pub fn learn(&self, conversation: &str, lines: &[Line], own: &[String]) {
        let mut masks = crate::redact::Masks::default();
        let theirs = reply::personal::Theirs::new(lines, own);
        let masked: Vec<Line> = lines
            .iter()
            .filter(|line| line.who != Who::Note)
            .map(|line| {
                let text = masks.hide(&line.text);
                let answers = matches!(line.who, Who::Agent | Who::External);
                // What a bot says is part of the moment and teaches no reply: so is this.
                let who = if answers && (text != line.text || theirs.named_in(&text)) { Who::Bot } else { line.who };
                Line { who, text, ..line.clone() }
            })
            .collect();
        self.replies.write().unwrap_or_else(PoisonError::into_inner).learn(conversation, &masked);
    }

    /// Reads what was learnt.
    pub(crate) fn replies<T>(&self, read: impl FnOnce(&Replies) -> T) -> T {
        read(&self.replies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The conversations whose moments are most like this one, nearest first.
    pub(crate) fn alike(&self, lines: &[Line], limit: usize) -> Vec<String> {
        self.replies(|replies| replies.alike(lines, limit))
    }

    /// Where a team's requests wait for their turn.
    fn gate(&self, team: &str) -> Arc<Semaphore> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(team.to_owned());
        gate.or_insert_with(|| Arc::new(Semaphore::new(self.settings.in_flight.max(1)))).clone()
    }

    /// Runs a task. Fails only when stopped, when there is nothing to read, or when rules cannot do without a model: a
    /// model that cannot answer is replaced by the offline Copilot, and the draft says so.
    pub async fn make(
        &self,
        task: &Task,
        input: &Input,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Draft, MakeError> {
        if !task.can_read(input) {
            return Err(MakeError::Empty);
        }
        progress.step("reading");
        match task {
            Task::Brief | Task::Summary => summary::make(self, input, progress, cancel).await,
            Task::Reply => reply::make(self, input, progress, cancel).await,
            Task::Rewrite { draft, style } => rewrite::make(self, input, draft, *style, progress, cancel).await,
            Task::Ask { question } => ask::make(self, input, question, progress, cancel).await,
        }
    }

    /// Exactly what would be sent for a task.
    pub async fn preview(&self, task: &Task, input: &Input) -> Result<Preview, NothingSent> {
        let call = match task {
            Task::Brief | Task::Summary => Some(summary::call(self, input)),
            Task::Reply => reply::call(self, input, &reply::citable(self, input).await),
            Task::Rewrite { draft, style } => Some(rewrite::call(self, input, draft, *style)),
            Task::Ask { question } => {
                Some(ask::call(self, input, question, &ask::citable(self, input, question).await))
            }
        };
        let mut call = call.ok_or_else(|| NothingSent("no source answers: no model would be asked".into()))?;
        let ready = self.ready(&mut call, input, self.settings.max_prompt_tokens);
        let ready = ready.map_err(|why| NothingSent(why.to_string()))?;
        let tokens = self.counter.count_request(&ready.request);
        Ok(Preview { request: ready.request, prompt_version: ready.version, tokens, exact: self.counter.is_exact() })
    }

    /// The settings in use.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl SourceRef {
    /// A message of the conversation itself.
    pub(crate) fn message(n: usize, seq: u64) -> Self {
        let none = Self {
            n,
            kind: "message",
            id: seq.to_string(),
            title: String::new(),
            version: None,
            span: None,
            seq: None,
        };
        Self { seq: Some(seq), ..none }
    }

    /// A passage of an article or a shortcut.
    pub(crate) fn passage(n: usize, passage: &Passage) -> Self {
        Self {
            n,
            kind: match passage.kind {
                Kind::Article => "article",
                Kind::Shortcut => "shortcut",
            },
            id: passage.document.clone(),
            title: passage.title.clone(),
            version: Some(passage.version.clone()),
            span: Some((passage.span.start, passage.span.end)),
            seq: None,
        }
    }

    /// An answer given in another conversation.
    pub(crate) fn conversation(n: usize, conversation: &str, seq: u64) -> Self {
        Self {
            n,
            kind: "conversation",
            id: conversation.to_owned(),
            title: String::new(),
            version: None,
            span: None,
            seq: Some(seq),
        }
    }
}
