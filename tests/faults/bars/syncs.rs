//! Bar 2: `strace` writes down what the server asks of the kernel. Every acknowledgement that leaves on a socket must
//! follow a sync of the write-ahead log that began after the message had been written to it. Killing the server cannot
//! show this: what a process wrote survives its death, and only the machine's death needs the sync.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::Visitor;
use crate::run::{Found, Run};
use anyhow::{Result, bail};
use futures::future::try_join_all;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const CALLS: &str = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync";

pub async fn bar(run: Run) -> Result<Found> {
    if tokio::process::Command::new("strace").arg("-V").output().await.is_err() {
        bail!("this needs strace: install it (`sudo apt-get install strace`)");
    }
    let (visitors, messages) = (run.many(100, 12), run.many(20, 10));
    let trace = tempfile::NamedTempFile::new()?;
    let file = trace.path().display().to_string();
    // -D: the server stays our child; -y: names of files; -s: whole pages.
    let under = ["strace", "-D", "-f", "-y", "-s", "8192", "-e", CALLS, "-e", "signal=none", "-o", &file];
    let under = under.map(str::to_owned).to_vec();
    let setup = Setup { bots: vec![Bot::silent().await?], under, ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let talks = (0..visitors).map(|n| {
        let deployment = &deployment;
        async move {
            let mut visitor = Visitor::comes(deployment, "shop0").await?;
            for message in 0..messages {
                visitor.say_and_wait(&format!("said-{n}-{message}-"), &format!("{n}.{message}")).await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(talks).await?;
    let pid = deployment.pid()?;
    deployment.stop().await?;
    let calls = whole(trace.path(), pid).await?;
    let mut found = Found::default();
    let read = read(&calls);
    found.note("syncs", read.syncs);
    found.must("acknowledgements", read.acknowledged, read.acknowledged == visitors * messages);
    found.never("never_written_to_the_log", read.unwritten);
    found.never("sent_before_their_sync", read.unsynced);
    Ok(found)
}

/// The trace, once strace has written its end.
async fn whole(path: &Path, pid: u32) -> Result<String> {
    let end = format!("{pid} +++ exited");
    for _ in 0..200 {
        let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        if text
            .lines()
            .rev()
            .take(50)
            .any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").starts_with(&end))
        {
            return Ok(text);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("strace does not come to its end")
}

#[derive(Default)]
struct Read {
    syncs: usize,
    acknowledged: usize,
    unwritten: usize,
    unsynced: usize,
}

fn read(calls: &str) -> Read {
    let mut read = Read::default();
    // Where a message was first written to the log, by its id; and for each sync that has ended, where it began.
    let mut written: HashMap<&str, usize> = HashMap::new();
    let mut last_sync = None;
    let mut under_way: HashMap<&str, usize> = HashMap::new();
    for (at, line) in calls.lines().enumerate() {
        let Some((thread, call)) = line.trim_start().split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        let name = call.trim_start_matches("<... ").split(['(', ' ']).next().unwrap_or_default();
        let on_the_log = call.contains("relevo.db-wal>");
        match name {
            "fdatasync" | "fsync" if call.starts_with("<...") => {
                if let Some(began) = under_way.remove(thread).filter(|_| call.ends_with("= 0")) {
                    last_sync = last_sync.max(Some(began));
                    read.syncs += 1;
                }
            }
            "fdatasync" | "fsync" if !on_the_log => {}
            "fdatasync" | "fsync" if call.ends_with("= 0") => {
                last_sync = Some(at);
                read.syncs += 1;
            }
            "fdatasync" | "fsync" => drop(under_way.insert(thread, at)),
            _ if on_the_log => {
                for id in ids(call) {
                    written.entry(id).or_insert(at);
                }
            }
            _ if !call.starts_with("<...") => {
                for id in acknowledged(call) {
                    read.acknowledged += 1;
                    match written.get(id) {
                        None => read.unwritten += 1,
                        Some(&written) if last_sync.is_none_or(|began| began < written) => read.unsynced += 1,
                        Some(_) => {}
                    }
                }
            }
            _ => {}
        }
    }
    read
}

/// The ids of the messages that a buffer acknowledges. What is told after an acknowledgement may leave with it.
fn acknowledged(buffer: &str) -> impl Iterator<Item = &str> {
    let frames = buffer.split(r#"{\"op\":"#);
    frames.filter(|frame| frame.starts_with(r#"\"ack\""#)).flat_map(ids)
}

/// The messages' ids in a buffer: `said-3-7-`.
fn ids(buffer: &str) -> impl Iterator<Item = &str> {
    buffer.match_indices("said-").filter_map(|(at, _)| {
        let rest = &buffer[at..];
        let mut dashes = rest.match_indices('-').map(|(dash, _)| dash);
        let end = dashes.nth(2)?;
        let digits = rest["said-".len()..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        digits.then_some(&rest[..=end])
    })
}
