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
    /// Somebody said whether it helped, or took that back.
    Rated,
}

/// Whether it helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// It did.
    Good,
    /// It did not.
    Bad,
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
    /// Whether it helped; none: the rating is taken back.
    pub rating: Option<Rating>,
}

impl Feedback {
    /// What `sent` says about an artifact: which of its texts was sent, and how much of that was changed.
    pub fn sent(artifact: &Artifact, sent: &str) -> Self {
        let body = &artifact.body;
        let suggestions = body["suggestions"].as_array().into_iter().flatten().map(|one| &one["text"]);
        let texts: Vec<&str> = match artifact.kind {
            ArtifactKind::Brief | ArtifactKind::Summary => vec![&body["suggested_reply"]],
            _ => suggestions.chain([&body["text"]]).collect(),
        }
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
        // A part of a draft may have been rewritten: what stands around it was not its business.
        let measure = if artifact.kind == ArtifactKind::Rewrite { distance_within } else { distance };
        let nearest = (0..).zip(texts).map(|(n, text)| (measure(text, sent), n)).min();
        let several = artifact.kind == ArtifactKind::Reply;
        Self {
            what: What::Sent,
            distance: nearest.map(|(distance, _)| distance),
            suggestion: nearest.map(|(_, n)| n).filter(|_| several),
            rating: None,
        }
    }

    /// That it was changed before it was sent; none where it was not.
    pub fn edited(self) -> Option<Self> {
        self.distance.is_some_and(|distance| distance > 0).then_some(Self { what: What::Edited, ..self })
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
    edits(one, other, (0..).take(other.len() + 1).collect()).last().copied().unwrap_or_default()
}

/// The same against the part of `whole` that is most like `part`.
fn distance_within(part: &str, whole: &str) -> u32 {
    if whole.contains(part) {
        return 0;
    }
    let (one, other): (Vec<char>, Vec<char>) = (part.chars().collect(), whole.chars().collect());
    if one.len().max(other.len()) > COUNTED {
        return distance(part, whole);
    }
    edits(&one, &other, vec![0; other.len() + 1]).into_iter().min().unwrap_or_default()
}

/// The last row of the table of edits: how far all of `one` is from the beginnings of `other`. `row` is the first.
fn edits(one: &[char], other: &[char], mut row: Vec<u32>) -> Vec<u32> {
    for (n, a) in (1..).zip(one) {
        let mut diagonal = std::mem::replace(&mut row[0], n);
        for (m, b) in other.iter().enumerate() {
            let cheapest = (diagonal + u32::from(a != b)).min(row[m] + 1).min(row[m + 1] + 1);
            diagonal = std::mem::replace(&mut row[m + 1], cheapest);
        }
    }
    row
}

/// What became of a group of artifacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// How many were finished.
    pub made: u64,
    /// How many of those no model wrote.
    pub offline: u64,
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
    /// How often somebody stands by it that one helped.
    pub good: u64,
    /// How often somebody stands by it that one did not.
    pub bad: u64,
    /// The tokens that a model read.
    pub prompt_tokens: u64,
    /// The tokens that it wrote.
    pub completion_tokens: u64,
    /// What that cost, in millionths of each currency's unit.
    pub cost_micros: BTreeMap<String, u64>,
}

impl Row {
    /// Counts one more.
    pub fn count(&mut self, artifact: &Artifact) {
        match artifact.status {
            ArtifactStatus::Done => self.made += 1,
            ArtifactStatus::Failed => self.failed += 1,
            ArtifactStatus::Cancelled => self.cancelled += 1,
            ArtifactStatus::Running => {}
        }
        self.offline += u64::from(artifact.status == ArtifactStatus::Done && artifact.offline);
        let became = |what: &'static str| artifact.feedback.iter().filter(move |given| given["what"] == what);
        let ever = |what: &'static str| u64::from(became(what).next().is_some());
        self.shown += ever("shown");
        self.inserted += ever("inserted");
        self.edited += ever("edited");
        self.rejected += ever("rejected");
        if let Some(sent) = became("sent").next_back() {
            let changed = sent["distance"].as_u64();
            self.sent += 1;
            self.sent_unchanged += u64::from(changed == Some(0));
            self.changed_characters += changed.unwrap_or_default();
        }
        // What each said last.
        let ratings: BTreeMap<_, _> =
            became("rated").map(|given| (given["agent"].as_str(), &given["rating"])).collect();
        let rated = |rating: &str| ratings.values().filter(|given| **given == rating).count() as u64;
        self.good += rated("good");
        self.bad += rated("bad");
        if let Some(tokens) = artifact.tokens {
            self.prompt_tokens += u64::from(tokens.prompt);
            self.completion_tokens += u64::from(tokens.completion);
        }
        if let Some(cost) = &artifact.cost {
            *self.cost_micros.entry(cost.currency.clone()).or_default() += cost.micros;
        }
    }
}

/// Counts what became of artifacts, in groups.
pub fn report<K: Ord>(artifacts: &[Artifact], group: impl Fn(&Artifact) -> K) -> BTreeMap<K, Row> {
    let mut rows: BTreeMap<K, Row> = BTreeMap::new();
    for artifact in artifacts {
        rows.entry(group(artifact)).or_default().count(artifact);
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

    #[test]
    fn what_stands_around_a_rewritten_part_is_not_counted() {
        assert_eq!(distance_within("Sale mañana.", "Hola Ana. Sale mañana. Un saludo"), 0);
        assert_eq!(distance_within("Sale mañana.", "Hola Ana. Sale hoy. Un saludo"), 6);
        assert_eq!(distance_within("ñandú", ""), 5);
    }
}
