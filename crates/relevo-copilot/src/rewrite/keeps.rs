//! What must survive a rewriting, and what of it did not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::checks::{bare, numbers};
use crate::extractive::entities::{Kind, entities};
use crate::extractive::facts::same_value;

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// The draft has it, the result does not.
    Lost,
    /// The result has it, the draft does not.
    Added,
}

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Digits, whatever they count: a price, a time, a date, a quantity.
    Number,
    /// A currency.
    Currency,
    /// A day or month by its name.
    Date,
    /// An e-mail address.
    Email,
    /// A web address.
    Url,
    /// A code: letters and digits.
    Code,
    /// A name.
    Name,
}

/// A value that a rewriting changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Changed {
    /// What became of it.
    pub what: Became,
    /// What it is.
    pub kind: Value,
    /// As the text that has it writes it.
    pub value: String,
}

/// Whether the result is in the draft's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// It is.
    SameLanguage,
    /// It is in another one: the names of days and months are other words there.
    OtherLanguage,
}

static CURRENCY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)R\$|(?:US|MX)?\$|€|£|\b(?:eur|euros?|usd|d[oó]lar(?:es)?|dollars?|brl|rea(?:l|is)|mxn|pesos?|gbp|pounds?)\b")
        .expect("the pattern is a constant that tests compile")
});

/// The values that a rewriting lost or added, each once.
pub fn changes(draft: &str, text: &str, wording: Wording) -> Vec<Changed> {
    let lost = missing(draft, text, wording).into_iter().map(|(kind, value)| (Became::Lost, kind, value));
    let added = missing(text, draft, wording).into_iter().map(|(kind, value)| (Became::Added, kind, value));
    lost.chain(added).map(|(what, kind, value)| Changed { what, kind, value }).collect()
}

/// The values of `one` that `other` does not have.
fn missing(one: &str, other: &str, wording: Wording) -> BTreeSet<(Value, String)> {
    let mut missing = BTreeSet::new();
    let there: BTreeSet<String> = numbers(other).collect();
    missing.extend(numbers(one).filter(|number| !there.contains(number)).map(|number| (Value::Number, number)));
    let there: BTreeSet<&str> = CURRENCY.find_iter(other).map(|found| currency(found.as_str())).collect();
    let currencies = CURRENCY.find_iter(one).map(|found| found.as_str());
    missing.extend(currencies.filter(|c| !there.contains(currency(c))).map(|c| (Value::Currency, c.to_owned())));
    let folded = format!(" {} ", same_value(other));
    for entity in entities(one) {
        let value = &one[entity.span];
        let kind = match entity.kind {
            Kind::Email => Value::Email,
            Kind::Url => Value::Url,
            Kind::Code if value.chars().any(char::is_alphabetic) => Value::Code,
            Kind::Name => Value::Name,
            Kind::Date if wording == Wording::SameLanguage && !value.contains(|c: char| c.is_ascii_digit()) => {
                Value::Date
            }
            _ => continue,
        };
        let kept = match kind {
            // Signs matter in an address.
            Value::Email | Value::Url => other.to_lowercase().contains(&bare(value).to_lowercase()),
            Value::Name => same_value(value).split(' ').all(|word| folded.contains(&format!(" {word} "))),
            _ => folded.contains(&format!(" {} ", same_value(value))),
        };
        if !kept {
            missing.insert((kind, bare(value).to_owned()));
        }
    }
    missing
}

/// One name for each currency, however it is written.
fn currency(written: &str) -> &'static str {
    let written = written.to_lowercase();
    match written.as_str() {
        "€" | "eur" | "euro" | "euros" => "EUR",
        "£" | "gbp" | "pound" | "pounds" => "GBP",
        "r$" | "brl" | "real" | "reais" => "BRL",
        "mx$" | "mxn" => "MXN",
        "peso" | "pesos" => "peso",
        _ => "USD",
    }
}
