//! What rules can honestly do to a draft: tidy it, mend what is always a mistake, leave out courtesies and long-winded
//! phrases, spell contractions out, add a greeting. Anything more would be invented, and is left to a model.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Style;
use super::words::{self, Phrases};
use crate::extractive::clauses::with_signs;
use crate::extractive::entities::entities;
use crate::text::{Language, fold, word_count};

/// A sentence of more words than this says something besides a courtesy.
const COURTESY: usize = 14;

/// The draft in that style; none where rules change nothing or cannot know how. `answered`: the customer has heard from
/// an agent already, so that a greeting would come late.
pub(super) fn rewrite(draft: &str, style: Style, language: Language, answered: bool) -> Option<String> {
    let tidied = tidy(draft, language);
    let text = match style {
        Style::Corrected => return Some(tidied),
        Style::Shorter => shorter(&tidied, language),
        Style::Formal => formal(&tidied, language),
        Style::Friendlier => friendlier(&tidied, language, answered),
        Style::Clearer | Style::Longer | Style::Translated => return None,
    };
    let text = tidy(&text, language);
    (text != draft && text != tidied && !text.is_empty()).then_some(text)
}

static SPACES: LazyLock<Regex> = LazyLock::new(|| constant(r"[ \t\u{a0}]+"));
static BEFORE_SIGN: LazyLock<Regex> = LazyLock::new(|| constant(r" +([,;:!?)]|\.(?:\s|$))"));
static AFTER_SIGN: LazyLock<Regex> = LazyLock::new(|| constant(r"(\p{L}[,;!?])(\p{L})"));
static REPEATED: LazyLock<Regex> = LazyLock::new(|| constant(r"!{2,}|\?{2,}|,{2,}|;{2,}"));
static WORD: LazyLock<Regex> = LazyLock::new(|| constant(r"[\p{L}\p{M}]+(?:['’][\p{L}]+)?"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that tests compile")
}

/// Spaces, signs, capitals, and words that are always misspelt. Nothing with a digit, an `@` or a slash is touched.
fn tidy(draft: &str, language: Language) -> String {
    let lines = draft.lines().map(|line| {
        let line = SPACES.replace_all(line.trim(), " ");
        let line = REPEATED.replace_all(&line, |found: &Captures<'_>| found[0][..1].to_owned());
        let line = BEFORE_SIGN.replace_all(&line, "$1");
        spelt(&each_token(&line, |token| AFTER_SIGN.replace_all(token, "$1 $2").into_owned()), language)
    });
    let text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    let text = capitals(&text);
    opened(&ended(&text), language)
}

/// Changes the words of a text that are words: addresses, numbers and codes stay.
fn each_token(text: &str, change: impl Fn(&str) -> String) -> String {
    let plain = |token: &str| !token.contains(|c: char| c.is_ascii_digit() || "@/\\".contains(c));
    let tokens = text.split(' ').map(|token| if plain(token) { change(token) } else { token.to_owned() });
    tokens.collect::<Vec<_>>().join(" ")
}

fn spelt(text: &str, language: Language) -> String {
    each_token(text, |token| {
        WORD.replace_all(token, |found: &Captures<'_>| {
            let word = &found[0];
            let folded = word.to_lowercase().replace('’', "'");
            if language == Language::En && folded == "i" {
                return "I".to_owned();
            }
            let mended = words::misspelt(&folded, language).map(str::to_owned);
            let mended = mended.or_else(|| words::accented(&folded, language));
            mended.map_or_else(|| word.to_owned(), |right| like(word, &right))
        })
        .into_owned()
    })
}

/// `right`, capitalised as `word` is.
fn like(word: &str, right: &str) -> String {
    let mut letters = right.chars();
    match letters.next() {
        Some(first) if word.starts_with(char::is_uppercase) => first.to_uppercase().chain(letters).collect(),
        _ => right.to_owned(),
    }
}

/// A sentence begins with a capital, unless it begins with something that is written as it is (`iPhone`, an address).
fn capitals(text: &str) -> String {
    let mut capital = String::new();
    for range in with_signs(text) {
        let sentence = &text[range];
        let first = sentence.split_whitespace().next().unwrap_or_default();
        let word: String = first.chars().filter(|c| c.is_alphabetic()).collect();
        let ordinary = word.chars().all(char::is_lowercase)
            && !first
                .trim_end_matches(['.', ',', '!', '?', ':'])
                .contains(|c: char| c.is_ascii_digit() || "@/.".contains(c));
        match sentence.char_indices().find(|(_, c)| c.is_alphabetic()) {
            Some((at, c)) if ordinary => {
                capital.push_str(&sentence[..at]);
                capital.extend(c.to_uppercase());
                capital.push_str(&sentence[at + c.len_utf8()..]);
            }
            _ => capital.push_str(sentence),
        }
    }
    capital
}

/// A text ends with a sign, unless it ends with an address, a number or a list.
fn ended(text: &str) -> String {
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let word = last.chars().all(|c| c.is_alphabetic() || "'’¿¡".contains(c));
    if text.is_empty() || !word || text.lines().count() > 1 {
        return text.to_owned();
    }
    format!("{text}{}", if text.rfind('¿') > text.rfind('?') { '?' } else { '.' })
}

/// In Spanish a question and an exclamation open with a sign too.
fn opened(text: &str, language: Language) -> String {
    if language != Language::Es {
        return text.to_owned();
    }
    let mut opened = String::new();
    for range in with_signs(text) {
        let sentence = &text[range];
        let (sign, opening) = match sentence.trim_end().chars().next_back() {
            Some('?') => ('?', '¿'),
            Some('!') => ('!', '¡'),
            _ => (' ', ' '),
        };
        if sign == ' ' || sentence.contains(opening) || sentence.matches(sign).count() > 1 {
            opened.push_str(sentence);
            continue;
        }
        // `Hola, ¿cómo estás?`: it opens at the word that asks, if a comma stands before that.
        let asks = |at: usize| {
            let word: String = sentence[at..].chars().take_while(|c| c.is_alphabetic()).collect();
            words::ASKING.contains(&fold(&word).as_str())
        };
        let after_comma = sentence.match_indices(", ").map(|(at, _)| at + 2);
        let at = after_comma.filter(|at| sign == '?' && asks(*at)).last().unwrap_or(0);
        opened.push_str(&sentence[..at]);
        opened.push(opening);
        opened.push_str(&sentence[at..]);
    }
    opened
}

fn shorter(text: &str, language: Language) -> String {
    let phrases = words::phrases(language);
    let courteous = |sentence: &str| {
        word_count(sentence) <= COURTESY
            && entities(sentence).is_empty()
            && phrases.courtesies.iter().any(|courtesy| courtesy.is_match(sentence.trim()))
    };
    let sentences: Vec<&str> = with_signs(text).into_iter().map(|range| &text[range]).collect();
    let said: Vec<&str> = sentences.iter().copied().filter(|sentence| !courteous(sentence)).collect();
    let text = if said.is_empty() { text.to_owned() } else { said.concat() };
    replaced(&text, &phrases.shorter)
}

fn formal(text: &str, language: Language) -> String {
    let phrases = words::phrases(language);
    let text_formal = replaced(text, &phrases.formal);
    if text_formal != text || text.ends_with('?') || closes(text, phrases) {
        return text_formal;
    }
    format!("{text} {}", phrases.regards)
}

fn friendlier(text: &str, language: Language, answered: bool) -> String {
    let phrases = words::phrases(language);
    let begins = text.split_whitespace().next().map(fold).unwrap_or_default();
    let begins = begins.trim_matches(|c: char| !c.is_alphabetic()).to_owned();
    let greeted = phrases.greetings.contains(&begins.as_str());
    let opening = match (greeted, answered) {
        (true, _) => String::new(),
        (false, true) => format!("{} ", phrases.gladly),
        (false, false) => format!("{} ", phrases.hello),
    };
    let closing =
        if text.ends_with('?') || closes(text, phrases) { String::new() } else { format!(" {}", phrases.offer) };
    format!("{opening}{text}{closing}")
}

/// Whether the last sentence is a courtesy already.
fn closes(text: &str, phrases: &Phrases) -> bool {
    let last = with_signs(text).into_iter().next_back().map(|range| text[range].trim()).unwrap_or_default();
    phrases.courtesies.iter().any(|courtesy| courtesy.is_match(last))
}

/// Replaces phrases; what begins a sentence goes on with a capital.
fn replaced(text: &str, phrases: &[(Regex, &str)]) -> String {
    let mut text = text.to_owned();
    for (phrase, by) in phrases {
        text = phrase
            .replace_all(&text, |found: &Captures<'_>| {
                let mut right = String::new();
                found.expand(by, &mut right);
                like(&found[0], &right)
            })
            .into_owned();
    }
    text
}
