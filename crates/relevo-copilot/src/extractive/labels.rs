//! Labels from a few examples each: what a conversation is about.

use std::collections::BTreeMap;

use crate::sparse::{Sparse, fuse};
use crate::text::{Language, is_stop_word, stem, words};

/// What a stop word counts: `where is` and `why is` are different questions, if only a little.
const STOP_WORD: f32 = 0.15;
/// What two words in a row count.
const PAIR: f32 = 0.5;

/// Labels, each as one document made of its examples.
///
/// With a handful of examples a label, the whole of them is a better neighbour than any single one.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    by_word: Sparse,
    by_piece: Sparse,
    names: Vec<String>,
}

impl Labels {
    /// Learns from examples: text, its language, its label.
    pub fn of<'a>(examples: impl IntoIterator<Item = (&'a str, Language, &'a str)>) -> Self {
        let mut of_label: BTreeMap<&str, (Vec<_>, Vec<_>)> = BTreeMap::new();
        for (text, language, label) in examples {
            let (phrased, cut) = of_label.entry(label).or_default();
            phrased.extend(phrases(text, language));
            cut.extend(pieces(text));
        }
        let mut labels = Self::default();
        for (label, (phrased, cut)) in of_label {
            labels.by_word.add(phrased);
            labels.by_piece.add(cut);
            labels.names.push(label.to_owned());
        }
        labels
    }

    /// The likeliest label of a text; `None` when no example shares anything with it.
    pub fn best(&self, text: &str, language: Language) -> Option<&str> {
        let (by_word, by_piece) = (self.by_word.cosine(phrases(text, language)), self.by_piece.cosine(pieces(text)));
        let nearest = fuse(&[(&by_word, 1.0), (&by_piece, 1.0)]);
        nearest.first().map(|hit| self.names[hit.doc as usize].as_str())
    }
}

fn phrases(text: &str, language: Language) -> Vec<(String, f32)> {
    let words = words(text);
    let stems: Vec<String> = words.iter().map(|word| stem(word, language)).collect();
    let pairs: Vec<_> = stems.windows(2).map(|pair| (pair.join(" "), PAIR)).collect();
    let weight = |word: &String| if is_stop_word(word) { STOP_WORD } else { 1.0 };
    let single: Vec<_> = words.iter().zip(stems).map(|(word, stem)| (stem, weight(word))).collect();
    single.into_iter().chain(pairs).collect()
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
        let examples = [("quiero una devolución", "devolucion"), ("dónde está mi pedido", "envio")];
        let labels = Labels::of(examples.map(|(text, label)| (text, Language::Es, label)));
        assert_eq!(labels.best("cómo hago la debolucion", Language::Es), Some("devolucion"));
        assert_eq!(labels.best("zzz", Language::Es), None);
    }
}
