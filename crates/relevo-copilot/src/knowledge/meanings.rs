//! What texts mean, as an embedding model says it: asked once for each text, kept by content hash, also over a restart.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use relevo_llm::{Embedder, Error};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::redact::Masks;

/// How many texts one request holds.
const BATCH: usize = 64;
/// More numbers in a vector than this are not believed: the file is damaged.
const DIMENSIONS: u32 = 16_384;

type Hash = [u8; 32];
type Known = HashMap<Hash, Arc<[f32]>>;

/// An embedding model, and what it has said so far.
pub struct Meanings {
    embedder: Arc<dyn Embedder>,
    known: Mutex<Known>,
    file: Option<Mutex<File>>,
    unrelated: f32,
}

impl std::fmt::Debug for Meanings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meanings").field("model", &self.embedder.name()).finish_non_exhaustive()
    }
}

impl Meanings {
    /// By this model, kept in memory. `unrelated` is the cosine up to which two texts have nothing to do with each other.
    pub fn new(embedder: Arc<dyn Embedder>, unrelated: f32) -> Self {
        Self { embedder, known: Mutex::default(), file: None, unrelated: unrelated.clamp(-1.0, 0.99) }
    }

    /// Kept in a file too. What an interrupted write left half done at its end is cut off. Of several processes that
    /// share the file the first one writes it, the others read it at their start.
    pub fn kept_in(mut self, path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let writes = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        let (known, good) = read(&mut BufReader::new(&mut file))?;
        self.known = Mutex::new(known);
        if writes {
            file.set_len(good)?;
            self.file = Some(Mutex::new(file));
        }
        Ok(self)
    }

    /// The meaning of each text, as a vector of length one.
    pub async fn of(&self, texts: &[String]) -> Result<Vec<Arc<[f32]>>, Error> {
        let hashes: Vec<Hash> = texts.iter().map(|text| self.hash(text)).collect();
        let mut missing: Vec<usize> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            (0..texts.len()).filter(|n| !known.contains_key(&hashes[*n])).collect()
        };
        missing.sort_unstable_by_key(|n| hashes[*n]);
        missing.dedup_by_key(|n| hashes[*n]);
        for batch in missing.chunks(BATCH) {
            let asked: Vec<String> = batch.iter().map(|n| texts[*n].clone()).collect();
            let vectors = self.embedder.embed(&asked, &CancellationToken::new()).await?;
            if vectors.len() != asked.len() {
                return Err(Error::transient("the embedding model answered with another number of vectors"));
            }
            for (n, vector) in batch.iter().zip(vectors) {
                self.keep(hashes[*n], unit(vector));
            }
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(hashes.iter().filter_map(|hash| known.get(hash).cloned()).collect())
    }

    /// The meaning of a question, masked; none when the model does not answer in time. It is not kept.
    pub(super) async fn of_question(&self, question: &str, within: Duration) -> Option<Vec<f32>> {
        let masked = [Masks::default().hide(question)];
        let going_on = CancellationToken::new();
        let answered = tokio::time::timeout(within, self.embedder.embed(&masked, &going_on)).await;
        match answered {
            Ok(Ok(vectors)) => vectors.into_iter().next().map(unit),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the embedding model did not answer: the search goes by words alone");
                None
            }
            Err(_) => {
                tracing::warn!("the embedding model took too long: the search goes by words alone");
                None
            }
        }
    }

    /// A cosine as a likeness, 0..=1.
    pub(super) fn likeness(&self, cosine: f32) -> f32 {
        ((cosine - self.unrelated) / (1.0 - self.unrelated)).clamp(0.0, 1.0)
    }

    fn hash(&self, text: &str) -> Hash {
        let mut hash = Sha256::new();
        hash.update(self.embedder.name());
        hash.update([0]);
        hash.update(text);
        hash.finalize().into()
    }

    fn keep(&self, hash: Hash, vector: Vec<f32>) {
        if let Some(file) = &self.file {
            let mut record = hash.to_vec();
            record.extend(u32::try_from(vector.len()).unwrap_or(u32::MAX).to_le_bytes());
            record.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
            let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&record);
            if let Err(error) = written {
                tracing::warn!(%error, "a meaning could not be kept: it will be asked for again after a restart");
            }
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, vector.into());
    }
}

/// What a file holds, and how many bytes of it are whole records.
fn read(file: &mut impl Read) -> io::Result<(Known, u64)> {
    let (mut known, mut good) = (Known::new(), 0);
    loop {
        let (mut hash, mut length) = ([0; 32], [0; 4]);
        if !filled(file, &mut hash)? || !filled(file, &mut length)? {
            return Ok((known, good));
        }
        let length = u32::from_le_bytes(length);
        if length > DIMENSIONS {
            return Ok((known, good));
        }
        let mut bytes = vec![0; length as usize * 4];
        if !filled(file, &mut bytes)? {
            return Ok((known, good));
        }
        let numbers = bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        known.insert(hash, numbers.collect());
        good += 36 + bytes.len() as u64;
    }
}

/// Whether there were enough bytes.
fn filled(file: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut vector {
            *number /= length;
        }
    }
    vector
}
