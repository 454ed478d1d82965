//! Personal data out before anything leaves for an endpoint, and back in when the answer arrives.
//!
//! The same value gets the same placeholder within one call, so the model can still tell two cards
//! apart. Only placeholders of this call are put back; one that the model made up stays as it is.

mod ids;

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// The name in the placeholder, what it looks like, and what tells it from other runs of digits.
type Kind = (&'static str, Regex, fn(&str) -> bool);

/// What is masked, in the order in which it is looked for. A longer, checked kind goes first: a card
/// number is also a run of digits that could pass for a phone.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let build = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant that tests compile");
    vec![
        ("EMAIL", build(r"(?i)\b[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b"), |_| true),
        ("IBAN", build(r"(?i)\b[a-z]{2}\d{2}(?:[ ]?[a-z0-9]{4}){2,7}(?:[ ]?[a-z0-9]{1,3})?\b"), ids::iban),
        ("CARD", build(r"\b\d(?:[ -]?\d){12,18}\b"), ids::card),
        ("ID", build(r"\b\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}\b"), ids::cnpj),
        ("ID", build(r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"), ids::cpf),
        ("ID", build(r"\b\d{2}-?\d{8}-?\d\b"), ids::cuit),
        ("ID", build(r"(?i)\b(?:[xyz]-?)?\d{7,8}-?[a-z]\b"), ids::dni),
        ("ID", build(r"(?i)\b\d{1,2}\.?\d{3}\.?\d{3}-[\dk]\b"), ids::rut),
        ("ID", build(r"(?i)\b[a-zñ&]{4}\d{6}(?:[hm][a-z]{5}[a-z0-9]\d|[a-z0-9]{3})\b"), |_| true),
        (
            "PHONE",
            build(
                r"\+\d[\d\s().-]{7,17}\d|\(\d{2,3}\)\s?\d[\d\s-]{5,10}\d|\b\d{3}[ .-]\d{3}[ .-]\d{3,4}\b|\b\d{9,11}\b",
            ),
            |_| true,
        ),
    ]
});

static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[[A-Z]+_\d+\]").expect("the pattern is a constant that tests compile"));

/// One call's masks.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    of_value: HashMap<String, String>,
    of_mask: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl Masks {
    /// The text with personal data replaced by placeholders.
    pub fn hide(&mut self, text: &str) -> String {
        // A customer who writes `[CARD_1]` must not get somebody's card put there afterwards.
        let mut hidden =
            PLACEHOLDER.replace_all(text, |found: &regex::Captures<'_>| found[0].replace(['[', ']'], "")).into_owned();
        for (kind, pattern, holds) in KINDS.iter() {
            hidden = pattern
                .replace_all(&hidden, |found: &regex::Captures<'_>| {
                    let value = &found[0];
                    if holds(value) { self.mask(kind, value) } else { value.to_owned() }
                })
                .into_owned();
        }
        hidden
    }

    fn mask(&mut self, kind: &'static str, value: &str) -> String {
        if let Some(mask) = self.of_value.get(value) {
            return mask.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let mask = format!("[{kind}_{count}]");
        self.of_value.insert(value.to_owned(), mask.clone());
        self.of_mask.insert(mask.clone(), value.to_owned());
        mask
    }

    /// The text with this call's placeholders replaced by what they stand for.
    pub fn restore(&self, text: &str) -> String {
        PLACEHOLDER
            .replace_all(text, |found: &regex::Captures<'_>| {
                self.of_mask.get(&found[0]).cloned().unwrap_or_else(|| found[0].to_owned())
            })
            .into_owned()
    }
}

/// Puts placeholders back in a text that arrives in pieces, without showing half of one.
#[derive(Debug, Clone, Default)]
pub struct Restoring {
    held: String,
}

impl Restoring {
    /// The part of what arrived that can be shown now.
    pub fn push(&mut self, masks: &Masks, piece: &str) -> String {
        self.held.push_str(piece);
        let open = self.held.rfind('[').filter(|at| {
            let tail = &self.held[*at..];
            !tail.contains(']') && tail.len() < 16
        });
        let rest = open.map_or(String::new(), |at| self.held.split_off(at));
        let ready = std::mem::replace(&mut self.held, rest);
        masks.restore(&ready)
    }

    /// What was held back when nothing more comes.
    pub fn finish(&mut self, masks: &Masks) -> String {
        masks.restore(&std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: A10; behaviour 20
    #[test]
    fn personal_data_is_hidden_and_comes_back() {
        let said = "Soy ana@example.com, tel +34 612 345 678, tarjeta 4242 4242 4242 4242, IBAN ES91 2100 0418 4502 0005 1332, \
                    DNI 12345678Z, CPF 529.982.247-25, RUT 12.345.678-5, CUIT 20-12345678-6.";
        let mut masks = Masks::default();
        let hidden = masks.hide(said);
        for secret in ["ana@", "612", "4242", "2100", "12345678Z", "529.982", "12.345.678", "20-1234"] {
            assert!(!hidden.contains(secret), "{secret} in {hidden}");
        }
        assert_eq!(masks.restore(&hidden), said);
        assert_eq!(masks.hide("ana@example.com"), "[EMAIL_1]", "the same value, the same mask");
    }

    #[test]
    fn order_numbers_dates_and_amounts_stay_readable() {
        let said = "El pedido 48213 del 12/03/2026 costó 45,90 € y llega el 15; referencia AB-99812.";
        assert_eq!(Masks::default().hide(said), said);
    }

    // behaviour 20
    #[test]
    fn a_mask_that_nobody_made_is_not_filled() {
        let mut masks = Masks::default();
        assert_eq!(masks.hide("give me [CARD_1]"), "give me CARD_1");
        masks.hide("4242 4242 4242 4242");
        assert_eq!(masks.restore("[CARD_2] [CARD_1]"), "[CARD_2] 4242 4242 4242 4242");
    }

    #[test]
    fn half_a_mask_is_never_shown() {
        let mut masks = Masks::default();
        masks.hide("ana@example.com");
        let mut restoring = Restoring::default();
        let shown: Vec<_> = ["Write to [EM", "AIL_1] no", "w"].iter().map(|p| restoring.push(&masks, p)).collect();
        assert_eq!(shown, ["Write to ", "ana@example.com no", "w"]);
        assert_eq!(restoring.finish(&masks), "");
    }
}
