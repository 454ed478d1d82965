//! The sections of the settings.

use relevo::domain::id::{BotId, InboxId, StageId, TeamId};
use relevo::domain::template::Language;
use relevo::domain::window::WindowPolicy;
use relevo_copilot::{Masking, Price};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// An inbox.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxConfig {
    /// Its id, as the widget's `data-inbox` names it.
    pub id: InboxId,
    /// Its name for people.
    pub name: Option<String>,
    /// How visitors come to it.
    #[serde(default)]
    pub kind: InboxKind,
    /// Where an API inbox's provider takes messages to visitors.
    pub url: Option<String>,
    /// The secret that an API inbox's provider shares (`whsec_…`), or `env:NAME`.
    pub secret: Option<String>,
    /// Whether the provider's address may be private (the same machine, the same network).
    #[serde(default)]
    pub allow_private: bool,
    /// The bot that answers first.
    pub bot: Option<BotId>,
    /// How long the house may answer.
    #[serde(default = "web_window")]
    pub window: WindowPolicy,
    /// How visitors ask for a person; Relevo's own list when left out.
    pub phrases: Option<Vec<String>>,
    /// Sites that may carry the widget; empty: any.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// The secret with which the site vouches for its visitors (HMAC-SHA256 of their id, hexadecimal), or `env:NAME`.
    pub identity_secret: Option<String>,
    /// What of its personal data may leave for a model: `mask`, `off` or `block`; the Copilot's when left out.
    pub masking: Option<Masking>,
}

impl InboxConfig {
    /// An inbox that no bot answers, which any site may carry.
    pub fn new(id: InboxId, name: &str) -> Self {
        Self {
            id,
            name: Some(name.to_owned()),
            kind: InboxKind::Web,
            url: None,
            secret: None,
            allow_private: false,
            bot: None,
            window: web_window(),
            phrases: None,
            allowed_origins: Vec::new(),
            identity_secret: None,
            masking: None,
        }
    }
}

/// How visitors come to an inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxKind {
    /// With the widget.
    #[default]
    Web,
    /// Through a provider that speaks the API channel.
    Api,
}

impl InboxKind {
    /// The channel's name.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Web => relevo::channel::WEB,
            Self::Api => relevo_channels::api::KIND,
        }
    }
}

/// A team.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamConfig {
    /// Its id.
    pub id: TeamId,
    /// Its name for people.
    pub name: String,
}

/// A stage that a conversation may be in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Its id.
    pub id: StageId,
    /// Its name for people: one, or one for each language; its id when left out.
    pub name: Option<Text>,
}

impl StageConfig {
    /// The stages of a sale.
    pub fn usual() -> Vec<Self> {
        let stages = [
            ("new", "Nueva", "Nova", "New"),
            ("interested", "Con interés", "Com interesse", "Interested"),
            ("negotiating", "En negociación", "Em negociação", "Negotiating"),
            ("won", "Ganada", "Ganha", "Won"),
            ("lost", "Perdida", "Perdida", "Lost"),
        ];
        let stage = |(id, es, pt, en): (&str, &str, &str, &str)| Self {
            id: StageId::new(id).expect("a slug"),
            name: Some(Text::Each(Language::ALL.into_iter().zip([es, pt, en].map(str::to_owned)).collect())),
        };
        stages.map(stage).to_vec()
    }

    /// Its name for people of a language.
    pub fn name_in(&self, language: Language) -> &str {
        self.name.as_ref().map_or(self.id.as_str(), |name| name.in_language(language))
    }
}

/// A text for people.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text, or one for each language (es, pt, en)")]
pub enum Text {
    /// The same in every language.
    One(String),
    /// One for each language.
    Each(BTreeMap<Language, String>),
}

impl Text {
    /// The text for a language: that one, else the Spanish, the Portuguese or the English one.
    fn in_language(&self, language: Language) -> &str {
        match self {
            Self::One(text) => text,
            Self::Each(texts) => texts.get(&language).or_else(|| texts.values().next()).map_or("", String::as_str),
        }
    }
}

/// A bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BotConfig {
    /// Its id.
    pub id: BotId,
    /// Its name for people.
    pub name: Option<String>,
    /// What it is.
    pub kind: BotKind,
    /// Where a webhook bot listens.
    pub url: Option<String>,
    /// The shared secret of a webhook bot (`whsec_…`), or `env:NAME` for the environment variable that holds it.
    pub secret: Option<String>,
    /// Whether its address may be private (the same machine, the same network).
    #[serde(default)]
    pub allow_private: bool,
    /// How many seconds a turn may take.
    #[serde(default = "bot_seconds")]
    pub deadline_seconds: u64,
}

impl BotConfig {
    /// A bot of a kind.
    pub fn new(id: BotId, name: &str, kind: BotKind) -> Self {
        Self {
            id,
            name: Some(name.to_owned()),
            kind,
            url: None,
            secret: None,
            allow_private: false,
            deadline_seconds: bot_seconds(),
        }
    }
}

/// What a bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotKind {
    /// A program somewhere that answers signed requests.
    Webhook,
    /// The sample bot of the demo shop.
    Sample,
}

/// A PostgreSQL database, in place of the SQLite file: what several servers share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Its address (`postgres://user:password@host:5432/database`), or `env:NAME`.
    pub url: String,
    /// The schema that holds the tables.
    #[serde(default = "postgres_schema")]
    pub schema: String,
    /// How many connections at most, besides the one that appends.
    #[serde(default = "postgres_connections")]
    pub connections: u32,
}

/// NATS, by which servers that share a database wake each other.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// Its address (`nats://user:password@host:4222`, several joined by commas), or `env:NAME`.
    pub url: String,
    /// What its subjects begin with: the same for all servers of a deployment.
    #[serde(default = "nats_subject")]
    pub subject: String,
}

