//! Reads one `{{…}}`: a small part of Handlebars' grammar, stricter than the engine's, so that the engine is only ever
//! given tags whose meaning is known here.

use super::name::{fault_of_path, is_file_stem, is_literal};
use super::{Fault, MAX_DEPTH};

/// One `{{…}}`.
#[derive(Debug, Clone)]
pub(crate) enum Tag {
    /// `{{contact.name}}` or `{{upper contact.name}}`.
    Value(Call),
    /// `{{#if …}}`.
    Open(Call),
    /// `{{else}}` or `{{else if …}}`.
    Else(Option<Call>),
    /// `{{/if}}`.
    Close(Word),
    /// `{{> name}}`.
    Include(Word),
    /// `{{! … }}`.
    Comment,
}

/// A word and its place.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub text: String,
    pub at: usize,
}

/// A name and what it is given.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub name: Word,
    pub args: Vec<Arg>,
}

/// What a helper is given.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Path(Word),
    Literal(Word),
    Call(Call),
}

/// Reads the tag whose `{{` stands at `start`; gives it, the byte after its `}}` and the parentheses inside each other.
pub(crate) fn read(text: &str, start: usize) -> Result<(Tag, usize, usize), Fault> {
    let mut reader = Reader { text, start, at: start + 2, deepest: 0 };
    let tag = reader.tag()?;
    Ok((tag, reader.at, reader.deepest))
}

struct Reader<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    deepest: usize,
}

