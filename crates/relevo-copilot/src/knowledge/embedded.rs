//! The index in this process: no server, nothing to set up. What it holds is derived from the sources, so it is built
//! again at start instead of being kept.
//!
//! Three rankings of words are fused (BM25 on stems, TF-IDF cosine on stems and pairs, BM25 on runs of four letters), and
//! a fourth, the exact cosine of meanings, where an embedding model is configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::index::{Cited, Found, Held, Index, IndexError, Query, Ready};
use super::terms::{Asked, Terms};
use super::{Audience, Filter, Kind};
use crate::sparse::{Doc, Sparse, fuse_scores};
use crate::text::Language;

/// An index in memory. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Embedded {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By source, then document.
    documents: BTreeMap<String, BTreeMap<String, Indexed>>,
    passages: Vec<Option<Ready>>,
    /// What filters ask about most, close together: every search looks at all of them.
    marks: Vec<Option<Mark>>,
    by_word: Sparse,
    by_phrase: Sparse,
    by_piece: Sparse,
    /// How many passages there are in each language.
    languages: BTreeMap<Language, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    audience: Audience,
    language: Language,
    /// Whether the passage itself must be asked too.
    ask: bool,
}

#[derive(Debug)]
struct Indexed {
    held: Held,
    docs: Vec<Doc>,
}

impl Embedded {
    /// Makes the passages of the documents that these belong to exactly these.
    pub fn put(&self, ready: Vec<Ready>) {
        let terms: Vec<Terms> = ready.iter().map(|ready| Terms::of(&ready.passage)).collect();
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeSet<(&str, &str)> =
            ready.iter().map(|ready| (ready.passage.source.as_str(), ready.passage.document.as_str())).collect();
        for (source, document) in names {
            inner.remove(source, document);
        }
        for (ready, terms) in ready.into_iter().zip(terms) {
            inner.add(ready, terms);
        }
    }

    /// Takes documents out.
    pub fn remove(&self, source: &str, documents: &[String]) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for document in documents {
            inner.remove(source, document);
        }
    }

    /// The passages that fit a question best.
    pub fn search(&self, query: &Query<'_>) -> Vec<Found> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).search(query)
    }
}

impl Inner {
    fn add(&mut self, ready: Ready, terms: Terms) {
        let doc = self.by_word.add(terms.words);
        self.by_phrase.add(terms.phrases);
        self.by_piece.add(terms.pieces);
        let passage = &ready.passage;
        *self.languages.entry(passage.language).or_default() += 1;
        let held = Held { version: passage.version.clone(), meaning: ready.meaning.is_some() };
        let documents = self.documents.entry(passage.source.clone()).or_default();
        let indexed = documents.entry(passage.document.clone()).or_insert_with(|| Indexed { held, docs: Vec::new() });
        indexed.docs.push(doc);
        debug_assert_eq!(self.passages.len(), doc as usize, "documents are numbered as passages are");
        let ask = passage.kind == Kind::Shortcut || !passage.inboxes.is_empty();
        self.marks.push(Some(Mark { audience: passage.audience, language: passage.language, ask }));
        self.passages.push(Some(ready));
    }

    fn remove(&mut self, source: &str, document: &str) {
        let Some(indexed) = self.documents.get_mut(source).and_then(|documents| documents.remove(document)) else {
            return;
        };
        for doc in indexed.docs {
            self.marks[doc as usize] = None;
            let Some(ready) = self.passages[doc as usize].take() else { continue };
            if let Some(passages) = self.languages.get_mut(&ready.passage.language) {
                *passages = passages.saturating_sub(1);
            }
            self.by_word.remove(doc);
            self.by_phrase.remove(doc);
            self.by_piece.remove(doc);
        }
    }

    fn search(&self, query: &Query<'_>) -> Vec<Found> {
        let spoken = self.languages.iter().filter(|(_, passages)| **passages > 0).map(|(language, _)| *language);
        let asked = Asked::of(query.question, spoken);
        let allowed: Vec<bool> = (0..self.marks.len()).map(|at| self.admits(query.filter, at)).collect();
        let likeness = self.by_phrase.cosine_scores(asked.phrases);
        let mut legs = vec![self.by_word.bm25_scores(asked.words), self.by_piece.bm25_scores(asked.pieces)];
        let meanings = query.meaning.map(|meaning| self.meanings(meaning, &allowed));
        if let Some(meanings) = &meanings {
            legs.push(meanings.iter().map(|cosine| cosine.unwrap_or_default().max(0.0)).collect());
        }
        legs.push(likeness);
        let hits = fuse_scores(&legs, &allowed, query.limit);
        let likeness = legs.last().expect("pushed above");
        let found = hits.into_iter().filter_map(|hit| {
            let at = hit.doc as usize;
            let meaning = meanings.as_ref().and_then(|meanings| meanings[at]);
            Some(Found { passage: self.passages[at].as_ref()?.passage.clone(), likeness: likeness[at], meaning })
        });
        found.collect()
    }

    fn admits(&self, filter: &Filter, at: usize) -> bool {
        self.marks[at].is_some_and(|mark| {
            (filter.internal || mark.audience == Audience::Public)
                && filter.language.is_none_or(|language| mark.language == language)
                && (!mark.ask || self.passages[at].as_ref().is_some_and(|ready| filter.admits(&ready.passage)))
        })
    }

    fn meanings(&self, asked: &[f32], allowed: &[bool]) -> Vec<Option<f32>> {
        let of = |(ready, allowed): (&Option<Ready>, &bool)| {
            let meaning = ready.as_ref().filter(|_| *allowed)?.meaning.as_ref()?;
            Some(dot(asked, meaning))
        };
        self.passages.iter().zip(allowed).map(of).collect()
    }
}

/// The cosine of two vectors of length one. Eight sums side by side, so that the compiler may use vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
}

#[async_trait]
impl Index for Embedded {
    async fn held(&self, source: &str) -> Result<BTreeMap<String, Held>, IndexError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let documents = inner.documents.get(source).into_iter().flatten();
        Ok(documents.map(|(document, indexed)| (document.clone(), indexed.held.clone())).collect())
    }

    async fn put(&self, ready: Vec<Ready>) -> Result<(), IndexError> {
        Self::put(self, ready);
        Ok(())
    }

    async fn remove(&self, source: &str, documents: &[String]) -> Result<(), IndexError> {
        Self::remove(self, source, documents);
        Ok(())
    }

    async fn search(&self, query: &Query<'_>) -> Result<Vec<Found>, IndexError> {
        Ok(Self::search(self, query))
    }

    async fn standing(&self, cited: &[Cited]) -> Result<BTreeSet<Cited>, IndexError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let stands = |cited: &&Cited| {
            let mut all = inner.documents.values();
            all.any(|documents| documents.get(&cited.document).is_some_and(|i| i.held.version == cited.version))
        };
        Ok(cited.iter().filter(stands).cloned().collect())
    }

    async fn count(&self) -> Result<u64, IndexError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        Ok(inner.by_word.len() as u64)
    }
}
