//! What a deployment is made of: its inboxes, teams and bots. Read from configuration at start, the same for the whole
//! life of the process. (Agents come and go: they live in the store.)

use crate::bot::Bot;
use relevo_domain::card::Visibility;
use relevo_domain::command::InboxPolicy;
use relevo_domain::id::{BotId, InboxId, TeamId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The deployment.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Places where conversations come in.
    pub inboxes: BTreeMap<InboxId, Inbox>,
    /// Groups of agents and their names.
    pub teams: BTreeMap<TeamId, String>,
    /// The bots that are plugged in.
    pub bots: BTreeMap<BotId, PluggedBot>,
    /// Which conversations agents see.
    pub visibility: Visibility,
}

/// A place where conversations come in.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// Its name for people.
    pub name: String,
    /// The kind of channel (`web`).
    pub channel: String,
    /// Its rules.
    pub policy: InboxPolicy,
    /// How a visitor's words ask for a person.
    pub phrases: HumanPhrases,
}

/// A bot and how patient Relevo is with it.
#[derive(Clone)]
pub struct PluggedBot {
    /// Its name for people.
    pub name: String,
    /// The bot.
    pub bot: Arc<dyn Bot>,
    /// How long one turn may take before people are called.
    pub deadline: Duration,
}

impl fmt::Debug for PluggedBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluggedBot").field("name", &self.name).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Phrases by which a visitor asks for a person, matched as whole words, accents and case ignored.
#[derive(Debug, Clone)]
pub struct HumanPhrases(Vec<String>);

impl HumanPhrases {
    /// These phrases and no others.
    pub fn new<T: AsRef<str>>(phrases: impl IntoIterator<Item = T>) -> Self {
        Self(phrases.into_iter().map(|phrase| fold(phrase.as_ref())).filter(|phrase| !phrase.is_empty()).collect())
    }

    /// The phrase that `text` contains, if it contains one.
    pub fn find(&self, text: &str) -> Option<&str> {
        let text = format!(" {} ", fold(text));
        self.0.iter().map(String::as_str).find(|phrase| text.contains(&format!(" {phrase} ")))
    }
}

impl Default for HumanPhrases {
    fn default() -> Self {
        Self::new([
            // Spanish
            "hablar con una persona",
            "hablar con un humano",
            "hablar con alguien",
            "hablar con un agente",
            "hablar con un asesor",
            "atencion humana",
            "persona real",
            "quiero un humano",
            "quiero una persona",
            "agente humano",
            "con un operador",
            "pasame con",
            // Portuguese
            "falar com uma pessoa",
            "falar com um humano",
            "falar com alguem",
            "falar com um atendente",
            "atendente humano",
            "atendimento humano",
            "pessoa de verdade",
            "quero um atendente",
            "quero um humano",
            // English
            "talk to a person",
            "talk to a human",
            "talk to someone",
            "talk to an agent",
            "speak to a person",
            "speak to a human",
            "speak to someone",
            "speak with someone",
            "speak to an agent",
            "real person",
            "human agent",
            "human please",
            "live agent",
        ])
    }
}

/// Lower case, without accents, words separated by single spaces.
fn fold(text: &str) -> String {
    let plain: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
            'é' | 'ê' | 'è' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            'ñ' => 'n',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: H05
    #[test]
    fn a_visitor_asks_for_a_person_in_three_languages_and_in_any_spelling() {
        let phrases = HumanPhrases::default();
        for text in ["¿Puedo HABLAR con una persona?", "quero falar com um atendente!", "let me speak to someone, now"]
        {
            assert!(phrases.find(text).is_some(), "{text}");
        }
        for text in ["personal", "la persona que me atendió fue amable", "is this a personality test?"] {
            assert_eq!(phrases.find(text), None, "{text}");
        }
    }
}
