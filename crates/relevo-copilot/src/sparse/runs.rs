//! Postings, packed: sorted terms, and for each a string of small numbers (how many documents, then the distance to the
//! next document together with the number of its weight). A run is never changed; several become one.

use std::collections::{HashMap, HashSet};

use super::Doc;

/// In a posting's two lowest bits: the number of its weight is not there, it follows.
const ELSEWHERE: u32 = 3;
/// A distance has that many bits less than a number.
pub(super) const MOST: u32 = u32::MAX >> 2;

/// Runs by age; each holds documents with higher numbers than the one before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(Vec<Run>);

/// The postings of some documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    terms: Box<[u64]>,
    /// Where each term's bytes begin, and the end.
    starts: Box<[u32]>,
    bytes: Box<[u8]>,
    documents: usize,
}

impl Runs {
    /// Adds the newest run. Those of about its size become one with it, so that there are few: a term is looked for in
    /// each, and each posting is written again as often as its run doubles.
    pub(super) fn push(&mut self, run: Run, removed: &HashSet<Doc>) {
        self.0.push(run);
        while let [.., older, newer] = &self.0[..]
            && older.documents <= newer.documents * 2
        {
            let merged = Run::merged(&[older, newer], removed);
            self.0.truncate(self.0.len() - 2);
            self.0.push(merged);
        }
    }

    /// Makes one of all.
    pub(super) fn merge_all(&mut self, removed: &HashSet<Doc>) {
        let all: Vec<&Run> = self.0.iter().collect();
        self.0 = vec![Run::merged(&all, removed)];
    }

    /// A term's documents in order, with the numbers of its weights.
    pub(super) fn each(&self, term: u64, mut tell: impl FnMut(Doc, u32)) {
        for run in &self.0 {
            run.each(term, &mut tell);
        }
    }

    /// How many documents hold a term, those that were taken out since it was packed included.
    pub(super) fn holders(&self, term: u64) -> usize {
        self.0.iter().filter_map(|run| Some(numbers(run.packed(term)?).0 as usize)).sum()
    }

    /// All terms, in order.
    pub(super) fn terms(&self) -> Vec<u64> {
        let mut terms: Vec<u64> = self.0.iter().flat_map(|run| run.terms.iter().copied()).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Run {
    /// Packs what stands in a map.
    pub(super) fn of(postings: HashMap<u64, Vec<(Doc, u32)>>, documents: usize) -> Self {
        let mut postings: Vec<_> = postings.into_iter().collect();
        postings.sort_unstable_by_key(|(term, _)| *term);
        let mut packing = Packing::default();
        for (term, postings) in postings {
            packing.add(term, &postings);
        }
        packing.run(documents)
    }

    /// One run of several, without what was taken out.
    fn merged(runs: &[&Self], removed: &HashSet<Doc>) -> Self {
        let mut at = vec![0; runs.len()];
        let mut packing = Packing::default();
        let mut postings: Vec<(Doc, u32)> = Vec::new();
        while let Some(term) = runs.iter().zip(&at).filter_map(|(run, at)| run.terms.get(*at)).min().copied() {
            postings.clear();
            for (run, at) in runs.iter().zip(&mut at) {
                if run.terms.get(*at) == Some(&term) {
                    unpack(run.nth(*at), |doc, weight| postings.push((doc, weight)));
                    *at += 1;
                }
            }
            postings.retain(|(doc, _)| !removed.contains(doc));
            if !postings.is_empty() {
                packing.add(term, &postings);
            }
        }
        packing.run(runs.iter().map(|run| run.documents).sum())
    }

    fn nth(&self, n: usize) -> &[u8] {
        &self.bytes[self.starts[n] as usize..self.starts[n + 1] as usize]
    }

    fn packed(&self, term: u64) -> Option<&[u8]> {
        self.terms.binary_search(&term).ok().map(|n| self.nth(n))
    }

    fn each(&self, term: u64, tell: impl FnMut(Doc, u32)) {
        if let Some(packed) = self.packed(term) {
            unpack(packed, tell);
        }
    }
}

/// A run that is being made.
#[derive(Default)]
struct Packing {
    terms: Vec<u64>,
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

impl Packing {
    fn add(&mut self, term: u64, postings: &[(Doc, u32)]) {
        self.terms.push(term);
        self.starts.push(self.end());
        put(&mut self.bytes, u32::try_from(postings.len()).expect("as many as there are documents"));
        let mut last = 0;
        for (doc, weight) in postings {
            // The first three weights stand in the distance's lowest bits: of a frequent term, a posting is one byte.
            let distance = (doc - last) << 2;
            if *weight < ELSEWHERE {
                put(&mut self.bytes, distance | weight);
            } else {
                put(&mut self.bytes, distance | ELSEWHERE);
                put(&mut self.bytes, *weight);
            }
            last = *doc;
        }
    }

    fn end(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("an index in memory has less than 4 GiB of postings")
    }

    fn run(mut self, documents: usize) -> Run {
        self.starts.push(self.end());
        Run { terms: self.terms.into(), starts: self.starts.into(), bytes: self.bytes.into(), documents }
    }
}

/// Seven bits a byte, the lowest first; the eighth says that there are more.
fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// The next number, and what follows it.
fn numbers(bytes: &[u8]) -> (u32, &[u8]) {
    let (mut number, mut shift) = (0, 0);
    for (n, byte) in bytes.iter().enumerate() {
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return (number, &bytes[n + 1..]);
        }
        shift += 7;
    }
    (number, &[])
}

fn unpack(packed: &[u8], mut tell: impl FnMut(Doc, u32)) {
    let (_, mut rest) = numbers(packed);
    let mut doc = 0;
    while let [first, after @ ..] = rest {
        // Nearly always one byte: then there is no loop.
        let number;
        (number, rest) = if *first < 0x80 { (u32::from(*first), after) } else { numbers(rest) };
        let mut weight = number & ELSEWHERE;
        if weight == ELSEWHERE {
            (weight, rest) = numbers(rest);
        }
        doc += number >> 2;
        tell(doc, weight);
    }
}
