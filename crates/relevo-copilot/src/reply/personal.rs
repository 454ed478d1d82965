//! What a reply must not hold to be useful to somebody else.

use std::collections::HashSet;

use crate::extractive::entities::{Kind, entities};
use crate::text::{is_stop_word, words};
use crate::transcript::{Line, Who};

/// The words that belong to one customer: their name, their order, their address.
pub(crate) struct Theirs(HashSet<String>);

impl Theirs {
    /// Of what is known of them and of the values that they wrote.
    pub(crate) fn new(lines: &[Line], own: &[String]) -> Self {
        let said = lines.iter().filter(|line| line.who == Who::Visitor).flat_map(|line| {
            let personal = |kind| matches!(kind, Kind::Name | Kind::Code | Kind::Email | Kind::Phone);
            let values = entities(&line.text).into_iter().filter(move |value| personal(value.kind));
            values.flat_map(|value| words(&line.text[value.span]))
        });
        let known = own.iter().flat_map(|value| words(value));
        Self(said.chain(known).filter(|word| word.chars().count() > 2 && !is_stop_word(word)).collect())
    }

    /// Whether a text holds one of them as a name or a value.
    pub(crate) fn named_in(&self, text: &str) -> bool {
        // A captured "plan" is theirs, the word `plan` in a sentence is anybody's.
        let marked = |word: &&str| word.chars().any(|c| c.is_uppercase() || c.is_numeric());
        let shown = text.split(|c: char| !c.is_alphanumeric()).filter(marked);
        shown.flat_map(words).any(|word| self.0.contains(&word))
    }
}
