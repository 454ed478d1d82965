//! Every check, in the order in which a mistake is found soonest.

use crate::stage::{Stage, cargo, node};
use crate::{faults, install, pages, root, target};
use anyhow::{Result, bail};
use std::process::Command;
use std::time::Instant;

/// A check by its name.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: &[Check] = &[
    ("format", || Stage::begin("format").run(cargo(&["fmt", "--all", "--check"]))),
    ("pages", || pages::build(pages::When::Changed)),
    ("page-lints", page_lints),
    ("page-tests", || {
        pages::install()?;
        Stage::begin("page tests").run(node(&["run", "test"]))
    }),
    ("tests", || {
        install::postgres()?;
        install::nats()?;
        Stage::begin("tests").run(cargo(&["test", "--workspace", "--no-fail-fast"]))
    }),
    ("example bots", example_bots),
    ("story", story),
    ("faults", || faults::run(&["--short".to_owned()])),
    ("lints", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        Stage::begin("lints").run(cargo(&arguments))
    }),
];

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let only = match arguments[..] {
        [] => None,
        ["--list"] => {
            for (name, _) in CHECKS {
                println!("{name}");
            }
            return Ok(());
        }
        ["--only", name] => Some(name),
        _ => bail!("test takes --list or --only STAGE"),
    };
    let chosen: Vec<&Check> = CHECKS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no such stage: see `cargo xtask test --list`");
    }
    let began = Instant::now();
    for (_, check) in &chosen {
        check()?;
    }
    println!("{} stages passed in {} s", chosen.len(), began.elapsed().as_secs());
    Ok(())
}

fn page_lints() -> Result<()> {
    pages::install()?;
    Stage::begin("page types").run(node(&["run", "check"]))?;
    Stage::begin("page lints").run(node(&["run", "lint"]))
}

/// The webhook bots in other languages.
fn example_bots() -> Result<()> {
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest"]).current_dir(root().join("examples/webhook_bot_python"));
    Stage::begin("Python bot").run(python)?;
    let mut node = Command::new("node");
    node.arg("--test").current_dir(root().join("examples/webhook_bot_node"));
    Stage::begin("Node bot").run(node)
}

/// The whole story in a real browser against the real server.
fn story() -> Result<()> {
    install::chromium()?;
    pages::build(pages::When::Changed)?;
    // The same build as the tests': another choice of packages would compile the dependencies anew.
    Stage::begin("server").run(cargo(&["test", "--workspace", "--no-run"]))?;
    let mut story = Command::new("node");
    story.args(["--test", "--test-reporter=spec", "tests/story/story.test.mjs"]).current_dir(root());
    story.env("RELEVO_BIN", target().join("debug/relevo"));
    Stage::begin("story").run(story)
}
