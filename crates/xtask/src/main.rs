//! `cargo xtask`: what people and CI run. Small on purpose: it compiles in seconds, before anything else.

mod bench;
mod changes;
mod dev;
mod faults;
mod guarded;
mod install;
mod pages;
mod stage;
mod test;

use anyhow::{Context, Result};
use stage::{Stage, cargo};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask demo [--port N] [--data DIR] [--quiet-visitors]   build everything and start the demonstration
cargo xtask test [--list] [--only STAGE]                      install what is missing, then run every check
cargo xtask dev [the same as demo]                            the same on port N with the inbox served by Vite on
                                                              N + 1, built again when a source changes
cargo xtask faults [--list] [--bar N] [--short]                what the product promises, under faults (docs/faults.md)
cargo xtask bench [NAME …] [--json FILE] [--short]            measure Relevo against the floor of this machine: start,
                                                              throughput, deliver, handoff, sockets, lists, copilot
cargo xtask build                                             release binary with the pages inside
cargo xtask pages                                             build the pages only";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let result = match name {
        "demo" => demo(rest),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "dev" => dev::run(rest),
        "faults" => faults::run(rest),
        "build" => build(),
        "pages" => pages::build(pages::When::Always),
        _ => {
            println!("{HELP}");
            return ExitCode::from(u8::from(!matches!(name, "" | "help" | "--help")));
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/xtask is two folders down").to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn demo(arguments: &[String]) -> Result<()> {
    // Node builds the pages while cargo builds the server.
    let pages = std::thread::spawn(|| pages::build(pages::When::Changed));
    Stage::begin("server").run(cargo(&["build", "--package", "relevo-server"]))?;
    pages.join().map_err(|_| anyhow::anyhow!("building the pages panicked"))??;
    let mut relevo = Command::new(target().join("debug/relevo"));
    relevo.arg("demo").args(arguments).current_dir(root());
    become_it(&mut relevo)
}

fn build() -> Result<()> {
    pages::build(pages::When::Always)?;
    Stage::begin("server").run(cargo(&["build", "--profile", "dist", "--package", "relevo-server"]))?;
    let binary = target().join("dist/relevo");
    let size = std::fs::metadata(&binary).with_context(|| format!("{} is not there", binary.display()))?.len();
    println!("{} · {} MB", binary.display(), size.div_ceil(1_000_000));
    Ok(())
}

/// Replaces this process, so that Ctrl-C and the exit code are the program's own.
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| format!("{} could not be started", command.get_program().to_string_lossy()))
}
