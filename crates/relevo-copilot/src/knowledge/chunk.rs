//! A Markdown text as passages: one for each heading, long ones cut at paragraphs.

use std::ops::Range;

/// A passage longer than this (bytes) is cut at the next paragraph.
const LONG: usize = 1_500;

/// A part of a text and the heading that it stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) heading: Option<String>,
    pub(super) span: Range<usize>,
}

pub(super) fn chunks(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut heading = None;
    let mut start = 0;
    let mut at = 0;
    let mut code = false;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        let title = (!code).then(|| heading_of(line)).flatten();
        let long = at - start > LONG && line.trim().is_empty();
        if title.is_some() || long {
            chunks.push(Chunk { heading: heading.clone(), span: start..at });
            start = at;
        }
        if let Some(title) = title {
            heading = Some(title);
            start = at + line.len();
        }
        at += line.len();
    }
    chunks.push(Chunk { heading, span: start..text.len() });
    chunks.retain(|chunk| !text[chunk.span.clone()].trim().is_empty());
    chunks
}

fn heading_of(line: &str) -> Option<String> {
    let marks = line.bytes().take_while(|byte| *byte == b'#').count();
    if !(1..=6).contains(&marks) {
        return None;
    }
    line[marks..].strip_prefix(' ').map(|title| title.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_cut_and_code_does_not() {
        let text = "Intro.\n# One\nFirst.\n```\n# not a heading\n```\n## Two\nSecond.\n";
        let seen: Vec<_> = chunks(text).into_iter().map(|c| (c.heading, text[c.span].trim().to_owned())).collect();
        assert_eq!(
            seen,
            [
                (None, "Intro.".into()),
                (Some("One".into()), "First.\n```\n# not a heading\n```".into()),
                (Some("Two".into()), "Second.".into()),
            ]
        );
    }
}
