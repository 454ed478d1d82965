//! Everything put together. The only file that names concrete stores, buses, bots and channels.

use crate::agents::AgentBook;
use crate::app::App;
use crate::config::{BotConfig, BotKind, Config, CopilotConfig, InboxConfig, InboxKind, NatsConfig, PostgresConfig};
use crate::knowledge::{Keeper, Shelf};
use crate::library::{LiveLibrary, follow, read_folder};
use crate::limits::Limiters;
use crate::presence::PresenceBook;
use crate::shortcuts::InConversations;
use crate::sign_in::Links;
use crate::{demo, housekeeping, serve, shortcuts};
use anyhow::{Context, Result, anyhow, bail};
use axum::serve::ListenerExt;
use relevo::bot::Bot;
use relevo::bus::{Bus, LocalBus};
use relevo::clock::{Clock, SystemClock};
use relevo::directory::{Directory, HumanPhrases, Inbox, PluggedBot};
use relevo::domain::command::InboxPolicy;
use relevo::domain::id::{BotId, InboxId};
use relevo::domain::shortcut::{ConversationWords, ShortcutContext};
use relevo::framework::{Framework, Running};
use relevo::hook::{Hook, Settings};
use relevo::store::Store;
use relevo::webhook::Secret;
use relevo_backends::files::Files;
use relevo_backends::nats::NatsBus;
use relevo_backends::postgres::{PostgresOptions, PostgresStore};
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use relevo_bots::webhook::WebhookBot;
use relevo_channels::api::{self, ApiChannel};
use relevo_copilot::knowledge::{Embedded, Index, Knowledge, Meanings, Qdrant, QdrantSettings};
use relevo_copilot::prompt::Prompts;
use relevo_copilot::text::Language;
use relevo_copilot::transcript::Notes;
use relevo_copilot::worker::{Worker, Workplace};
use relevo_copilot::{self as copilot, Copilot};
use relevo_llm::ChatModel;
use relevo_llm::chain::Chain;
use relevo_llm::openai::{Endpoint, Key, OpenAi};
use relevo_llm::tokens::Counter;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long sockets may take to say goodbye.
const LAST_FRAMES: Duration = Duration::from_secs(3);
/// How long a request to Qdrant may take.
const QDRANT_WITHIN: Duration = Duration::from_secs(5);

/// The store of a deployment.
#[derive(Debug, Clone)]
pub enum Stored {
    /// A file in the data folder.
    Sqlite(Arc<SqliteStore>),
    /// A database that other servers may share.
    Postgres(Arc<PostgresStore>),
}

impl Stored {
    /// Opens it.
    pub async fn open(config: &Config) -> Result<Self> {
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("the data folder {} cannot be made", config.data.display()))?;
        if let Some(PostgresConfig { url, schema, connections }) = &config.postgres {
            let options = PostgresOptions { schema: schema.clone(), connections: *connections };
            let store = PostgresStore::open(url, options).await.context("postgres")?;
            return Ok(Self::Postgres(Arc::new(store)));
        }
        let store = SqliteStore::open(&config.data.join("relevo.db"), SqliteOptions::default()).await?;
        Ok(Self::Sqlite(Arc::new(store)))
    }

    /// As its users know it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Ends it: what was begun is finished.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

async fn bus(config: &Config, stop: &CancellationToken) -> Result<Arc<dyn Bus>> {
    Ok(match &config.nats {
        Some(NatsConfig { url, subject }) => {
            Arc::new(NatsBus::connect(url, subject, stop.clone()).await.context("nats")?)
        }
        None => Arc::new(LocalBus::default()),
    })
}

/// What a server stands on.
pub struct Ports {
    /// The log, and what is kept beside it.
    pub store: Arc<dyn Store>,
    /// Hints between servers.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
}

/// A server that is set up and not listening yet.
pub struct Server {
    /// What handlers share.
    pub app: App,
    running: Running,
    store: Option<Stored>,
    bus_stop: CancellationToken,
}

impl Server {
    /// Sets everything up. `bots` are plugged in besides the configured ones.
    pub async fn compose(mut config: Config, bots: BTreeMap<BotId, Arc<dyn Bot>>) -> Result<Self> {
        config.or_one_inbox(bots.keys().next().cloned());
        config.check(&bots.keys().cloned().collect::<Vec<_>>())?;
        // A second provider in the process is refused, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stored = Stored::open(&config).await?;
        let bus_stop = CancellationToken::new();
        let bus = bus(&config, &bus_stop).await?;
        let ports = Ports { store: stored.store(), bus, clock: Arc::new(SystemClock) };
        let server = Self::compose_on(config, bots, ports).await?;
        Ok(Self { store: Some(stored), bus_stop, ..server })
    }

