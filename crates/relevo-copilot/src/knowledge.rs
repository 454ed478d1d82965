//! What the Copilot may cite: help articles and shortcuts, cut into passages and indexed in memory.
//!
//! Keeping it up to date is incremental. A source whose content hash is unchanged is not touched; one
//! that is gone, or is marked unpublished, is out of the next search at once.

mod chunk;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::extractive::labels::pieces;
use crate::sparse::{Doc, Sparse, fuse};
use crate::text::{Language, detect, terms};

/// What a passage comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A help article.
    Article,
    /// A shortcut.
    Shortcut,
}

/// Who may read a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Anybody, customers too.
    Public,
    /// The team only: text from it warns before it is inserted.
    Internal,
}

/// Something that can be cited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Its id: a path or a name.
    pub id: String,
    /// Its title for people.
    pub title: String,
    /// Its language; found out from the text where not stated.
    pub language: Option<Language>,
    /// Who may read it.
    pub audience: Audience,
    /// The whole text.
    pub text: String,
}

/// A piece of a source, small enough to be quoted to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// What it comes from.
    pub kind: SourceKind,
    /// The source's id.
    pub source: String,
    /// The source's title, and the heading that the passage stands under.
    pub title: String,
    /// The content hash of the source it was cut from.
    pub version: String,
    /// Bytes of the source.
    pub span: Range<usize>,
    /// Who may read it.
    pub audience: Audience,
    /// The text.
    pub text: String,
}

/// A passage found, and how well it fits: 0..=1, comparable between searches.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The passage.
    pub passage: &'a Passage,
    /// How much of the question's weight the passage shares.
    pub likeness: f32,
}

/// What an update changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// New sources.
    pub added: usize,
    /// Sources with another content than before.
    pub changed: usize,
    /// Sources that are gone.
    pub removed: usize,
    /// Sources left as they were.
    pub unchanged: usize,
}

/// The index.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    sources: BTreeMap<(SourceKind, String), Indexed>,
    passages: HashMap<Doc, Passage>,
    by_word: Sparse,
    by_phrase: Sparse,
    by_piece: Sparse,
    /// How many passages there are in each language.
    languages: BTreeMap<Language, usize>,
}

#[derive(Debug, Clone)]
struct Indexed {
    version: String,
    docs: Vec<(Doc, Language)>,
}

impl Knowledge {
    /// Makes the sources of `kind` exactly these.
    pub fn sync(&mut self, kind: SourceKind, sources: impl IntoIterator<Item = Source>) -> Synced {
        let mut synced = Synced::default();
        let mut present = Vec::new();
        for source in sources.into_iter().filter(|source| source.kind == kind) {
            present.push(source.id.clone());
            let version = version(&source);
            match self.sources.get(&(kind, source.id.clone())).map(|known| known.version == version) {
                Some(true) => synced.unchanged += 1,
                Some(false) => {
                    self.remove(kind, &source.id);
                    self.add(&source, version);
                    synced.changed += 1;
                }
                None => {
                    self.add(&source, version);
                    synced.added += 1;
                }
            }
        }
        let gone: Vec<String> = self
            .sources
            .keys()
            .filter(|(known, id)| *known == kind && !present.contains(id))
            .map(|(_, id)| id.clone())
            .collect();
        for id in gone {
            self.remove(kind, &id);
            synced.removed += 1;
        }
        synced
    }

    /// Takes one source out.
    pub fn remove(&mut self, kind: SourceKind, id: &str) {
        let Some(indexed) = self.sources.remove(&(kind, id.to_owned())) else { return };
        for (doc, language) in indexed.docs {
            if let Some(passages) = self.languages.get_mut(&language) {
                *passages = passages.saturating_sub(1);
            }
            self.passages.remove(&doc);
            self.by_word.remove(doc);
            self.by_phrase.remove(doc);
            self.by_piece.remove(doc);
        }
    }

    fn add(&mut self, source: &Source, version: String) {
        let mut docs = Vec::new();
        for chunk in chunk::chunks(&source.text) {
            let text = source.text[chunk.span.clone()].trim().to_owned();
            let title = match &chunk.heading {
                Some(heading) if *heading != source.title => format!("{} · {heading}", source.title),
                _ => source.title.clone(),
            };
            let language = source.language.or_else(|| detect(&text)).unwrap_or_default();
            let words = terms(&text, language);
            // A title is twice the text: it is what the author thought the passage is about.
            let titled = terms(&title, language).into_iter().map(|term| (term, 2.0));
            let single: Vec<_> = words.iter().map(|term| (term.clone(), 1.0)).chain(titled).collect();
            let pairs = words.windows(2).map(|pair| (pair.join(" "), 1.0));
            let doc = self.by_word.add(single.iter().cloned());
            self.by_phrase.add(single.into_iter().chain(pairs));
            self.by_piece
                .add(pieces(&text).into_iter().chain(pieces(&title).into_iter().map(|(piece, _)| (piece, 2.0))));
            let passage = Passage {
                kind: source.kind,
                source: source.id.clone(),
                title,
                version: version.clone(),
                span: chunk.span,
                audience: source.audience,
                text,
            };
            self.passages.insert(doc, passage);
            docs.push((doc, language));
            *self.languages.entry(language).or_default() += 1;
        }
        self.sources.insert((source.kind, source.id.clone()), Indexed { version, docs });
    }

    /// How many passages can be found.
    pub fn len(&self) -> usize {
        self.passages.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }

    /// Whether a source still stands at this version: what was found may have been unpublished since.
    pub fn holds(&self, kind: SourceKind, id: &str, version: &str) -> bool {
        self.sources.get(&(kind, id.to_owned())).is_some_and(|indexed| indexed.version == version)
    }

