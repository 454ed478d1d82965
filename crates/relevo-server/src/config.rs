//! Settings: built-in defaults, then `relevo.toml`, then the environment (`RELEVO__SECTION__KEY`), then flags. Nothing
//! needs to be set: the defaults are a whole deployment in one folder.

use relevo::domain::card::Visibility;
use relevo::domain::id::{BotId, InboxId, TeamId};
use relevo::domain::window::WindowPolicy;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The name of the workspace, for people.
    pub name: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data: PathBuf,
    /// The address by which people reach this server; from `listen` when left out.
    pub public_url: Option<String>,
    /// Other origins whose pages may talk to the agents' API and sockets.
    pub allowed_origins: Vec<String>,
    /// Which conversations agents see.
    pub visibility: Visibility,
    /// Where shortcuts and macros are.
    pub shortcuts: PathBuf,
    /// Where prompts are.
    pub prompts: PathBuf,
    /// A folder of Markdown articles for the Copilot.
    pub knowledge: Option<PathBuf>,
    /// Where conversations come in.
    pub inboxes: Vec<InboxConfig>,
    /// Groups of agents.
    pub teams: Vec<TeamConfig>,
    /// Bots.
    pub bots: Vec<BotConfig>,
    /// The Copilot.
    pub copilot: CopilotConfig,
    /// Limits.
    pub limits: Limits,
}

/// An inbox.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxConfig {
    /// Its id, as the widget's `data-inbox` names it.
    pub id: InboxId,
    /// Its name for people.
    pub name: Option<String>,
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
    /// The secret with which the site vouches for its visitors (HMAC-SHA256 of their id, hexadecimal).
    pub identity_secret: Option<String>,
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
    /// The shared secret of a webhook bot (`whsec_…`).
    pub secret: Option<String>,
    /// Whether its address may be private (the same machine, the same network).
    #[serde(default)]
    pub allow_private: bool,
    /// How many seconds a turn may take.
    #[serde(default = "bot_seconds")]
    pub deadline_seconds: u64,
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

/// The Copilot. Without an endpoint it works offline.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopilotConfig {
    /// The base address of an OpenAI-compatible endpoint (`https://…/v1`).
    pub endpoint: Option<String>,
    /// The name of the environment variable that holds its key.
    pub key_env: Option<String>,
    /// The models to ask, the first that answers wins.
    pub models: Vec<String>,
    /// The agents' language (`es`, `pt`, `en`).
    pub language: Option<String>,
    /// More headers for the endpoint.
    pub headers: BTreeMap<String, String>,
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
    /// New conversations an hour from one address.
    pub conversations_per_hour: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            api_per_minute: 600,
            sockets_per_agent: 10,
            sockets_per_visitor: 5,
            sockets_per_address: 50,
            conversations_per_hour: 10,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "Relevo".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7007)),
            data: "data".into(),
            public_url: None,
            allowed_origins: Vec::new(),
            visibility: Visibility::Everyone,
            shortcuts: "shortcuts".into(),
            prompts: "prompts".into(),
            knowledge: None,
            inboxes: Vec::new(),
            teams: Vec::new(),
            bots: Vec::new(),
            copilot: CopilotConfig::default(),
            limits: Limits::default(),
        }
    }
}

fn web_window() -> WindowPolicy {
    WindowPolicy::SinceFirst { hours: 24 }
}

fn bot_seconds() -> u64 {
    30
}

/// A setting is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BadSetting {
    /// Which one, as `bots[0].url`.
    pub path: String,
    /// What is wrong and how to mend it.
    pub problem: String,
}

impl Config {
    /// Reads a file (which may be missing only if none was named) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, BadSetting> {
        let mut sources = config::Config::builder();
        let chosen =
            file.map(Path::to_owned).or_else(|| Some(PathBuf::from("relevo.toml")).filter(|file| file.exists()));
        if let Some(file) = &chosen {
            if !file.exists() {
                let problem = "there is no such file".to_owned();
                return Err(BadSetting { path: file.display().to_string(), problem });
            }
            sources = sources.add_source(config::File::from(file.as_path()).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("RELEVO").prefix_separator("__").separator("__");
        let place = || chosen.as_ref().map_or_else(|| "environment".to_owned(), |file| file.display().to_string());
        let settings = sources
            .add_source(environment.try_parsing(true))
            .build()
            .map_err(|error| BadSetting { path: place(), problem: error.to_string() })?;
        let settings: Self = serde_path_to_error::deserialize(settings).map_err(|error| BadSetting {
            path: match error.path().to_string() {
                path if path == "." => place(),
                path => path,
            },
            problem: error.inner().to_string(),
        })?;
        Ok(settings)
    }

    /// The address by which people reach the server.
    pub fn address(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}
