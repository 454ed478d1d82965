//! The lines between two `---` at a file's start.

/// Front matter and where the rest begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Front<'a> {
    /// What stands between the marks.
    pub(crate) text: &'a str,
    /// How many lines the matter and its marks take.
    pub(crate) lines: usize,
}

/// Splits a file. Without an opening mark, or without a closing one, all of it is body.
pub(crate) fn split(text: &str) -> (Option<Front<'_>>, &str) {
    let Some(rest) = text.strip_prefix("---\n") else { return (None, text) };
    let Some(end) = rest.find("\n---\n").map(|at| at + 1).or_else(|| rest.starts_with("---\n").then_some(0)) else {
        return (None, text);
    };
    let front = &rest[..end];
    (Some(Front { text: front, lines: front.lines().count() + 2 }), &rest[end + 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_taken_off_and_counted() {
        let (front, body) = split("---\na: 1\nb: 2\n---\nText");
        assert_eq!(front.map(|front| (front.text, front.lines)), Some(("a: 1\nb: 2\n", 4)));
        assert_eq!(body, "Text");
        assert!(split("No front").0.is_none());
    }
}
