//! Light stemming: endings of number, gender and the commonest verb forms, nothing clever.
//!
//! Aggressive stemmers merge words that differ (`university`, `universe`); for short support texts the
//! light kind retrieves better.

use super::Language;

/// The stem of one folded word.
pub fn stem(word: &str, language: Language) -> String {
    if word.len() < 4 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    match language {
        Language::En => english(word),
        Language::Es => spanish(word),
        Language::Pt => portuguese(word),
    }
}

/// Replaces the first ending that fits and leaves at least `least` letters before it.
fn replace(word: &str, rules: &[(&str, &str)], least: usize) -> Option<String> {
    rules.iter().find_map(|(ending, with)| {
        let root = word.strip_suffix(ending)?;
        (root.chars().count() >= least).then(|| format!("{root}{with}"))
    })
}

fn english(word: &str) -> String {
    let singular = if word.ends_with("ss") || word.ends_with("us") {
        word.to_owned()
    } else {
        replace(word, &[("sses", "ss"), ("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", "")], 3)
            .unwrap_or_else(|| word.to_owned())
    };
    let root = replace(&singular, &[("ing", ""), ("ed", ""), ("ly", "")], 3).unwrap_or(singular);
    let mut letters = root.chars().rev();
    let doubled = matches!((letters.next(), letters.next()), (Some(a), Some(b)) if a == b && !"lsz".contains(a));
    let root = if doubled { root[..root.len() - 1].to_owned() } else { root };
    replace(&root, &[("e", ""), ("y", "i")], 3).unwrap_or(root)
}

fn spanish(word: &str) -> String {
    const ENDINGS: &[(&str, &str)] = &[
        ("aciones", "acion"),
        ("iciones", "icion"),
        ("uciones", "ucion"),
        ("amiento", ""),
        ("imiento", ""),
        ("andose", ""),
        ("iendo", ""),
        ("ando", ""),
        ("mente", ""),
        ("ados", ""),
        ("adas", ""),
        ("idos", ""),
        ("idas", ""),
        ("ado", ""),
        ("ada", ""),
        ("ido", ""),
        ("ida", ""),
        ("aron", ""),
        ("ieron", ""),
        ("aba", ""),
        ("ces", "z"),
        ("ar", ""),
        ("er", ""),
        ("ir", ""),
        ("es", ""),
        ("os", ""),
        ("as", ""),
        ("o", ""),
        ("a", ""),
        ("e", ""),
        ("s", ""),
    ];
    replace(word, ENDINGS, 3).unwrap_or_else(|| word.to_owned())
}

fn portuguese(word: &str) -> String {
    const ENDINGS: &[(&str, &str)] = &[
        ("coes", "cao"),
        ("soes", "sao"),
        ("oes", "ao"),
        ("aes", "ao"),
        ("ao", "ao"),
        ("amento", ""),
        ("imento", ""),
        ("mente", ""),
        ("ando", ""),
        ("endo", ""),
        ("indo", ""),
        ("ados", ""),
        ("adas", ""),
        ("idos", ""),
        ("idas", ""),
        ("ado", ""),
        ("ada", ""),
        ("ido", ""),
        ("ida", ""),
        ("aram", ""),
        ("eram", ""),
        ("ava", ""),
        ("ais", "al"),
        ("eis", "el"),
        ("ns", "m"),
        ("res", "r"),
        ("ar", ""),
        ("er", ""),
        ("ir", ""),
        ("os", ""),
        ("as", ""),
        ("es", ""),
        ("o", ""),
        ("a", ""),
        ("e", ""),
        ("s", ""),
    ];
    replace(word, ENDINGS, 3).unwrap_or_else(|| word.to_owned())
}
