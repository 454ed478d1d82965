//! A sparse index in memory: BM25 and TF-IDF cosine over the same postings, and their fusion.
//!
//! The two disagree usefully. BM25 rewards documents that hold the rare words of the question at all,
//! the cosine those that are about little else.
//!
//! Terms are known by a hash of 64 bits and postings are kept packed ([`runs`]): of a hundred thousand passages most
//! terms stand in one alone, and a string, a list and their allocations for each would be most of the memory. What came
//! last stands in a plain map until there is enough of it for a run.

mod runs;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use runs::{MOST, Run, Runs};

/// Saturation of repeated terms and the weight of a document's length, the usual values.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// So many documents are packed into a run.
const RUN: usize = 1_024;
/// From so many documents on, lengths of vectors are computed again only when an eighth of the documents has changed;
/// until then a new one's is computed with the rarities of its own day.
const SETTLED: u32 = 4_096;
/// For so many weights the part of a score that a document's length decides is computed before a search, not for each
/// posting. Most postings have one of the first few.
const PREPARED: usize = 8;
/// The number of the length of a document that was taken out.
const GONE: u32 = 0;

/// A document's number in an index.
pub type Doc = u32;

/// Terms of documents, ready to be searched.
#[derive(Debug, Clone, Default)]
pub struct Sparse {
    runs: Runs,
    /// Documents that are in no run yet, by term.
    fresh: HashMap<u64, Vec<(Doc, u32)>>,
    in_fresh: usize,
    /// Every weight that a term has anywhere; postings name them by number.
    weights: Numbered,
    /// Every length that a document has, after one for those that were taken out.
    lengths: Numbered,
    /// The number of each document's length; of one that was taken out [`GONE`], and nothing in a run counts for it any
    /// more.
    length_of: Vec<u32>,
    removed: HashSet<Doc>,
    live: u32,
    total_length: f32,
    /// Lengths of the TF-IDF vectors; every change of the index changes them all a little, so they are computed at the
    /// first search that needs them.
    norms: OnceLock<Vec<f32>>,
    /// How many documents have come or gone since.
    changed: u32,
}

/// Different values, each with a number from 0 on. There are few: weights and lengths are sums of the same small parts.
#[derive(Debug, Clone, Default)]
struct Numbered {
    values: Vec<f32>,
    numbers: HashMap<u32, u32>,
}

