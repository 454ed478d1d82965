//! The floor: what the same machine, runtime and store cost with no product on them. A bare axum relay: a visitor's
//! frame is committed (whatever waits shares a commit), then acknowledged, and passed on to the agent's socket.

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::ws::{Message, WebSocket};
use axum::extract::{State, WebSocketUpgrade};
use axum::routing::any;
use axum::serve::ListenerExt;
use futures::{SinkExt, StreamExt};
use relevo_tests::deployment::{Storage, scratch};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, SqliteConnection};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc, oneshot};

/// The most frames that share a commit, as in the product.
const MAX_GROUP: usize = 256;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A database file, or the address of a PostgreSQL database.
    store: String,
}

/// A floor that runs. Dropping it ends it.
pub(crate) struct Floor {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Floor {
    pub(crate) fn start(storage: &Storage) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("floor-").tempdir_in(scratch()?)?;
        let store = match storage {
            Storage::Sqlite => folder.path().join("floor.db").display().to_string(),
            Storage::Postgres { url, .. } => url.clone(),
        };
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("floor").arg(store).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("it is piped")?).read_line(&mut line)?;
        let address = line.trim().parse().context("the floor did not start")?;
        Ok(Self { address, process, _folder: folder })
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

type Kept = (String, oneshot::Sender<()>);

#[derive(Clone)]
struct Relay {
    line: mpsc::Sender<Kept>,
    agents: broadcast::Sender<Arc<str>>,
}

/// Serves as the floor: its address is told on the standard output.
pub(crate) async fn serve(arguments: Arguments) -> Result<()> {
    let (line, waiting) = mpsc::channel(1_024);
    let (agents, _) = broadcast::channel(8_192);
    let store = Store::open(&arguments.store).await?;
    tokio::spawn(write(store, waiting, agents.clone()));
    let app = Router::new()
        .route(
            "/visitor",
            any(|State(relay): State<Relay>, up: WebSocketUpgrade| async move {
                lean(up).on_upgrade(|socket| visitor(socket, relay))
            }),
        )
        .route(
            "/agent",
            any(|State(relay): State<Relay>, up: WebSocketUpgrade| async move {
                lean(up).on_upgrade(|socket| agent(socket, relay))
            }),
        )
        .route("/readyz", any(|| async { "ok" }))
        .with_state(Relay { line, agents });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

/// The default buffers cost 134 KiB a socket.
fn lean(up: WebSocketUpgrade) -> WebSocketUpgrade {
    up.read_buffer_size(4_096).write_buffer_size(0)
}

async fn visitor(mut socket: WebSocket, relay: Relay) {
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else { continue };
        let (caller, committed) = oneshot::channel();
        if relay.line.send((text.to_string(), caller)).await.is_err() || committed.await.is_err() {
            return;
        }
        if socket.send(Message::text(r#"{"op":"ack"}"#)).await.is_err() {
            return;
        }
    }
}

async fn agent(socket: WebSocket, relay: Relay) {
    let mut news = relay.agents.subscribe();
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            frame = news.recv() => match frame {
                Ok(text) => if sink.send(Message::text(text.to_string())).await.is_err() { return },
                Err(_) => return,
            },
            heard = stream.next() => if heard.is_none() { return },
        }
    }
}

async fn write(mut store: Store, mut waiting: mpsc::Receiver<Kept>, agents: broadcast::Sender<Arc<str>>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while waiting.recv_many(&mut group, MAX_GROUP).await > 0 {
        let (texts, callers): (Vec<String>, Vec<_>) = group.drain(..).unzip();
        if let Err(error) = store.commit(&texts).await {
            eprintln!("the floor could not write: {error}");
            return;
        }
        for (text, caller) in texts.into_iter().zip(callers) {
            let _ = agents.send(text.into());
            let _ = caller.send(());
        }
    }
}

enum Store {
    Sqlite(SqliteConnection),
    Postgres(PgConnection, String),
}

impl Store {
    async fn open(place: &str) -> Result<Self> {
        if place.starts_with("postgres://") {
            let mut connection = PgConnectOptions::from_str(place)?.connect().await?;
            let table = relevo_backends::testing::schema();
            let make = format!("CREATE TABLE {table} (position bigserial PRIMARY KEY, body text NOT NULL)");
            sqlx::query(AssertSqlSafe(make)).execute(&mut connection).await?;
            return Ok(Self::Postgres(connection, table));
        }
        let mut connection = sqlite(Path::new(place)).await?;
        sqlx::query("CREATE TABLE log (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
            .execute(&mut connection)
            .await?;
        Ok(Self::Sqlite(connection))
    }

    /// One statement, one commit, one sync of the disk.
    async fn commit(&mut self, texts: &[String]) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => {
                let rows = Value::from(texts).to_string();
                let insert = "INSERT INTO log (body) SELECT value FROM json_each(?1)";
                sqlx::query(insert).bind(rows).execute(connection).await?;
            }
            Self::Postgres(connection, table) => {
                let insert = format!("INSERT INTO {table} (body) SELECT unnest($1::text[])");
                sqlx::query(AssertSqlSafe(insert)).bind(texts).execute(connection).await?;
            }
        }
        Ok(())
    }
}

/// A connection with the settings of the product's own.
pub(crate) async fn sqlite(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    Ok(options.connect().await?)
}