/// What this process does. Where several share a database, each can do a part.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Serve pages, the API and sockets. Without it only health and metrics are served.
    pub api: bool,
    /// Send, run bots, watch timers and make briefs.
    pub workers: bool,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self { api: true, workers: true }
    }
}

/// The Copilot. Without an endpoint it works offline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopilotConfig {
    /// The base address of an OpenAI-compatible endpoint (`https://…/v1`).
    pub endpoint: Option<String>,
    /// The name of the environment variable that holds its key.
    pub key_env: Option<String>,
    /// The models to ask: the next one where one fails before its first word.
    pub models: Vec<String>,
    /// The agents' language (`es`, `pt`, `en`).
    pub language: Option<String>,
    /// More headers for the endpoint. A value may be `env:NAME`.
    pub headers: BTreeMap<String, String>,
    /// The embedding model of the endpoint: articles are then found by what they mean, too.
    pub embedding_model: Option<String>,
    /// The cosine up to which that model's vectors of two texts have nothing to do with each other; 0.3 when left out.
    pub embedding_unrelated: Option<f32>,
    /// A Qdrant server that keeps the index; it is in this process when left out.
    pub qdrant: Option<QdrantConfig>,
    /// Other models for single tasks (`summary`, `reply`, `rewrite`, `ask`).
    pub task_models: BTreeMap<String, String>,
    /// What of personal data may leave for a model.
    pub masking: Masking,
    /// Whether summaries and answers to agents may read notes.
    pub notes: bool,
    /// After how many messages of the customer a summary is made by itself; without it on request only.
    pub summary_after: Option<NonZeroU32>,
    /// Most tokens of a request.
    pub max_prompt_tokens: u64,
    /// How many seconds a whole answer may take.
    pub deadline_seconds: u64,
    /// How many requests of one team are with a model at the same time.
    pub in_flight: usize,
    /// The tokens of one team in a day (UTC); without it there is no limit.
    pub day_tokens: Option<u64>,
    /// The currency of the prices.
    pub currency: String,
    /// By the model's name: what a million tokens cost.
    pub prices: BTreeMap<String, Price>,
}

impl Default for CopilotConfig {
    fn default() -> Self {
        let usual = relevo_copilot::Settings::default();
        Self {
            endpoint: None,
            key_env: None,
            models: Vec::new(),
            language: None,
            headers: BTreeMap::new(),
            embedding_model: None,
            embedding_unrelated: None,
            qdrant: None,
            task_models: BTreeMap::new(),
            masking: usual.masking,
            notes: false,
            summary_after: usual.summary_after,
            max_prompt_tokens: usual.max_prompt_tokens,
            deadline_seconds: usual.deadline.as_secs(),
            in_flight: usual.in_flight,
            day_tokens: usual.day_tokens,
            currency: "USD".into(),
            prices: BTreeMap::new(),
        }
    }
}

/// A Qdrant server or cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QdrantConfig {
    /// Its gRPC address (`http://…:6334`).
    pub url: String,
    /// Its key, or `env:NAME`.
    pub key: Option<String>,
    /// The collection; `relevo` when left out.
    #[serde(default = "collection")]
    pub collection: String,
    /// Whose passages these are; `relevo` when left out. Deployments that share a collection have one each, and see
    /// nothing of each other's.
    #[serde(default = "workspace")]
    pub workspace: String,
}

/// Where spans and metrics are sent, besides `/metrics`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The base address of a collector that speaks OTLP over HTTP (`http://…:4318`); without it nothing is sent.
    pub endpoint: Option<String>,
    /// Headers for the collector. A value may be `env:NAME`.
    pub headers: BTreeMap<String, String>,
    /// Of how many requests and jobs spans are sent: 1 for all, 0.01 for one in a hundred.
    pub sampled: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { endpoint: None, headers: BTreeMap::new(), sampled: 1.0 }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: a JSON object a line.
    Json,
}

/// Limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one session in a minute.
    pub api_per_minute: u32,
    /// Sockets of one agent.
    pub sockets_per_agent: usize,
    /// Sockets of one address.
    pub sockets_per_address: usize,
    /// Sockets of one visitor.
    pub sockets_per_visitor: usize,
    /// Messages of one visitor in 10 seconds.
    pub messages_per_10_seconds: u32,
    /// Messages of one visitor in an hour.
    pub messages_per_hour: u32,
    /// New conversations an hour from one address.
    pub conversations_per_hour: u32,
    /// New visitors an hour from one address: browsers that bring no token of an earlier visit.
    pub visitors_per_hour: u32,
    /// Requests of one inbox's provider in a minute.
    pub channel_per_minute: u32,
    /// Files an hour that visitors bring from one address.
    pub uploads_per_hour: u32,
    /// The largest file, in bytes.
    pub attachment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            api_per_minute: 600,
            sockets_per_agent: 10,
            sockets_per_visitor: 5,
            sockets_per_address: 50,
            messages_per_10_seconds: 20,
            messages_per_hour: 300,
            conversations_per_hour: 10,
            visitors_per_hour: 300,
            channel_per_minute: 6_000,
            uploads_per_hour: 60,
            attachment_bytes: 50 * 1024 * 1024,
        }
    }
}

fn web_window() -> WindowPolicy {
    WindowPolicy::SinceFirst { hours: 24 }
}

fn collection() -> String {
    "relevo".into()
}

fn workspace() -> String {
    "relevo".into()
}

fn postgres_schema() -> String {
    "relevo".into()
}

fn postgres_connections() -> u32 {
    16
}

fn nats_subject() -> String {
    "relevo".into()
}

fn bot_seconds() -> u64 {
    30
}
