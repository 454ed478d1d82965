//! A Qdrant server or cluster, shared by any number of nodes.
//!
//! One collection holds it all: a point a passage, three sparse vectors (words, phrases, runs of four letters; the server
//! knows how rare each term is) and, with an embedding model, a dense one. One request searches every one of them behind
//! the same filter and lets the server fuse them. What is not to be found is not a matter of this file: every query
//! carries the conditions of the [`Filter`], and what is unpublished is not in the collection.
//!
//! Deployments may share a collection. Every point carries its deployment's workspace, and nothing is read, counted or
//! deleted without naming it: [`Qdrant::within`] is the only way to a condition.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::value::Kind as ValueKind;
use qdrant_client::qdrant::vector_input::Variant;
use qdrant_client::qdrant::vector_output::Vector as OutVector;
use qdrant_client::qdrant::vectors_config::Config as VectorsKind;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::with_payload_selector::SelectorOptions as PayloadSelector;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions as VectorSelector;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeletePointsBuilder,
    Distance, FieldType, Filter as Conditions, Fusion, KeywordIndexParamsBuilder, ListValue, Modifier, NamedVectors,
    PayloadIncludeSelector, PointStruct, PrefetchQueryBuilder, Query as Ask, QueryBatchPointsBuilder, QueryPoints,
    QueryPointsBuilder, ScoredPoint, ScrollPointsBuilder, SparseVector, SparseVectorConfig, SparseVectorParamsBuilder,
    UpsertPointsBuilder, Value, Vector, VectorInput, VectorParamsBuilder, VectorParamsMap, VectorsConfig,
    VectorsSelector,
};
use qdrant_client::{Qdrant as Client, QdrantError};
use tokio::sync::OnceCell;

use super::index::{Cited, Found, Held, Index, IndexError, Query, Ready};
use super::terms::{Asked, Terms};
use super::{Audience, Filter, Kind, Passage};
use crate::sparse::damped;
use crate::text::Language;

/// The names of the vectors.
const WORDS: &str = "words";
const PHRASES: &str = "phrases";
const PIECES: &str = "pieces";
const MEANING: &str = "meaning";
/// The field that keeps deployments apart.
const WORKSPACE: &str = "workspace";

/// How many points each ranking gives to the fusion.
const DEPTH: u64 = 50;
/// How many documents one page of a listing has.
const PAGE: u32 = 1_000;
/// How many points one request carries.
const BATCH: usize = 256;
/// The most terms of a question whose rarity is asked for.
const WEIGHED: usize = 48;

/// As in the embedded index, with usual lengths (in terms) in place of the collection's own.
const K1: f32 = 1.2;
const B: f32 = 0.75;
const USUAL_WORDS: f32 = 60.0;
const USUAL_PIECES: f32 = 400.0;
/// In how many passages a passage's other terms are taken to stand.
const USUAL_HOLDERS: f32 = 2.0;

/// Where the server is.
#[derive(Clone)]
pub struct QdrantSettings {
    /// Its gRPC address, such as `http://localhost:6334`.
    pub url: String,
    /// Its key.
    pub key: Option<String>,
    /// The collection.
    pub collection: String,
    /// Whose points these are. Deployments that share a collection have one each, and see nothing of each other's.
    pub workspace: String,
    /// How long one request may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for QdrantSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QdrantSettings")
            .field("url", &self.url)
            .field("collection", &self.collection)
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}

/// An index on a Qdrant server. The connection is made when it is first needed, and again after it broke.
pub struct Qdrant {
    client: Client,
    settings: QdrantSettings,
    /// Set once the collection is known to be there.
    made: OnceCell<()>,
}

