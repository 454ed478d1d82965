//! A real server in a folder of its own, which can be killed and started again.

use crate::audit::Audit;
use crate::bot::{Bot, secret};
use crate::people::Agent;
use crate::provider::INBOX;
use crate::run::{Run, StoreKind};
use anyhow::{Context, Result, bail};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::command::Role;
use relevo::domain::id::AgentId;
use relevo::store::Presence;
use relevo_server::compose::Stored;
use relevo_server::config::Config;
use relevo_server::sign_in;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long a server may take until it is ready. Not a measure: a bound for what would otherwise wait for ever.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// What a bar wants.
#[derive(Debug, Default)]
pub struct Setup {
    /// How many agents can sign in.
    pub agents: usize,
    /// The bots; each has an inbox of its own, `shop0`, `shop1`, …
    pub bots: Vec<Bot>,
    /// The seconds that a bot's turn may take; 30 when left out.
    pub bot_seconds: Option<u64>,
    /// Where the provider of the inbox `line` is; the last of the bots answers there.
    pub provider: Option<String>,
    /// Where data are kept, if not in the deployment's folder.
    pub data: Option<PathBuf>,
    /// The schema, where several servers share a PostgreSQL; one of its own when left out.
    pub schema: Option<String>,
    /// Where NATS is.
    pub nats: Option<String>,
    /// What starts the server, if it is not started by itself: a program and its arguments.
    pub under: Vec<String>,
}

pub struct Deployment {
    folder: tempfile::TempDir,
    port: u16,
    under: Vec<String>,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
    /// All agents, signed in.
    pub agents: Vec<Agent>,
}

impl Deployment {
    /// A deployment that is set up; nothing runs yet.
    pub async fn new(run: &Run, setup: Setup) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = relevo_backends::testing::free_port();
        let data = setup.data.clone().unwrap_or_else(|| folder.path().join("data"));
        std::fs::write(folder.path().join("relevo.toml"), settings(run.store, &setup, port, &data))?;
        let mut environment = vec![("RELEVO_LOG", std::env::var("RELEVO_LOG").unwrap_or_else(|_| "error".into()))];
        environment.extend(run.sabotage.map(|promise| ("RELEVO_SABOTAGE", promise.to_owned())));
        let mut deployment = Self { folder, port, under: setup.under, environment, child: None, agents: Vec::new() };
        deployment.agents = deployment.employ(setup.agents).await?;
        Ok(deployment)
    }

    /// A deployment that runs.
    pub async fn start(run: &Run, setup: Setup) -> Result<Self> {
        let mut deployment = Self::new(run, setup).await?;
        deployment.restart().await?;
        Ok(deployment)
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server's process.
    pub fn pid(&self) -> Result<u32> {
        self.child.as_ref().and_then(Child::id).context("the server is not running")
    }

    /// An environment variable of the next start; empty: without it.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            self.environment.push((name, value.to_owned()));
        }
    }

    /// Starts the server and waits until it is ready.
    pub async fn restart(&mut self) -> Result<()> {
        let mut line = self.under.clone();
        line.extend([relevo_binary()?.display().to_string(), "serve".into(), "--config".into()]);
        line.push(self.folder.path().join("relevo.toml").display().to_string());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("server.log"))?;
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().with_context(|| format!("{} could not be started", line[0]))?);
        tokio::time::timeout(READY_WITHIN, self.ready()).await.context("the server does not become ready")?
    }

    async fn ready(&mut self) -> Result<()> {
        let client = reqwest::Client::new();
        loop {
            if let Some(status) = self.child.as_mut().context("started above")?.try_wait()? {
                let said = std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
                bail!("the server ended with {status}: {}", said.lines().last().unwrap_or_default());
            }
            let answer = client.get(format!("{}/readyz", self.base())).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// As the power would go.
    pub async fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server is not running")?;
        child.kill().await?;
        Ok(())
    }

    /// Waits until the server has ended by itself, and how.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let status = self.child.as_mut().context("the server is not running")?.wait().await?;
        self.child = None;
        Ok(status)
    }

    /// Ends it in order, as far as it still runs, and reads its whole log.
    pub async fn stop(&mut self) -> Result<Audit> {
        if let Some(mut child) = self.child.take()
            && let Some(pid) = child.id()
        {
            Command::new("kill").arg(pid.to_string()).status().await?;
            if tokio::time::timeout(Duration::from_secs(30), child.wait()).await.is_err() {
                child.kill().await?;
            }
        }
        let stored = Stored::open(&self.config()?).await?;
        let audit = Audit::read(stored.store().as_ref()).await;
        stored.close().await;
        audit
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::load(Some(&self.folder.path().join("relevo.toml")))?)
    }

    /// Agents with a session each. A password is hashed slowly on purpose, and nobody here signs in with one.
    async fn employ(&self, count: usize) -> Result<Vec<Agent>> {
        let stored = Stored::open(&self.config()?).await?;
        let store = stored.store();
        let mut agents = Vec::new();
        for n in 0..count {
            let id = AgentId(SystemClock.id());
            let agent = relevo::store::Agent {
                id,
                name: format!("Agent {n}"),
                email: format!("agent{n}@example.com"),
                password_hash: String::new(),
                role: Role::Agent,
                teams: Vec::new(),
                skills: Vec::new(),
                languages: Vec::new(),
                presence: Presence::Offline,
            };
            store.put_agent(&agent).await?;
            let token = sign_in::begin(store.as_ref(), id, SystemClock.now()).await?;
            agents.push(Agent::new(&self.base(), id, &token));
        }
        stored.close().await;
        Ok(agents)
    }
}

