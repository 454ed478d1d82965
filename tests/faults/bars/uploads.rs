//! Bar 12: twenty large files at once go to the disk, not into memory.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::{Visitor, client};
use crate::run::{Found, Run};
use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use futures::stream;
use serde_json::Value;
use std::fs;

const FILES: usize = 20;
const MEGABYTE: usize = 1_000_000;
/// By how much the server's memory may grow, in KiB.
const MOST: usize = 64 * 1024;

pub async fn bar(run: Run) -> Result<Found> {
    let mut deployment =
        Deployment::start(&run, Setup { bots: vec![Bot::silent().await?], ..Setup::default() }).await?;
    let visitor = Visitor::comes(&deployment, "shop0").await?;
    let megabytes = run.many(50, 10);
    // What is allocated once and for all is not of these files.
    bring(&deployment, visitor.token(), 1).await?;
    let pid = deployment.pid()?;
    let before = kibibytes(pid, "VmRSS:")?;
    // From here on the peak is measured anew.
    fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    try_join_all((0..FILES).map(|_| bring(&deployment, visitor.token(), megabytes))).await?;
    let peak = kibibytes(pid, "VmHWM:")?;
    deployment.stop().await?;
    let mut found = Found::default();
    found.note("files", FILES);
    found.note("megabytes_each", megabytes);
    found.note("before_kib", before);
    found.note("peak_kib", peak);
    let growth = peak.saturating_sub(before);
    found.must("growth_kib", growth, growth <= MOST);
    Ok(found)
}

async fn bring(deployment: &Deployment, token: &str, megabytes: usize) -> Result<()> {
    let pieces = stream::iter((0..megabytes * 10).map(|_| anyhow::Ok(vec![7_u8; MEGABYTE / 10])));
    let request = client()
        .post(format!("{}/widget/files?name=large.bin", deployment.base()))
        .bearer_auth(token)
        .body(reqwest::Body::wrap_stream(pieces));
    let answer = request.send().await?;
    ensure!(answer.status() == 201, "a file was refused with {}", answer.status());
    let brought: Value = answer.json().await?;
    ensure!(brought["size"] == megabytes * MEGABYTE, "not the whole file was taken: {brought}");
    Ok(())
}

fn kibibytes(pid: u32, name: &str) -> Result<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line in /proc")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