impl Numbered {
    fn number(&mut self, value: f32) -> u32 {
        let next = u32::try_from(self.values.len()).expect("fewer different values than terms");
        let number = *self.numbers.entry(value.to_bits()).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }
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
        let doc = Doc::try_from(self.length_of.len()).ok().filter(|doc| *doc <= MOST);
        let doc = doc.expect("an index in memory holds fewer than 2^30 documents");
        let terms = summed(terms);
        let length = terms.iter().map(|(_, weight)| weight).sum();
        for (term, weight) in &terms {
            let weight = self.weights.number(*weight);
            self.fresh.entry(*term).or_default().push((doc, weight));
        }
        self.in_fresh += 1;
        self.total_length += length;
        self.live += 1;
        if self.lengths.values.is_empty() {
            self.lengths.number(0.0);
        }
        self.length_of.push(self.lengths.number(length));
        self.change();
        if self.norms.get().is_some() {
            let square: f32 = terms.iter().map(|(term, weight)| (damped(*weight) * self.rarity(*term)).powi(2)).sum();
            self.norms.get_mut().expect("asked above").push(square.sqrt());
        }
        if self.in_fresh >= RUN {
            let fresh = std::mem::take(&mut self.fresh);
            self.runs.push(Run::of(fresh, self.in_fresh), &self.removed);
            self.in_fresh = 0;
        }
        doc
    }

    /// Takes a document out.
    pub fn remove(&mut self, doc: Doc) {
        if !self.removed.insert(doc) {
            return;
        }
        if let Some(length) = self.length_of.get_mut(doc as usize) {
            self.total_length -= self.lengths.values[std::mem::replace(length, GONE) as usize];
            self.live -= 1;
            self.change();
        }
        // Half of what is kept is of no use any more.
        if self.removed.len() > RUN && self.removed.len() > self.live as usize {
            let fresh = std::mem::take(&mut self.fresh);
            self.runs.push(Run::of(fresh, self.in_fresh), &self.removed);
            self.runs.merge_all(&self.removed);
            self.in_fresh = 0;
        }
    }

    /// Says of vectors' lengths that they no longer hold, unless so little has changed that they nearly do.
    fn change(&mut self) {
        self.changed = if self.norms.get().is_some() { self.changed + 1 } else { 0 };
        if self.live < SETTLED || self.changed > self.live / 8 {
            self.norms.take();
        }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// A term's documents in order, those that were taken out included, with the number of its weight in each.
    fn postings(&self, term: u64, mut tell: impl FnMut(Doc, u32)) {
        self.runs.each(term, &mut tell);
        for (doc, weight) in self.fresh.get(&term).into_iter().flatten() {
            tell(*doc, *weight);
        }
    }

    /// How rare a term is: about 0 for one that every document holds.
    fn rarity(&self, term: u64) -> f32 {
        let mut holders = self.runs.holders(term) + self.fresh.get(&term).map_or(0, Vec::len);
        if !self.removed.is_empty() {
            holders = 0;
            self.postings(term, |doc, _| holders += usize::from(self.length_of[doc as usize] != GONE));
        }
        rarity(holders, self.live)
    }

    /// The terms of a question that are known, in a fixed order of summation: the same score on every run.
    fn known<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<(u64, f32)> {
        let mut terms = summed(query);
        terms.retain(|(term, _)| self.fresh.contains_key(term) || self.runs.holders(*term) > 0);
        terms
    }

    /// BM25 scores of the documents that share a term with the query, best first.
    pub fn bm25<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<Hit> {
        ranked(self.bm25_scores(query))
    }

    /// BM25 scores by document; 0 where no term is shared.
    pub fn bm25_scores<S: AsRef<str>>(&self, query: impl IntoIterator<Item = (S, f32)>) -> Vec<f32> {
        let average = (self.total_length / count(self.len().max(1))).max(f32::MIN_POSITIVE);
        let saturated = |times: f32, length: f32| times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / average));
        let (weights, lengths) = (&self.weights.values[..], &self.lengths.values[..]);
        let prepared: Vec<Vec<f32>> = weights
            .iter()
            .take(PREPARED)
            .map(|weight| {
                // What was taken out scores nothing.
                let there = lengths.iter().skip(1).map(|length| saturated(*weight, *length));
                std::iter::once(0.0).chain(there).collect()
            })
            .collect();
        let mut scores = vec![0.0; self.length_of.len()];
        for (term, weight) in self.known(query) {
            let rarity = self.rarity(term) * weight;
            self.postings(term, |doc, weight| {
                let length = self.length_of[doc as usize];
                let saturated = match prepared.get(weight as usize) {
                    Some(of_length) => of_length[length as usize],
                    None if length == GONE => 0.0,
                    None => saturated(weights[weight as usize], lengths[length as usize]),
                };
                scores[doc as usize] += rarity * saturated;
            });
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
        let weights: Vec<f32> = self.weights.values.iter().map(|weight| damped(*weight)).collect();
        let mut scores = vec![0.0; self.length_of.len()];
        let mut square = 0.0;
        for (term, weight) in &query {
            let rarity = self.rarity(*term);
            let in_query = damped(*weight) * rarity;
            square += in_query * in_query;
            let both = in_query * rarity;
            self.postings(*term, |doc, weight| scores[doc as usize] += both * weights[weight as usize]);
        }
        let norm: f32 = square.sqrt();
        let norms = self.norms.get_or_init(|| self.all_norms());
        for ((score, of_document), length) in scores.iter_mut().zip(norms).zip(&self.length_of) {
            let cosine = (*score / (norm * of_document).max(f32::MIN_POSITIVE)).min(1.0);
            *score = if *length == GONE { 0.0 } else { cosine };
        }
        scores
    }

    fn all_norms(&self) -> Vec<f32> {
        let weights: Vec<f32> = self.weights.values.iter().map(|weight| damped(*weight).powi(2)).collect();
        let mut squares = vec![0.0_f32; self.length_of.len()];
        let terms = self.runs.terms();
        let fresh = self.fresh.keys().copied().filter(|term| self.runs.holders(*term) == 0);
        // In order, so that the sums are the same on every run.
        let mut fresh: Vec<u64> = fresh.collect();
        fresh.sort_unstable();
        for term in terms.into_iter().chain(fresh) {
            let rarity = self.rarity(term).powi(2);
            self.postings(term, |doc, weight| squares[doc as usize] += weights[weight as usize] * rarity);
        }
        squares.into_iter().map(f32::sqrt).collect()
    }

    /// Both scores, each in relation to its best, added.
    pub fn fused<S: AsRef<str> + Clone>(&self, query: &[(S, f32)]) -> Vec<Hit> {
        fuse(&[(&self.bm25(query.iter().cloned()), 1.0), (&self.cosine(query.iter().cloned()), 1.0)])
    }
}

