//! Labels from a few examples each: what a conversation is about.

use std::collections::BTreeMap;

use crate::sparse::{Doc, Hit, Sparse, fuse};
use crate::text::{Language, is_stop_word, stem, words};

/// What a stop word counts: `where is` and `why is` are different questions, if only a little.
const STOP_WORD: f32 = 0.15;
/// What two words in a row count.
const PAIR: f32 = 0.5;
/// Less certain labels are not suggested (`docs/copilot.md` tells what was measured).
const CERTAIN: f32 = 0.2;

/// Labels, each as one document made of its examples.
///
/// With a handful of examples a label, the whole of them is a better neighbour than any single one.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    by_word: Sparse,
    by_piece: Sparse,
    /// One for each document but the last, where that is of texts without a label.
    names: Vec<String>,
}

/// A label that a text may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Likely {
    /// Which.
    pub label: String,
    /// How alike the text and the label's examples are, 0..=1: the mean of both cosines.
    pub certainty: f32,
}

impl Labels {
    /// Learns from examples: text, its language, its label. `others` have no label: they tell what everybody says, and so
    /// what says nothing about a label.
    pub fn of<'a>(
        examples: impl IntoIterator<Item = (&'a str, Language, &'a str)>,
        others: impl IntoIterator<Item = (&'a str, Language)>,
    ) -> Self {
        let mut of_label: BTreeMap<&str, Terms> = BTreeMap::new();
        for (text, language, label) in examples {
            of_label.entry(label).or_default().read(text, language);
        }
        let mut of_none = Terms::default();
        for (text, language) in others {
            of_none.read(text, language);
        }
        let mut labels = Self { names: of_label.keys().map(|label| (*label).to_owned()).collect(), ..Self::default() };
        for Terms { phrases, pieces } in of_label.into_values().chain((!of_none.pieces.is_empty()).then_some(of_none)) {
            labels.by_word.add(phrases);
            labels.by_piece.add(pieces);
        }
        labels
    }

    /// The likeliest label of a text; `None` when no example shares anything with it.
    pub fn best(&self, text: &str, language: Language) -> Option<String> {
        self.ranked(text, language).into_iter().next().map(|likely| likely.label)
    }

    /// Up to `limit` labels that a text may well have, the likeliest first. Where there is nothing to tell the only label
    /// from, there is none.
    pub fn suggest(&self, text: &str, language: Language, limit: usize, may: impl Fn(&str) -> bool) -> Vec<Likely> {
        if self.by_word.len() < 2 {
            return Vec::new();
        }
        let mut likely = self.ranked(text, language);
        likely.retain(|one| one.certainty >= CERTAIN && may(&one.label));
        likely.truncate(limit);
        likely
    }

    fn ranked(&self, text: &str, language: Language) -> Vec<Likely> {
        let (by_word, by_piece) = (self.by_word.cosine(phrases(text, language)), self.by_piece.cosine(pieces(text)));
        let cosine = |hits: &[Hit], doc: Doc| hits.iter().find(|hit| hit.doc == doc).map_or(0.0, |hit| hit.score);
        let labelled = fuse(&[(&by_word, 1.0), (&by_piece, 1.0)]).into_iter().filter_map(|hit| {
            let label = self.names.get(hit.doc as usize)?.clone();
            Some(Likely { label, certainty: f32::midpoint(cosine(&by_word, hit.doc), cosine(&by_piece, hit.doc)) })
        });
        labelled.collect()
    }
}

/// What a document is made of.
#[derive(Debug, Default)]
struct Terms {
    phrases: Vec<(String, f32)>,
    pieces: Vec<(String, f32)>,
}

impl Terms {
    fn read(&mut self, text: &str, language: Language) {
        self.phrases.extend(phrases(text, language));
        self.pieces.extend(pieces(text));
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

    const EXAMPLES: [(&str, Language, &str); 2] = [
        ("hola, quiero una devolución", Language::Es, "devolucion"),
        ("hola, dónde está mi pedido", Language::Es, "envio"),
    ];

    fn suggested(labels: &Labels, text: &str) -> Vec<String> {
        labels.suggest(text, Language::Es, 3, |_| true).into_iter().map(|one| one.label).collect()
    }

    #[test]
    fn a_misspelt_message_still_finds_its_label() {
        let labels = Labels::of(EXAMPLES, []);
        assert_eq!(labels.best("cómo hago la debolucion", Language::Es).as_deref(), Some("devolucion"));
        assert_eq!(labels.best("zzz", Language::Es), None);
    }

    // covers: A02
    #[test]
    fn a_label_is_suggested_only_where_the_text_is_like_its_examples() {
        let labels = Labels::of(EXAMPLES, [("hola, qué horario tenéis", Language::Es)]);
        assert_eq!(suggested(&labels, "quiero hacer una devolucion"), ["devolucion"]);
        assert_eq!(suggested(&labels, "devolución del pedido: ¿dónde está?"), ["envio", "devolucion"]);
        assert!(suggested(&labels, "hola, el horario de la tienda").is_empty());
        assert!(labels.best("hola, el horario de la tienda", Language::Es).is_some(), "it shares a little");
        let may = |label: &str| label != "envio";
        let some = labels.suggest("devolución del pedido: ¿dónde está?", Language::Es, 3, may);
        assert_eq!(some.into_iter().map(|one| one.label).collect::<Vec<_>>(), ["devolucion"]);
        assert_eq!(labels.suggest("devolución del pedido: ¿dónde está?", Language::Es, 1, |_| true).len(), 1);
    }

    #[test]
    fn an_only_label_is_suggested_where_there_is_something_to_tell_it_from() {
        let [only, _] = EXAMPLES;
        let alone = Labels::of([only], []);
        assert!(suggested(&alone, "quiero una devolución").is_empty());
        let others = ["hola, qué horario tenéis", "hola, quiero una factura"].map(|text| (text, Language::Es));
        let told_apart = Labels::of([only], others);
        assert_eq!(suggested(&told_apart, "quiero una devolución"), ["devolucion"]);
        assert!(suggested(&told_apart, "hola, quiero una factura").is_empty());
    }
}
