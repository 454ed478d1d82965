//! What whoever runs a deployment does with it besides serving.

use super::many;
use super::progress::Progress;
use crate::cli::Settings;
use anyhow::{Result, bail};
use relevo_server::backup::{Manifest, back_up};
use relevo_server::doctor::{Finding, Health, examine};
use serde_json::json;
use std::path::Path;

pub(crate) async fn doctor(settings: &Settings, as_json: bool) -> Result<()> {
    let findings = match settings.load() {
        Ok(config) => examine(&config).await,
        Err(wrong) => {
            let told = wrong.0.into_iter();
            told.map(|bad| Finding::fail("settings", format!("{}: {}", bad.path, bad.reason), bad.mend)).collect()
        }
    };
    let failed = findings.iter().filter(|finding| finding.health == Health::Fail).count();
    if as_json {
        let worst = findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok);
        println!("{}", json!({"health": worst, "findings": findings}));
    } else {
        for Finding { check, health, found, mend } in &findings {
            let word = match health {
                Health::Ok => "ok",
                Health::Warn => "warn",
                Health::Fail => "fail",
            };
            println!("{word:<5} {check:<12} {found}");
            if let Some(mend) = mend {
                println!("{:<18} → {mend}", "");
            }
        }
    }
    if failed > 0 {
        bail!("{}", many(failed, "check failed", "checks failed"));
    }
    Ok(())
}

pub(crate) async fn backup(settings: &Settings, to: &Path) -> Result<()> {
    let config = settings.load()?;
    let progress = Progress::begin()?;
    let made = back_up(&config, to, |step| progress.tell(step.doing, step.done, step.of)).await?;
    progress.end();
    println!("{} are in {}", what(&made), to.display());
    println!(
        "not in it: the settings, their secrets, and the folders of shortcuts, prompts and articles that they name"
    );
    Ok(())
}

pub(crate) async fn restore(settings: &Settings, from: &Path) -> Result<()> {
    let config = settings.load()?;
    let progress = Progress::begin()?;
    let made =
        relevo_server::backup::restore(&config, from, |step| progress.tell(step.doing, step.done, step.of)).await?;
    progress.end();
    println!("{} were checked and are in {}: start it with `relevo serve`", what(&made), config.data.display());
    Ok(())
}

fn what(made: &Manifest) -> String {
    let megabytes = made.bytes() / 1_000_000;
    format!(
        "{} facts of {} conversations and {} ({megabytes} MB)",
        made.facts,
        made.conversations,
        many(made.files(), "file", "files")
    )
}
