//! What a conversation has told so far, gathered message by message.
//!
//! A message contributes by itself and by the question that it answers, never by what comes later.
//! Reading a conversation at once or in parts therefore gives the same [`Facts`], and a brief made of
//! them is the same however often it was brought up to date.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::clauses::{clauses, sentences};
use super::entities::{Kind, entities};
use crate::text::{first_words, fold, is_stop_word, word_count, words};
use crate::transcript::{Line, Who};

/// The clauses of a conversation that are worth telling, with what each is worth.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    clauses: Vec<Clause>,
    /// The last thing said to the customer: a short message after it is its answer.
    question: Option<String>,
    /// The last message read.
    pub covers: u64,
}

/// A clause of the customer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// The message it comes from.
    pub seq: u64,
    /// Its words as they were written.
    pub text: String,
    /// What each different folded word of it is worth.
    worth: BTreeMap<String, f32>,
}

/// A clause longer than this is cut: nobody reads more of one in a brief.
const LONGEST_CLAUSE: usize = 18;

/// What a word is worth that the customer only agreed to.
const AGREED: f32 = 0.5;

/// A clause that adds less than this per word is chat, not a fact, and stays out even where it fits.
const SMALL_TALK: f32 = 0.12;

impl Facts {
    /// Reads one more line. Lines come in order; one that was read before changes nothing.
    pub fn read(&mut self, line: &Line) {
        if line.seq <= self.covers {
            return;
        }
        self.covers = line.seq;
        match line.who {
            Who::Visitor => self.read_customer(line),
            who if who.answers() => self.question = Some(line.text.clone()),
            _ => {}
        }
    }

    fn read_customer(&mut self, line: &Line) {
        let question = self.question.take();
        if let Some(question) = question.as_deref().filter(|_| agrees(&line.text)) {
            self.read_agreed(line.seq, question);
        }
        let asked: HashSet<String> = question.map(|q| words(&q).into_iter().collect()).unwrap_or_default();
        let answers = !asked.is_empty();
        let values = entities(&line.text);
        let short = word_count(&line.text) <= 6;
        for range in clauses(&line.text) {
            let text = first_words(&line.text[range.clone()], LONGEST_CLAUSE);
            let end = range.start + text.len();
            let mut worth: BTreeMap<String, f32> = BTreeMap::new();
            for word in words(text) {
                let base = if is_stop_word(&word) {
                    0.0
                } else if asked.contains(&word) {
                    // The customer repeats the agent's word: known already.
                    0.4
                } else if answers && short {
                    1.6
                } else {
                    0.7
                };
                worth.insert(word, base);
            }
            for value in values.iter().filter(|value| range.start <= value.span.start && value.span.end <= end) {
                let kind = weight(value.kind);
                for word in words(&line.text[value.span.clone()]) {
                    let entry = worth.entry(word).or_default();
                    *entry = entry.max(kind);
                }
            }
            if worth.values().any(|worth| *worth > 0.0) {
                self.clauses.push(Clause { seq: line.seq, text: text.to_owned(), worth });
            }
        }
    }

    /// "You are on the basic plan, right?" – "Yes": the customer has said it, in the agent's words.
    fn read_agreed(&mut self, seq: u64, question: &str) {
        let Some(asked) = sentences(question).into_iter().rfind(|range| question[range.end..].starts_with('?')) else {
            return;
        };
        for range in clauses(&question[asked.clone()]) {
            let text = first_words(&question[asked.clone()][range], LONGEST_CLAUSE);
            let mut worth: BTreeMap<String, f32> = BTreeMap::new();
            for word in words(text) {
                let base = if is_stop_word(&word) { 0.0 } else { AGREED };
                worth.insert(word, base);
            }
            self.clauses.push(Clause { seq, text: text.to_owned(), worth });
        }
    }

    /// The clauses that tell the most within `budget` words, in the order in which they were said.
    ///
    /// Each step takes the clause that adds the most not yet told per word it costs.
    pub fn telling(&self, budget: usize) -> Vec<&Clause> {
        let mut left = budget;
        let mut told: HashSet<&str> = HashSet::new();
        let mut chosen: Vec<usize> = Vec::new();
        loop {
            let best = self
                .clauses
                .iter()
                .enumerate()
                .filter(|(n, clause)| !chosen.contains(n) && word_count(&clause.text) <= left)
                .map(|(n, clause)| (n, gain(clause, &told)))
                .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            let Some((n, _)) = best.filter(|(_, gain)| *gain > SMALL_TALK) else { break };
            left -= word_count(&self.clauses[n].text);
            told.extend(self.clauses[n].worth.keys().map(String::as_str));
            chosen.push(n);
        }
        chosen.sort_unstable();
        chosen.into_iter().map(|n| &self.clauses[n]).collect()
    }

    /// All clauses, in order.
    pub fn all(&self) -> &[Clause] {
        &self.clauses
    }
}

/// Whether a message begins by agreeing.
fn agrees(text: &str) -> bool {
    const YES: &[&str] = &[
        "yes", "yeah", "yep", "correct", "right", "exactly", "si", "sim", "claro", "exacto", "exato", "correcto",
        "correto", "isso", "eso",
    ];
    words(text).first().is_some_and(|word| YES.contains(&word.as_str()))
}

fn gain(clause: &Clause, told: &HashSet<&str>) -> f32 {
    let new: f32 = clause.worth.iter().filter(|(word, _)| !told.contains(word.as_str())).map(|(_, worth)| worth).sum();
    let cost = u16::try_from(word_count(&clause.text)).unwrap_or(u16::MAX);
    new / (f32::from(cost) + 1.0)
}

fn weight(kind: Kind) -> f32 {
    match kind {
        Kind::Email | Kind::Phone | Kind::Code | Kind::Amount => 4.0,
        Kind::Date | Kind::Time | Kind::Number => 3.0,
        Kind::Name => 2.5,
        Kind::Url => 2.0,
    }
}

/// A text reduced to what two spellings of the same value share.
pub fn same_value(text: &str) -> String {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
