//! One task from its input to its draft: with the model where there is one, offline otherwise.

mod ask;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use relevo_llm::tokens::Counter;
use relevo_llm::{ChatModel, Usage};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::extractive::replies::Replies;
use crate::knowledge::{Filter, Kind, Knowledge, Passage};
use crate::prompt::Prompts;
use crate::text::{Language, detect};
use crate::transcript::{Line, Notes, Who};
use crate::{reply, summary};

pub(crate) use ask::{Ask, Asked};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// What an agent must know: the brief at a hand-over, the summary on request.
    Summary,
    /// Up to three replies that the agent could send.
    Reply,
}

/// How the Copilot behaves in a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most tokens of a request, the system prompt included.
    pub max_prompt_tokens: u64,
    /// Whether summaries may read notes. Nothing meant for the customer ever does.
    pub notes: Notes,
    /// Whether personal data is masked before it leaves the process.
    pub masking: Masking,
    /// Most words of an offline summary's text.
    pub summary_words: usize,
}

/// Whether personal data is masked before it leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// Placeholders leave, the values stay.
    On,
    /// Everything leaves: for a model that runs in the same house.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_prompt_tokens: 8_000, notes: Notes::Excluded, masking: Masking::On, summary_words: 60 }
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
    /// The conversation's inbox: articles of other inboxes are not read.
    pub inbox: Option<String>,
    /// The summary made before, to go on from.
    pub earlier: Option<Earlier>,
    /// How shortcuts read in this conversation, by their source's id; one that is not here lacks a value and is not
    /// suggested. None: shortcuts are taken as they are written.
    pub shortcuts: Option<BTreeMap<String, String>>,
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
    /// What the model counted.
    pub tokens: Option<Usage>,
    /// The language it is written in.
    pub language: Language,
    /// Why the model's answer is not what is shown, when it was asked and failed.
    pub fallback: Option<String>,
}

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
    },
    /// There is nothing to read yet.
    #[error("the conversation holds no message of the customer yet")]
    Empty,
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

    /// Learns from a conversation that people resolved. Personal data is masked before anything is kept.
    pub fn learn(&self, conversation: &str, lines: &[Line]) {
        let mut masks = crate::redact::Masks::default();
        let masked: Vec<Line> = lines
            .iter()
            .filter(|line| line.who != Who::Note)
            .map(|line| Line { text: masks.hide(&line.text), ..line.clone() })
            .collect();
        self.replies.write().unwrap_or_else(PoisonError::into_inner).learn(conversation, &masked);
    }

    /// Reads what was learnt.
    pub(crate) fn replies<T>(&self, read: impl FnOnce(&Replies) -> T) -> T {
        read(&self.replies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a task. Fails only when stopped or when there is nothing to read: a model that cannot
    /// answer is replaced by the offline one, and the draft says so.
    pub async fn make(
        &self,
        task: Task,
        input: &Input,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Draft, MakeError> {
        if !input.lines.iter().any(|line| line.who == Who::Visitor) {
            return Err(MakeError::Empty);
        }
        progress.step("reading");
        match task {
            Task::Summary => summary::make(self, input, progress, cancel).await,
            Task::Reply => reply::make(self, input, progress, cancel).await,
        }
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
