//! Where a text comes from, and how a mistake in it is told.

use std::fmt;

/// A text and its place in a file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's path as the author knows it.
    pub file: &'a str,
    /// The text.
    pub text: &'a str,
    /// The line of the file on which the text begins, from 1.
    pub line: usize,
}

impl<'a> Source<'a> {
    /// A text that is a whole file.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, line: 1 }
    }

    /// A text that begins further down in its file, after a front matter.
    pub fn from_line(file: &'a str, text: &'a str, line: usize) -> Self {
        Self { file, text, line }
    }

    pub(crate) fn error(&self, fault: Fault) -> TemplateError {
        let (line, column) = self.place(fault.at);
        TemplateError { file: self.file.to_owned(), line, column, message: fault.message }
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let at = (0..=at.min(self.text.len())).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0);
        let before = &self.text[..at];
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (self.line + before.matches('\n').count(), before[start..].chars().count() + 1)
    }
}

/// What is wrong with a file of the library, where, and how to mend it. Shown as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub struct TemplateError {
    /// The file's path as the author knows it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// A mistake at a byte of a text whose file is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub at: usize,
    pub message: String,
}

impl Fault {
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_the_file() {
        let source = Source::from_line("a.hbs", "ñandú\nzoë x", 5);
        let error = source.error(Fault::new("ñandú\nzoë ".len(), "here"));
        assert_eq!(error.to_string(), "a.hbs:6:5: here");
        // Past the end and inside a character are still places.
        assert_eq!(source.error(Fault::new(1, "x")).column, 1);
        assert_eq!(source.error(Fault::new(999, "x")).line, 6);
    }
}
