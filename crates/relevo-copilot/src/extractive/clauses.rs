//! A message as clauses: the smallest pieces that still read as something a person said.

use std::ops::Range;

use crate::text::fold;

/// Words at a clause's edges that say nothing to whoever reads it later (folded).
const FILLER: &[&str] = &[
    "hello", "hi", "hey", "hullo", "hiya", "ok", "okay", "so", "well", "um", "uh", "oh", "yes", "yeah", "yep", "yup",
    "sure", "please", "thanks", "thank", "you", "and", "but", "also", "then", "just", "great", "cool", "alright",
    "actually", "it", "its", "is", "s", "the", "a", "for", "at", "on", "in", "to", "of", "by", "my", "i", "im",
    "would", "like", "can", "could", "want", "need", "be", "will", "hola", "buenas", "buenos", "dias", "tardes",
    "noches", "si", "vale", "pues", "y", "o", "gracias", "por", "favor", "es", "el", "la", "los", "las", "un", "una",
    "de", "del", "en", "para", "mi", "quiero", "quisiera", "necesito", "bueno", "claro", "ola", "oi", "bom", "boa",
    "dia", "tarde", "noite", "sim", "obrigado", "obrigada", "e", "os", "as", "um", "uma", "da", "do", "em", "com",
    "meu", "minha", "quero", "queria", "preciso", "entao",
];

/// The clauses of a text as byte ranges, edges trimmed of fillers. Empty ones are left out.
pub fn clauses(text: &str) -> Vec<Range<usize>> {
    split(text).into_iter().filter_map(|range| trim(text, range)).collect()
}

/// Whole sentences, without trimming.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    pieces(text, |c, next| matches!(c, '.' | '!' | '?' | '\n') && next.is_none_or(char::is_whitespace) || c == '\n')
}

/// Whole sentences with their closing signs and what follows those: together they are the text.
pub(crate) fn with_signs(text: &str) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut whole = Vec::new();
    for range in sentences(text) {
        let end = text[range.end..].find(|c: char| !".!?\n ".contains(c)).map_or(text.len(), |at| range.end + at);
        whole.push(from..end);
        from = end;
    }
    whole
}

fn split(text: &str) -> Vec<Range<usize>> {
    // A comma or a point inside a number (4,200 · 10.30) has no space after it and stays.
    pieces(text, |c, next| {
        matches!(c, '.' | '!' | '?' | ',' | ';' | ':' | '…' | '—') && next.is_none_or(char::is_whitespace)
            || matches!(c, '\n' | '(' | ')')
    })
}

fn pieces(text: &str, ends: impl Fn(char, Option<char>) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        if ends(c, next) && !abbreviation(&text[start..at]) {
            pieces.push(start..at);
            start = at + c.len_utf8();
        }
    }
    pieces.push(start..text.len());
    pieces.retain(|range| !text[range.clone()].trim().is_empty());
    pieces
}

/// `Dr. Johnson` is one piece.
fn abbreviation(before: &str) -> bool {
    let last = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    matches!(
        fold(last).as_str(),
        "dr" | "dra" | "mr" | "mrs" | "ms" | "sr" | "sra" | "st" | "av" | "no" | "nro" | "num" | "a.m" | "p.m"
    ) && !matches!(last, "no" | "No")
}

fn trim(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (at, c) in text[range.clone()].char_indices() {
        match (c.is_whitespace(), start) {
            (true, Some(from)) => {
                words.push(range.start + from..range.start + at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push(range.start + from..range.end);
    }
    // `No`, `sin`, `sem` are no fillers: without them "no music" would say the opposite. A capitalised
    // article before a capitalised word belongs to a name: The Porch, Los Angeles.
    let capital = |range: &Range<usize>| text[range.clone()].starts_with(char::is_uppercase);
    let named = |n: usize| words.get(n + 1).is_some_and(|next| capital(&words[n]) && capital(next));
    let filler = |n: usize| {
        let word = &words[n];
        if named(n) {
            return false;
        }
        let folded = fold(&text[word.clone()]);
        let bare: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        bare.is_empty() || FILLER.contains(&bare.as_str())
    };
    let first = (0..words.len()).find(|n| !filler(*n))?;
    let last = (0..words.len()).rfind(|n| !filler(*n))?;
    Some(words[first].start..words[last].end)
}
