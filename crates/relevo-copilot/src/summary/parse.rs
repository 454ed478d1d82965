//! A model's answer, held against the conversation. What nobody said is dropped and counted.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::{LONGEST, Summary};
use crate::checks::{Given, cleaned};
use crate::copilot::Input;
use crate::extractive::facts::same_value;
use crate::text::first_words;

static EVIDENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\s*\[#?(\d+)\]\s*$").expect("the pattern is a constant that tests compile"));

pub(super) fn parse(answer: &str, input: &Input) -> Summary {
    let answer = answer.replace("\r\n", "\n");
    let (paragraph, fields) = answer.split_once("\n---").unwrap_or((&answer, ""));
    let given = given(input);
    let texts = || input.lines.iter().map(|line| line.text.as_str());
    // What was collected before was checked then, against messages that this call did not send again.
    let before = input.earlier.as_ref().map(|earlier| earlier.collected.clone()).unwrap_or_default();
    let mut summary = Summary { collected: before, ..Summary::default() };
    let (text, dropped) = given.grounded(&cleaned(paragraph.trim(), texts()));
    first_words(&text, LONGEST).clone_into(&mut summary.text);
    summary.dropped += dropped;
    for line in fields.lines() {
        let Some((name, value)) = line.trim().trim_start_matches(['-', '*', ' ']).split_once(':') else { continue };
        let value = cleaned(value.trim(), texts());
        if value.is_empty() {
            continue;
        }
        match name.trim().to_lowercase().as_str() {
            "data" => match datum(&value, input) {
                Some(datum) => {
                    summary.collected.retain(|known| known["key"] != datum["key"]);
                    summary.collected.push(datum);
                }
                None => summary.dropped += 1,
            },
            "sentiment" => match sentiment(&value, input) {
                Some(sentiment) => summary.sentiment = Some(sentiment),
                None => summary.dropped += 1,
            },
            name @ ("issue" | "tried" | "next" | "reason") if given.grounds(&value) => match name {
                "issue" => summary.issue = value,
                "tried" => summary.tried = Some(value),
                "next" => summary.next = Some(value),
                _ => summary.reason = Some(value),
            },
            "issue" | "tried" | "next" | "reason" => summary.dropped += 1,
            _ => {}
        }
    }
    summary
}

/// Everything that the model was given, in the customer's and the system's words.
fn given(input: &Input) -> Given {
    let handoff =
        input.handoff.iter().flat_map(|handoff| [handoff.detail.as_deref(), handoff.note.as_deref()]).flatten();
    let earlier = input.earlier.iter().map(|earlier| earlier.text.as_str());
    let captured = input.captured.values().map(String::as_str);
    Given::new(input.lines.iter().map(|line| line.text.as_str()).chain(handoff).chain(earlier).chain(captured))
}

/// `key = value [#n]`, if the value stands in a message. A wrong number is put right, a value that
/// nobody wrote is refused.
fn datum(text: &str, input: &Input) -> Option<Value> {
    let (key, value) = text.split_once('=')?;
    let (value, claimed) = evidence(value);
    let wanted = same_value(&value);
    if wanted.is_empty() {
        return None;
    }
    let holds = |text: &str| format!(" {} ", same_value(text)).contains(&format!(" {wanted} "));
    let claimed = input.lines.iter().find(|line| Some(line.seq) == claimed && holds(&line.text));
    let line = claimed.or_else(|| input.lines.iter().find(|line| holds(&line.text)));
    let known = line.is_some() || input.captured.values().any(|captured| holds(captured));
    known.then(|| json!({"key": key.trim(), "value": value, "seq": line.map(|line| line.seq)}))
}

/// A mood counts only with a message of the customer's that shows it.
fn sentiment(text: &str, input: &Input) -> Option<Value> {
    let (mood, seq) = evidence(text);
    let seq = input.lines.iter().find(|line| Some(line.seq) == seq && line.who == crate::transcript::Who::Visitor)?.seq;
    (!mood.is_empty()).then(|| json!({"text": first_words(&mood, 4), "seq": seq}))
}

fn evidence(text: &str) -> (String, Option<u64>) {
    let seq = EVIDENCE.captures(text).and_then(|found| found[1].parse().ok());
    (EVIDENCE.replace(text, "").trim().to_owned(), seq)
}