/// The server under test.
pub fn relevo_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("RELEVO_BIN") {
        return Ok(path.into());
    }
    let here = std::env::current_exe()?;
    let path = here.with_file_name("relevo");
    if !path.exists() {
        bail!("{} is not there: `cargo xtask faults` builds it, or RELEVO_BIN names one", path.display());
    }
    Ok(path)
}

fn settings(store: StoreKind, setup: &Setup, port: u16, data: &Path) -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).display();
    let mut text = format!(
        r#"
listen = "127.0.0.1:{port}"
data = "{data}"
shortcuts = "{root}/shortcuts"
prompts = "{root}/prompts"

[limits]
api_per_minute = 1000000
sockets_per_agent = 10000
sockets_per_visitor = 10
sockets_per_address = 10000
conversations_per_hour = 1000000
channel_per_minute = 1000000
visitors_per_hour = 1000000
uploads_per_hour = 100000
"#,
        data = data.display(),
    );
    if store == StoreKind::Postgres {
        let schema = setup.schema.clone().unwrap_or_else(relevo_backends::testing::schema);
        let url = relevo_backends::testing::postgres();
        let _ = write!(text, "[postgres]\nurl = \"{url}\"\nschema = \"{schema}\"\n");
    }
    if let Some(url) = &setup.nats {
        let _ = write!(text, "[nats]\nurl = \"{url}\"\n");
    }
    for (n, bot) in setup.bots.iter().enumerate() {
        let (url, secret, seconds) = (&bot.url, secret().to_text(), setup.bot_seconds.unwrap_or(30));
        let _ = write!(
            text,
            r#"
[[inboxes]]
id = "shop{n}"
bot = "bot{n}"
[[bots]]
id = "bot{n}"
kind = "webhook"
url = "{url}"
secret = "{secret}"
allow_private = true
deadline_seconds = {seconds}
"#
        );
    }
    if let Some(url) = &setup.provider {
        let (secret, bot) = (secret().to_text(), setup.bots.len() - 1);
        let _ = write!(
            text,
            r#"
[[inboxes]]
id = "{INBOX}"
kind = "api"
bot = "bot{bot}"
url = "{url}"
secret = "{secret}"
allow_private = true
"#
        );
    }
    text
}
