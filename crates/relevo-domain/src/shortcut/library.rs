//! All shortcuts and macros of a team, read from the texts of their files.

use super::{Shortcut, Variant, file, search};
use crate::macros::Macro;
use crate::shortcut::search::Hit;
use crate::template::{Fault, Source, TemplateError};
use std::collections::BTreeMap;

/// The shortcuts and macros of a team. It is replaced as a whole when a file changes.
#[derive(Debug, Clone, Default)]
pub struct Library {
    shortcuts: BTreeMap<String, Shortcut>,
    macros: BTreeMap<String, Macro>,
}

impl Library {
    /// Reads files, given as path and text: `*.hbs` are shortcuts, `*.toml` macros, others are passed over. What is
    /// broken is told, sorted by place, and left out; the rest works.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> (Self, Vec<TemplateError>) {
        let mut files: Vec<(String, String)> =
            files.into_iter().map(|(path, text)| (path.as_ref().replace('\\', "/"), clean(text.as_ref()))).collect();
        // Whichever of two files of one name counts must not hang on the order in which a disk lists them.
        files.sort();
        let mut library = Self::default();
        let mut errors = Vec::new();
        let ends = |path: &str, with: &str| path.ends_with(with);
        for (path, text) in files.iter().filter(|(path, _)| ends(path, ".hbs")) {
            match file::read(path, text).and_then(|(name, variant)| library.add(name, variant)) {
                Ok(()) => {}
                Err(found) => errors.extend(found),
            }
        }
        for (path, text) in files.iter().filter(|(path, _)| ends(path, ".toml")) {
            match Macro::read(path, text, &library) {
                Ok(found) => match library.macros.get(&found.name) {
                    Some(first) => errors.push(duplicate(path, &format!("macro `{}`", found.name), &first.file)),
                    None => drop(library.macros.insert(found.name.clone(), found)),
                },
                Err(found) => errors.extend(found),
            }
        }
        errors.sort();
        (library, errors)
    }

    /// A shortcut by its name.
    pub fn shortcut(&self, name: &str) -> Option<&Shortcut> {
        self.shortcuts.get(name)
    }

    /// All shortcuts by name.
    pub fn shortcuts(&self) -> impl Iterator<Item = &Shortcut> {
        self.shortcuts.values()
    }

    /// A macro by its name.
    pub fn macro_named(&self, name: &str) -> Option<&Macro> {
        self.macros.get(name)
    }

    /// All macros by name.
    pub fn macros(&self) -> impl Iterator<Item = &Macro> {
        self.macros.values()
    }

    /// The shortcuts that fit a few letters, the best first; all of them for none. Titles and texts count in the
    /// variant for `language`. Accents and case do not matter.
    pub fn search(&self, query: &str, language: Option<&str>) -> Vec<Hit<'_>> {
        search::search(self.shortcuts.values(), query, language)
    }

    fn add(&mut self, name: String, variant: Variant) -> Result<(), Vec<TemplateError>> {
        let shortcut = self
            .shortcuts
            .entry(name)
            .or_insert_with_key(|name| Shortcut { name: name.clone(), variants: BTreeMap::new() });
        if let Some(first) = shortcut.variants.get(&variant.language) {
            let what = format!("shortcut `{}` in `{}`", shortcut.name, variant.language);
            return Err(vec![duplicate(&variant.file, &what, &first.file)]);
        }
        if let Some(other) = shortcut.variants.values().find(|other| other.scope != variant.scope) {
            let (mine, other_scope) = (String::from(variant.scope.clone()), String::from(other.scope.clone()));
            let message = format!("its scope is `{mine}`, that of {} `{other_scope}`: make them agree", other.file);
            return Err(vec![Source::new(&variant.file, "").error(Fault::new(0, message))]);
        }
        shortcut.variants.insert(variant.language, variant);
        Ok(())
    }
}

fn duplicate(file: &str, what: &str, first: &str) -> TemplateError {
    let message = format!("the {what} is already in {first}: rename or delete one of them");
    Source::new(file, "").error(Fault::new(0, message))
}

/// A text as every editor means it: without a byte order mark, lines ended alike.
fn clean(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}
