use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use relevo_llm::{Embedder, Error};
use tokio_util::sync::CancellationToken;

use super::contract::{qdrant, qdrant_of};
use super::stand_in::StandIn;
use super::*;

fn articles(count: usize) -> Vec<Document> {
    let text = |n: usize| format!("# Artículo {n}\n\nEl trámite {n} tarda {n} días.\n");
    (0..count).filter_map(|n| article(&format!("{n}.md"), &text(n))).collect()
}

// behaviour 8
#[tokio::test]
async fn every_query_to_a_shared_server_carries_what_may_be_seen() {
    let (server, url) = StandIn::start().await;
    let (one, other) = (Knowledge::new(Arc::new(qdrant(url.clone()))), Knowledge::new(Arc::new(qdrant(url))));
    one.sync("manual", articles(3), |_, _| ()).await.unwrap();
    let filter = Filter { inbox: Some("shop".into()), ..Filter::public() };
    // What one node indexed, another finds, and knows not to index again.
    assert_eq!(other.search("trámite 2", &filter, 1).await.unwrap()[0].passage.document, "2.md");
    assert_eq!(other.sync("manual", articles(3), |_, _| ()).await.unwrap().unchanged, 3);
    let asked = server.asked();
    assert!(!asked.is_empty());
    for query in asked {
        let all = query.prefetch.iter().map(|leg| &leg.filter).chain([&query.filter]);
        for filter in all {
            let told = format!("{:?}", filter.as_ref().unwrap());
            assert!(told.contains("\"audience\"") && told.contains("\"inboxes\""), "{told}");
        }
    }
}

// behaviour 7
#[tokio::test]
async fn behaviour_07_deployments_that_share_a_collection_see_and_delete_nothing_of_each_other() {
    let (server, url) = StandIn::start().await;
    let of = |workspace: &str| Knowledge::new(Arc::new(qdrant_of(workspace, url.clone())));
    let (north, south) = (of("north"), of("south"));
    let canary = || article("0.md", "# Trámite 0\n\nCANARY-NORTH: el trámite 0 se hace en secreto.\n").unwrap();
    north.sync("manual", [canary()], |_, _| ()).await.unwrap();
    // The same source and ids as in the other one: nothing of it is replaced, held or counted.
    assert_eq!(south.sync("manual", articles(2), |_, _| ()).await.unwrap().added, 2);
    assert_eq!((north.count().await.unwrap(), south.count().await.unwrap()), (1, 2));
    let found = |of: Knowledge| async move { of.search("trámite 0 secreto", &Filter::everything(), 9).await.unwrap() };
    let texts = |found: Vec<Found>| found.into_iter().map(|found| found.passage.text).collect::<Vec<_>>();
    let there = texts(found(south.clone()).await);
    assert!(!there.is_empty() && !there.iter().any(|text| text.contains("CANARY-NORTH")), "{there:?}");
    let cited = [Cited { document: "0.md".into(), version: canary().version() }];
    assert_eq!(south.standing(&cited).await.unwrap().len(), 0, "what another deployment has does not stand here");
    south.sync("manual", [], |_, _| ()).await.unwrap();
    assert!(texts(found(north.clone()).await)[0].contains("CANARY-NORTH"), "the other's emptying took nothing away");
    assert_eq!(north.standing(&cited).await.unwrap().len(), 1);
    for query in server.asked() {
        for filter in query.prefetch.iter().map(|leg| &leg.filter).chain([&query.filter]) {
            let told = format!("{:?}", filter.as_ref().unwrap());
            assert!(told.contains("\"workspace\""), "{told}");
        }
    }
}

#[tokio::test]
async fn more_documents_than_one_page_are_known() {
    let (_server, url) = StandIn::start().await;
    let knowledge = Knowledge::new(Arc::new(qdrant(url)));
    knowledge.sync("manual", articles(1_005), |_, _| ()).await.unwrap();
    assert_eq!(knowledge.sync("manual", articles(1_005), |_, _| ()).await.unwrap().unchanged, 1_005);
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error_and_a_foreign_collection_is_left_alone() {
    let away = Knowledge::new(Arc::new(qdrant("http://127.0.0.1:1".into())));
    let error = away.search("algo", &Filter::public(), 1).await.unwrap_err().to_string();
    assert!(error.starts_with("the knowledge index cannot be used: "), "{error}");
    let (_server, url) = StandIn::start().await;
    let words = Knowledge::new(Arc::new(qdrant(url.clone())));
    words.sync("manual", articles(1), |_, _| ()).await.unwrap();
    let counting = Arc::new(Counting::default());
    let meant = Knowledge::new(Arc::new(qdrant(url))).with_meanings(Meanings::new(counting, 0.3));
    let error = meant.sync("manual", articles(1), |_, _| ()).await.unwrap_err().to_string();
    assert!(error.contains("`relevo` was made without an embedding model: name another one"), "{error}");
}

/// Says a meaning for every text, and counts how many it was asked for.
#[derive(Default)]
struct Counting {
    texts: AtomicUsize,
    away: bool,
}

#[async_trait::async_trait]
impl Embedder for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    async fn embed(&self, texts: &[String], _: &CancellationToken) -> Result<Vec<Vec<f32>>, Error> {
        if self.away {
            return Err(Error::transient("away"));
        }
        assert!(texts.iter().all(|text| !text.contains("@example.com")), "masked: {texts:?}");
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        Ok(texts.iter().map(|text| vec![1.0, if text.len().is_multiple_of(2) { 1.0 } else { -1.0 }]).collect())
    }
}

// behaviour 23, behaviour 20
#[tokio::test]
async fn a_text_is_embedded_once_even_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meanings.bin");
    let counting = Arc::new(Counting::default());
    let open = || Meanings::new(counting.clone(), 0.3).kept_in(&path).unwrap();
    let knowledge = Knowledge::default().with_meanings(open());
    knowledge.sync("manual", articles(70), |_, _| ()).await.unwrap();
    assert_eq!(counting.texts.load(Ordering::Relaxed), 70);
    knowledge.search("soy ana@example.com", &Filter::public(), 1).await.unwrap();
    assert_eq!(counting.texts.load(Ordering::Relaxed), 71, "questions are asked for each time");
    drop(knowledge);
    // The process died in the middle of a write.
    let whole = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(whole - 3).unwrap();
    let again = Knowledge::default().with_meanings(open());
    again.sync("manual", articles(71), |_, _| ()).await.unwrap();
    assert_eq!(counting.texts.load(Ordering::Relaxed), 73, "one that was cut off, one that is new");
    let last = Knowledge::default().with_meanings(open());
    last.sync("manual", articles(71), |_, _| ()).await.unwrap();
    assert_eq!(counting.texts.load(Ordering::Relaxed), 73);
}

#[tokio::test]
async fn without_the_embedding_model_words_are_enough_until_it_is_back() {
    let index = Arc::new(Embedded::default());
    let away = Counting { away: true, ..Counting::default() };
    let knowledge = Knowledge::new(index.clone()).with_meanings(Meanings::new(Arc::new(away), 0.3));
    knowledge.sync("manual", articles(3), |_, _| ()).await.unwrap();
    assert_eq!(knowledge.search("trámite 2", &Filter::public(), 1).await.unwrap()[0].passage.document, "2.md");
    let back = Knowledge::new(index).with_meanings(Meanings::new(Arc::new(Counting::default()), 0.3));
    assert_eq!(back.sync("manual", articles(3), |_, _| ()).await.unwrap().unchanged, 3);
    assert!(back.search("trámite 2", &Filter::public(), 1).await.unwrap()[0].meaning.is_some());
}
