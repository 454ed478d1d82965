//! The server behind Vite's page server. Vite redraws the inbox by itself; the widget is built, and the server built and
//! started again, when a source of theirs has changed. Shortcuts and prompts the server follows by itself.

use crate::guarded::Guarded;
use crate::pages::{self, When};
use crate::stage::{Stage, cargo, node};
use crate::{changes, root, target};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::{Duration, SystemTime};

const USUAL_PORT: u16 = 7007;
/// How often sources are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until Ctrl-C; `arguments` are the demonstration's.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let port = port(arguments)?;
    let Some(pages_port) = port.checked_add(1) else { bail!("--port: the pages take the next one: at most 65534") };
    let address = format!("http://127.0.0.1:{pages_port}");
    // Looked at before they are built: what changes meanwhile is built again.
    let (mut server_then, mut widget_then) = (server_sources()?, widget_sources()?);
    pages::build(When::Changed)?;
    build()?;
    let mut vite = Command::new("node");
    vite.arg(pages::ui().join("node_modules/vite/bin/vite.js")).args(["--host", "127.0.0.1", "--strictPort", "--port"]);
    vite.arg(pages_port.to_string()).env("RELEVO_SERVER", format!("http://127.0.0.1:{port}"));
    vite.current_dir(pages::ui().join("inbox"));
    let mut vite = Guarded::spawn(&vite)?;
    // The links that it prints lead to the page server.
    let mut relevo = Command::new(target().join("debug/relevo"));
    relevo.arg("demo").args(arguments).env("RELEVO__PUBLIC_URL", &address).current_dir(root());

    let mut server = Some(Guarded::spawn(&relevo)?);
    loop {
        std::thread::sleep(LOOK);
        if let Some(status) = vite.ended()? {
            bail!("the page server ended ({status}): is port {pages_port} taken? --port N takes N and the next one");
        }
        if let Some(status) = server.as_mut().map(Guarded::ended).transpose()?.flatten() {
            if status.success() {
                return Ok(());
            }
            println!("── the server ended ({status}); it is started again when a source changes");
            server = None;
        }
        if changed(&mut widget_then, widget_sources()?) {
            told(Stage::begin("widget").run(node(&["run", "build", "-w", "widget"])));
        }
        // A source that does not compile leaves the server that runs.
        if changed(&mut server_then, server_sources()?) && told(build()) {
            drop(server.take());
            server = Some(Guarded::spawn(&relevo)?);
        }
    }
}

fn build() -> Result<()> {
    Stage::begin("server").run(cargo(&["build", "--package", "relevo-server"]))
}

fn changed(then: &mut SystemTime, now: SystemTime) -> bool {
    now > std::mem::replace(then, now)
}

/// Whether it went well; if not, why not is on the screen.
fn told(result: Result<()>) -> bool {
    result.inspect_err(|error| println!("── {error:#}")).is_ok()
}

fn server_sources() -> Result<SystemTime> {
    let crates = changes::newest(&root().join("crates"), &["dist", "node_modules", "ui", "xtask"])?;
    Ok(crates.max(changes::of(&root().join("Cargo.toml"))))
}

fn widget_sources() -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for part in ["widget", "core", "shop", "api-docs"] {
        newest = newest.max(changes::newest(&pages::ui().join(part), &["node_modules"])?);
    }
    Ok(newest)
}

/// The port among the demonstration's arguments: `--port N` or `--port=N`.
fn port(arguments: &[String]) -> Result<u16> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let given = match argument.strip_prefix("--port") {
            Some("") => rest.next().map(String::as_str),
            Some(value) => value.strip_prefix('='),
            None => continue,
        };
        return given.and_then(|port| port.parse().ok()).context("--port takes a number up to 65534");
    }
    Ok(USUAL_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_among_the_arguments_in_both_spellings() {
        let port = |line: &str| port(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).ok();
        assert_eq!(port("--quiet-visitors"), Some(7007));
        assert_eq!(port("--data here --port 8000 --quiet-visitors"), Some(8000));
        assert_eq!(port("--port=8000"), Some(8000));
        assert_eq!(port("--port"), None);
        assert_eq!(port("--port many"), None);
    }

    #[test]
    fn a_change_is_noticed_once() {
        let mut then = SystemTime::UNIX_EPOCH;
        let later = then + Duration::from_secs(1);
        assert!(!changed(&mut then, SystemTime::UNIX_EPOCH));
        assert!(changed(&mut then, later));
        assert!(!changed(&mut then, later));
    }
}