    /// The same on ports of the caller's, who also ends them.
    pub async fn compose_on(mut config: Config, bots: BTreeMap<BotId, Arc<dyn Bot>>, ports: Ports) -> Result<Self> {
        config.or_one_inbox(bots.keys().next().cloned());
        config.check(&bots.keys().cloned().collect::<Vec<_>>())?;
        let Ports { store, bus, clock } = ports;
        let library = LiveLibrary::open(config.shortcuts.clone())
            .context("the folder of shortcuts cannot be read (setting `shortcuts`)")?;
        let knowledge = keeper(&config, Arc::clone(&bus), Arc::clone(&clock))?;
        knowledge.shortcuts(shortcuts::sources(&library.current())).await;
        knowledge.load().await;
        let copilot = copilot(&config)?.with_knowledge(knowledge.knowledge().clone());
        let (directory, bot_secrets) = directory(&config, bots)?;
        let (api, channel_secrets) = api_channel(&config)?;
        let framework = Framework::new(Arc::clone(&store), Arc::clone(&bus), Arc::clone(&clock));
        let framework = framework.channel(api::KIND, Arc::new(api));
        let running = framework.directory(directory).workers(config.node.workers).start().await?;
        let stop = running.stopping().clone();
        let keeper = Arc::clone(&knowledge);
        library.watch(Arc::clone(&bus), stop.clone(), move |library| {
            let (keeper, shortcuts) = (Arc::clone(&keeper), shortcuts::sources(library));
            tokio::spawn(async move { keeper.shortcuts(shortcuts).await });
        });
        knowledge.watch(config.postgres.is_some(), &stop);
        let agents = Arc::new(AgentBook::open(Arc::clone(&store)).await?);
        running.tracker().spawn(Arc::clone(&agents).follow(stop.clone()));
        follow_prompts(&copilot, &config, &stop);
        let place = Workplace {
            store: Arc::clone(&store),
            bus: Arc::clone(&bus),
            clock: Arc::clone(&clock),
            tracker: running.tracker().clone(),
            stop: stop.clone(),
            shared: config.postgres.is_some(),
            works: config.node.workers,
            language: config
                .copilot
                .language
                .as_deref()
                .and_then(crate::routes::artifacts::language)
                .unwrap_or(Language::Es),
            visibility: config.visibility,
            shortcuts: Some(Arc::new(InConversations {
                desk: running.desk().clone(),
                library: Arc::clone(&library),
                agents: Arc::clone(&agents),
            })),
        };
        let copilot = Worker::start(copilot, place, running.feed()).await?;
        let limiters = Arc::new(Limiters::new(&config.limits));
        let metrics = crate::telemetry::metrics();
        let files = config.files_folder();
        let files = Files::open(&files).with_context(|| format!("the folder {} cannot be made", files.display()))?;
        let files = Arc::new(files);
        let presence = Arc::new(PresenceBook::new(bus, clock.id()));
        running.tracker().spawn(Arc::clone(&presence).follow(stop.clone()));
        let kept = (Arc::clone(&store), Arc::clone(&limiters), Arc::clone(&files), metrics.clone());
        running.tracker().spawn(housekeeping::keep(kept, clock, stop.clone()));
        let app = App {
            desk: running.desk().clone(),
            feed: running.feed().clone(),
            library,
            knowledge,
            copilot,
            files,
            links: Arc::<Links>::default(),
            agents,
            presence,
            limiters,
            bot_secrets: Arc::new(bot_secrets),
            channel_secrets: Arc::new(channel_secrets),
            metrics,
            stop,
            config: Arc::new(config),
        };
        Ok(Self { app, running, store: None, bus_stop: CancellationToken::new() })
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
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serving = tokio::spawn(serve::serve(listener, serve::router(self.app.clone()), stop.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = told_to_stop() => tracing::info!("stopping"),
        }
        stop.cancel();
        tokio::select! {
            ended = self.end(serving) => ended,
            () = told_to_stop() => Err(anyhow!("stopped at once, as told twice: nothing that was acknowledged is lost")),
        }
    }

    /// Ends in order: requests, sockets, workers, store.
    async fn end(self, serving: JoinHandle<()>) -> Result<()> {
        serving.await?;
        // A socket whose client does not read holds nobody up.
        let _ = tokio::time::timeout(LAST_FRAMES, self.app.limiters.sockets.all_closed()).await;
        self.running.stop().await;
        self.bus_stop.cancel();
        if let Some(store) = self.store {
            store.close().await;
        }
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
    for settings in &config.inboxes {
        let phrases = settings.phrases.as_ref().map_or_else(HumanPhrases::default, HumanPhrases::new);
        let inbox = Inbox {
            name: settings.name.clone().unwrap_or_else(|| settings.id.to_string()),
            channel: settings.kind.channel().into(),
            policy: InboxPolicy { bot: settings.bot.clone(), window: settings.window },
            phrases,
        };
        directory.inboxes.insert(settings.id.clone(), inbox);
    }
    Ok((directory, secrets))
}

fn api_channel(config: &Config) -> Result<(ApiChannel, HashMap<InboxId, Secret>)> {
    let (mut hooks, mut secrets) = (BTreeMap::new(), HashMap::new());
    for (n, inbox) in config.inboxes.iter().enumerate().filter(|(_, inbox)| inbox.kind == InboxKind::Api) {
        let hook = provider(inbox).with_context(|| format!("inboxes[{n}] (`{}`)", inbox.id))?;
        secrets.insert(inbox.id.clone(), hook.secret().clone());
        hooks.insert(inbox.id.clone(), hook);
    }
    Ok((ApiChannel::new(hooks), secrets))
}

/// Where an API inbox's provider is.
pub fn provider(inbox: &InboxConfig) -> Result<Hook> {
    let url = inbox.url.as_deref().context("url is missing: an API inbox needs its provider's address")?;
    Ok(Hook::new(hook(url, inbox.secret.as_deref(), inbox.allow_private)?)?)
}

fn hook(url: &str, secret: Option<&str>, allow_private: bool) -> Result<Settings> {
    let secret = secret.context("secret is missing: `whsec_` and base64")?;
    let settings = Settings::new(url, Secret::parse(secret).context("secret")?);
    Ok(if allow_private { settings.allow_private() } else { settings })
}

fn plugged(settings: &BotConfig) -> Result<Arc<dyn Bot>> {
    match settings.kind {
        BotKind::Sample => Ok(demo::bot::sample()),
        BotKind::Webhook => {
            let url = settings.url.as_deref().context("url is missing: a webhook bot needs its address")?;
            Ok(Arc::new(WebhookBot::new(hook(url, settings.secret.as_deref(), settings.allow_private)?)?))
        }
    }
}

/// The Copilot of a deployment as a command looks at it: with its prompts and articles, without asking anybody.
pub async fn copilot_to_look_at(config: &Config) -> Result<Copilot> {
    let mut config = config.clone();
    config.copilot.embedding_model = None;
    let knowledge = if config.copilot.qdrant.is_some() {
        knowledge(&config, None)?
    } else {
        let library = LiveLibrary::open(config.shortcuts.clone())
            .context("the folder of shortcuts cannot be read (setting `shortcuts`)")?;
        let keeper = keeper(&config, Arc::new(LocalBus::default()), Arc::new(SystemClock))?;
        keeper.shortcuts(shortcuts::sources(&library.current())).await;
        keeper.load().await;
        keeper.knowledge().clone()
    };
    Ok(copilot(&config)?.with_knowledge(knowledge))
}

/// How shortcuts read in a conversation of which only this is known.
pub fn shortcuts_to_look_at(
    config: &Config,
    captured: BTreeMap<String, String>,
    language: Language,
) -> Result<BTreeMap<String, String>> {
    let library = LiveLibrary::open(config.shortcuts.clone())
        .context("the folder of shortcuts cannot be read (setting `shortcuts`)")?;
    let conversation = ConversationWords { captured, ..ConversationWords::default() };
    let context = ShortcutContext { conversation, ..ShortcutContext::default() };
    Ok(shortcuts::rendered(&library.current(), &context, language))
}

fn copilot(config: &Config) -> Result<Copilot> {
    let copilot = Copilot::offline().with_settings(settings(config));
    let copilot = match model(&config.copilot)? {
        Some((model, counter)) => copilot.with_model(model, counter),
        None => copilot,
    };
    if let Some(folder) = config.prompts.clone() {
        copilot.set_prompts(prompts(&folder)?);
    }
    Ok(copilot)
}

fn settings(config: &Config) -> copilot::Settings {
    let settings = &config.copilot;
    let own = |inbox: &InboxConfig| Some((inbox.id.to_string(), inbox.masking?));
    copilot::Settings {
        max_prompt_tokens: settings.max_prompt_tokens,
        notes: if settings.notes { Notes::Included } else { Notes::Excluded },
        masking: settings.masking,
        summary_after: settings.summary_after,
        inbox_masking: config.inboxes.iter().filter_map(own).collect(),
        deadline: Duration::from_secs(settings.deadline_seconds),
        in_flight: settings.in_flight,
        day_tokens: settings.day_tokens,
        prices: copilot::Prices { currency: settings.currency.clone(), models: settings.prices.clone() },
        ..copilot::Settings::default()
    }
}

fn prompts(folder: &Path) -> Result<Prompts> {
    let files = read_folder(folder)
        .with_context(|| format!("the prompts in {} cannot be read (setting `prompts`)", folder.display()))?;
    let (prompts, wrong) = Prompts::load(files);
    match wrong.first() {
        Some(first) => bail!("{first} (`relevo prompts check` tells all)"),
        None => Ok(prompts),
    }
}

/// Prompts are read again when a file changes; where one is broken, all stay as they were.
fn follow_prompts(copilot: &Copilot, config: &Config, stop: &CancellationToken) {
    if let Some(folder) = config.prompts.clone() {
        let (copilot, from) = (copilot.clone(), folder.clone());
        follow(&folder, stop.clone(), move || match prompts(&from) {
            Ok(prompts) => copilot.set_prompts(prompts),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the prompts stay as they were"),
        });
    }
}

fn keeper(config: &Config, bus: Arc<dyn Bus>, clock: Arc<dyn Clock>) -> Result<Arc<Keeper>> {
    let shelf = Shelf::open(&config.data)?;
    let knowledge = knowledge(config, Some(&shelf.folder().join("meanings.bin")))?;
    let index = if config.copilot.qdrant.is_some() { "qdrant" } else { "embedded" };
    let keeper = Keeper::new(knowledge, index, shelf, config.knowledge.clone(), clock, bus)?;
    Ok(Arc::new(keeper))
}

/// What the Copilot may cite, in the index of the settings. What an embedding model says is kept in the file; only the
/// server may write it. Without a file an index in this process goes by words alone.
pub fn knowledge(config: &Config, meanings: Option<&Path>) -> Result<Knowledge> {
    let index: Arc<dyn Index> = match &config.copilot.qdrant {
        None => Arc::new(Embedded::default()),
        Some(qdrant) => Arc::new(Qdrant::new(QdrantSettings {
            url: qdrant.url.clone(),
            key: qdrant.key.clone(),
            collection: qdrant.collection.clone(),
            workspace: qdrant.workspace.clone(),
            timeout: QDRANT_WITHIN,
        })?),
    };
    let knowledge = Knowledge::new(index);
    let Some(model) = &config.copilot.embedding_model else { return Ok(knowledge) };
    if meanings.is_none() && config.copilot.qdrant.is_none() {
        return Ok(knowledge);
    }
    let mut endpoint = endpoint(&config.copilot, model)?.context("copilot.embedding_model needs copilot.endpoint")?;
    endpoint.embedding_model = Some(model.clone());
    let embedder = OpenAi::new(endpoint).map_err(|error| anyhow!("copilot.endpoint: {error}"))?;
    let mut known = Meanings::new(Arc::new(embedder), config.copilot.embedding_unrelated.unwrap_or(0.3));
    if let Some(file) = meanings {
        known = known.kept_in(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(knowledge.with_meanings(known))
}

/// A model of the endpoint; none without an endpoint.
pub fn endpoint(settings: &CopilotConfig, model: &str) -> Result<Option<Endpoint>> {
    let Some(url) = &settings.endpoint else { return Ok(None) };
    let key = match &settings.key_env {
        Some(name) => std::env::var(name).with_context(|| format!("copilot.key_env: `{name}` is not set"))?,
        None => String::new(),
    };
    let mut endpoint = Endpoint::new(url.as_str(), Key::new(key.as_str()), model);
    endpoint.headers = settings.headers.iter().map(|(name, value)| (name.clone(), Key::new(value.as_str()))).collect();
    Ok(Some(endpoint))
}

/// The models of an endpoint, one after the other; none without an endpoint.
fn model(settings: &CopilotConfig) -> Result<Option<(Arc<dyn ChatModel>, Counter)>> {
    let mut counter = None;
    let mut models: Vec<Arc<dyn ChatModel>> = Vec::new();
    for name in &settings.models {
        let Some(mut endpoint) = endpoint(settings, name)? else { return Ok(None) };
        // A task's own model is asked in place of the first; those that stand in for it stay what they are.
        if models.is_empty() {
            endpoint.task_models = settings.task_models.clone();
        }
        let model = OpenAi::new(endpoint).map_err(|error| anyhow!("copilot.endpoint: {error}"))?;
        counter.get_or_insert(model.counter());
        models.push(Arc::new(model));
    }
    let mut models = models.into_iter();
    Ok(models.next().zip(counter).map(|(first, counter)| (Arc::new(Chain::new(first, models)) as _, counter)))
}
