//! A stand-in for a Qdrant server: the calls that the adapter makes, over real gRPC, with the arithmetic that Qdrant
//! documents (rarity of sparse terms, cosine, distribution-based fusion, conditions). It is not Qdrant.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::query::Variant as Ask;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector::Vector as Stored;
use qdrant_client::qdrant::vector_input::Variant as Near;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{self, vector_output, vectors_output, with_vectors_selector};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A point: payload and vectors by name.
#[derive(Clone)]
struct Point {
    payload: HashMap<String, qdrant::Value>,
    vectors: HashMap<String, Stored>,
}

#[derive(Default)]
struct State {
    layout: Option<qdrant::CreateCollection>,
    points: BTreeMap<String, Point>,
    /// Every query as it came.
    asked: Vec<qdrant::QueryPoints>,
}

/// The server; it ends with the test's runtime.
#[derive(Clone, Default)]
pub(super) struct StandIn(Arc<Mutex<State>>);

impl StandIn {
    /// A server on a port of its own, and its address.
    pub(super) async fn start() -> (Self, String) {
        let this = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(CollectionsServer::new(this.clone()))
            .add_service(PointsServer::new(this.clone()).max_decoding_message_size(64 * 1024 * 1024));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        (this, url)
    }

    /// The queries that came so far.
    pub(super) fn asked(&self) -> Vec<qdrant::QueryPoints> {
        self.0.lock().unwrap().asked.clone()
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut State) -> T) -> Result<T, Status> {
        let mut state = self.0.lock().unwrap();
        match &state.layout {
            Some(layout) if layout.collection_name == name => Ok(act(&mut state)),
            _ => Err(Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))),
        }
    }
}

fn done() -> qdrant::PointsOperationResponse {
    qdrant::PointsOperationResponse {
        result: Some(qdrant::UpdateResult { operation_id: Some(1), status: qdrant::UpdateStatus::Completed.into() }),
        ..Default::default()
    }
}

fn admits(filter: Option<&qdrant::Filter>, point: &Point) -> bool {
    let Some(filter) = filter else { return true };
    assert!(filter.min_should.is_none(), "not used");
    filter.must.iter().all(|condition| holds(condition, point))
        && !filter.must_not.iter().any(|condition| holds(condition, point))
        && (filter.should.is_empty() || filter.should.iter().any(|condition| holds(condition, point)))
}

fn holds(condition: &qdrant::Condition, point: &Point) -> bool {
    let values = |key: &str| -> Vec<Kind> {
        match point.payload.get(key).and_then(|value| value.kind.clone()) {
            None => Vec::new(),
            Some(Kind::ListValue(list)) => list.values.into_iter().filter_map(|value| value.kind).collect(),
            Some(one) => vec![one],
        }
    };
    match condition.condition_one_of.as_ref().unwrap() {
        ConditionOneOf::Filter(filter) => admits(Some(filter), point),
        ConditionOneOf::IsEmpty(empty) => values(&empty.key).is_empty(),
        ConditionOneOf::Field(field) => {
            let one_of: Vec<Kind> = match field.r#match.clone().unwrap().match_value.unwrap() {
                MatchValue::Keyword(word) => vec![Kind::StringValue(word)],
                MatchValue::Keywords(words) => words.strings.into_iter().map(Kind::StringValue).collect(),
                MatchValue::Integer(number) => vec![Kind::IntegerValue(number)],
                other => panic!("not used: {other:?}"),
            };
            values(&field.key).iter().any(|value| one_of.contains(value))
        }
        other => panic!("not used: {other:?}"),
    }
}

type Hits = Vec<(String, f32)>;

