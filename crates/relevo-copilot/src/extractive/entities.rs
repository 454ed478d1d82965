//! Values in a text: what an agent would otherwise have to look for and type again.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::text::{fold, is_stop_word};

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A web address.
    Url,
    /// Money.
    Amount,
    /// A clock time.
    Time,
    /// A day, date or month.
    Date,
    /// A telephone number.
    Phone,
    /// An order number, an account, a licence plate: letters and digits, or many digits.
    Code,
    /// Any other number.
    Number,
    /// A name of a person, place, product or company.
    Name,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// What kind of value.
    pub kind: Kind,
    /// Bytes of the text that it covers.
    pub span: Range<usize>,
}

/// Earlier patterns win where two overlap.
static PATTERNS: LazyLock<Vec<(Kind, Regex)>> = LazyLock::new(|| {
    let month = "january|february|march|april|may|june|july|august|september|october|november|december|\
                 enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|\
                 janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro";
    let day = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|tonight|yesterday|\
               lunes|martes|miércoles|miercoles|jueves|viernes|sábado|sabado|domingo|mañana|hoy|ayer|\
               segunda-feira|terça-feira|quarta-feira|quinta-feira|sexta-feira|hoje|amanhã|ontem";
    let build = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant that tests compile");
    vec![
        (Kind::Email, build(r"(?i)[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
        (Kind::Url, build(r"(?i)\bhttps?://[^\s<>]+|\bwww\.[^\s<>]+")),
        (
            Kind::Amount,
            build(
                r"(?i)(?:US\$|R\$|MX\$|[$€£])\s?\d[\d.,]*\d?|\b\d[\d.,]*\s?(?:€|\$|usd|eur|brl|mxn|euros?|d[oó]lares|d[óo]lar|dollars?|reais|pesos|soles)\b|\b\d[\d.,]*\s?[€$]",
            ),
        ),
        (Kind::Date, build(r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b")),
        (
            Kind::Date,
            build(&format!(
                r"(?i)\b(?:{month})\s+\d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th|º)?\s+(?:de\s+|of\s+)?(?:{month})(?:\s+(?:de\s+)?\d{{4}})?\b"
            )),
        ),
        (Kind::Date, build(r"(?i)\b\d{1,2}(?:st|nd|rd|th)\b")),
        (Kind::Date, build(&format!(r"(?i)\b(?:{day})\b"))),
        (
            Kind::Time,
            build(
                r"(?i)\b\d{1,2}(?:[:.h]\d{2})?\s?(?:a\.?m\b\.?|p\.?m\b\.?|o'?clock|hrs?\b|horas?\b|h\b)|\b\d{1,2}(?::|h)\d{2}\b|\b(?:noon|midnight|mediod[ií]a|medianoche|meio-dia|meia-noite)\b",
            ),
        ),
        (
            Kind::Phone,
            build(r"\+\d[\d\s().-]{7,17}\d|\b\d{3}[\s.-]\d{3}[\s.-]\d{3,4}\b|\(\d{2,3}\)\s?\d[\d\s-]{5,10}\d"),
        ),
        (Kind::Code, build(r"\b(?:[A-Za-z]{1,6}[-_]?\d[\w-]*|\d+[A-Za-z]+[\w-]*|#\w*\d\w*|\d{5,}|\d{3,}(?:-\d+)+)\b")),
        (Kind::Number, build(r"\d+(?:[.,]\d+)*%?")),
    ]
});

static CAPITALISED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\p{Lu}[\p{L}\p{M}'’\d]*(?:\.(?:\s|$))?(?:(?:\s+(?:de|del|da|do|dos|la|of|and|&|y|e)\s+|[\s-]+)\p{Lu}[\p{L}\p{M}'’\d]*)*")
        .expect("the pattern is a constant that tests compile")
});

/// The values of a text, in order, without overlaps.
pub fn entities(text: &str) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    let free = |found: &[Entity], span: &Range<usize>| {
        found.iter().all(|e| e.span.end <= span.start || span.end <= e.span.start)
    };
    for (kind, pattern) in PATTERNS.iter() {
        for hit in pattern.find_iter(text) {
            if free(&found, &hit.range()) {
                found.push(Entity { kind: *kind, span: hit.range() });
            }
        }
    }
    for hit in CAPITALISED.find_iter(text) {
        let Some(span) = name_span(text, hit.range()) else { continue };
        if free(&found, &span) {
            found.push(Entity { kind: Kind::Name, span });
        }
    }
    found.sort_by_key(|entity| entity.span.start);
    found
}

