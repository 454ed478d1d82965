//! Real servers for tests and benchmarks: started when they are first asked for, private to this process, gone with it.
//! What must be installed: Debian's `postgresql` and `nats-server`, or the programs in `PATH`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use tempfile::TempDir;

/// A server and its folder. The shell around it waits for this process: however that ends, its end of the pipe closes,
/// the shell stops the server and takes the folder away.
#[derive(Debug)]
pub struct Private {
    shell: Child,
    address: String,
}

impl Private {
    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn start(script: &str, arguments: &[&Path], address: String) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let mut said = String::new();
        let out = shell.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut said).expect("the shell can be read");
        assert_eq!(said.trim_end(), "ready", "the server did not start: what it said stands above");
        Self { shell, address }
    }

    /// Ends it and waits for that.
    pub fn stop(mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

const POSTGRES: &str = r#"
    bin=$1 dir=$2 as=
    if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="runuser -u postgres --"; fi
    cd "$dir"
    $as "$bin/initdb" -D "$dir/data" -U relevo -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$dir/log" 2>&1 \
        || { cat "$dir/log" >&2; exit 1; }
    $as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=300 >>"$dir/log" 2>&1 &
    tries=0
    until "$bin/pg_isready" -q -h "$dir" -U relevo; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ]; then cat "$dir/log" >&2; exit 1; fi
        sleep 0.1
    done
    echo ready
    cat >/dev/null
    $as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$dir"
"#;

/// A PostgreSQL server of its own, with fsync on.
pub fn start_postgres() -> Private {
    let folder = kept();
    let address = format!("postgres://relevo@localhost/postgres?host={}", folder.display());
    Private::start(POSTGRES, &[&postgres_programs(), &folder], address)
}

/// The process's PostgreSQL server: `RELEVO_TEST_POSTGRES` (an address) where that is set, else one of its own.
pub fn postgres() -> String {
    static SERVER: OnceLock<Mutex<Option<Private>>> = OnceLock::new();
    if let Ok(address) = std::env::var("RELEVO_TEST_POSTGRES") {
        return address;
    }
    let server = SERVER.get_or_init(Mutex::default);
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    server.get_or_insert_with(start_postgres).address.clone()
}

/// A schema name that nobody else uses.
pub fn schema() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

const NATS: &str = r#"
    dir=$1 port=$2
    nats-server -a 127.0.0.1 -p "$port" >"$dir/log" 2>&1 &
    server=$!
    tries=0
    until grep -q 'Server is ready' "$dir/log"; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 $server; then cat "$dir/log" >&2; exit 1; fi
        sleep 0.1
    done
    echo ready
    cat >/dev/null
    kill -9 $server
    rm -rf "$dir"
"#;

/// A NATS server on a port of 127.0.0.1; none: a free one.
pub fn start_nats(port: Option<u16>) -> Private {
    let port = port.unwrap_or_else(free_port).to_string();
    Private::start(NATS, &[&kept(), Path::new(&port)], format!("nats://127.0.0.1:{port}"))
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("this machine has free ports");
    probe.local_addr().expect("it is bound").port()
}

/// A folder that the shell removes.
fn kept() -> PathBuf {
    tempfile::tempdir().map(TempDir::keep).expect("a temporary folder")
}

fn postgres_programs() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map_or_else(|_| Vec::new(), |versions| versions.flatten().map(|version| version.path().join("bin")).collect());
    let version = |bin: &PathBuf| bin.parent().and_then(|of| of.file_name()?.to_str()?.parse::<u32>().ok());
    found.sort_by_key(version);
    let in_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut all = found.into_iter().rev().chain(in_path);
    all.find(|bin| bin.join("initdb").exists() && bin.join("pg_isready").exists())
        .expect("PostgreSQL is installed (Debian: `apt-get install postgresql`)")
}
