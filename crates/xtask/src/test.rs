//! Every check, in the order in which a mistake is found soonest.

use crate::pages;
use crate::stage::{Stage, cargo};
use anyhow::{Result, bail};
use std::time::Instant;

/// A check by its name.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: &[Check] = &[
    ("format", || Stage::begin("format").run(cargo(&["fmt", "--all", "--check"]))),
    ("pages", || pages::build(pages::When::Changed)),
    // Only what was seen to pass; the rest of the workspace joins as it is seen.
    ("tests", || Stage::begin("tests").run(cargo(&["test", "--lib", "-p", "relevo-domain", "-p", "relevo"]))),
];

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let only = match arguments[..] {
        [] => None,
        ["--list"] => {
            CHECKS.iter().for_each(|(name, _)| println!("{name}"));
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
