//! A summary made of the customer's own words.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{LONGEST, Summary, words};
use crate::copilot::Input;
use crate::extractive::clauses::sentences;
use crate::extractive::entities::{Kind, entities};
use crate::extractive::facts::{Facts, same_value};
use crate::text::{Language, first_words, is_stop_word, word_count, words as words_of};
use crate::transcript::{Line, Who};

/// The most collected values: more is a transcript again.
const VALUES: usize = 20;

/// Summarises in at most `budget` words of text.
pub(super) fn summarise(input: &Input, budget: usize) -> Summary {
    let mut facts = Facts::default();
    for line in &input.lines {
        facts.read(line);
    }
    let budget = budget.min(LONGEST);
    let told: Vec<&str> = facts.telling(budget).into_iter().map(|clause| clause.text.as_str()).collect();
    let issue = issue(&input.lines);
    let language = input.agent_language;
    Summary {
        // Where nothing tells much ("ok, thanks"), what was said first is still better than a blank.
        text: if told.is_empty() { first_words(&issue, budget).to_owned() } else { told.join("; ") },
        issue,
        collected: collected(input),
        tried: tried(&input.lines),
        next: next(&input.lines, language),
        reason: input.handoff.as_ref().map(|handoff| {
            let reason = words::reason(&handoff.reason, language).unwrap_or(&handoff.reason).to_owned();
            handoff
                .detail
                .as_ref()
                .or(handoff.note.as_ref())
                .map_or(reason.clone(), |detail| format!("{reason}: {detail}"))
        }),
        sentiment: sentiment(&input.lines, language),
        dropped: 0,
        suggested_reply: None,
    }
}

/// The first sentence of the customer that says something, and the following one if it is short.
fn issue(lines: &[Line]) -> String {
    let customer = lines.iter().filter(|line| line.who == Who::Visitor);
    let said =
        customer.flat_map(|line| sentences(&line.text).into_iter().map(|range| line.text[range].trim().to_owned()));
    let meaning = |text: &str| words_of(text).iter().filter(|word| !is_stop_word(word)).count();
    let said: Vec<String> = said.collect();
    let Some(at) = said.iter().position(|text| meaning(text) >= 3) else {
        return said.first().cloned().unwrap_or_default();
    };
    first_words(&said[at], 25).to_owned()
}

/// Values with the messages that hold them: what bots captured first, then what the customer wrote.
fn collected(input: &Input) -> Vec<Value> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut values = Vec::new();
    for (key, value) in &input.captured {
        if seen.insert(same_value(value)) {
            let said = input.lines.iter().find(|line| same_value(&line.text).contains(&same_value(value)));
            values.push(json!({"key": key, "value": value, "seq": said.map(|line| line.seq)}));
        }
    }
    for line in input.lines.iter().filter(|line| line.who == Who::Visitor) {
        for entity in entities(&line.text) {
            let value = &line.text[entity.span.clone()];
            let telling = match entity.kind {
                Kind::Number => word_count(&line.text) > 1,
                Kind::Name => is_theirs(&line.text[..entity.span.start], value, input),
                _ => true,
            };
            if telling && seen.insert(same_value(value)) {
                values.push(
                    json!({"key": words::kind(entity.kind, input.agent_language), "value": value, "seq": line.seq}),
                );
            }
        }
    }
    // Newer values correct older ones, so the newest stay when there are too many.
    let surplus = values.len().saturating_sub(VALUES);
    values.drain(..surplus);
    values
}

/// Whether a name is news of the customer's: they say that it is theirs, or the house has never said it. The bot's, the
/// shop's and its wares' names are the house's own.
fn is_theirs(before: &str, name: &str, input: &Input) -> bool {
    let name = words_of(name);
    let says = |line: &Line| words_of(&line.text).windows(name.len().max(1)).any(|run| *run == *name);
    introduces(before) || !input.lines.iter().any(|line| line.who.answers() && says(line))
}

/// Whether the end of these words says that a name follows.
fn introduces(text: &str) -> bool {
    let said = words_of(text).join(" ");
    words::INTRODUCING.iter().any(|opening| said == *opening || said.ends_with(&format!(" {opening}")))
}

/// The last thing that the house said which was no question. Who greets before anybody has asked anything, or says who
/// they are, has not tried anything yet.
fn tried(lines: &[Line]) -> Option<String> {
    let asked = lines.iter().position(|line| line.who == Who::Visitor).unwrap_or(lines.len());
    let house = lines[asked..].iter().rev().filter(|line| line.who.answers());
    let mut statements = house.flat_map(|line| {
        let text = line.text.as_str();
        sentences(text).into_iter().rev().map(move |range| (range.clone(), text)).collect::<Vec<_>>()
    });
    statements
        .find(|(range, text)| {
            let said = &text[range.clone()];
            let names = || words::INTRODUCING.iter().any(|opening| words_of(said).join(" ").starts_with(opening));
            !text[range.end..].starts_with('?') && word_count(said) >= 4 && !names()
        })
        .map(|(range, text)| first_words(text[range].trim(), 25).to_owned())
}

/// Who is waiting for what.
fn next(lines: &[Line], language: Language) -> Option<String> {
    let last = lines.iter().rev().find(|line| line.who == Who::Visitor || line.who.answers())?;
    let customer = last.who == Who::Visitor;
    let ending = sentences(&last.text).into_iter().next_back()?;
    let quote = first_words(last.text[ending].trim(), 15);
    Some(format!("{} «{quote}»", words::open_point(customer, language)))
}

/// Upset words or shouting; nothing where the customer shows neither.
fn sentiment(lines: &[Line], language: Language) -> Option<Value> {
    let shown = lines.iter().rev().filter(|line| line.who == Who::Visitor).find(|line| {
        let says = words_of(&line.text).iter().any(|word| words::UPSET.contains(&word.as_str()));
        let letters = line.text.chars().filter(|c| c.is_alphabetic()).count();
        let shouts = letters > 15 && line.text.chars().filter(|c| c.is_uppercase()).count() * 10 > letters * 8;
        says || shouts || line.text.contains("!!!")
    })?;
    Some(json!({"text": words::upset(language), "seq": shown.seq}))
}
