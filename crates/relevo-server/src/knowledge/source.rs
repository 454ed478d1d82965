//! Sources and what was read from them, as files.

use relevo_copilot::knowledge::read::Format;
use relevo_copilot::knowledge::{Audience, Document};
use relevo_copilot::text::Language;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files with their sizes and times.
pub(super) type Stamp = BTreeSet<(PathBuf, u64, Option<SystemTime>)>;

/// A source of articles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id: small letters, digits and dashes.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where its articles are.
    pub origin: Origin,
    /// Whether its articles may be found at all.
    pub published: bool,
    /// Articles of it that may not be found, by id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hidden: BTreeSet<String>,
    /// The audience of its articles: an article may say itself that it is internal, never that it is public.
    #[serde(default)]
    pub audience: Audience,
    /// The language of articles that do not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The inboxes of articles that name none; empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inboxes: BTreeSet<String>,
}

/// Where a source's articles are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// A file of this machine, or a folder with all that is in it.
    Path(PathBuf),
    /// Pages of the web.
    Urls(Vec<String>),
    /// A text that somebody wrote here.
    Text {
        /// What it is written in.
        format: WrittenIn,
        /// The text.
        text: String,
    },
}

impl Origin {
    /// Whether the same is read; addresses may come in another order, or twice.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Urls(these), Self::Urls(those)) => {
                these.iter().collect::<BTreeSet<_>>() == those.iter().collect::<BTreeSet<_>>()
            }
            _ => self == other,
        }
    }
}

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WrittenIn {
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// A table of questions and answers.
    Csv,
    /// Questions and answers, a JSON object a line.
    Jsonl,
}

impl From<WrittenIn> for Format {
    fn from(written: WrittenIn) -> Self {
        match written {
            WrittenIn::Markdown => Self::Markdown,
            WrittenIn::Html => Self::Html,
            WrittenIn::Csv => Self::Csv,
            WrittenIn::Jsonl => Self::Jsonl,
        }
    }
}

/// What was read from a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When, in RFC 3339.
    pub read_at: String,
    /// All its articles.
    pub documents: Vec<Document>,
    /// What could not be read. Articles of a page that could not be read are those of the reading before.
    pub problems: Vec<Problem>,
}

/// A file or page that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PlaceProblem)]
pub struct Problem {
    /// Which: a path or an address.
    pub place: String,
    /// Why, and what to do.
    pub problem: String,
}

/// The folder that keeps sources.
#[derive(Debug, Clone)]
pub struct Shelf(PathBuf);

/// The folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}", path = path.display())]
pub struct ShelfError {
    path: PathBuf,
    error: std::io::Error,
}

impl Shelf {
    /// The one of a data folder, made where it is missing.
    pub fn open(data: &Path) -> Result<Self, ShelfError> {
        let shelf = Self(data.join("knowledge"));
        for folder in [shelf.sources(), shelf.articles()] {
            std::fs::create_dir_all(&folder).map_err(|error| ShelfError { path: folder, error })?;
        }
        Ok(shelf)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The folder of sources.
    pub fn sources(&self) -> PathBuf {
        self.0.join("sources")
    }

    fn articles(&self) -> PathBuf {
        self.0.join("articles")
    }

    /// All sources, by id. A file that cannot be understood is a problem of its own and hides no other.
    pub fn list(&self) -> Result<(Vec<Source>, Vec<Problem>), ShelfError> {
        let folder = self.sources();
        let failed = |error| ShelfError { path: folder.clone(), error };
        let (mut sources, mut problems) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(id) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            if !is_id(id) {
                continue;
            }
            match self.source(id) {
                Ok(Some(source)) => sources.push(source),
                Ok(None) => {}
                Err(error) => {
                    problems.push(Problem { place: path.display().to_string(), problem: error.error.to_string() });
                }
            }
        }
        sources.sort_by(|a, b| a.id.cmp(&b.id));
        Ok((sources, problems))
    }

    /// The source that reads the same already.
    pub fn same(&self, origin: &Origin) -> Result<Option<Source>, ShelfError> {
        Ok(self.list()?.0.into_iter().find(|source| source.origin.is_same(origin)))
    }

    /// What tells whether a file was replaced since: every file's name, size and time.
    pub(super) fn stamp(&self) -> Stamp {
        let files = [self.sources(), self.articles()].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
        let stamped = files.flatten().flatten().filter_map(|file| {
            let known = file.metadata().ok()?;
            Some((file.path(), known.len(), known.modified().ok()))
        });
        stamped.filter(|(path, ..)| path.extension().is_some_and(|kind| kind == "json")).collect()
    }

    /// One source.
    pub fn source(&self, id: &str) -> Result<Option<Source>, ShelfError> {
        let source: Option<Source> = if is_id(id) { load(&self.sources().join(format!("{id}.json")))? } else { None };
        Ok(source.filter(|source| source.id == id))
    }

