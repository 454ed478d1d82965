//! Words as the offline Copilot compares them: folded, stemmed, without stop words, in es, pt and en.
//!
//! All of it is small and rule-based on purpose. It runs on every message, needs no model, and gives
//! the same result on every machine.

mod language;
mod stem;
mod stop;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub use language::{Language, detect};
pub use stem::stem;
pub use stop::is_stop_word;

/// Lower case without accents: `Ñandú` and `nandu` meet.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The words of a text in order, folded. A word is a run of letters and digits.
pub fn words(text: &str) -> Vec<String> {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words that carry meaning, stemmed for `language`.
pub fn terms(text: &str, language: Language) -> Vec<String> {
    words(text).into_iter().filter(|word| !is_stop_word(word)).map(|word| stem(&word, language)).collect()
}

/// How many words a reader counts.
pub fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The first `limit` words, cut at a word's border.
pub fn first_words(text: &str, limit: usize) -> &str {
    let mut seen = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            inside = false;
        } else if !inside {
            inside = true;
            if seen == limit {
                return text[..at].trim_end();
            }
            seen += 1;
        }
    }
    text.trim_end()
}

/// The last `limit` words.
pub fn last_words(text: &str, limit: usize) -> String {
    let mut words: Vec<&str> = text.split_whitespace().rev().take(limit).collect();
    words.reverse();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_stemmed_so_that_forms_meet() {
        assert_eq!(words("¿Dónde está mi PEDIDO-48?"), ["donde", "esta", "mi", "pedido", "48"]);
        assert_eq!(terms("los pedidos cancelados", Language::Es), terms("pedido cancelado", Language::Es));
        assert_eq!(terms("as devoluções", Language::Pt), terms("devolução", Language::Pt));
        assert_eq!(terms("refunded payments", Language::En), terms("refund payment", Language::En));
    }

    #[test]
    fn a_cut_falls_between_words() {
        assert_eq!(first_words("one two  three", 2), "one two");
        assert_eq!(first_words("one two", 5), "one two");
        assert_eq!(first_words("one two", 0), "");
        assert_eq!((last_words("one two\n three", 2), last_words("one", 5)), ("two three".into(), "one".into()));
    }
}
