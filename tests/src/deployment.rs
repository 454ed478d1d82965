//! The `relevo` program as a process of its own, in a folder of its own.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it is ready.
const READY: Duration = Duration::from_mins(1);

/// The password of every agent.
pub const PASSWORD: &str = "correct horse battery staple";

/// Where a deployment keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In its folder.
    Sqlite,
    /// In a schema of a database.
    Postgres {
        /// The database's address.
        url: String,
        /// The schema.
        schema: String,
    },
}

impl Storage {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres { .. } => "postgres",
        }
    }
}

/// A deployment. Dropping it kills the process and takes the folder away.
#[derive(Debug)]
pub struct Deployment {
    folder: TempDir,
    address: SocketAddr,
    process: Option<Child>,
}

impl Deployment {
    /// Writes the settings: a free port, no bot, limits that a load does not reach; `more` is added to `relevo.toml`.
    pub fn new(storage: &Storage, more: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("relevo-").tempdir_in(scratch()?)?;
        let address = SocketAddr::from(([127, 0, 0, 1], relevo_backends::testing::free_port()));
        let mut settings = format!(
            "listen = \"{address}\"\ndata = {data:?}\n{more}\n{store}\n[limits]\napi_per_minute = 1_000_000\n\
             sockets_per_agent = 1_000\nsockets_per_visitor = 1_000\nsockets_per_address = 100_000\n\
             messages_per_10_seconds = 1_000_000\nmessages_per_hour = 100_000_000\nconversations_per_hour = 10_000_000\n\
             visitors_per_hour = 10_000_000\n",
            data = folder.path().join("data").display().to_string(),
            store = match storage {
                Storage::Sqlite => String::new(),
                Storage::Postgres { url, schema } => format!("[postgres]\nurl = {url:?}\nschema = {schema:?}"),
            },
        );
        if !more.contains("[[inboxes]]") {
            settings.push_str("[[inboxes]]\nid = \"shop\"\n");
        }
        std::fs::write(folder.path().join("relevo.toml"), settings)?;
        Ok(Self { folder, address, process: None })
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Adds an agent, as an administrator would: the server must not be running.
    pub fn add_agent(&self, email: &str) -> Result<()> {
        let mut command = self.relevo(&["user", "add", "--email", email, "--name", email, "--password-stdin"])?;
        let mut adding = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        adding.stdin.take().context("it is piped")?.write_all(PASSWORD.as_bytes())?;
        let status = adding.wait()?;
        if status.success() { Ok(()) } else { bail!("`relevo user add` ended with {status}: {}", self.log()) }
    }

    /// Starts the server and waits until it is ready; how long that took.
    pub async fn start(&mut self) -> Result<Duration> {
        let began = Instant::now();
        self.process = Some(self.relevo(&["serve"])?.stdin(Stdio::null()).spawn()?);
        while !is_ready(self.address).await {
            let process = self.process.as_mut().context("just started")?;
            if let Some(status) = process.try_wait()? {
                bail!("the server ended with {status}: {}", self.log());
            }
            if began.elapsed() > READY {
                bail!("the server is not ready after {} s: {}", READY.as_secs(), self.log());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(began.elapsed())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of the process that runs.
    pub fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// As the power would go.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// The end of what the server wrote.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn relevo(&self, arguments: &[&str]) -> Result<Command> {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut command = Command::new(program("relevo")?);
        command.args(arguments).arg("--config").arg(self.folder.path().join("relevo.toml"));
        command.env("RELEVO_LOG", "warn").current_dir(self.folder.path()).stderr(log);
        Ok(command)
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program that was built together with this one.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    if path.exists() { Ok(path) } else { bail!("{} is not there: cargo build --workspace", path.display()) }
}

/// A folder on a real disk: temporary folders are often kept in memory, where waiting for the disk costs nothing.
pub fn scratch() -> Result<PathBuf> {
    let folder = program("relevo")?.with_file_name("scratch");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

async fn is_ready(address: SocketAddr) -> bool {
    reqwest::get(format!("http://{address}/readyz")).await.is_ok_and(|answer| answer.status().is_success())
}
