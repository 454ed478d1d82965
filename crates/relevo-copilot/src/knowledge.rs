//! What the Copilot may cite: help articles and shortcuts, cut into passages and indexed.
//!
//! A *source* (a folder, a list of addresses, a table, the shortcuts) gives *documents*, a document is cut into
//! *passages*. [`Knowledge::sync`] is told all documents of a source and touches only what changed: a document whose
//! content hash is unchanged stays as it is, one that is gone or unpublished is out of the next search when it returns.
//! The index behind it is [`Embedded`] or a [`Qdrant`] server.

mod index;

mod embedded;
mod qdrant;

mod chunk;
mod meanings;
mod terms;

pub mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use embedded::Embedded;
pub use index::{Cited, Filter, Found, Held, Index, IndexError, Query, Ready};
pub use meanings::Meanings;
pub use qdrant::{Qdrant, QdrantSettings};
pub use read::article;

use crate::text::{Language, detect};

/// How many documents are indexed at a time.
const BATCH: usize = 128;
/// A question whose meaning is not known by then is searched for by its words alone.
const MEANING_WITHIN: Duration = Duration::from_secs(2);

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A help article.
    Article,
    /// A shortcut.
    Shortcut,
}

/// Who may read a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Anybody, customers too.
    #[default]
    Public,
    /// The team only: text from it warns before it is inserted.
    Internal,
}

/// Something that can be cited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its id: a path, an address or a name; no other document of any source has it.
    pub id: String,
    /// Its title for people.
    pub title: String,
    /// Its language; found out from the text where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Who may read it.
    #[serde(default)]
    pub audience: Audience,
    /// The inboxes whose conversations it is for; empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inboxes: BTreeSet<String>,
    /// The whole text, as Markdown.
    pub text: String,
}

impl Document {
    /// Its content hash: 12 hexadecimal digits over everything that a search or a citation depends on.
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        let language = self.language.map_or("", Language::tag);
        for part in [self.title.as_str(), self.text.as_str(), language]
            .into_iter()
            .chain(self.inboxes.iter().map(String::as_str))
        {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.update([u8::from(self.audience == Audience::Internal)]);
        crate::hex(&hash.finalize()[..6])
    }

    /// Cuts it into passages; `source` is where it comes from.
    pub fn passages(&self, source: &str) -> Vec<Passage> {
        let version = self.version();
        let chunks = chunk::chunks(&self.text).into_iter();
        chunks
            .map(|chunk| {
                let text = self.text[chunk.span.clone()].trim().to_owned();
                let title = match &chunk.heading {
                    Some(heading) if *heading != self.title => format!("{} · {heading}", self.title),
                    _ => self.title.clone(),
                };
                Passage {
                    kind: self.kind,
                    source: source.to_owned(),
                    document: self.id.clone(),
                    title,
                    version: version.clone(),
                    span: chunk.span,
                    language: self.language.or_else(|| detect(&text)).unwrap_or_default(),
                    audience: self.audience,
                    inboxes: self.inboxes.clone(),
                    text,
                }
            })
            .collect()
    }
}

/// A piece of a document, small enough to be quoted to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// What it comes from.
    pub kind: Kind,
    /// The source that the document comes from.
    pub source: String,
    /// The document's id.
    pub document: String,
    /// The document's title, and the heading that the passage stands under.
    pub title: String,
    /// The content hash of the document it was cut from.
    pub version: String,
    /// Bytes of the document.
    pub span: Range<usize>,
    /// Its language.
    pub language: Language,
    /// Who may read it.
    pub audience: Audience,
    /// The inboxes whose conversations it is for; empty: all.
    pub inboxes: BTreeSet<String>,
    /// The text.
    pub text: String,
}

/// What an update changed, in documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// New ones.
    pub added: usize,
    /// Those with another content than before.
    pub changed: usize,
    /// Those that are gone.
    pub removed: usize,
    /// Those left as they were.
    pub unchanged: usize,
}

/// What can be cited. Clones are the same one.
#[derive(Clone)]
pub struct Knowledge {
    index: Arc<dyn Index>,
    meanings: Option<Arc<Meanings>>,
    /// One update at a time: two of the same source would undo each other.
    updating: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge").field("meanings", &self.meanings).finish_non_exhaustive()
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Self::new(Arc::new(Embedded::default()))
    }
}

