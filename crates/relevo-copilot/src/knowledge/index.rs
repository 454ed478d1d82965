//! The port to whatever finds passages: [`Embedded`](super::Embedded) in this process, or a Qdrant server
//! ([`Qdrant`](super::Qdrant)) that several nodes share.
//!
//! How to write one: keep what [`Index::put`] gives until it is replaced or removed, answer [`Index::search`] only with
//! passages that the [`Filter`] lets through, chosen *before* anything is ranked, and run the contract suite on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Audience, Kind, Passage};
use crate::text::Language;

/// What may be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether what is for the team only may be found too.
    pub internal: bool,
    /// The inbox of the conversation: what belongs to other inboxes is not found. None: everything is.
    pub inbox: Option<String>,
    /// Only passages in this language.
    pub language: Option<Language>,
    /// Only these shortcuts, by id; none: all of them.
    pub shortcuts: Option<BTreeSet<String>>,
}

impl Filter {
    /// Everything that anybody may see, whatever the inbox.
    pub fn public() -> Self {
        Self::default()
    }

    /// Everything that is there.
    pub fn everything() -> Self {
        Self { internal: true, ..Self::default() }
    }

    /// Whether a passage may be found.
    pub fn admits(&self, passage: &Passage) -> bool {
        (self.internal || passage.audience == Audience::Public)
            && self.inbox.as_ref().is_none_or(|inbox| passage.inboxes.is_empty() || passage.inboxes.contains(inbox))
            && self.language.is_none_or(|language| passage.language == language)
            && (passage.kind != Kind::Shortcut
                || self.shortcuts.as_ref().is_none_or(|shortcuts| shortcuts.contains(&passage.document)))
    }
}

/// A search.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The question, in any language.
    pub question: &'a str,
    /// What the question means, where an embedding model says so.
    pub meaning: Option<&'a [f32]>,
    /// What may be found.
    pub filter: &'a Filter,
    /// The most passages.
    pub limit: usize,
}

/// A passage found, and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The passage.
    pub passage: Passage,
    /// 0..=1: how much of the question's weight the passage shares; comparable between searches.
    pub likeness: f32,
    /// -1..=1: the cosine between the meanings of question and passage, where both are known.
    pub meaning: Option<f32>,
}

/// A passage with its place in the space of meanings, ready to be indexed.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The passage.
    pub passage: Passage,
    /// What it means, where an embedding model says so.
    pub meaning: Option<Arc<[f32]>>,
}

/// A document as an index holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The content hash it was indexed from.
    pub version: String,
    /// Whether its passages have meanings.
    pub meaning: bool,
}

/// A document by name, at a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cited {
    /// The document's id.
    pub document: String,
    /// Its content hash.
    pub version: String,
}

/// An index cannot answer right now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the knowledge index cannot be used: {0}")]
pub struct IndexError(pub String);

/// Finds passages.
#[async_trait]
pub trait Index: Send + Sync {
    /// The documents of a source, by id.
    async fn held(&self, source: &str) -> Result<BTreeMap<String, Held>, IndexError>;

    /// Makes the passages of the documents that these belong to exactly these. All passages of a document come in one
    /// call. When it returns, they can be found, and what they replace cannot.
    async fn put(&self, ready: Vec<Ready>) -> Result<(), IndexError>;

    /// Takes documents of a source out. When it returns, they cannot be found any more.
    async fn remove(&self, source: &str, documents: &[String]) -> Result<(), IndexError>;

    /// The passages that fit a question best, best first.
    async fn search(&self, query: &Query<'_>) -> Result<Vec<Found>, IndexError>;

    /// Which of these still stand at their versions: what was found may have been unpublished since.
    async fn standing(&self, cited: &[Cited]) -> Result<BTreeSet<Cited>, IndexError>;

    /// How many passages can be found.
    async fn count(&self) -> Result<u64, IndexError>;
}