    /// Keeps a source.
    pub fn put(&self, source: &Source) -> Result<(), ShelfError> {
        keep(&self.sources(), &source.id, source)
    }

    /// What was read from a source last.
    pub fn reading(&self, id: &str) -> Result<Option<Reading>, ShelfError> {
        if is_id(id) { load(&self.articles().join(format!("{id}.json"))) } else { Ok(None) }
    }

    /// Keeps what was read from a source.
    pub fn put_reading(&self, id: &str, reading: &Reading) -> Result<(), ShelfError> {
        keep(&self.articles(), id, reading)
    }

    /// Takes a source away; whether it was there.
    pub fn remove(&self, id: &str) -> Result<bool, ShelfError> {
        if !is_id(id) {
            return Ok(false);
        }
        let there = gone(&self.sources().join(format!("{id}.json")))?;
        gone(&self.articles().join(format!("{id}.json")))?;
        Ok(there)
    }

    /// An id for a new source, from its name.
    pub fn new_id(&self, name: &str) -> Result<String, ShelfError> {
        let words: Vec<String> = relevo_copilot::text::words(name).into_iter().filter(|word| word.is_ascii()).collect();
        let mut stem = words.join("-");
        stem.truncate(40);
        let stem = stem.trim_end_matches('-');
        let stem =
            if is_id(stem) && !super::BUILT_IN.contains(&stem) { stem.to_owned() } else { format!("source-{stem}") };
        let stem = stem.trim_end_matches('-').to_owned();
        let mut id = stem.clone();
        let mut n = 2;
        while self.sources().join(format!("{id}.json")).try_exists().unwrap_or(false) {
            id = format!("{stem}-{n}");
            n += 1;
        }
        Ok(id)
    }
}

impl Source {
    /// Its articles, of those that were read, as they may be found.
    pub fn documents(&self, reading: &Reading) -> Vec<Document> {
        if !self.published {
            return Vec::new();
        }
        let shown = reading.documents.iter().filter(|document| !self.hidden.contains(&document.id));
        shown.cloned().map(|document| self.described(document)).collect()
    }

    /// An article, with what the source says of all its articles.
    pub fn described(&self, mut document: Document) -> Document {
        if self.audience == Audience::Internal {
            document.audience = Audience::Internal;
        }
        document.language = document.language.or(self.language);
        if document.inboxes.is_empty() {
            document.inboxes.clone_from(&self.inboxes);
        }
        document
    }
}

/// Small letters, digits and dashes, at most 64: a file's name on every system, and no way out of the folder.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.starts_with('-')
}

fn load<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, ShelfError> {
    let failed = |error| ShelfError { path: path.to_owned(), error };
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Written as a whole: whoever reads it finds the old one or the new one.
fn keep(folder: &Path, id: &str, value: &impl Serialize) -> Result<(), ShelfError> {
    let path = folder.join(format!("{id}.json"));
    let failed = |error| ShelfError { path: path.clone(), error };
    let unfinished = folder.join(format!(".{id}.{}.tmp", &crate::sign_in::token()[..12]));
    let written = (|| {
        let mut file = std::fs::File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &path)
    })();
    written.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        failed(error)
    })
}

fn gone(path: &Path) -> Result<bool, ShelfError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ShelfError { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_names_are_unique_and_never_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        let id = shelf.new_id("Ayuda: Envíos & Pagos").unwrap();
        assert_eq!(id, "ayuda-envios-pagos");
        let source = Source {
            id: id.clone(),
            name: "x".into(),
            origin: Origin::Urls(vec!["https://example.com/".into()]),
            published: true,
            hidden: BTreeSet::new(),
            audience: Audience::Public,
            language: None,
            inboxes: BTreeSet::new(),
        };
        shelf.put(&source).unwrap();
        assert_eq!(shelf.source(&id).unwrap(), Some(source));
        assert_eq!(shelf.new_id("Ayuda: Envíos & Pagos").unwrap(), "ayuda-envios-pagos-2");
        assert_eq!(shelf.new_id("shortcuts").unwrap(), "source-shortcuts");
        assert_eq!(shelf.new_id("日本").unwrap(), "source");
        for outside in ["../../etc/passwd", "a/b", "", ".hidden", "-x"] {
            assert_eq!(shelf.source(outside).unwrap(), None);
            assert!(!shelf.remove(outside).unwrap());
        }
        // A broken file hides no other.
        std::fs::write(shelf.sources().join("broken.json"), "{").unwrap();
        let (sources, problems) = shelf.list().unwrap();
        assert_eq!((sources.len(), problems.len()), (1, 1));
        assert!(shelf.remove(&id).unwrap());
        assert!(shelf.list().unwrap().0.is_empty());
    }
}
