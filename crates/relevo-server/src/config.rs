//! Settings: built-in defaults, then `relevo.toml`, then the environment (`RELEVO__SECTION__KEY`), then flags. Nothing
//! needs to be set: the defaults are a whole deployment in one folder.

mod bad;
mod check;
mod parts;
mod read;

pub use bad::{BadSetting, BadSettings};
pub use parts::{
    BotConfig, BotKind, CopilotConfig, InboxConfig, InboxKind, Limits, LogFormat, NatsConfig, NodeConfig,
    PostgresConfig, QdrantConfig, StageConfig, TeamConfig, TelemetryConfig, Text,
};

use relevo::domain::card::Visibility;
use relevo::domain::id::{BotId, InboxId};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
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
    /// Where files of messages are kept; `files` in the data folder when left out. Servers that share a database share
    /// this folder too.
    pub files: Option<PathBuf>,
    /// The address by which people reach this server; from `listen` when left out.
    pub public_url: Option<String>,
    /// Other origins whose pages may talk to the agents' API and sockets.
    pub allowed_origins: Vec<String>,
    /// Proxies in front of this server: what they say about a client's address (`X-Forwarded-For`) is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The header in which such a proxy names the visitor's country by its two letters (`cf-ipcountry`).
    pub country_header: Option<String>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which conversations agents see.
    pub visibility: Visibility,
    /// Where shortcuts and macros are; none: those that ship with Relevo. `load` finds `shortcuts` in this folder.
    pub shortcuts: Option<PathBuf>,
    /// Where prompts are; none: those that ship with Relevo. `load` finds `prompts` in this folder.
    pub prompts: Option<PathBuf>,
    /// A folder of Markdown articles for the Copilot.
    pub knowledge: Option<PathBuf>,
    /// Where conversations come in; one called `shop` when there is none.
    pub inboxes: Vec<InboxConfig>,
    /// Groups of agents.
    pub teams: Vec<TeamConfig>,
    /// The stages that a conversation goes through, in their order; those of a sale when left out.
    pub stages: Vec<StageConfig>,
    /// Bots.
    pub bots: Vec<BotConfig>,
    /// A PostgreSQL database; none: an SQLite file in the data folder.
    pub postgres: Option<PostgresConfig>,
    /// NATS; none: servers that share a database hear of each other by looking at it.
    pub nats: Option<NatsConfig>,
    /// What this process does.
    pub node: NodeConfig,
    /// The Copilot.
    pub copilot: CopilotConfig,
    /// Where spans and metrics are sent.
    pub telemetry: TelemetryConfig,
    /// Limits.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "Relevo".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7007)),
            data: "data".into(),
            files: None,
            public_url: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            country_header: None,
            log_format: LogFormat::default(),
            visibility: Visibility::Everyone,
            shortcuts: None,
            prompts: None,
            knowledge: None,
            inboxes: Vec::new(),
            teams: Vec::new(),
            stages: StageConfig::usual(),
            bots: Vec::new(),
            postgres: None,
            nats: None,
            node: NodeConfig::default(),
            copilot: CopilotConfig::default(),
            telemetry: TelemetryConfig::default(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Reads a file and the environment. Without a name it is `relevo.toml` in this folder, if there is one.
    pub fn load(file: Option<&Path>) -> Result<Self, BadSettings> {
        read::read(file)
    }

    /// Reads the environment alone.
    pub fn of_environment() -> Result<Self, BadSettings> {
        read::environment()
    }

    /// What is wrong with these settings taken together. `plugged` are bots that a program brings itself.
    pub fn check(&self, plugged: &[BotId]) -> Result<(), BadSettings> {
        BadSettings::none_of(check::problems(self, plugged))
    }

    /// The address by which people reach the server.
    pub fn address(&self) -> String {
        let address = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        address.trim_end_matches('/').to_owned()
    }

    /// Where files of messages are.
    pub fn files_folder(&self) -> PathBuf {
        self.files.clone().unwrap_or_else(|| self.data.join("files"))
    }

    /// Where no inbox is set up, there is one called `shop`, which `bot` answers first.
    pub fn or_one_inbox(&mut self, bot: Option<BotId>) {
        if self.inboxes.is_empty() {
            let id = InboxId::new("shop").expect("a slug");
            self.inboxes.push(InboxConfig { bot, ..InboxConfig::new(id, &self.name) });
        }
    }
}

#[cfg(test)]
mod tests;
