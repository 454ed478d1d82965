//! Everything put together. The only file that names concrete stores, buses and bots.

use crate::agents::AgentBook;
use crate::app::App;
use crate::config::{BotConfig, BotKind, Config};
use crate::library::{LiveLibrary, read_folder};
use crate::limits::Limiters;
use crate::presence::PresenceBook;
use crate::sign_in::Links;
use crate::{demo, serve};
use anyhow::{Context, Result, anyhow, bail};
use relevo::bot::Bot;
use relevo::bus::{Bus, LocalBus};
use relevo::clock::SystemClock;
use relevo::directory::{Directory, HumanPhrases, Inbox, PluggedBot};
use relevo::domain::command::InboxPolicy;
use relevo::domain::id::BotId;
use relevo::framework::{Framework, Running};
use relevo::store::Store;
use relevo::webhook::Secret;
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use relevo_bots::webhook::{Settings, WebhookBot};
use relevo_copilot::Copilot;
use relevo_copilot::knowledge::{Audience, Source, SourceKind, article};
use relevo_copilot::prompt::Prompts;
use relevo_copilot::text::Language;
use relevo_copilot::worker::{Worker, Workplace};
use relevo_llm::openai::{Endpoint, Key, OpenAi};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Opens the store of a deployment.
pub async fn open_store(config: &Config) -> Result<SqliteStore> {
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("the data folder {} cannot be made", config.data.display()))?;
    Ok(SqliteStore::open(&config.data.join("relevo.db"), SqliteOptions::default()).await?)
}

/// A server that is set up and not listening yet.
pub struct Server {
    /// What handlers share.
    pub app: App,
    running: Running,
    store: Arc<SqliteStore>,
}

impl Server {
    /// Sets everything up. `bots` are plugged in besides the configured ones.
    pub async fn compose(config: Config, bots: BTreeMap<BotId, Arc<dyn Bot>>) -> Result<Self> {
        // A second provider in the process is refused, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sqlite = Arc::new(open_store(&config).await?);
        let store: Arc<dyn Store> = Arc::clone(&sqlite) as Arc<dyn Store>;
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        let library = LiveLibrary::open(&config.shortcuts).with_context(|| {
            format!("the shortcuts in {} cannot be read (setting `shortcuts`)", config.shortcuts.display())
        })?;
        let copilot = copilot(&config, &library)?;
        let (directory, bot_secrets) = directory(&config, bots)?;
        let framework = Framework::new(Arc::clone(&store), Arc::clone(&bus), Arc::new(SystemClock));
        let running = framework.directory(directory).start().await?;
        let stop = running.stopping().clone();
        library.watch(Arc::clone(&bus), stop.clone());
        let place = Workplace {
            store: Arc::clone(&store),
            bus: Arc::clone(&bus),
            clock: Arc::new(SystemClock),
            tracker: running.tracker().clone(),
            stop: stop.clone(),
            language: config
                .copilot
                .language
                .as_deref()
                .and_then(crate::routes::artifacts::language)
                .unwrap_or(Language::Es),
        };
        let copilot = Worker::start(copilot, place, running.feed()).await?;
        let app = App {
            desk: running.desk().clone(),
            feed: running.feed().clone(),
            library,
            copilot,
            tickets: Arc::default(),
            links: Arc::<Links>::default(),
            agents: Arc::new(AgentBook::open(Arc::clone(&store)).await?),
            presence: Arc::new(PresenceBook::new(bus)),
            limiters: Arc::new(Limiters::new(&config.limits)),
            bot_secrets: Arc::new(bot_secrets),
            metrics: crate::telemetry::metrics(),
            stop,
            config: Arc::new(config),
        };
        Ok(Self { app, running, store: sqlite })
    }

