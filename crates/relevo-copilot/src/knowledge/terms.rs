//! What passages and questions are compared by: stems, pairs of stems, runs of four letters.

use std::collections::BTreeMap;

use super::Passage;
use crate::extractive::labels::pieces;
use crate::text::{Language, terms};

/// A title is twice the text: it is what the author thought the passage is about.
const TITLE: f32 = 2.0;

/// A passage's weighted terms.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) words: Vec<(String, f32)>,
    /// The words too.
    pub(super) phrases: Vec<(String, f32)>,
    pub(super) pieces: Vec<(String, f32)>,
}

impl Terms {
    pub(super) fn of(passage: &Passage) -> Self {
        let said = terms(&passage.text, passage.language);
        let pairs = said.windows(2).map(|pair| (pair.join(" "), 1.0)).collect::<Vec<_>>();
        let titled = terms(&passage.title, passage.language).into_iter().map(|term| (term, TITLE));
        let words: Vec<_> = said.into_iter().map(|term| (term, 1.0)).chain(titled).collect();
        let phrases = words.iter().cloned().chain(pairs).collect();
        let titled = self::pieces(&passage.title).into_iter().map(|(piece, _)| (piece, TITLE));
        let pieces = self::pieces(&passage.text).into_iter().chain(titled).collect();
        Self { words, phrases, pieces }
    }
}

/// A question's weighted terms.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) words: Vec<(String, f32)>,
    /// The words too.
    pub(super) phrases: Vec<(String, f32)>,
    pub(super) pieces: Vec<(String, f32)>,
}

impl Asked {
    /// A question may be in another language than the article: its words are stemmed as in each language that there are
    /// passages in, so that names and numbers meet whatever the rules.
    pub(super) fn of(question: &str, languages: impl IntoIterator<Item = Language>) -> Self {
        let (mut words, mut phrases) = (Vec::new(), Vec::new());
        for language in languages {
            let said = terms(question, language);
            let pairs = said.windows(2).map(|pair| pair.join(" ")).collect::<Vec<_>>();
            add(&mut phrases, said.iter().cloned().chain(pairs));
            add(&mut words, said);
        }
        Self { words, phrases, pieces: pieces(question) }
    }
}

/// Adds one language's terms: as often as said, but not again for every language that stems them alike.
fn add(terms: &mut Vec<(String, f32)>, more: impl IntoIterator<Item = String>) {
    let mut counts: BTreeMap<String, f32> = BTreeMap::new();
    for term in more {
        *counts.entry(term).or_default() += 1.0;
    }
    for (term, times) in counts {
        if !terms.iter().any(|(known, _)| *known == term) {
            terms.push((term, times));
        }
    }
}