/// The part of a run of capitalised words that is a name. The first word of a sentence is capitalised
/// whatever it is, so a common word there is left out.
fn name_span(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let mut start = span.start;
    let mut end = span.start + text[span.clone()].trim_end_matches([' ', '.', '-']).len();
    let starts_sentence =
        matches!(text[..start].trim_end().chars().next_back(), None | Some('.' | '!' | '?' | '\n' | ':' | '¿' | '¡'));
    loop {
        let word = text[start..end].split([' ', '-']).next().unwrap_or_default();
        // "I'm" and "I've" are ordinary too.
        let folded = fold(word).replace(|c: char| !c.is_alphanumeric(), "");
        let ordinary = is_stop_word(&folded) || is_opening(&folded) || folded.chars().count() < 2;
        if !ordinary {
            break;
        }
        start += word.len();
        start += text[start..end].len() - text[start..end].trim_start_matches([' ', '-', '.', '\n']).len();
        if start >= end {
            return None;
        }
    }
    // A lone capitalised word that opens a longer sentence is usually just its first word.
    let rest = &text[end..];
    let alone = !text[start..end].contains(' ');
    let goes_on = rest.trim_start().chars().next().is_some_and(char::is_lowercase);
    if starts_sentence && start == span.start && alone && goes_on {
        return None;
    }
    // Shouting is not naming.
    let shouted = text[start..end].split(' ').count() > 4 && !text[start..end].chars().any(char::is_lowercase);
    if shouted {
        return None;
    }
    while end > start && text[start..end].ends_with(|c: char| !c.is_alphanumeric()) {
        end -= text[start..end].chars().next_back().map_or(0, char::len_utf8);
    }
    (start < end).then_some(start..end)
}

/// Words that open sentences in chats and name nothing (folded).
fn is_opening(word: &str) -> bool {
    const OPENING: &[&str] = &[
        "hello", "hi", "hey", "hullo", "thanks", "thank", "yes", "yeah", "yep", "no", "nope", "ok", "okay", "sure",
        "great", "good", "please", "sorry", "wow", "oh", "well", "im", "ive", "id", "ill", "thats", "whats", "lets",
        "bye", "goodbye", "cool", "nice", "perfect", "hola", "buenas", "buenos", "gracias", "si", "vale", "claro",
        "bien", "perfecto", "perdon", "adios", "necesito", "quiero", "ola", "oi", "obrigado", "obrigada", "sim", "nao",
        "certo", "bom", "boa", "preciso", "quero", "need", "want", "just", "also", "let", "looking", "maybe",
        "awesome", "alright", "damn", "dude", "man", "sir", "madam", "never", "wait", "fine", "right",
    ];
    OPENING.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(Kind, &str)> {
        entities(text).into_iter().map(|entity| (entity.kind, &text[entity.span])).collect()
    }

    #[test]
    fn values_are_found_in_three_languages() {
        assert_eq!(
            seen("Soy Ana Pérez, pedido AB-48213 del 12/03/2026, pagué 45,90 € con ana@example.com"),
            [
                (Kind::Name, "Ana Pérez"),
                (Kind::Code, "AB-48213"),
                (Kind::Date, "12/03/2026"),
                (Kind::Amount, "45,90 €"),
                (Kind::Email, "ana@example.com"),
            ]
        );
        assert_eq!(
            seen("Quero marcar para amanhã às 15h30 em São Paulo, telefone +55 11 91234-5678"),
            [
                (Kind::Date, "amanhã"),
                (Kind::Time, "15h30"),
                (Kind::Name, "São Paulo"),
                (Kind::Phone, "+55 11 91234-5678"),
            ]
        );
        assert_eq!(
            seen("West Bay Venue on Saturday at 11 am for 30 people, I paid $400"),
            [
                (Kind::Name, "West Bay Venue"),
                (Kind::Date, "Saturday"),
                (Kind::Time, "11 am"),
                (Kind::Number, "30"),
                (Kind::Amount, "$400"),
            ]
        );
    }

    #[test]
    fn an_ordinary_first_word_is_no_name() {
        assert_eq!(seen("Hello! Where is it? Thanks"), []);
        assert_eq!(seen("Necesito ayuda"), []);
        assert_eq!(seen("Alexis"), [(Kind::Name, "Alexis")]);
        assert_eq!(seen("I'm Ana"), [(Kind::Name, "Ana")]);
        assert_eq!(seen("Hi, I’m Ana O'Neill"), [(Kind::Name, "Ana O'Neill")]);
    }
}