    /// Takes its address, so that the next program finds it taken.
    pub async fn bind(&self) -> Result<TcpListener> {
        let address = self.app.config.listen;
        TcpListener::bind(address).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow!(
                    "{address} is taken by another program: stop that one, or listen elsewhere (--port, or `listen`)"
                )
            }
            _ => anyhow!("{address} cannot be listened on: {error}"),
        })
    }

    /// Serves until told to stop (interrupt or terminate), then ends in order.
    pub async fn run(self, listener: TcpListener) -> Result<()> {
        let stop = self.app.stop.clone();
        let serving = tokio::spawn(serve::serve(listener, serve::router(self.app.clone()), stop.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = told_to_stop() => tracing::info!("stopping"),
        }
        stop.cancel();
        serving.await?;
        self.running.stop().await;
        self.store.close().await;
        Ok(())
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}

fn directory(config: &Config, bots: BTreeMap<BotId, Arc<dyn Bot>>) -> Result<(Directory, HashMap<String, Secret>)> {
    let mut directory = Directory { visibility: config.visibility, ..Directory::default() };
    let mut secrets = HashMap::new();
    for (id, bot) in bots {
        let plugged = PluggedBot { name: id.to_string(), bot, deadline: relevo::framework::BOT_DEADLINE };
        directory.bots.insert(id, plugged);
    }
    for (n, settings) in config.bots.iter().enumerate() {
        let bot = plugged(settings).with_context(|| format!("bots[{n}] (`{}`)", settings.id))?;
        if let Some(secret) = &settings.secret
            && let Ok(secret) = Secret::parse(secret)
        {
            secrets.insert(settings.id.to_string(), secret);
        }
        let name = settings.name.clone().unwrap_or_else(|| settings.id.to_string());
        let deadline = Duration::from_secs(settings.deadline_seconds);
        directory.bots.insert(settings.id.clone(), PluggedBot { name, bot, deadline });
    }
    for team in &config.teams {
        directory.teams.insert(team.id.clone(), team.name.clone());
    }
    for (n, settings) in config.inboxes.iter().enumerate() {
        if let Some(bot) = &settings.bot
            && !directory.bots.contains_key(bot)
        {
            bail!("inboxes[{n}].bot: there is no bot `{bot}`: add it to [[bots]]");
        }
        let phrases = settings.phrases.as_ref().map_or_else(HumanPhrases::default, HumanPhrases::new);
        let inbox = Inbox {
            name: settings.name.clone().unwrap_or_else(|| settings.id.to_string()),
            channel: "web".into(),
            policy: InboxPolicy { bot: settings.bot.clone(), window: settings.window },
            phrases,
        };
        directory.inboxes.insert(settings.id.clone(), inbox);
    }
    Ok((directory, secrets))
}

fn plugged(settings: &BotConfig) -> Result<Arc<dyn Bot>> {
    match settings.kind {
        BotKind::Sample => Ok(demo::bot::sample()),
        BotKind::Webhook => {
            let url = settings.url.as_deref().context("url is missing: a webhook bot needs its address")?;
            let secret = settings.secret.as_deref().context("secret is missing: `whsec_` and base64")?;
            let mut hook = Settings::new(url, Secret::parse(secret).context("secret")?);
            if settings.allow_private {
                hook = hook.allow_private();
            }
            Ok(Arc::new(WebhookBot::new(hook)?))
        }
    }
}

fn copilot(config: &Config, library: &LiveLibrary) -> Result<Copilot> {
    let settings = &config.copilot;
    let copilot = match (&settings.endpoint, settings.models.first()) {
        (Some(endpoint), Some(model)) => {
            let key = settings.key_env.as_deref().and_then(|name| std::env::var(name).ok());
            if let (Some(name), None) = (&settings.key_env, &key) {
                bail!("copilot.key_env: the environment has no variable `{name}`");
            }
            let endpoint = Endpoint::new(endpoint.as_str(), Key::new(key.unwrap_or_default()), model.as_str());
            let model = OpenAi::new(endpoint).map_err(|error| anyhow!("copilot.endpoint: {error}"))?;
            let counter = model.counter();
            Copilot::offline().with_model(Arc::new(model), counter)
        }
        (Some(_), None) => bail!("copilot.models is empty: name the model to ask"),
        (None, _) => Copilot::offline(),
    };
    if config.prompts.exists() {
        let (prompts, wrong) = Prompts::load(read_folder(&config.prompts)?);
        if let Some(first) = wrong.first() {
            bail!("{first}");
        }
        copilot.set_prompts(prompts);
    }
    if let Some(folder) = &config.knowledge {
        let files = read_folder(folder)
            .with_context(|| format!("the articles in {} cannot be read (setting `knowledge`)", folder.display()))?;
        let articles: Vec<Source> = files.iter().filter_map(|(path, text)| article(path, text)).collect();
        copilot.update_knowledge(|knowledge| knowledge.sync(SourceKind::Article, articles));
    }
    let library = library.current();
    let shortcuts: Vec<Source> = library
        .shortcuts()
        .flat_map(|shortcut| shortcut.variants.values().map(move |variant| (shortcut, variant)))
        .map(|(shortcut, variant)| Source {
            kind: SourceKind::Shortcut,
            id: format!("{}.{}", shortcut.name, variant.language.code()),
            title: variant.title.clone(),
            text: variant.body.clone(),
            language: crate::routes::artifacts::language(variant.language.code()),
            audience: Audience::Public,
        })
        .collect();
    copilot.update_knowledge(|knowledge| knowledge.sync(SourceKind::Shortcut, shortcuts));
    Ok(copilot)
}