    /// The passages that fit a question best, of those that `may_see` lets through.
    pub fn search(&self, question: &str, limit: usize, may_see: impl Fn(&Passage) -> bool) -> Vec<Found<'_>> {
        // A question may be in another language than the article: its words are stemmed as in each
        // language that there are passages in, so that names and numbers meet whatever the rules.
        let mut single: Vec<(String, f32)> = Vec::new();
        let mut phrases: Vec<(String, f32)> = Vec::new();
        for (language, _) in self.languages.iter().filter(|(_, passages)| **passages > 0) {
            let words = terms(question, *language);
            let pairs = words.windows(2).map(|pair| pair.join(" ")).collect::<Vec<_>>();
            add(&mut phrases, words.iter().cloned().chain(pairs));
            add(&mut single, words);
        }
        let by_phrase = self.by_phrase.cosine(phrases);
        let rankings =
            [(self.by_word.bm25(single), 1.0), (by_phrase.clone(), 1.0), (self.by_piece.bm25(pieces(question)), 1.0)];
        let rankings: Vec<_> = rankings.iter().map(|(hits, weight)| (hits.as_slice(), *weight)).collect();
        let likeness: HashMap<Doc, f32> = by_phrase.iter().map(|hit| (hit.doc, hit.score)).collect();
        fuse(&rankings)
            .into_iter()
            .filter_map(|hit| {
                let passage = self.passages.get(&hit.doc).filter(|passage| may_see(passage))?;
                Some(Found { passage, likeness: likeness.get(&hit.doc).copied().unwrap_or_default() })
            })
            .take(limit)
            .collect()
    }
}

/// Adds one language's terms: as often as said, but not again for every language that stems them alike.
fn add(terms: &mut Vec<(String, f32)>, more: impl IntoIterator<Item = String>) {
    let mut counts: BTreeMap<String, f32> = BTreeMap::new();
    for term in more {
        *counts.entry(term).or_default() += 1.0;
    }
    for (term, times) in counts {
        if !terms.iter().any(|(known, _)| *known == term) {
            terms.push((term, times));
        }
    }
}

fn version(source: &Source) -> String {
    let mut hash = Sha256::new();
    for part in [source.title.as_str(), source.text.as_str()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.update([u8::from(source.audience == Audience::Internal)]);
    crate::hex(&hash.finalize()[..6])
}

/// Reads an article in Markdown. Front matter may hold `title`, `language`, `internal: true`;
/// `published: false` gives `None`. Without a title the first heading, then the file's name, is taken.
pub fn article(path: &str, text: &str) -> Option<Source> {
    #[derive(Default, Deserialize)]
    struct Front {
        title: Option<String>,
        language: Option<String>,
        #[serde(default)]
        internal: bool,
        published: Option<bool>,
    }
    let (front, body) = crate::front::split(text);
    let front: Front = front.and_then(|front| serde_yaml_ng::from_str(front.text).ok()).unwrap_or_default();
    if front.published == Some(false) {
        return None;
    }
    let heading = || body.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
    let name = || path.rsplit(['/', '\\']).next().unwrap_or(path).trim_end_matches(".md").replace(['-', '_'], " ");
    Some(Source {
        kind: SourceKind::Article,
        id: path.to_owned(),
        title: front.title.or_else(heading).unwrap_or_else(name),
        language: front.language.as_deref().and_then(Language::from_tag),
        audience: if front.internal { Audience::Internal } else { Audience::Public },
        text: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn articles() -> Vec<Source> {
        [
            ("devoluciones.md", "# Devoluciones\n\nTienes 30 días para devolver un pedido.\n\n## Reembolsos\n\nEl reembolso tarda 5 días hábiles."),
            ("envios.md", "---\ntitle: Envíos\ninternal: true\n---\nLos envíos a Canarias tardan dos semanas."),
        ]
        .into_iter()
        .filter_map(|(path, text)| article(path, text))
        .collect()
    }

    #[test]
    fn the_passage_under_the_right_heading_is_found_with_version_and_span() {
        let mut knowledge = Knowledge::default();
        assert_eq!(knowledge.sync(SourceKind::Article, articles()).added, 2);
        let found = knowledge.search("¿Cuánto tarda el reembolso?", 3, |_| true);
        let first = found[0].passage;
        assert_eq!(first.title, "Devoluciones · Reembolsos");
        let source = &articles()[0];
        assert_eq!(source.text[first.span.clone()].trim(), first.text);
        assert!(knowledge.holds(SourceKind::Article, "devoluciones.md", &first.version));
    }

    // behaviour 8, behaviour 13
    #[test]
    fn what_may_not_be_seen_or_is_unpublished_is_not_found() {
        let mut knowledge = Knowledge::default();
        knowledge.sync(SourceKind::Article, articles());
        let public = |passage: &Passage| passage.audience == Audience::Public;
        assert!(
            knowledge.search("envíos a Canarias", 3, public).iter().all(|found| found.passage.source != "envios.md")
        );
        assert_eq!(knowledge.search("envíos a Canarias", 3, |_| true)[0].passage.source, "envios.md");
        let again = knowledge.sync(SourceKind::Article, articles().into_iter().take(1));
        assert_eq!(again, Synced { removed: 1, unchanged: 1, ..Synced::default() });
        assert!(knowledge.search("Canarias", 3, |_| true).iter().all(|found| found.passage.source != "envios.md"));
        assert!(article("x.md", "---\npublished: false\n---\nSecret").is_none());
    }
}
