//! Personal data out before anything leaves for an endpoint, and back in when the answer arrives.
//!
//! The same value gets the same placeholder within one call, so the model can still tell two cards
//! apart. Only placeholders of this call are put back; one that the model made up stays as it is.

mod ids;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What tells a value from anything else that looks like it.
enum Holds {
    /// The whole is one, or not.
    Whole(fn(&str) -> bool),
    /// A part of it may be: other digits or words can stand right beside it.
    Within(fn(&str) -> Option<Range<usize>>),
}

/// What a text must have to hold a value at all. Most messages have neither, and no pattern is tried on them.
#[derive(Debug, Clone, Copy)]
enum Needs {
    /// The sign of an address.
    At,
    /// So many digits.
    Digits(usize),
}

impl Needs {
    fn met(self, text: &str, digits: usize) -> bool {
        match self {
            Self::At => text.contains('@'),
            Self::Digits(least) => digits >= least,
        }
    }
}

/// As many as the patterns would call digits, or more.
fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

/// The name in the placeholder, what it needs, what it looks like, and what makes sure.
type Kind = (&'static str, Needs, Regex, Holds);

/// What is masked, in the order in which it is looked for. A longer, checked kind goes first: a card
/// number is also a run of digits that could pass for a phone.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    use Holds::{Whole, Within};
    use Needs::{At, Digits};
    let build = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant that tests compile");
    vec![
        ("EMAIL", At, build(r"(?i)\b[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b"), Whole(|_| true)),
        ("IBAN", Digits(2), build(r"(?i)\b[a-z]{2}\d{2}(?:[ .-]?[a-z0-9]){11,60}"), Within(ids::iban_in)),
        ("CARD", Digits(13), build(r"\b\d(?:[ .\u{a0}–-]?\d){12,60}"), Within(ids::card_in)),
        (
            "ID",
            Digits(2),
            build(r"(?i)\b[a-z0-9]{2}[. ]?[a-z0-9]{3}[. ]?[a-z0-9]{3}[/ ]?[a-z0-9]{4}[- ]?\d{2}\b"),
            Whole(ids::cnpj),
        ),
        ("ID", Digits(11), build(r"\b\d{3}[. ]?\d{3}[. ]?\d{3}[-. ]?\d{2}\b"), Whole(ids::cpf)),
        ("ID", Digits(11), build(r"\b\d{2}[-. ]?\d{8}[-. ]?\d\b"), Whole(ids::cuit)),
        (
            "ID",
            Digits(7),
            build(r"(?i)\b(?:[xyz][-. ]?\d{7}|\d{1,2}\.\d{3}\.\d{3}|\d{7,8})[-. ]?[a-z]\b"),
            Whole(ids::dni),
        ),
        ("ID", Digits(7), build(r"(?i)\b\d{1,2}[. ]?\d{3}[. ]?\d{3}(?:-[\dk]|k)\b"), Whole(ids::rut)),
        ("ID", Digits(7), build(r"(?i)\b[a-z]{4}\d{6}[hmx][a-z]{5}[a-z0-9]\d\b"), Whole(ids::curp)),
        ("ID", Digits(6), build(r"(?i)\b[a-zñ&]{3,4}[- ]?\d{6}[- ]?[a-z0-9]{3}\b"), Whole(ids::rfc)),
        (
            "PHONE",
            Digits(2),
            build(
                r"\+\d[\d ().-]{7,17}\d|\b00 ?\d[\d .-]{7,15}\d\b|\(\d{2,3}\) ?\d[\d -]{5,10}\d|\b\d{3}[ .-]\d{3}[ .-]\d{3,4}\b|\b\d{3}[ .-]\d{2}[ .-]\d{2}[ .-]\d{2}\b|\b\d{2,3}[ .-]\d{4,5}[ .-]\d{4}\b|\b9[ .-]?\d{4}[ .-]\d{4}\b|\b\d{9,11}\b",
            ),
            Whole(|_| true),
        ),
    ]
});

/// The values of a kind in a text, in order.
fn found(text: &str, pattern: &Regex, holds: &Holds) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut from = 0;
    while let Some(hit) = pattern.find_at(text, from) {
        let value = match holds {
            Holds::Whole(holds) => holds(hit.as_str()).then(|| hit.range()),
            Holds::Within(part) => part(hit.as_str()).map(|part| hit.start() + part.start..hit.start() + part.end),
        };
        // Where this is none, the next word of it may begin one.
        let next = hit.as_str().find(|c: char| !c.is_alphanumeric());
        from = value.as_ref().map_or_else(|| next.map_or(hit.end(), |at| hit.start() + at), |value| value.end);
        values.extend(value);
    }
    values
}

