//! A whole Relevo in a program of your own.

use crate::compose::Server;
use crate::config::Config;
use anyhow::{Context, Result};
use relevo::bot::Bot;
use relevo::domain::id::BotId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A Relevo that is not running yet.
pub struct Relevo {
    config: Config,
    bots: BTreeMap<String, Arc<dyn Bot>>,
}

impl Relevo {
    /// On embedded defaults: everything in the folder `data`, on 127.0.0.1:7007.
    pub fn embedded() -> Self {
        Self { config: Config::default(), bots: BTreeMap::new() }
    }

    /// With these settings.
    pub fn with(config: Config) -> Self {
        Self { config, bots: BTreeMap::new() }
    }

    /// Keeps everything in this folder.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.data = folder.into();
        self
    }

    /// Plugs a bot in. Where no inbox is set up, it answers in one called `shop`.
    #[must_use]
    pub fn bot(mut self, name: &str, bot: Arc<dyn Bot>) -> Self {
        self.bots.insert(name.to_owned(), bot);
        self
    }

    /// Serves until the process is told to stop. On the first start an admin is made, and a sign-in link printed.
    pub async fn serve(self) -> Result<()> {
        let telemetry = crate::telemetry::start(&self.config)?;
        let mut bots = BTreeMap::new();
        for (name, bot) in self.bots {
            let id = BotId::new(name.as_str()).with_context(|| format!("bot `{name}`"))?;
            bots.insert(id, bot);
        }
        let server = Server::compose(self.config, bots).await?;
        let listener = server.bind().await?;
        crate::demo::welcome(&server.app).await?;
        let served = server.run(listener).await;
        telemetry.end().await;
        served
    }
}
