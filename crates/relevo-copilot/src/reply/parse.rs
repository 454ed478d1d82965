//! A model's drafts, with their citations held against the sources it was given.

use std::sync::LazyLock;

use regex::Regex;

use super::{Citable, MOST, Suggestion};
use crate::checks::{Given, cleaned};
use crate::copilot::Input;

static CITATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\s*\[(?:cite:)?(\d+(?:\s*,\s*\d+)*)\]").expect("the pattern is a constant that tests compile")
});

/// The drafts, and how many citations and statements were dropped because nothing stands behind them. `internal`: the
/// model had read something for the team only, which it may tell in other words without citing it.
pub(super) fn parse(answer: &str, input: &Input, citable: &[Citable], internal: bool) -> (Vec<Suggestion>, usize) {
    let texts = || {
        let lines = input.lines.iter().map(|line| line.text.as_str());
        lines.chain(citable.iter().map(|source| source.text.as_str()))
    };
    let given = Given::new(texts());
    let mut dropped = 0;
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for draft in answer.replace("\r\n", "\n").split("\n===").take(MOST) {
        let draft = draft.trim_start_matches('=').trim();
        let mut sources: Vec<usize> = Vec::new();
        for found in CITATION.captures_iter(draft) {
            for number in found[1].split(',').filter_map(|number| number.trim().parse::<usize>().ok()) {
                if citable.iter().any(|source| source.reference.n == number) {
                    sources.push(number);
                } else {
                    dropped += 1;
                }
            }
        }
        sources.sort_unstable();
        sources.dedup();
        let text = CITATION.replace_all(draft, "");
        let (text, ungrounded) = given.grounded(&cleaned(&text, texts()));
        dropped += ungrounded;
        if text.is_empty() || suggestions.iter().any(|other| other.text == text) {
            continue;
        }
        suggestions.push(Suggestion { text, grounded: !sources.is_empty(), sources, internal });
    }
    (suggestions, dropped)
}
