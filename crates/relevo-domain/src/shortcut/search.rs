//! Finds shortcuts from a few letters, as they are typed.

use super::{Shortcut, Variant};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A shortcut that was found.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// Which.
    pub shortcut: &'a Shortcut,
    /// The variant that the language asks for.
    pub variant: &'a Variant,
    /// How well it fits; more is better, only to be compared within one search.
    pub score: u32,
}

pub(super) fn search<'a>(
    shortcuts: impl Iterator<Item = &'a Shortcut>,
    query: &str,
    language: Option<&str>,
) -> Vec<Hit<'a>> {
    let query: String = query.trim_start_matches('/').chars().take(200).collect();
    let query = fold(&query);
    let mut hits: Vec<Hit<'a>> = shortcuts
        .filter_map(|shortcut| {
            let variant = shortcut.variant(language);
            let score = score(&query, shortcut, variant)?;
            Some(Hit { shortcut, variant, score })
        })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .cmp(&a.score)
            .then_with(|| fold(&a.variant.title).cmp(&fold(&b.variant.title)))
            .then_with(|| a.shortcut.name.cmp(&b.shortcut.name))
    });
    hits
}

/// Every word must be found somewhere; a name counts more than a title, a title more than a text, a beginning more
/// than a middle.
fn score(query: &str, shortcut: &Shortcut, variant: &Variant) -> Option<u32> {
    let (name, title, body) = (shortcut.name.as_str(), fold(&variant.title), fold(&variant.body));
    if !query.is_empty() && query == name {
        return Some(u32::MAX);
    }
    query.split_whitespace().try_fold(0u32, |sum, word| {
        let best = [
            in_words(word, name).map(|found| 80 + found),
            in_words(word, &title).map(|found| 60 + found),
            in_words(word, &body).map(|found| 20 + found),
            letters_in_order(word, name).then_some(10),
            letters_in_order(word, &title).then_some(5),
        ];
        best.into_iter().flatten().max().map(|best| sum.saturating_add(best))
    })
}

/// 15 at the very beginning, 10 at a word's beginning, 1 inside a word.
fn in_words(word: &str, text: &str) -> Option<u32> {
    text.match_indices(word)
        .map(|(at, _)| match text[..at].chars().next_back() {
            None => 15,
            Some(before) if !before.is_alphanumeric() => 10,
            Some(_) => 1,
        })
        .max()
}

/// Whether the letters appear one after another, with others between: `pdo` in `pedido`. From three letters on; fewer
/// are in everything.
fn letters_in_order(word: &str, text: &str) -> bool {
    let mut rest = text.chars();
    word.chars().count() >= 3 && word.chars().all(|wanted| rest.any(|c| c == wanted))
}

/// Lower case without accents.
fn fold(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}
