//! A sparse index in memory: BM25 and TF-IDF cosine over the same postings, and their fusion.
//!
//! The two disagree usefully. BM25 rewards documents that hold the rare words of the question at all,
//! the cosine those that are about little else. Documents are small and many (a passage, a message
//! with its context), so postings are kept plain and adding or removing one is cheap.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Saturation of repeated terms and the weight of a document's length, the usual values.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A document's number in an index.
pub type Doc = u32;

/// A document's terms by number, and how often it says them.
type Bag = Box<[(u32, f32)]>;

/// Terms of documents, ready to be searched.
#[derive(Debug, Clone, Default)]
pub struct Sparse {
    terms: HashMap<String, u32>,
    postings: Vec<Vec<(Doc, f32)>>,
    documents: Vec<Option<Bag>>,
    /// By document; apart from their terms, because every search reads them.
    lengths: Vec<f32>,
    live: u32,
    total_length: f32,
    /// Lengths of the TF-IDF vectors; every change of the index changes them all, so they are computed
    /// at the first search after it.
    norms: OnceLock<Vec<f32>>,
}

/// A scored document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The document.
    pub doc: Doc,
    /// Its score; comparable within one search only, except for [`Sparse::cosine`] (0..=1).
    pub score: f32,
}

impl Sparse {
    /// Adds a document of weighted terms and returns its number.
    pub fn add<S: AsRef<str>>(&mut self, terms: impl IntoIterator<Item = (S, f32)>) -> Doc {
        let doc = Doc::try_from(self.documents.len()).expect("an index in memory holds fewer than 2^32 documents");
        let mut counts: HashMap<u32, f32> = HashMap::new();
        for (term, weight) in terms {
            *counts.entry(self.term(term.as_ref())).or_default() += weight;
        }
        let mut terms: Vec<_> = counts.into_iter().collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let length = terms.iter().map(|(_, weight)| weight).sum();
        for (term, weight) in &terms {
            self.postings[*term as usize].push((doc, *weight));
        }
        self.norms.take();
        self.total_length += length;
        self.live += 1;
        self.lengths.push(length);
        self.documents.push(Some(terms.into_boxed_slice()));
        doc
    }

    fn term(&mut self, term: &str) -> u32 {
        if let Some(number) = self.terms.get(term) {
            return *number;
        }
        let number = u32::try_from(self.postings.len()).expect("fewer than 2^32 different terms fit into memory");
        self.terms.insert(term.to_owned(), number);
        self.postings.push(Vec::new());
        number
    }

    /// Takes a document out.
    pub fn remove(&mut self, doc: Doc) {
        let Some(document) = self.documents.get_mut(doc as usize).and_then(Option::take) else { return };
        for (term, _) in &document {
            let postings = &mut self.postings[*term as usize];
            // Documents are numbered in the order in which they came, and so are postings.
            if let Ok(at) = postings.binary_search_by_key(&doc, |(other, _)| *other) {
                postings.remove(at);
            }
        }
        self.norms.take();
        self.total_length -= self.lengths[doc as usize];
        self.live -= 1;
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// How rare a term is: about 0 for one that every document holds.
    fn rarity(&self, term: u32) -> f32 {
        let holders = count(self.postings[term as usize].len());
        (1.0 + (count(self.live as usize) - holders + 0.5) / (holders + 0.5)).ln()
    }

    fn known<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<(u32, f32)> {
        let mut terms: HashMap<u32, f32> = HashMap::new();
        for (term, weight) in query {
            if let Some(number) = self.terms.get(term.as_ref()) {
                *terms.entry(*number).or_default() += weight;
            }
        }
        let mut terms: Vec<_> = terms.into_iter().collect();
        // A fixed order of summation gives the same score on every run.
        terms.sort_unstable_by_key(|(term, _)| *term);
        terms
    }

    /// BM25 scores of the documents that share a term with the query, best first.
    pub fn bm25<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<Hit> {
        ranked(self.bm25_scores(query))
    }

    /// BM25 scores by document; 0 where no term is shared.
    pub fn bm25_scores<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<f32> {
        let average = (self.total_length / count(self.len().max(1))).max(f32::MIN_POSITIVE);
        let mut scores = vec![0.0; self.documents.len()];
        for (term, weight) in self.known(query) {
            let rarity = self.rarity(term) * weight;
            for (doc, times) in &self.postings[term as usize] {
                let length = self.lengths[*doc as usize];
                let saturated = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / average));
                scores[*doc as usize] += rarity * saturated;
            }
        }
        scores
    }

    /// Cosine similarity (0..=1) of TF-IDF vectors, best first.
    pub fn cosine<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<Hit> {
        ranked(self.cosine_scores(query))
    }

    /// Cosine similarities (0..=1) of TF-IDF vectors by document.
    pub fn cosine_scores<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<f32> {
        let query = self.known(query);
        let mut scores = vec![0.0; self.documents.len()];
        let mut square = 0.0;
        for (term, weight) in &query {
            let rarity = self.rarity(*term);
            let in_query = damped(*weight) * rarity;
            square += in_query * in_query;
            for (doc, times) in &self.postings[*term as usize] {
                scores[*doc as usize] += in_query * damped(*times) * rarity;
            }
        }
        let norm: f32 = square.sqrt();
        let norms = self.norms.get_or_init(|| self.documents.iter().map(|terms| self.norm(terms.as_deref())).collect());
        for (score, of_document) in scores.iter_mut().zip(norms) {
            *score /= (norm * of_document).max(f32::MIN_POSITIVE);
        }
        scores
    }

    fn norm(&self, terms: Option<&[(u32, f32)]>) -> f32 {
        let terms = terms.unwrap_or_default();
        let square: f32 = terms.iter().map(|(term, times)| (damped(*times) * self.rarity(*term)).powi(2)).sum();
        square.sqrt()
    }

    /// Both scores, each in relation to its best, added.
    pub fn fused<S: AsRef<str> + Clone>(&self, query: &[(S, f32)]) -> Vec<Hit> {
        fuse(&[(&self.bm25(query.iter().cloned()), 1.0), (&self.cosine(query.iter().cloned()), 1.0)])
    }
}