pub(crate) static PLACEHOLDER: LazyLock<Regex> =
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
        let digits = digits(text);
        for (kind, _, pattern, holds) in KINDS.iter().filter(|(_, needs, ..)| needs.met(text, digits)) {
            for value in found(&hidden, pattern, holds).into_iter().rev() {
                let mask = self.mask(kind, &hidden[value.clone()]);
                hidden.replace_range(value, &mask);
            }
        }
        hidden
    }

    /// How many values were masked.
    pub fn len(&self) -> usize {
        self.of_value.len()
    }

    /// Whether nothing was masked.
    pub fn is_empty(&self) -> bool {
        self.of_value.is_empty()
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

    // covers: A10; behaviour 20
    #[test]
    fn each_kind_is_told_by_its_check_digit() {
        let both = [
            ("4242 4242 4242 4242", "4242 4242 4242 4243"),
            ("3782 822463 10005", "3782 822463 10006"),
            ("ES91 2100 0418 4502 0005 1332", "ES92 2100 0418 4502 0005 1332"),
            ("BR15 0000 0000 0000 1093 2840 814P 2", "BR16 0000 0000 0000 1093 2840 814P 2"),
            ("12.345.678-Z", "12.345.678-A"),
            ("X1234567L", "X1234567M"),
            ("111.444.777-35", "111.444.777-36"),
            ("11.222.333/0001-81", "11.222.333/0001-82"),
            ("12.ABC.345/01DE-35", "12.ABC.345/01DE-36"),
            ("20-12345678-6", "20-12345678-7"),
            ("12.345.678-5", "12.345.678-6"),
            ("11.111.112-K", "11.111.112-1"),
            ("HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
            ("GODE561231GR8", "GODE561231GR9"),
        ];
        for (right, wrong) in both {
            let hide = |value: &str| Masks::default().hide(&format!("Es {value}, gracias"));
            let hidden = hide(right);
            assert!(hidden.starts_with("Es [") && hidden.ends_with("_1], gracias"), "{right}: {hidden}");
            let kept = ["CARD", "IBAN", "ID"].iter().all(|kind| !hide(wrong).contains(kind));
            assert!(kept, "{wrong}: {}", hide(wrong));
        }
    }

    // behaviour 20
    #[test]
    fn a_value_is_found_whatever_stands_beside_it() {
        for said in [
            "IBAN ES91 2100 0418 4502 0005 1332 para pagar el pedido",
            "iban ES9121000418450200051332 y es91-2100-0418-4502-0005-1332",
            "pedido 48213 4242 4242 4242 4242 caduca 12 27",
            "4242.4242.4242.4242/4242424242424242 4000 0566 5566 5556",
            "612 34 56 78, (11) 91234-5678, 55 1234 5678, 0034 612345678, +52 1 55 1234 5678",
        ] {
            let mut masks = Masks::default();
            let hidden = masks.hide(said);
            for digits in ["2100", "4242", "5556", "0005", "5678", "34 56"] {
                assert!(!hidden.contains(digits), "{digits} of {said}: {hidden}");
            }
            assert_eq!(masks.restore(&hidden), said);
        }
        let kept = Masks::default().hide("pedido 48213 4242 4242 4242 4242");
        assert_eq!(kept, "pedido 48213 [CARD_1]", "the order's number is no part of the card");
    }

    // behaviour 20
    #[test]
    fn what_no_pattern_is_tried_on_holds_no_value() {
        let values = [
            "ana@example.com",
            "ES91 2100 0418 4502 0005 1332",
            "4242 4242 4242 4242",
            "12.ABC.345/01DE-35",
            "111.444.777-35",
            "20-12345678-6",
            "X1234567L",
            "12.345.678-Z",
            "12.345.678-5",
            "HEGG560427MVZRRL04",
            "GODE561231GR8",
            "+34 612 345 678",
            "+1 (  ) -  2",
            "612 34 56 78",
            "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
        ];
        let seed = 20_u64;
        let mut state = seed;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % limit
        };
        let mut tried = 0;
        for value in values {
            for _ in 0..600 {
                // Digits become letters and spaces, as long as a pattern still takes it for a value.
                let changed = |c: char, n: usize| if c.is_numeric() { ['a', ' ', '7', c, c, c][n] } else { c };
                let text: String = value.chars().map(|c| changed(c, below(6))).collect();
                for (kind, needs, pattern, _) in KINDS.iter().filter(|(.., pattern, _)| pattern.is_match(&text)) {
                    tried += 1;
                    assert!(needs.met(&text, digits(&text)), "{kind} {needs:?} {pattern}: {text} (seed {seed})");
                }
            }
        }
        assert!(tried > 1_000, "{tried}");
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
