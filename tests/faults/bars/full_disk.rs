//! Bar 8, the disk: it fills up while visitors talk. What cannot be stored is refused with 503, nothing is acknowledged
//! falsely, reading goes on, and once there is room again everything goes on. Needs root, to mount a small disk.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::Visitor;
use crate::run::{Found, Run};
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// A disk in memory, as long as this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let size = format!("size={megabytes}m");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "relevo"]).arg(folder.path()).status()?;
        ensure!(status.success(), "no disk could be mounted");
        Ok(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

pub async fn bar(run: Run) -> Result<Found> {
    let Ok(disk) = SmallDisk::mount(24) else {
        return Ok(Found::skipped(
            "only root may mount a small disk: run it as root, or in a container with CAP_SYS_ADMIN",
        ));
    };
    let data = Some(disk.path().join("data"));
    let setup = Setup { agents: 1, bots: vec![Bot::silent().await?], data, ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let agent = deployment.agents[0].clone();
    let ballast = disk.path().join("ballast");
    let (mut said, mut acknowledged): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    let (mut refused, mut statuses, mut reads, mut misjudged) = (0, BTreeMap::<u16, usize>::new(), 0, 0);
    let fills = run.many(50, 3);
    for fill in 0..fills {
        let mut visitor = Visitor::comes(&deployment, "shop0").await?;
        visitor.say_and_wait("first", &format!("{fill}.first")).await?;
        said.insert(format!("{fill}.first"));
        acknowledged.insert(format!("{fill}.first"));
        let conversation = visitor.conversation().await?;
        // Everything that is left goes, up to where the disk says no.
        let _ = std::fs::write(&ballast, vec![1; 24 << 20]);
        let mut again = Vec::new();
        for n in 0..8 {
            let text = format!("{fill}.{n} {}", "x".repeat(6_000));
            said.insert(text.clone());
            match visitor.say_and_wait(&format!("m{n}"), &text).await {
                Ok(_) => drop(acknowledged.insert(text)),
                Err(error) => {
                    ensure!(error.to_string().contains("store_unavailable"), "refused otherwise: {error}");
                    refused += 1;
                    again.push((n, text));
                }
            }
        }
        // The write-ahead log may have begun anew in what it already holds of the disk: then there is room for a take-over.
        let (status, _) = agent.take_over(conversation).await?;
        *statuses.entry(status).or_default() += 1;
        let (read, detail) = agent.get(&format!("/api/conversations/{conversation}")).await?;
        reads += usize::from(read == 200);
        let is_theirs = detail["card"]["assignee"] == json!(agent.id);
        misjudged += usize::from(!matches!((status, is_theirs), (200, true) | (503, false)));
        std::fs::remove_file(&ballast)?;
        for (n, text) in again {
            visitor.insist(&format!("m{n}"), &text, &[]).await?;
            acknowledged.insert(text);
        }
        ensure!(agent.take_over(conversation).await?.0 == 200, "there is room again, and a take-over is refused");
    }
    let audit = deployment.stop().await?;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, text) in audit.said_by_visitors() {
        *times.entry(text).or_default() += 1;
    }
    let mut found = Found::default();
    found.note("fills", fills);
    found.must("refused", refused, refused > 0);
    found.note("take_overs_on_a_full_disk", json!(statuses));
    found.never("take_overs_said_to_be_what_they_are_not", misjudged);
    found.must("reads_on_a_full_disk", reads, reads == fills);
    found.must("acknowledged", acknowledged.len(), acknowledged == said);
    found.never("acknowledged_and_lost", acknowledged.iter().filter(|text| !times.contains_key(text.as_str())).count());
    found.never("said_twice", times.values().filter(|&&times| times > 1).count());
    found.never("gaps", audit.gaps());
    Ok(found)
}