/// Adds rankings of the same documents, each in relation to its best score and times its weight.
pub fn fuse(rankings: &[(&[Hit], f32)]) -> Vec<Hit> {
    let most = rankings.iter().flat_map(|(hits, _)| hits.iter().map(|hit| hit.doc as usize + 1)).max().unwrap_or(0);
    let mut scores = vec![0.0; most];
    for (hits, weight) in rankings {
        let best = hits.first().map_or(1.0, |hit| hit.score.max(f32::MIN_POSITIVE));
        for hit in *hits {
            scores[hit.doc as usize] += weight * hit.score / best;
        }
    }
    ranked(scores)
}

/// Adds scores of the same documents, each in relation to its best, of the documents that are `allowed`; the best `limit`
/// of them. What is not allowed takes no part, not even as the best that others are measured by.
pub fn fuse_scores(legs: &[Vec<f32>], allowed: &[bool], limit: usize) -> Vec<Hit> {
    let mut total = vec![0.0_f32; allowed.len()];
    for scores in legs {
        let visible = || allowed.iter().zip(scores).map(|(allowed, score)| if *allowed { *score } else { 0.0 });
        let best = visible().fold(0.0, f32::max).max(f32::MIN_POSITIVE);
        for (total, score) in total.iter_mut().zip(visible()) {
            *total += score / best;
        }
    }
    let mut hits: Vec<_> =
        (0..).zip(total).filter(|(_, score)| *score > 0.0).map(|(doc, score)| Hit { doc, score }).collect();
    let better = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score).then(a.doc.cmp(&b.doc));
    if hits.len() > limit && limit > 0 {
        hits.select_nth_unstable_by(limit - 1, better);
    }
    hits.truncate(limit);
    hits.sort_unstable_by(better);
    hits
}

fn ranked(scores: Vec<f32>) -> Vec<Hit> {
    let mut hits: Vec<_> =
        (0..).zip(scores).filter(|(_, score)| *score > 0.0).map(|(doc, score)| Hit { doc, score }).collect();
    hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.doc.cmp(&b.doc)));
    hits
}

/// A term said four times says about twice as much as once.
pub(crate) fn damped(times: f32) -> f32 {
    if times > 1.0 { 1.0 + times.ln() } else { times }
}

fn count(number: usize) -> f32 {
    // Precise up to 16 million, and a logarithm is taken of it.
    #[expect(clippy::cast_precision_loss, reason = "an index of that size has long ceased to care about one document")]
    let number = number as f32;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(text: &str) -> Vec<(&str, f32)> {
        text.split(' ').map(|word| (word, 1.0)).collect()
    }

    #[test]
    fn rare_words_decide_and_removed_documents_are_gone() {
        let mut index = Sparse::default();
        let refund = index.add(bag("how long does a refund take"));
        let address = index.add(bag("how to change the address of an order"));
        let hits = index.fused(&bag("how is my refund"));
        assert_eq!(hits[0].doc, refund);
        index.remove(refund);
        assert_eq!(index.fused(&bag("how is my refund")).iter().map(|hit| hit.doc).collect::<Vec<_>>(), [address]);
        assert_eq!(index.len(), 1);
    }

    #[test]
    fn the_same_text_is_at_cosine_one() {
        let mut index = Sparse::default();
        index.add(bag("where is my order"));
        index.add(bag("i want to cancel"));
        let hit = index.cosine(bag("where is my order"))[0];
        assert!((hit.score - 1.0).abs() < 1e-5, "{hit:?}");
    }
}
