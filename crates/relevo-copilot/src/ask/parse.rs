//! A model's answer to an agent, with its citations held against what it was given.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Answer;
use crate::checks::{Given, cleaned};
use crate::copilot::{Input, SourceRef};
use crate::extractive::clauses::with_signs;
use crate::reply::Citable;
use crate::transcript::Who;

static CITATION: LazyLock<Regex> = LazyLock::new(|| constant(r"\s*\[(?:cite:)?(#?\d+(?:\s*,\s*#?\d+)*)\]"));
/// `… 30 days. [1]` belongs to the sentence before.
static AFTER_SIGN: LazyLock<Regex> =
    LazyLock::new(|| constant(r"([.!?])((?:\s*\[(?:cite:)?#?\d+(?:\s*,\s*#?\d+)*\])+)"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that tests compile")
}

pub(super) fn parse(answer: &str, input: &Input, question: &str, citable: &[Citable]) -> Answer {
    let texts = || {
        let lines = input.lines.iter().filter(|line| line.who != Who::System).map(|line| line.text.as_str());
        lines.chain(citable.iter().map(|source| source.text.as_str())).chain([question])
    };
    let given = Given::new(texts());
    let text = AFTER_SIGN.replace_all(&cleaned(answer, texts()), "$2$1").into_owned();
    let (kept, lost): (Vec<&str>, Vec<&str>) = with_signs(&text)
        .into_iter()
        .map(|range| &text[range])
        .partition(|sentence| given.grounds(&CITATION.replace_all(sentence, "")));
    let mut sources: Vec<SourceRef> = Vec::new();
    let mut dropped = lost.len();
    let kept = kept.concat();
    let text = CITATION.replace_all(&kept, |found: &Captures<'_>| {
        let mut marks = String::new();
        for claimed in found[1].split(',').map(str::trim) {
            let reference = match claimed.strip_prefix('#') {
                Some(seq) => seq.parse().ok().and_then(|seq| message(input, seq)),
                None => claimed.parse().ok().and_then(|n: usize| {
                    let source = citable.iter().find(|source| source.reference.n == n)?;
                    Some(source.reference.clone())
                }),
            };
            match reference {
                Some(reference) => marks.extend([" [", &numbered(&mut sources, reference).to_string(), "]"]),
                None => dropped += 1,
            }
        }
        marks
    });
    Answer { text: text.trim().to_owned(), sources, dropped, internal: false }
}

/// A message that the model was given.
fn message(input: &Input, seq: u64) -> Option<SourceRef> {
    let line = input.lines.iter().find(|line| line.seq == seq && line.who != Who::System)?;
    Some(SourceRef::message(0, line.seq))
}

/// The number of a source in the answer: that of its first mention.
pub(super) fn numbered(sources: &mut Vec<SourceRef>, reference: SourceRef) -> usize {
    let same =
        |known: &SourceRef| (known.kind, &known.id, known.span) == (reference.kind, &reference.id, reference.span);
    if let Some(known) = sources.iter().find(|known| same(known)) {
        return known.n;
    }
    let n = sources.len() + 1;
    sources.push(SourceRef { n, ..reference });
    n
}