/// A term's number: 64 bits of FNV-1a, stirred once more, the same on every machine. That two of ten million terms have
/// one number is less likely than one in a hundred thousand, and would make them one term.
fn number(term: &str) -> u64 {
    let hash = term
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Terms by number, in order, each with all its weight.
fn summed<S: AsRef<str>>(terms: impl IntoIterator<Item = (S, f32)>) -> Vec<(u64, f32)> {
    let mut all: HashMap<u64, f32> = HashMap::new();
    for (term, weight) in terms {
        *all.entry(number(term.as_ref())).or_default() += weight;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable_by_key(|(term, _)| *term);
    all
}

fn rarity(holders: usize, live: u32) -> f32 {
    let holders = count(holders);
    (1.0 + (count(live as usize) - holders + 0.5).max(0.5) / (holders + 0.5)).ln()
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
    fn packed_documents_are_scored_as_loose_ones_and_what_is_removed_counts_for_nothing() {
        // More different weights than stand in a posting's own byte, or are prepared for.
        let add = |index: &mut Sparse, n: usize| {
            let text = format!("order {n} goes to street {} in town {}", n % 97, n % 7);
            index.add(bag(&text).into_iter().map(|(word, weight)| (word, weight + count(n % (PREPARED + 2)))));
        };
        let (mut packed, mut loose) = (Sparse::default(), Sparse::default());
        for n in 0..3_000 {
            add(&mut packed, n);
        }
        for n in (0..3_000).filter(|n| n % 3 == 0) {
            packed.remove(n);
        }
        let kept: Vec<u32> = (0..3_000).filter(|n| n % 3 != 0).collect();
        for n in &kept {
            add(&mut loose, *n as usize);
        }
        assert_eq!(packed.len(), loose.len());
        assert!(!packed.runs.is_empty(), "some are packed");
        for question in ["street 13 in town 5", "order 2999", "order 3", "nothing of it"] {
            let named = |hits: Vec<Hit>| hits.into_iter().map(|hit| Hit { doc: kept[hit.doc as usize], ..hit });
            for (ours, theirs) in [
                (packed.bm25(bag(question)), named(loose.bm25(bag(question)))),
                (packed.cosine(bag(question)), named(loose.cosine(bag(question)))),
            ] {
                let scores =
                    |hits: Vec<Hit>| hits.into_iter().map(|hit| (hit.doc, hit.score)).collect::<HashMap<_, _>>();
                let (ours, theirs) = (scores(ours), scores(theirs.collect()));
                assert_eq!(ours.len(), theirs.len(), "{question}");
                for (doc, score) in ours {
                    assert!((score - theirs[&doc]).abs() < 1e-3, "{question}: {doc} {score} {}", theirs[&doc]);
                }
            }
        }
    }

    #[test]
    fn in_a_large_index_a_new_document_is_found_at_its_place_before_all_lengths_are_computed_again() {
        let text = |n: usize| format!("order {n} goes to street {} in town {}", n % 97, n % 7);
        let mut index = Sparse::default();
        for n in 0..5_000 {
            index.add(bag(&text(n)));
        }
        assert_eq!(index.cosine(bag("order 17")).first().map(|hit| hit.doc), Some(17));
        let new = index.add(bag("parcel lost at sea"));
        assert!(index.norms.get().is_some(), "nothing is computed again for one of thousands");
        let hit = index.cosine(bag("parcel lost at sea"))[0];
        assert!(hit.doc == new && (hit.score - 1.0).abs() < 1e-3, "{hit:?}");
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