impl Knowledge {
    /// Knowledge in this index.
    pub fn new(index: Arc<dyn Index>) -> Self {
        Self { index, meanings: None, updating: Arc::default() }
    }

    /// Also looks for what a question means. Documents that were indexed without are indexed again at their next update.
    #[must_use]
    pub fn with_meanings(mut self, meanings: Meanings) -> Self {
        self.meanings = Some(Arc::new(meanings));
        self
    }

    /// Makes the documents of a source exactly these. `progress` hears how many of how many are done. Where the embedding
    /// model does not answer, they are found by their words alone until the next update.
    pub async fn sync(
        &self,
        source: &str,
        documents: impl IntoIterator<Item = Document>,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Synced, IndexError> {
        // The last of several with one id counts.
        let documents: BTreeMap<String, Document> =
            documents.into_iter().map(|document| (document.id.clone(), document)).collect();
        let _one_at_a_time = self.updating.lock().await;
        let held = self.index.held(source).await?;
        let mut synced = Synced::default();
        let gone: Vec<String> = held.keys().filter(|id| !documents.contains_key(*id)).cloned().collect();
        // What must not be cited any more goes first.
        if !gone.is_empty() {
            self.index.remove(source, &gone).await?;
            synced.removed = gone.len();
        }
        let mut stale = Vec::new();
        let of = documents.len();
        for (id, document) in documents {
            match held.get(&id) {
                Some(known) if known.version == document.version() => {
                    synced.unchanged += 1;
                    if self.meanings.is_some() && !known.meaning {
                        stale.push(document);
                    }
                }
                Some(_) => {
                    synced.changed += 1;
                    stale.push(document);
                }
                None => {
                    synced.added += 1;
                    stale.push(document);
                }
            }
        }
        let mut done = of - stale.len();
        progress(done, of);
        for batch in stale.chunks(BATCH) {
            // One that has become empty leaves no passage that would push its old ones out.
            let passages: Vec<Vec<Passage>> = batch.iter().map(|document| document.passages(source)).collect();
            let empty = batch.iter().zip(&passages).filter(|(_, passages)| passages.is_empty());
            let empty: Vec<String> = empty.map(|(document, _)| document.id.clone()).collect();
            self.index.remove(source, &empty).await?;
            self.index.put(self.ready(passages.into_iter().flatten().collect()).await).await?;
            done += batch.len();
            progress(done, of);
        }
        Ok(synced)
    }

    async fn ready(&self, passages: Vec<Passage>) -> Vec<Ready> {
        let texts = passages.iter().map(|passage| format!("{}\n{}", passage.title, passage.text)).collect::<Vec<_>>();
        let meanings = match &self.meanings {
            Some(meanings) => meanings.of(&texts).await,
            None => Ok(Vec::new()),
        };
        let mut meanings = meanings
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "the embedding model did not answer: documents are found by their words alone");
                Vec::new()
            })
            .into_iter();
        passages.into_iter().map(|passage| Ready { passage, meaning: meanings.next() }).collect()
    }

    /// The passages that fit a question best, of those that `filter` lets through.
    pub async fn search(&self, question: &str, filter: &Filter, limit: usize) -> Result<Vec<Found>, IndexError> {
        let meaning = match &self.meanings {
            Some(meanings) => meanings.of_question(question, MEANING_WITHIN).await,
            None => None,
        };
        let query = Query { question, meaning: meaning.as_deref(), filter, limit };
        let mut found = self.index.search(&query).await?;
        if let Some(meanings) = &self.meanings {
            for found in &mut found {
                found.likeness = found.likeness.max(found.meaning.map_or(0.0, |cosine| meanings.likeness(cosine)));
            }
        }
        Ok(found)
    }

    /// Which of these still stand at their versions: what was found may have been unpublished since.
    pub async fn standing(&self, cited: &[Cited]) -> Result<BTreeSet<Cited>, IndexError> {
        if cited.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.index.standing(cited).await
    }

    /// How many passages can be found.
    pub async fn count(&self) -> Result<u64, IndexError> {
        self.index.count().await
    }
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
