//! What became of what the Copilot made, and what that says about it.

use std::collections::BTreeMap;

use relevo::store::{Artifact, ArtifactKind, ArtifactStatus};
use relevo_domain::id::TeamId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Beyond this many characters that differ, a text is told to be another one without counting further.
const COUNTED: usize = 2_000;

/// What an agent did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was on the screen.
    Shown,
    /// It was put into the composer.
    Inserted,
    /// It was changed there.
    Edited,
    /// It went out.
    Sent,
    /// It was turned down.
    Rejected,
}

/// One thing that became of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback {
    /// What.
    pub what: What,
    /// How many characters were changed.
    pub distance: Option<u32>,
    /// Which of several suggestions, from 0.
    pub suggestion: Option<u32>,
}

impl Feedback {
    /// What `sent` says about an artifact: which of its texts was sent, and how much of that was changed.
    pub fn sent(artifact: &Artifact, sent: &str) -> Self {
        let suggestions = artifact.body["suggestions"].as_array().into_iter().flatten();
        let texts = suggestions.map(|one| &one["text"]).chain([&artifact.body["text"]]).filter_map(Value::as_str);
        let nearest = (0..).zip(texts).map(|(n, text)| (distance(text, sent), n)).min();
        let several = artifact.kind == ArtifactKind::Reply;
        Self {
            what: What::Sent,
            distance: nearest.map(|(distance, _)| distance),
            suggestion: nearest.map(|(_, n)| n).filter(|_| several),
        }
    }
}

/// How many characters must be put in, taken out or replaced to make one text of another.
pub fn distance(one: &str, other: &str) -> u32 {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let begin = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[begin..], &other[begin..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[..one.len() - end], &other[..other.len() - end]);
    if one.len().max(other.len()) > COUNTED {
        return u32::try_from(one.len().max(other.len())).unwrap_or(u32::MAX);
    }
    let mut row: Vec<u32> = (0..).take(other.len() + 1).collect();
    for (n, a) in (1..).zip(one) {
        let mut diagonal = std::mem::replace(&mut row[0], n);
        for (m, b) in other.iter().enumerate() {
            let cheapest = (diagonal + u32::from(a != b)).min(row[m] + 1).min(row[m + 1] + 1);
            diagonal = std::mem::replace(&mut row[m + 1], cheapest);
        }
    }
    row[other.len()]
}

/// What became of all artifacts of one kind that one model made for one team with one prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How many were finished.
    pub made: u64,
    /// How many gave up.
    pub failed: u64,
    /// How many were stopped.
    pub cancelled: u64,
    /// How many were on a screen.
    pub shown: u64,
    /// How many were put into the composer.
    pub inserted: u64,
    /// How many were changed there.
    pub edited: u64,
    /// How many went out.
    pub sent: u64,
    /// How many of those went out as they were.
    pub sent_unchanged: u64,
    /// The characters that were changed in all that went out.
    pub changed_characters: u64,
    /// How many were turned down.
    pub rejected: u64,
    /// The tokens that a model read.
    pub prompt_tokens: u64,
    /// The tokens that it wrote.
    pub completion_tokens: u64,
    /// What that cost, in millionths of each currency's unit.
    pub cost_micros: BTreeMap<String, u64>,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The kind of artifact, as the wire names it.
    pub kind: String,
    /// The model, or `offline`.
    pub model: String,
    /// The prompt's content hash.
    pub prompt_version: String,
    /// The team.
    pub team: Option<TeamId>,
}

/// Counts what became of artifacts.
pub fn report<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> BTreeMap<Group, Row> {
    let mut rows: BTreeMap<Group, Row> = BTreeMap::new();
    for artifact in artifacts {
        let kind = serde_json::to_value(artifact.kind).ok().and_then(|kind| Some(kind.as_str()?.to_owned()));
        let group = Group {
            kind: kind.unwrap_or_default(),
            model: artifact.model.clone(),
            prompt_version: artifact.prompt_version.clone(),
            team: artifact.team.clone(),
        };
        let row = rows.entry(group).or_default();
        match artifact.status {
            ArtifactStatus::Done => row.made += 1,
            ArtifactStatus::Failed => row.failed += 1,
            ArtifactStatus::Cancelled => row.cancelled += 1,
            ArtifactStatus::Running => {}
        }
        let became = |what: &'static str| artifact.feedback.iter().filter(move |given| given["what"] == what);
        let ever = |what: &'static str| u64::from(became(what).next().is_some());
        row.shown += ever("shown");
        row.inserted += ever("inserted");
        row.edited += ever("edited");
        row.rejected += ever("rejected");
        if let Some(sent) = became("sent").next_back() {
            let changed = sent["distance"].as_u64();
            row.sent += 1;
            row.sent_unchanged += u64::from(changed == Some(0));
            row.changed_characters += changed.unwrap_or_default();
        }
        if let Some(tokens) = artifact.tokens {
            row.prompt_tokens += u64::from(tokens.prompt);
            row.completion_tokens += u64::from(tokens.completion);
        }
        if let Some(cost) = &artifact.cost {
            *row.cost_micros.entry(cost.currency.clone()).or_default() += cost.micros;
        }
    }
    rows
}

/// What models cost one team on one day (UTC).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// How many artifacts a model was asked for, also where its answer is not what was shown.
    pub asked: u64,
    /// The tokens that were read.
    pub prompt_tokens: u64,
    /// The tokens that were written.
    pub completion_tokens: u64,
    /// What that cost, in millionths of each currency's unit.
    pub cost_micros: BTreeMap<String, u64>,
}

/// Adds up what artifacts cost, by day (`2026-11-21`) and team.
pub fn spent<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> BTreeMap<(String, Option<TeamId>), Spent> {
    let mut rows: BTreeMap<(String, Option<TeamId>), Spent> = BTreeMap::new();
    for artifact in artifacts {
        let Some(tokens) = artifact.tokens else { continue };
        let mut day = artifact.created_at.to_rfc3339();
        day.truncate("2026-11-21".len());
        let row = rows.entry((day, artifact.team.clone())).or_default();
        row.asked += 1;
        row.prompt_tokens += u64::from(tokens.prompt);
        row.completion_tokens += u64::from(tokens.completion);
        if let Some(cost) = &artifact.cost {
            *row.cost_micros.entry(cost.currency.clone()).or_default() += cost.micros;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_the_characters_that_were_changed() {
        assert_eq!(distance("Mañana llega.", "Mañana llega."), 0);
        assert_eq!(distance("Mañana llega.", "Mañana no llega!"), 4);
        assert_eq!(distance("", "ñandú"), 5);
        assert_eq!(distance(&"a".repeat(3_000), &"b".repeat(2_500)), 3_000);
    }
}