impl Qdrant {
    /// The index at a server.
    pub fn new(settings: QdrantSettings) -> Result<Self, IndexError> {
        let client = Client::from_url(&settings.url)
            .api_key(settings.key.as_deref())
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout)
            .skip_compatibility_check()
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { client, settings, made: OnceCell::new() })
    }

    fn collection(&self) -> &str {
        &self.settings.collection
    }

    /// These conditions, in this workspace.
    fn within(&self, mut which: Conditions) -> Conditions {
        which.must.push(is(WORKSPACE, &self.settings.workspace));
        which
    }

    /// Makes the collection where there is none. Of several nodes that do so at once, the others find it made.
    async fn make(&self, dimensions: Option<usize>) -> Result<(), IndexError> {
        let made = self.made.get_or_try_init(|| async {
            let exists = || self.client.collection_exists(self.collection());
            if !exists().await.map_err(|error| failed(&error))? {
                let created = self.client.create_collection(self.layout(dimensions)).await;
                if let Err(error) = created
                    && !exists().await.unwrap_or(false)
                {
                    return Err(failed(&error));
                }
                for field in [WORKSPACE, "source", "document", "version", "kind", "audience", "language", "inboxes"] {
                    let mut index =
                        CreateFieldIndexCollectionBuilder::new(self.collection(), field, FieldType::Keyword);
                    if field == WORKSPACE {
                        index = index.field_index_params(KeywordIndexParamsBuilder::default().is_tenant(true));
                    }
                    self.client.create_field_index(index.wait(true)).await.map_err(|error| failed(&error))?;
                }
            }
            self.check(dimensions).await
        });
        made.await.map(drop)
    }

    fn layout(&self, dimensions: Option<usize>) -> CreateCollectionBuilder {
        let rare = || SparseVectorParamsBuilder::default().modifier(Modifier::Idf).build();
        let sparse = [WORDS, PHRASES, PIECES].map(|name| (name.to_owned(), rare()));
        let mut layout = CreateCollectionBuilder::new(self.collection())
            .sparse_vectors_config(SparseVectorConfig { map: HashMap::from(sparse) });
        if let Some(size) = dimensions {
            let meaning = VectorParamsBuilder::new(size as u64, Distance::Cosine).build();
            let map = HashMap::from([(MEANING.to_owned(), meaning)]);
            layout =
                layout.vectors_config(VectorsConfig { config: Some(VectorsKind::ParamsMap(VectorParamsMap { map })) });
        }
        layout
    }

    /// A collection that somebody made for something else is not written to.
    async fn check(&self, dimensions: Option<usize>) -> Result<(), IndexError> {
        let info = self.client.collection_info(self.collection()).await.map_err(|error| failed(&error))?;
        let params = info.result.and_then(|info| info.config).and_then(|config| config.params).unwrap_or_default();
        let sparse = params.sparse_vectors_config.unwrap_or_default().map;
        let wrong = |what: &str| {
            let name = self.collection();
            Err(IndexError(format!("the collection `{name}` {what}: name another one, or delete it")))
        };
        if ![WORDS, PHRASES, PIECES].iter().all(|name| sparse.contains_key(*name)) {
            return wrong("was not made by Relevo");
        }
        let has = match params.vectors_config.and_then(|config| config.config) {
            Some(VectorsKind::ParamsMap(vectors)) => vectors.map.get(MEANING).map(|meaning| meaning.size),
            _ => None,
        };
        match (dimensions.map(|size| size as u64), has) {
            (Some(_), None) => wrong("was made without an embedding model"),
            (Some(size), Some(has)) if size != has => {
                wrong(&format!("holds vectors of {has} numbers and the embedding model gives {size}"))
            }
            _ => Ok(()),
        }
    }

    async fn upsert(&self, ready: &[Ready]) -> Result<(), IndexError> {
        let mut places: HashMap<(&str, &str), u64> = HashMap::new();
        let mut points = Vec::new();
        for ready in ready {
            let place = places.entry((&ready.passage.source, &ready.passage.document)).or_default();
            points.push(point(ready, *place, &self.settings.workspace));
            *place += 1;
        }
        for batch in points.chunks(BATCH) {
            let upsert = UpsertPointsBuilder::new(self.collection(), batch.to_vec()).wait(true);
            self.client.upsert_points(upsert).await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    async fn delete(&self, which: Conditions) -> Result<(), IndexError> {
        let delete = DeletePointsBuilder::new(self.collection()).points(self.within(which)).wait(true);
        match self.client.delete_points(delete).await {
            Ok(_) => Ok(()),
            Err(error) if not_there(&error) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The fused search, and one little search for each term of the question, which tells how rare the term is.
    fn requests(&self, query: &Query<'_>, asked: &Asked) -> Vec<QueryPoints> {
        let which = self.within(conditions(query.filter));
        let limit = query.limit as u64;
        let leg = |name: &str, near: Variant| {
            let leg = PrefetchQueryBuilder::default().query(nearest(near)).using(name);
            leg.filter(which.clone()).limit(DEPTH.max(limit)).build()
        };
        let words = [(WORDS, &asked.words), (PHRASES, &asked.phrases), (PIECES, &asked.pieces)];
        let words = words.into_iter().filter(|(_, terms)| !terms.is_empty());
        let mut legs: Vec<_> = words.map(|(name, terms)| leg(name, Variant::Sparse(sparse(terms)))).collect();
        if let Some(meaning) = query.meaning {
            legs.push(leg(MEANING, Variant::Dense(meaning.to_vec().into())));
        }
        if legs.is_empty() {
            return Vec::new();
        }
        let mut fused = QueryPointsBuilder::new(self.collection())
            .prefetch(legs)
            .query(Fusion::Dbsf)
            .filter(which.clone())
            .limit(limit)
            .with_payload(true);
        if query.meaning.is_some() {
            fused = fused.with_vectors(only_vector(MEANING));
        }
        let rarities = asked.phrases.iter().take(WEIGHED).map(|(term, _)| {
            let alone = nearest(Variant::Sparse(sparse(&[(term.clone(), 1.0)])));
            QueryPointsBuilder::new(self.collection())
                .query(alone)
                .using(PHRASES)
                .filter(which.clone())
                .limit(1_u64)
                .with_vectors(only_vector(PHRASES))
                .build()
        });
        std::iter::once(fused.build()).chain(rarities).collect()
    }
}

#[async_trait]
impl Index for Qdrant {
    async fn held(&self, source: &str) -> Result<BTreeMap<String, Held>, IndexError> {
        let mut held = BTreeMap::new();
        let mut after = None;
        loop {
            let first = self.within(Conditions::must([is("source", source), Condition::matches("place", 0)]));
            let mut page = ScrollPointsBuilder::new(self.collection()).filter(first).limit(PAGE).with_vectors(false);
            page = page.with_payload(only(&["document", "version", "meaning"]));
            if let Some(after) = after.take() {
                page = page.offset::<qdrant_client::qdrant::PointId>(after);
            }
            let page = match self.client.scroll(page).await {
                Ok(page) => page,
                Err(error) if not_there(&error) => return Ok(held),
                Err(error) => return Err(failed(&error)),
            };
            for point in &page.result {
                let payload = &point.payload;
                let meaning = matches!(kind(payload, "meaning"), Some(ValueKind::BoolValue(true)));
                held.insert(text(payload, "document"), Held { version: text(payload, "version"), meaning });
            }
            match page.next_page_offset {
                Some(next) => after = Some(next),
                None => return Ok(held),
            }
        }
    }

    async fn put(&self, ready: Vec<Ready>) -> Result<(), IndexError> {
        let Some(first) = ready.first() else { return Ok(()) };
        self.make(first.meaning.as_ref().map(|meaning| meaning.len())).await?;
        self.upsert(&ready).await?;
        // Points of a document's new version have taken the places of the old ones; old ones further back go now.
        let documents: BTreeSet<(&str, &str, &str)> = ready
            .iter()
            .map(|ready| {
                let passage = &ready.passage;
                (passage.source.as_str(), passage.document.as_str(), passage.version.as_str())
            })
            .collect();
        let old = documents.into_iter().map(|(source, document, version)| {
            let mut old = Conditions::must([is("source", source), is("document", document)]);
            old.must_not = vec![is("version", version)];
            Condition::from(old)
        });
        self.delete(Conditions::should(old)).await
    }

    async fn remove(&self, source: &str, documents: &[String]) -> Result<(), IndexError> {
        if documents.is_empty() {
            return Ok(());
        }
        self.delete(Conditions::must([is("source", source), any("document", documents.iter().cloned())])).await
    }

    async fn search(&self, query: &Query<'_>) -> Result<Vec<Found>, IndexError> {
        let asked = Asked::of(query.question, [Language::Es, Language::Pt, Language::En]);
        let requests = self.requests(query, &asked);
        if requests.is_empty() || query.limit == 0 {
            return Ok(Vec::new());
        }
        let batch = self.client.query_batch(QueryBatchPointsBuilder::new(self.collection(), requests));
        let (answered, count) = tokio::join!(batch, self.count());
        let mut answered = match answered {
            Ok(answered) => answered.result.into_iter(),
            Err(error) if not_there(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let points = answered.next().unwrap_or_default().result;
        let rarities = asked.phrases.iter().zip(answered).filter_map(|((term, _), answer)| {
            let point = answer.result.into_iter().next()?;
            let stored = stored(&point, PHRASES)?;
            let weight = stored.0.iter().position(|known| *known == number(term)).map(|at| stored.1[at])?;
            (weight > 0.0).then(|| (term.as_str(), point.score / weight))
        });
        let rarities: HashMap<&str, f32> = rarities.collect();
        let usual = rarity(count?, USUAL_HOLDERS);
        let found = points.into_iter().map(|point| {
            let passage = passage(&point);
            let likeness = likeness(&asked.phrases, &Terms::of(&passage).phrases, &rarities, usual);
            let meaning = query.meaning.and_then(|asked| {
                let stored = dense(&point)?;
                Some(asked.iter().zip(&stored).map(|(a, b)| a * b).sum::<f32>())
            });
            Found { passage, likeness, meaning }
        });
        Ok(found.collect())
    }

    async fn standing(&self, cited: &[Cited]) -> Result<BTreeSet<Cited>, IndexError> {
        let each = cited.iter().map(|cited| {
            let same = [is("document", &cited.document), is("version", &cited.version)];
            Condition::from(Conditions::must(same))
        });
        let mut which = Conditions::should(each);
        which.must = vec![Condition::matches("place", 0)];
        let page = ScrollPointsBuilder::new(self.collection())
            .filter(self.within(which))
            .limit(u32::try_from(cited.len().max(1)).unwrap_or(PAGE))
            .with_payload(only(&["document", "version"]))
            .with_vectors(false);
        match self.client.scroll(page).await {
            Ok(page) => Ok(page
                .result
                .iter()
                .map(|point| Cited {
                    document: text(&point.payload, "document"),
                    version: text(&point.payload, "version"),
                })
                .collect()),
            Err(error) if not_there(&error) => Ok(BTreeSet::new()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn count(&self) -> Result<u64, IndexError> {
        let mine = self.within(Conditions::default());
        match self.client.count(CountPointsBuilder::new(self.collection()).filter(mine).exact(true)).await {
            Ok(answered) => Ok(answered.result.map_or(0, |result| result.count)),
            Err(error) if not_there(&error) => Ok(0),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// The conditions that every query carries.
fn conditions(filter: &Filter) -> Conditions {
    let mut must = Vec::new();
    if !filter.internal {
        must.push(is("audience", "public"));
    }
    if let Some(language) = filter.language {
        must.push(is("language", language.tag()));
    }
    if let Some(inbox) = &filter.inbox {
        let of_all = Condition::is_empty("inboxes");
        must.push(Conditions::should([of_all, is("inboxes", inbox)]).into());
    }
    if let Some(shortcuts) = &filter.shortcuts {
        let article = is("kind", "article");
        must.push(Conditions::should([article, any("document", shortcuts.iter().cloned())]).into());
    }
    Conditions::must(must)
}

fn is(field: &str, value: &str) -> Condition {
    Condition::matches(field, value.to_owned())
}

fn any(field: &str, values: impl Iterator<Item = String>) -> Condition {
    Condition::matches(field, values.collect::<Vec<String>>())
}

fn nearest(near: Variant) -> Ask {
    VectorInput { variant: Some(near) }.into()
}

fn only(fields: &[&str]) -> PayloadSelector {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    PayloadSelector::Include(PayloadIncludeSelector { fields })
}

fn only_vector(name: &str) -> VectorSelector {
    VectorSelector::Include(VectorsSelector { names: vec![name.to_owned()] })
}

fn point(ready: &Ready, place: u64, workspace: &str) -> PointStruct {
    let passage = &ready.passage;
    let terms = Terms::of(passage);
    let mut vectors: HashMap<String, Vector> = HashMap::from([
        (WORDS.to_owned(), sparse(&saturated(terms.words, USUAL_WORDS)).into()),
        (PHRASES.to_owned(), sparse(&of_length_one(terms.phrases)).into()),
        (PIECES.to_owned(), sparse(&saturated(terms.pieces, USUAL_PIECES)).into()),
    ]);
    if let Some(meaning) = &ready.meaning {
        vectors.insert(MEANING.to_owned(), meaning.to_vec().into());
    }
    let kind = match passage.kind {
        Kind::Article => "article",
        Kind::Shortcut => "shortcut",
    };
    let audience = match passage.audience {
        Audience::Public => "public",
        Audience::Internal => "internal",
    };
    let inboxes = passage.inboxes.iter().map(|inbox| Value::from(inbox.as_str())).collect();
    let whole = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let payload: HashMap<&str, Value> = HashMap::from([
        (WORKSPACE, workspace.into()),
        ("kind", kind.into()),
        ("source", passage.source.as_str().into()),
        ("document", passage.document.as_str().into()),
        ("place", whole(place)),
        ("title", passage.title.as_str().into()),
        ("version", passage.version.as_str().into()),
        ("start", whole(passage.span.start as u64)),
        ("end", whole(passage.span.end as u64)),
        ("language", passage.language.tag().into()),
        ("audience", audience.into()),
        ("inboxes", Value { kind: Some(ValueKind::ListValue(ListValue { values: inboxes })) }),
        ("meaning", ready.meaning.is_some().into()),
        ("text", passage.text.as_str().into()),
    ]);
    PointStruct::new(id(workspace, &passage.source, &passage.document, place), NamedVectors { vectors }, payload)
}

/// A point's id: the same for the same place in the same document, whichever node writes it.
fn id(workspace: &str, source: &str, document: &str, place: u64) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in [workspace, source, document] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.update(place.to_le_bytes());
    let hex = crate::hex(&hash.finalize()[..16]);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn passage(point: &ScoredPoint) -> Passage {
    let payload = &point.payload;
    let whole = |name| match kind(payload, name) {
        Some(ValueKind::IntegerValue(number)) => usize::try_from(*number).unwrap_or_default(),
        _ => 0,
    };
    let inboxes = match kind(payload, "inboxes") {
        Some(ValueKind::ListValue(list)) => list.values.iter().filter_map(|value| value.as_str().cloned()).collect(),
        _ => BTreeSet::new(),
    };
    Passage {
        kind: if text(payload, "kind") == "shortcut" { Kind::Shortcut } else { Kind::Article },
        source: text(payload, "source"),
        document: text(payload, "document"),
        title: text(payload, "title"),
        version: text(payload, "version"),
        span: whole("start")..whole("end"),
        language: Language::from_tag(&text(payload, "language")).unwrap_or_default(),
        // What does not say that anybody may read it is for the team.
        audience: if text(payload, "audience") == "public" { Audience::Public } else { Audience::Internal },
        inboxes,
        text: text(payload, "text"),
    }
}

fn kind<'a>(payload: &'a HashMap<String, Value>, name: &str) -> Option<&'a ValueKind> {
    payload.get(name).and_then(|value| value.kind.as_ref())
}

fn text(payload: &HashMap<String, Value>, name: &str) -> String {
    payload.get(name).and_then(|value| value.as_str()).cloned().unwrap_or_default()
}

/// A sparse vector that came with a point: numbers of terms, and their weights.
fn stored(point: &ScoredPoint, name: &str) -> Option<(Vec<u32>, Vec<f32>)> {
    match vector(point, name)? {
        OutVector::Sparse(SparseVector { indices, values }) => Some((indices, values)),
        _ => None,
    }
}

fn dense(point: &ScoredPoint) -> Option<Vec<f32>> {
    match vector(point, MEANING)? {
        OutVector::Dense(dense) => Some(dense.data),
        _ => None,
    }
}

fn vector(point: &ScoredPoint, name: &str) -> Option<OutVector> {
    let Some(VectorsOptions::Vectors(vectors)) = point.vectors.as_ref()?.vectors_options.as_ref() else { return None };
    Some(vectors.vectors.get(name)?.clone().into_vector())
}

/// Terms as a sparse vector. Two terms of one number count together.
fn sparse(terms: &[(String, f32)]) -> SparseVector {
    let mut weights: BTreeMap<u32, f32> = BTreeMap::new();
    for (term, weight) in terms {
        *weights.entry(number(term)).or_default() += weight;
    }
    let (indices, values) = weights.into_iter().unzip();
    SparseVector { indices, values }
}

/// A term's number: 32 bits of FNV-1a, the same on every node.
fn number(term: &str) -> u32 {
    term.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn summed(terms: Vec<(String, f32)>) -> BTreeMap<String, f32> {
    let mut weights = BTreeMap::new();
    for (term, weight) in terms {
        *weights.entry(term).or_default() += weight;
    }
    weights
}

/// BM25's weights, but for the rarity, which the server knows.
fn saturated(terms: Vec<(String, f32)>, usual: f32) -> Vec<(String, f32)> {
    let weights = summed(terms);
    let length: f32 = weights.values().sum();
    let slowed = K1 * (1.0 - B + B * length / usual);
    weights.into_iter().map(|(term, times)| (term, times * (K1 + 1.0) / (times + slowed))).collect()
}

fn of_length_one(terms: Vec<(String, f32)>) -> Vec<(String, f32)> {
    let weights: Vec<_> = summed(terms).into_iter().map(|(term, times)| (term, damped(times))).collect();
    let length = weights.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    weights.into_iter().map(|(term, weight)| (term, weight / length)).collect()
}

/// How rare a term is that stands in this many of all passages.
fn rarity(passages: u64, holders: f32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a logarithm is taken of it")]
    let passages = (passages as f32).max(holders);
    (1.0 + (passages - holders + 0.5) / (holders + 0.5)).ln()
}

/// The cosine of question and passage, each term weighted by its rarity, as the embedded index computes it. The server
/// tells the rarities of the question's terms; the passage's others are taken to be as rare as they usually are.
fn likeness(asked: &[(String, f32)], said: &[(String, f32)], rarities: &HashMap<&str, f32>, usual: f32) -> f32 {
    let mut said = summed(said.to_vec());
    let (mut shared, mut question, mut passage) = (0.0, 0.0, 0.0);
    for (term, weight) in asked {
        let Some(rarity) = rarities.get(term.as_str()) else { continue };
        let in_question = damped(*weight) * rarity;
        question += in_question * in_question;
        if let Some(weight) = said.remove(term) {
            let in_passage = damped(weight) * rarity;
            passage += in_passage * in_passage;
            shared += in_question * in_passage;
        }
    }
    passage += said.values().map(|weight| (damped(*weight) * usual).powi(2)).sum::<f32>();
    (shared / (question * passage).sqrt().max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
}

/// An error without its metadata, which may hold the key.
fn failed(error: &QdrantError) -> IndexError {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            IndexError(format!("Qdrant answered {:?}: {}", status.code(), status.message()))
        }
        QdrantError::InvalidUri(_) => IndexError("the address of Qdrant is not one".into()),
        _ => IndexError("Qdrant's answer was not understood".into()),
    }
}

/// Whether the collection is not there: nothing was ever indexed.
fn not_there(error: &QdrantError) -> bool {
    matches!(error, QdrantError::ResponseError { status } if format!("{:?}", status.code()) == "NotFound")
}
