//! Texts in macro files: one for all languages, or one for each.

use crate::shortcut::{Rendered, ShortcutContext, vocabulary};
use crate::template::{Language, Source, Template, TemplateError};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// A text as it stands in the file: `"…"` or `{ es = "…", en = "…" }`.
#[derive(Debug)]
pub(super) enum Words {
    One(String),
    Each(BTreeMap<Language, Spanned<String>>),
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with a text for each language")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words::One(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Words, M::Error> {
                let mut each = BTreeMap::new();
                while let Some(code) = map.next_key::<String>()? {
                    let known = Language::ALL.into_iter().find(|language| language.code() == code);
                    let language = known.ok_or_else(|| {
                        Error::custom(format!("`{code}` is not a language of Relevo: use es, pt or en"))
                    })?;
                    each.insert(language, map.next_value()?);
                }
                if each.is_empty() {
                    return Err(Error::custom("a text is missing"));
                }
                Ok(Words::Each(each))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The text of `texts` for a language: that one, else Spanish, else English, else any. A text for all languages is kept
/// under `None`.
fn choose<T>(texts: &BTreeMap<Option<Language>, T>, wanted: Option<Language>) -> Option<(&Option<Language>, &T)> {
    [None, wanted, Some(Language::Es), Some(Language::En)]
        .iter()
        .find_map(|key| texts.get_key_value(key))
        .or_else(|| texts.iter().next())
}

/// A title or description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label(BTreeMap<Option<Language>, String>);

impl Label {
    /// The text for a language; empty where none was written.
    pub fn text(&self, language: Option<Language>) -> &str {
        choose(&self.0, language).map_or("", |(_, text)| text)
    }

    pub(super) fn of(words: Words) -> Self {
        Self(match words {
            Words::One(text) => BTreeMap::from([(None, text)]),
            Words::Each(each) => each.into_iter().map(|(language, text)| (Some(language), text.into_inner())).collect(),
        })
    }

    pub(super) fn longest(&self) -> usize {
        self.0.values().map(|text| text.trim().chars().count()).max().unwrap_or(0)
    }
}

/// A text with holes that a macro sends or notes.
#[derive(Debug, Clone)]
pub struct MacroText(BTreeMap<Option<Language>, (String, Template)>);

impl MacroText {
    /// Fills it in for a conversation's language tag.
    pub fn render(&self, language: Option<&str>, context: &ShortcutContext) -> Result<Rendered, TemplateError> {
        let wanted = language.and_then(Language::of_tag);
        let (chosen, (_, template)) = choose(&self.0, wanted).expect("a macro's text has at least one language");
        let language = chosen.or(wanted).unwrap_or_default();
        let draft = template.render(&context.to_json(), language)?;
        Ok(Rendered { text: draft.text, language, missing: draft.missing })
    }

    /// Its source for a language.
    pub fn source(&self, language: Option<Language>) -> &str {
        choose(&self.0, language).map_or("", |(_, (source, _))| source)
    }

    /// Passes each text through the gate. Mistakes are told where they stand in the TOML file.
    pub(super) fn of(words: &Spanned<Words>, file: &Source<'_>) -> Result<Self, Vec<TemplateError>> {
        let texts: Vec<(Option<Language>, &str, usize)> = match words.get_ref() {
            Words::One(text) => vec![(None, text, words.span().start)],
            Words::Each(each) => each
                .iter()
                .map(|(language, text)| (Some(*language), text.get_ref().as_str(), text.span().start))
                .collect(),
        };
        let mut templates = BTreeMap::new();
        for (language, text, at) in texts {
            let template = Template::compile(&Source::new(file.file, text), &vocabulary())
                .map_err(|errors| errors.into_iter().map(|error| placed(error, file, at)).collect::<Vec<_>>())?;
            templates.insert(language, (text.to_owned(), template));
        }
        Ok(Self(templates))
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.0.values().map(|(source, template)| (source.as_str(), template))
    }
}

/// Moves a mistake from its place in a quoted text to that in the file.
fn placed(error: TemplateError, file: &Source<'_>, at: usize) -> TemplateError {
    let raw = &file.text[at..];
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let newline = usize::from(quotes == 3 && raw[quotes..].starts_with('\n'));
    let start = file.error(crate::template::Fault::new(at + quotes + newline, ""));
    let column = if error.line == 1 { start.column + error.column - 1 } else { error.column };
    TemplateError { line: start.line + error.line - 1, column, ..error }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        by_language(serializer, self.0.iter().map(|(language, text)| (*language, text.as_str())))
    }
}

impl Serialize for MacroText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        by_language(serializer, self.0.iter().map(|(language, (source, _))| (*language, source.as_str())))
    }
}

/// As in the file: one text, or one for each language.
fn by_language<'a, S: Serializer>(
    serializer: S,
    texts: impl Iterator<Item = (Option<Language>, &'a str)>,
) -> Result<S::Ok, S::Error> {
    let texts: Vec<_> = texts.collect();
    if let [(None, text)] = texts.as_slice() {
        return serializer.serialize_str(text);
    }
    let mut map = serializer.serialize_map(Some(texts.len()))?;
    for (language, text) in texts {
        map.serialize_entry(language.unwrap_or_default().code(), text)?;
    }
    map.end()
}