impl Reader<'_> {
    fn tag(&mut self) -> Result<Tag, Fault> {
        if self.rest().starts_with('!') {
            return self.comment();
        }
        self.take("~");
        let sigil = self.at;
        let fault = |message: &str| Err(Fault::new(sigil, message));
        match self.rest().chars().next() {
            Some('{') => fault("`{{{` is not allowed: nothing is escaped here, so write `{{name}}`"),
            Some('&') => fault("`{{&` is not allowed: nothing is escaped here, so write `{{name}}`"),
            Some('*') => fault("decorators (`{{*`) are not allowed"),
            Some('^') => fault("`{{^` is not allowed: write `{{else}}` or `{{#unless …}}`"),
            Some('!') => fault("a comment begins with `{{!`, without a `~`"),
            Some('#') => {
                self.at += 1;
                match self.rest().chars().next() {
                    Some('*') => return fault("inline partials and decorators (`{{#*`) are not allowed"),
                    Some('>') => return fault("partial blocks (`{{#>`) are not allowed"),
                    Some(c) if c.is_whitespace() => return fault("write the block's name right after `{{#`"),
                    _ => {}
                }
                let call = self.call(0)?;
                self.finish()?;
                Ok(Tag::Open(call))
            }
            Some('/') => {
                self.at += 1;
                let name = self.word()?;
                self.finish()?;
                Ok(Tag::Close(name))
            }
            Some('>') => {
                self.at += 1;
                self.space();
                let name = self.lump();
                if !is_file_stem(&name.text) {
                    return Err(Fault::new(name.at, "write the name of another prompt of this folder after `{{>`"));
                }
                self.finish()?;
                Ok(Tag::Include(name))
            }
            _ => self.value(),
        }
    }

    fn value(&mut self) -> Result<Tag, Fault> {
        self.space();
        let before = self.at;
        if self.lump().text == "else" {
            self.space();
            let call = if self.at_end() { None } else { Some(self.call(0)?) };
            self.finish()?;
            return Ok(Tag::Else(call));
        }
        self.at = before;
        let call = self.call(0)?;
        self.finish()?;
        Ok(Tag::Value(call))
    }

    fn comment(&mut self) -> Result<Tag, Fault> {
        let long = self.rest().starts_with("!--");
        // The engine reads `{{! --` as the long form too; a text that both read alike is asked for.
        if !long && self.rest()[1..].trim_start().starts_with("--") {
            return Err(Fault::new(self.at, "write the long comment as `{{!-- … --}}`, without a space before `--`"));
        }
        let (skip, end) = if long { (3, "--}}") } else { (1, "}}") };
        match self.rest()[skip..].find(end) {
            Some(found) => {
                self.at += skip + found + end.len();
                Ok(Tag::Comment)
            }
            None => Err(Fault::new(self.start, format!("the comment is never closed: add `{end}` where it ends"))),
        }
    }

    fn call(&mut self, depth: usize) -> Result<Call, Fault> {
        self.deepest = self.deepest.max(depth);
        if depth > MAX_DEPTH {
            return Err(Fault::new(self.at, format!("parentheses are nested more than {MAX_DEPTH} deep")));
        }
        self.space();
        if self.rest().starts_with('(') {
            return Err(Fault::new(self.at, "a helper's or variable's name is expected before `(`"));
        }
        let name = self.word()?;
        let mut args = Vec::new();
        loop {
            let gap = self.space();
            if self.at_end() || (depth > 0 && self.rest().starts_with(')')) {
                return Ok(Call { name, args });
            }
            if !gap {
                return Err(self.unexpected());
            }
            args.push(self.arg(depth)?);
        }
    }

    fn arg(&mut self, depth: usize) -> Result<Arg, Fault> {
        match self.rest().chars().next() {
            Some('(') => {
                let open = self.at;
                self.at += 1;
                let call = self.call(depth + 1)?;
                self.space();
                if !self.take(")") {
                    return Err(Fault::new(open, "this `(` is never closed: add `)`"));
                }
                Ok(Arg::Call(call))
            }
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Arg::Literal),
            _ => {
                let before = self.at;
                let word = self.lump();
                if is_literal(&word.text) {
                    return Ok(Arg::Literal(word));
                }
                self.at = before;
                self.word().map(Arg::Path)
            }
        }
    }

    fn string(&mut self, quote: char) -> Result<Word, Fault> {
        let open = self.at;
        self.at += 1;
        let inner = self.rest();
        let Some(end) = inner.find(quote) else {
            return Err(Fault::new(open, format!("this text is never closed: add {quote}")));
        };
        let inner = inner[..end].to_owned();
        if inner.contains('\\') || inner.chars().any(char::is_control) {
            return Err(Fault::new(open, "a text in quotes is one line without backslashes"));
        }
        self.at += end + 1;
        Ok(Word { text: inner, at: open })
    }

    /// A word that may stand for a variable or helper.
    fn word(&mut self) -> Result<Word, Fault> {
        let word = self.lump();
        if word.text.is_empty() {
            return Err(self.unexpected());
        }
        match fault_of_path(&word.text) {
            None => Ok(word),
            Some(message) => Err(Fault::new(word.at, message)),
        }
    }

    /// Everything up to the next space, bracket or quote.
    fn lump(&mut self) -> Word {
        let at = self.at;
        let stop =
            |c: char| c.is_ascii_whitespace() || matches!(c, '(' | ')' | '{' | '}' | '"' | '\'' | '~' | '=' | '|');
        let length = self.rest().find(stop).unwrap_or(self.rest().len());
        self.at += length;
        Word { text: self.text[at..self.at].to_owned(), at }
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.space();
        if !self.at_end() {
            return Err(self.unexpected());
        }
        self.take("~");
        self.take("}}");
        Ok(())
    }

    fn unexpected(&self) -> Fault {
        match self.rest().chars().next() {
            _ if self.rest().starts_with("{{") => self.unclosed(),
            None => self.unclosed(),
            Some('}') if self.rest().starts_with("}}") => {
                Fault::new(self.start, "`{{` and `}}` without a name between them")
            }
            Some('}') => Fault::new(self.at, "a `}` is missing: a tag ends in `}}`"),
            Some('=') => Fault::new(self.at, "`name=value` is not supported: give the values in order, without names"),
            Some('|') => Fault::new(self.at, "`as |name|` is not supported: use `this` inside `{{#each}}`"),
            Some(c) => Fault::new(self.at, format!("`{}` does not belong here", c.escape_debug())),
        }
    }

    fn unclosed(&self) -> Fault {
        Fault::new(self.start, "this `{{` is never closed: add `}}`")
    }

    fn at_end(&self) -> bool {
        self.rest().starts_with("}}") || self.rest().starts_with("~}}")
    }

    fn take(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn space(&mut self) -> bool {
        let trimmed = self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
        let skipped = self.rest().len() - trimmed;
        self.at += skipped;
        skipped > 0
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
}
