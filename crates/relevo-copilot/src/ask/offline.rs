//! An answer made of quotations: the sentences of the conversation and of the sources that come closest to the question.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Answer;
use super::parse::numbered;
use crate::copilot::{Copilot, Input, SourceRef};
use crate::extractive::clauses::sentences;
use crate::extractive::entities::{Kind, entities};
use crate::reply::Citable;
use crate::sparse::Sparse;
use crate::text::{Language, first_words, terms, words};
use crate::transcript::{Notes, Who};

/// The most quotations.
const QUOTED: usize = 3;
/// The most words of one.
const LONG: usize = 40;
/// A sentence that shares less than this with the question is about something else.
const WEAK: f32 = 0.15;
/// What a value of the kind that is asked for is worth.
const ASKED_FOR: f32 = 0.6;
/// A message that is much less like the question than the best one does not answer it too.
const BESIDE: f32 = 0.6;

/// Of the words that a question is about a text must hold one in so many.
const HELD: usize = 2;

struct Candidate<'a> {
    score: f32,
    /// Where it stands among all: quotations come in the order of the conversation.
    order: usize,
    who: Option<Who>,
    text: String,
    /// What it is a sentence of.
    whole: &'a str,
    reference: SourceRef,
    internal: bool,
}

/// What a question is about, as stems.
struct About {
    /// Its words besides those that only name the kind of value that is asked for.
    things: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl About {
    fn of(question: &str, language: Language) -> Self {
        let stems = |word: &String| terms(word, language);
        let names_kind = |word: &String| ASKING.iter().any(|(name, _)| name == word);
        let (kinds, things): (Vec<String>, Vec<String>) = words(question).into_iter().partition(names_kind);
        let things: BTreeSet<String> = things.iter().flat_map(stems).collect();
        let all = kinds.iter().flat_map(stems).chain(things.iter().cloned()).collect();
        Self { things, all }
    }

    /// Whether a text tells enough of it. `holds`: it holds a value of the kind that is asked for.
    fn is_told_by(&self, text: &str, language: Language, holds: bool) -> bool {
        let wanted = if self.things.is_empty() && !holds { &self.all } else { &self.things };
        let told: BTreeSet<String> = terms(text, language).into_iter().collect();
        // Forms of a verb differ at their end: `pag`, `pagu`.
        let alike = |one: &str, other: &str| one.len() > 2 && other.starts_with(one);
        let found = wanted
            .iter()
            .filter(|word| told.contains(*word) || told.iter().any(|one| alike(one, word) || alike(word, one)));
        found.count() * HELD >= wanted.len()
    }
}

pub(super) fn answer(copilot: &Copilot, input: &Input, question: &str, citable: &[Citable]) -> Answer {
    let language = input.customer_language;
    let kinds = asked_for(question);
    let notes = copilot.settings.notes;
    let lines = input.lines.iter().filter(|line| match line.who {
        Who::Note => notes == Notes::Included,
        Who::System => false,
        _ => true,
    });
    let said = lines.flat_map(|line| {
        let quotes = sentences(&line.text).into_iter().map(|range| line.text[range].trim());
        let note = line.who == Who::Note;
        quotes.map(move |text| (Some(line.who), text, line.text.as_str(), SourceRef::message(0, line.seq), note))
    });
    let known = citable.iter().flat_map(|source| {
        let quotes = sentences(&source.text).into_iter().map(|range| source.text[range].trim());
        quotes.map(|text| (None, text, source.text.as_str(), source.reference.clone(), source.internal))
    });
    let mut candidates: Vec<Candidate<'_>> = (0..)
        .zip(said.chain(known))
        .map(|(order, (who, text, whole, reference, internal))| Candidate {
            score: 0.0,
            order,
            who,
            text: first_words(text, LONG).to_owned(),
            whole,
            reference,
            internal,
        })
        .collect();
    let about = About::of(question, language);
    let mut index = Sparse::default();
    for candidate in &candidates {
        // Of a question and its answer the title is the question; a message has none.
        index.add(weighed(&format!("{} {}", candidate.reference.title, candidate.text), language));
    }
    for hit in index.cosine(weighed(question, language)) {
        candidates[hit.doc as usize].score = hit.score;
    }
    for candidate in &mut candidates {
        // "What is the order number?": the message that holds one answers, whatever its other words.
        let holds = entities(&candidate.text).iter().any(|value| kinds.contains(&value.kind));
        let customers = matches!(candidate.who, Some(Who::Visitor));
        if holds && (customers || candidate.score > 0.0) {
            candidate.score += ASKED_FOR;
        }
        // One word in common, or just any amount, is no answer: what it is a part of must tell of what is asked.
        if !about.is_told_by(&format!("{} {}", candidate.reference.title, candidate.whole), language, holds) {
            candidate.score = 0.0;
        }
    }
    let best = candidates.iter().map(|candidate| candidate.score).fold(0.0, f32::max);
    candidates.retain(|candidate| candidate.score >= WEAK.max(best * BESIDE));
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(QUOTED);
    candidates.sort_by_key(|candidate| candidate.order);
    let mut sources = Vec::new();
    let mut text = String::new();
    let mut internal = false;
    for candidate in candidates {
        let title = candidate.reference.title.clone();
        let speaker = candidate.who.map_or(title, |who| speaker(who, input.agent_language).to_owned());
        internal |= candidate.internal;
        let n = numbered(&mut sources, candidate.reference);
        let _ = writeln!(text, "{speaker}: «{}» [{n}]", candidate.text);
    }
    if text.is_empty() {
        no_answer(input.agent_language).clone_into(&mut text);
    }
    Answer { text: text.trim().to_owned(), sources, dropped: 0, internal }
}

fn weighed(text: &str, language: Language) -> Vec<(String, f32)> {
    terms(text, language).into_iter().map(|term| (term, 1.0)).collect()
}

/// Words that ask for a kind of value.
const ASKING: &[(&str, &[Kind])] = &[
    ("email", &[Kind::Email]),
    ("correo", &[Kind::Email]),
    ("mail", &[Kind::Email]),
    ("phone", &[Kind::Phone]),
    ("telefono", &[Kind::Phone]),
    ("telefone", &[Kind::Phone]),
    ("order", &[Kind::Code]),
    ("pedido", &[Kind::Code]),
    ("number", &[Kind::Code]),
    ("numero", &[Kind::Code]),
    ("codigo", &[Kind::Code]),
    ("code", &[Kind::Code]),
    ("when", &[Kind::Date, Kind::Time]),
    ("cuando", &[Kind::Date, Kind::Time]),
    ("quando", &[Kind::Date, Kind::Time]),
    ("date", &[Kind::Date]),
    ("fecha", &[Kind::Date]),
    ("data", &[Kind::Date]),
    ("time", &[Kind::Time]),
    ("hora", &[Kind::Time]),
    ("much", &[Kind::Amount]),
    ("cuanto", &[Kind::Amount]),
    ("quanto", &[Kind::Amount]),
    ("price", &[Kind::Amount]),
    ("precio", &[Kind::Amount]),
    ("preco", &[Kind::Amount]),
    ("importe", &[Kind::Amount]),
    ("amount", &[Kind::Amount]),
    ("pay", &[Kind::Amount]),
    ("paid", &[Kind::Amount]),
    ("cost", &[Kind::Amount]),
    ("pago", &[Kind::Amount]),
    ("costo", &[Kind::Amount]),
    ("cuesta", &[Kind::Amount]),
    ("pagou", &[Kind::Amount]),
    ("custou", &[Kind::Amount]),
    ("custa", &[Kind::Amount]),
    ("who", &[Kind::Name]),
    ("quien", &[Kind::Name]),
    ("quem", &[Kind::Name]),
    ("name", &[Kind::Name]),
    ("nombre", &[Kind::Name]),
    ("nome", &[Kind::Name]),
];

/// The kinds of value that a question asks for.
fn asked_for(question: &str) -> Vec<Kind> {
    let asked = words(question);
    ASKING
        .iter()
        .filter(|(word, _)| asked.iter().any(|asked| asked == word))
        .flat_map(|(_, kinds)| *kinds)
        .copied()
        .collect()
}

fn speaker(who: Who, language: Language) -> &'static str {
    let (es, pt, en) = match who {
        Who::Visitor => ("Cliente", "Cliente", "Customer"),
        Who::Bot => ("Bot", "Bot", "Bot"),
        Who::Agent | Who::External => ("Agente", "Agente", "Agent"),
        Who::Note | Who::System => ("Nota", "Nota", "Note"),
    };
    language.pick(es, pt, en)
}

fn no_answer(language: Language) -> &'static str {
    language.pick(
        "Ni la conversación ni las fuentes responden a esto.",
        "Nem a conversa nem as fontes respondem a isto.",
        "Neither the conversation nor the sources answer this.",
    )
}
