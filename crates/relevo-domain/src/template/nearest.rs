//! "Did you mean …?"

/// The candidate that `word` is most likely a slip of, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = ((word.chars().count() + 1) / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to change, add or drop (Levenshtein). Words longer than 60 letters are never near: names here are short,
/// and the cost grows with the square.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 60 || b.len() > 60 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let names = ["contact.name", "contact.email", "agent.name"];
        assert_eq!(nearest("contact.nmae", names), Some("contact.name"));
        assert_eq!(nearest("contact.mail", names), Some("contact.email"));
        assert_eq!(nearest("weather", names), None);
        assert_eq!(nearest(&"x".repeat(5000), names), None);
    }
}
