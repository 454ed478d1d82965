//! Labels from a few examples each: what a conversation is about.

use std::collections::HashMap;

use crate::sparse::{Sparse, fuse};
use crate::text::{Language, terms, words};

/// How many examples vote.
const VOTERS: usize = 8;

/// Examples of labels.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    by_word: Sparse,
    by_piece: Sparse,
    labels: Vec<String>,
}

impl Labels {
    /// Adds an example of a label.
    pub fn learn(&mut self, text: &str, label: &str, language: Language) {
        self.by_word.add(phrases(text, language));
        self.by_piece.add(pieces(text));
        self.labels.push(label.to_owned());
    }

    /// The likeliest label of a text; `None` when no example shares anything with it.
    pub fn best(&self, text: &str, language: Language) -> Option<&str> {
        let (by_word, by_piece) = (self.by_word.cosine(phrases(text, language)), self.by_piece.cosine(pieces(text)));
        let nearest = fuse(&[(&by_word, 1.0), (&by_piece, 1.0)]);
        let mut votes: HashMap<&str, f32> = HashMap::new();
        for hit in nearest.iter().take(VOTERS) {
            *votes.entry(&self.labels[hit.doc as usize]).or_default() += hit.score.powi(3);
        }
        votes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0))).map(|(label, _)| label)
    }
}

fn phrases(text: &str, language: Language) -> Vec<(String, f32)> {
    let terms = terms(text, language);
    let pairs: Vec<_> = terms.windows(2).map(|pair| (pair.join(" "), 0.7)).collect();
    terms.into_iter().map(|term| (term, 1.0)).chain(pairs).collect()
}

/// Runs of four letters: they forgive spelling, and meet across related words and languages.
pub(crate) fn pieces(text: &str) -> Vec<(String, f32)> {
    let mut found = Vec::new();
    for word in words(text) {
        let letters: Vec<char> = format!("_{word}_").chars().collect();
        if letters.len() < 4 {
            found.push((letters.iter().collect(), 1.0));
        }
        found.extend(letters.windows(4).map(|piece| (piece.iter().collect(), 1.0)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_message_still_finds_its_label() {
        let mut labels = Labels::default();
        labels.learn("quiero una devolución", "devolucion", Language::Es);
        labels.learn("dónde está mi pedido", "envio", Language::Es);
        assert_eq!(labels.best("cómo hago la debolucion", Language::Es), Some("devolucion"));
        assert_eq!(labels.best("zzz", Language::Es), None);
    }
}