impl State {
    fn near(&self, ask: &qdrant::Query, using: &str, filter: Option<&qdrant::Filter>, limit: u64) -> Hits {
        let Some(Ask::Nearest(qdrant::VectorInput { variant: Some(near) })) = &ask.variant else {
            panic!("not used: {ask:?}")
        };
        let visible = self.points.iter().filter(|(_, point)| admits(filter, point));
        let mut hits: Hits = match near {
            Near::Sparse(asked) => {
                let rare: HashMap<u32, f32> =
                    asked.indices.iter().map(|term| (*term, self.rarity(using, *term))).collect();
                let score = |point: &Point| {
                    let Some(Stored::Sparse(stored)) = point.vectors.get(using) else { return 0.0 };
                    let weights: HashMap<u32, f32> =
                        stored.indices.iter().copied().zip(stored.values.iter().copied()).collect();
                    let terms = asked.indices.iter().zip(&asked.values);
                    terms.map(|(term, weight)| weight * rare[term] * weights.get(term).unwrap_or(&0.0)).sum::<f32>()
                };
                visible.map(|(id, point)| (id.clone(), score(point))).filter(|(_, score)| *score > 0.0).collect()
            }
            Near::Dense(asked) => visible
                .filter_map(|(id, point)| match point.vectors.get(using)? {
                    Stored::Dense(stored) => Some((id.clone(), cosine(&asked.data, &stored.data))),
                    _ => None,
                })
                .collect(),
            other => panic!("not used: {other:?}"),
        };
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        hits.truncate(usize::try_from(limit).unwrap());
        hits
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    fn rarity(&self, using: &str, term: u32) -> f32 {
        let holds =
            |point: &&Point| matches!(point.vectors.get(using), Some(Stored::Sparse(v)) if v.indices.contains(&term));
        let (all, holders) = (self.points.len() as f32, self.points.values().filter(holds).count() as f32);
        (1.0 + (all - holders + 0.5) / (holders + 0.5)).ln()
    }

    fn answer(&mut self, query: qdrant::QueryPoints) -> Vec<qdrant::ScoredPoint> {
        let limit = query.limit.unwrap_or(10);
        let hits = match query.query.as_ref().unwrap().variant.as_ref().unwrap() {
            Ask::Fusion(way) => {
                assert_eq!(*way, i32::from(qdrant::Fusion::Dbsf));
                let legs = query.prefetch.iter().map(|leg| {
                    let limit = leg.limit.unwrap_or(10);
                    self.near(leg.query.as_ref().unwrap(), leg.using.as_deref().unwrap(), leg.filter.as_ref(), limit)
                });
                fused(legs.collect(), usize::try_from(limit).unwrap())
            }
            _ => {
                self.near(query.query.as_ref().unwrap(), query.using.as_deref().unwrap(), query.filter.as_ref(), limit)
            }
        };
        let names = match query.with_vectors.as_ref().and_then(|with| with.selector_options.clone()) {
            Some(with_vectors_selector::SelectorOptions::Include(selector)) => selector.names,
            _ => Vec::new(),
        };
        let hits = hits.into_iter().filter(|(id, _)| admits(query.filter.as_ref(), &self.points[id]));
        let answer = hits.map(|(id, score)| {
            let point = &self.points[&id];
            let vectors = names.iter().filter_map(|name| Some((name.clone(), output(point.vectors.get(name)?))));
            let vectors = qdrant::NamedVectorsOutput { vectors: vectors.collect() };
            let options = Some(vectors_output::VectorsOptions::Vectors(vectors));
            qdrant::ScoredPoint {
                id: Some(id.clone().into()),
                payload: if query.with_payload.is_some() { point.payload.clone() } else { HashMap::new() },
                score,
                vectors: Some(qdrant::VectorsOutput { vectors_options: options }),
                ..Default::default()
            }
        });
        let answer = answer.collect();
        self.asked.push(query);
        answer
    }
}

fn output(stored: &Stored) -> qdrant::VectorOutput {
    let vector = match stored.clone() {
        Stored::Dense(dense) => vector_output::Vector::Dense(dense),
        Stored::Sparse(sparse) => vector_output::Vector::Sparse(sparse),
        other => panic!("not used: {other:?}"),
    };
    qdrant::VectorOutput { vector: Some(vector), ..Default::default() }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}

/// Distribution-based score fusion: each ranking's scores between its mean less and plus three deviations, added.
#[expect(clippy::cast_precision_loss, reason = "fifty hits")]
fn fused(legs: Vec<Hits>, limit: usize) -> Hits {
    let mut total: HashMap<String, f32> = HashMap::new();
    for hits in legs {
        let count = hits.len() as f32;
        let mean = hits.iter().map(|(_, score)| score).sum::<f32>() / count;
        let deviation = (hits.iter().map(|(_, score)| (score - mean).powi(2)).sum::<f32>() / (count - 1.0)).sqrt();
        let (low, high) = (mean - 3.0 * deviation, mean + 3.0 * deviation);
        for (id, score) in hits {
            *total.entry(id).or_default() += if high > low { (score - low) / (high - low) } else { 0.5 };
        }
    }
    let mut total: Hits = total.into_iter().collect();
    total.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    total.truncate(limit);
    total
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Collections for StandIn {
    async fn collection_exists(
        &self,
        request: Request<qdrant::CollectionExistsRequest>,
    ) -> Answer<qdrant::CollectionExistsResponse> {
        let exists = self.with(&request.into_inner().collection_name, |_| ()).is_ok();
        let result = Some(qdrant::CollectionExists { exists });
        Ok(Response::new(qdrant::CollectionExistsResponse { result, ..Default::default() }))
    }

    async fn create(&self, request: Request<qdrant::CreateCollection>) -> Answer<qdrant::CollectionOperationResponse> {
        self.0.lock().unwrap().layout = Some(request.into_inner());
        Ok(Response::new(qdrant::CollectionOperationResponse { result: true, ..Default::default() }))
    }

    async fn get(
        &self,
        request: Request<qdrant::GetCollectionInfoRequest>,
    ) -> Answer<qdrant::GetCollectionInfoResponse> {
        let layout = self.with(&request.into_inner().collection_name, |state| state.layout.clone().unwrap())?;
        let params = qdrant::CollectionParams {
            vectors_config: layout.vectors_config,
            sparse_vectors_config: layout.sparse_vectors_config,
            ..Default::default()
        };
        let config = Some(qdrant::CollectionConfig { params: Some(params), ..Default::default() });
        let result = Some(qdrant::CollectionInfo { config, ..Default::default() });
        Ok(Response::new(qdrant::GetCollectionInfoResponse { result, ..Default::default() }))
    }

    async fn list(&self, _: Request<qdrant::ListCollectionsRequest>) -> Answer<qdrant::ListCollectionsResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn update(&self, _: Request<qdrant::UpdateCollection>) -> Answer<qdrant::CollectionOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete(&self, _: Request<qdrant::DeleteCollection>) -> Answer<qdrant::CollectionOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn update_aliases(&self, _: Request<qdrant::ChangeAliases>) -> Answer<qdrant::CollectionOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn list_collection_aliases(
        &self,
        _: Request<qdrant::ListCollectionAliasesRequest>,
    ) -> Answer<qdrant::ListAliasesResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn list_aliases(&self, _: Request<qdrant::ListAliasesRequest>) -> Answer<qdrant::ListAliasesResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn collection_cluster_info(
        &self,
        _: Request<qdrant::CollectionClusterInfoRequest>,
    ) -> Answer<qdrant::CollectionClusterInfoResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn update_collection_cluster_setup(
        &self,
        _: Request<qdrant::UpdateCollectionClusterSetupRequest>,
    ) -> Answer<qdrant::UpdateCollectionClusterSetupResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn create_shard_key(
        &self,
        _: Request<qdrant::CreateShardKeyRequest>,
    ) -> Answer<qdrant::CreateShardKeyResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete_shard_key(
        &self,
        _: Request<qdrant::DeleteShardKeyRequest>,
    ) -> Answer<qdrant::DeleteShardKeyResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn list_shard_keys(&self, _: Request<qdrant::ListShardKeysRequest>) -> Answer<qdrant::ListShardKeysResponse> {
        Err(Status::unimplemented("not used"))
    }
}

#[tonic::async_trait]
impl Points for StandIn {
    async fn upsert(&self, request: Request<qdrant::UpsertPoints>) -> Answer<qdrant::PointsOperationResponse> {
        let request = request.into_inner();
        self.with(&request.collection_name, |state| {
            for point in request.points {
                let Some(PointIdOptions::Uuid(id)) = point.id.unwrap().point_id_options else {
                    panic!("ids are UUIDs")
                };
                let Some(VectorsOptions::Vectors(named)) = point.vectors.unwrap().vectors_options else {
                    panic!("vectors have names")
                };
                let vectors = named.vectors.into_iter().map(|(name, vector)| (name, vector.vector.unwrap())).collect();
                state.points.insert(id, Point { payload: point.payload, vectors });
            }
        })?;
        Ok(Response::new(done()))
    }

    async fn delete(&self, request: Request<qdrant::DeletePoints>) -> Answer<qdrant::PointsOperationResponse> {
        let request = request.into_inner();
        let Some(PointsSelectorOneOf::Filter(filter)) = request.points.unwrap().points_selector_one_of else {
            panic!("points are deleted by conditions")
        };
        self.with(&request.collection_name, |state| state.points.retain(|_, point| !admits(Some(&filter), point)))?;
        Ok(Response::new(done()))
    }

    async fn create_field_index(
        &self,
        request: Request<qdrant::CreateFieldIndexCollection>,
    ) -> Answer<qdrant::PointsOperationResponse> {
        self.with(&request.into_inner().collection_name, |_| ())?;
        Ok(Response::new(done()))
    }

    async fn scroll(&self, request: Request<qdrant::ScrollPoints>) -> Answer<qdrant::ScrollResponse> {
        let request = request.into_inner();
        let from = request.offset.and_then(|id| id.point_id_options).map(|id| match id {
            PointIdOptions::Uuid(id) => id,
            PointIdOptions::Num(_) => panic!("ids are UUIDs"),
        });
        let limit = usize::try_from(request.limit.unwrap_or(10)).unwrap();
        let (result, next_page_offset) = self.with(&request.collection_name, |state| {
            let visible = state.points.iter().filter(|(_, point)| admits(request.filter.as_ref(), point));
            let mut visible = visible.skip_while(|(id, _)| from.as_ref().is_some_and(|from| *id < from));
            let page = visible.by_ref().take(limit).map(|(id, point)| qdrant::RetrievedPoint {
                id: Some(id.clone().into()),
                payload: point.payload.clone(),
                ..Default::default()
            });
            let page: Vec<_> = page.collect();
            (page, visible.next().map(|(id, _)| id.clone().into()))
        })?;
        Ok(Response::new(qdrant::ScrollResponse { result, next_page_offset, ..Default::default() }))
    }

    async fn count(&self, request: Request<qdrant::CountPoints>) -> Answer<qdrant::CountResponse> {
        let request = request.into_inner();
        let count = self.with(&request.collection_name, |state| {
            state.points.values().filter(|point| admits(request.filter.as_ref(), point)).count() as u64
        })?;
        let result = Some(qdrant::CountResult { count });
        Ok(Response::new(qdrant::CountResponse { result, ..Default::default() }))
    }

    async fn query_batch(&self, request: Request<qdrant::QueryBatchPoints>) -> Answer<qdrant::QueryBatchResponse> {
        let request = request.into_inner();
        let result = self.with(&request.collection_name, |state| {
            let answered = request.query_points.into_iter().map(|query| state.answer(query));
            answered.map(|result| qdrant::BatchResult { result }).collect()
        })?;
        Ok(Response::new(qdrant::QueryBatchResponse { result, ..Default::default() }))
    }

    async fn get(&self, _: Request<qdrant::GetPoints>) -> Answer<qdrant::GetResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn update_vectors(&self, _: Request<qdrant::UpdatePointVectors>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete_vectors(&self, _: Request<qdrant::DeletePointVectors>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn set_payload(&self, _: Request<qdrant::SetPayloadPoints>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn overwrite_payload(&self, _: Request<qdrant::SetPayloadPoints>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete_payload(&self, _: Request<qdrant::DeletePayloadPoints>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn clear_payload(&self, _: Request<qdrant::ClearPayloadPoints>) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete_field_index(
        &self,
        _: Request<qdrant::DeleteFieldIndexCollection>,
    ) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn create_vector_name(
        &self,
        _: Request<qdrant::CreateVectorNameRequest>,
    ) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn delete_vector_name(
        &self,
        _: Request<qdrant::DeleteVectorNameRequest>,
    ) -> Answer<qdrant::PointsOperationResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn search(&self, _: Request<qdrant::SearchPoints>) -> Answer<qdrant::SearchResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn search_batch(&self, _: Request<qdrant::SearchBatchPoints>) -> Answer<qdrant::SearchBatchResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn search_groups(&self, _: Request<qdrant::SearchPointGroups>) -> Answer<qdrant::SearchGroupsResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn recommend(&self, _: Request<qdrant::RecommendPoints>) -> Answer<qdrant::RecommendResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn recommend_batch(
        &self,
        _: Request<qdrant::RecommendBatchPoints>,
    ) -> Answer<qdrant::RecommendBatchResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn recommend_groups(
        &self,
        _: Request<qdrant::RecommendPointGroups>,
    ) -> Answer<qdrant::RecommendGroupsResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn discover(&self, _: Request<qdrant::DiscoverPoints>) -> Answer<qdrant::DiscoverResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn discover_batch(&self, _: Request<qdrant::DiscoverBatchPoints>) -> Answer<qdrant::DiscoverBatchResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn update_batch(&self, _: Request<qdrant::UpdateBatchPoints>) -> Answer<qdrant::UpdateBatchResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn query(&self, _: Request<qdrant::QueryPoints>) -> Answer<qdrant::QueryResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn query_groups(&self, _: Request<qdrant::QueryPointGroups>) -> Answer<qdrant::QueryGroupsResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn facet(&self, _: Request<qdrant::FacetCounts>) -> Answer<qdrant::FacetResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn search_matrix_pairs(
        &self,
        _: Request<qdrant::SearchMatrixPoints>,
    ) -> Answer<qdrant::SearchMatrixPairsResponse> {
        Err(Status::unimplemented("not used"))
    }

    async fn search_matrix_offsets(
        &self,
        _: Request<qdrant::SearchMatrixPoints>,
    ) -> Answer<qdrant::SearchMatrixOffsetsResponse> {
        Err(Status::unimplemented("not used"))
    }
}
