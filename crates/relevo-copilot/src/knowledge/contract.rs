//! What every index must do, run on each of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::stand_in::StandIn;
use super::*;

/// An index, and what keeps it alive.
async fn indexes() -> Vec<(&'static str, Arc<dyn Index>)> {
    let (_server, url) = StandIn::start().await;
    vec![("embedded", Arc::new(Embedded::default())), ("qdrant", Arc::new(qdrant(url)))]
}

pub(super) fn qdrant(url: String) -> Qdrant {
    qdrant_of("relevo", url)
}

pub(super) fn qdrant_of(workspace: &str, url: String) -> Qdrant {
    let timeout = Duration::from_secs(10);
    let settings = QdrantSettings { url, key: None, collection: "relevo".into(), workspace: workspace.into(), timeout };
    Qdrant::new(settings).unwrap()
}

fn document(id: &str, text: &str) -> Document {
    Document {
        kind: Kind::Article,
        id: id.into(),
        title: id.trim_end_matches(".md").into(),
        language: Some(Language::Es),
        audience: Audience::Public,
        inboxes: BTreeSet::new(),
        text: text.into(),
    }
}

fn shop() -> Vec<Document> {
    let mut internal = document("mayoristas.md", "Los envíos a mayoristas los aprueba Marta en persona.");
    internal.audience = Audience::Internal;
    let mut other = document("sucursal.md", "Los envíos desde la sucursal salen los martes.");
    other.inboxes = BTreeSet::from(["branch".to_owned()]);
    let mut english = document("shipping.md", "Shipping takes three days; envíos in English.");
    english.language = Some(Language::En);
    let mut shortcut = document("envio.es", "Tus envíos llegan mañana.");
    shortcut.kind = Kind::Shortcut;
    vec![
        document(
            "devoluciones.md",
            "# Plazo\n\nTienes 30 días para devolver un pedido.\n\n# Reembolsos\n\nEl reembolso tarda 5 días hábiles en la tarjeta.",
        ),
        document("envios.md", "Los envíos a Canarias tardan dos semanas."),
        document("pagos.md", "Aceptamos tarjeta y transferencia."),
        internal,
        other,
        english,
        shortcut,
    ]
}

async fn ids(knowledge: &Knowledge, question: &str, filter: &Filter) -> BTreeSet<String> {
    let found = knowledge.search(question, filter, 20).await.unwrap();
    found.into_iter().map(|found| found.passage.document).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

// covers: A06
#[tokio::test]
async fn the_passage_that_answers_comes_first_as_it_stands_in_its_document() {
    for (name, index) in indexes().await {
        let knowledge = Knowledge::new(index);
        assert!(knowledge.search("reembolso", &Filter::public(), 3).await.unwrap().is_empty(), "{name}: empty");
        knowledge.sync("shop", shop(), |_, _| ()).await.unwrap();
        let found = knowledge.search("¿Cuánto tarda el reembolso en mi tarjeta?", &Filter::public(), 2).await.unwrap();
        assert_eq!(found.len(), 2, "{name}: as many as asked for");
        let first = &found[0].passage;
        let source = &shop()[0];
        assert_eq!(*first, source.passages("shop")[1], "{name}: nothing is lost on the way");
        assert_eq!(first.title, "devoluciones · Reembolsos", "{name}");
        assert_eq!(source.text[first.span.clone()].trim(), first.text, "{name}");
        assert!(found[0].likeness > found[1].likeness && found[0].likeness <= 1.0, "{name}: {found:?}");
        assert!(knowledge.search("", &Filter::public(), 3).await.unwrap().is_empty(), "{name}: nothing asked");
    }
}

// behaviour 8; covers: A06
#[tokio::test]
async fn what_may_not_be_seen_takes_no_part() {
    for (name, index) in indexes().await {
        let knowledge = Knowledge::new(index);
        knowledge.sync("shop", shop(), |_, _| ()).await.unwrap();
        let all = Filter::everything();
        let public = ["envios.md", "sucursal.md", "shipping.md", "envio.es"];
        assert_eq!(ids(&knowledge, "envíos", &Filter::public()).await, set(&public), "{name}: audience");
        let everything = set(&[&public[..], &["mayoristas.md"]].concat());
        assert_eq!(ids(&knowledge, "envíos", &all).await, everything, "{name}: everything");
        let here = Filter { inbox: Some("shop".into()), ..Filter::public() };
        assert_eq!(
            ids(&knowledge, "envíos", &here).await,
            set(&["envios.md", "shipping.md", "envio.es"]),
            "{name}: inbox"
        );
        let there = Filter { inbox: Some("branch".into()), ..Filter::public() };
        assert_eq!(ids(&knowledge, "envíos", &there).await, set(&public), "{name}: the other inbox");
        let english = Filter { language: Some(Language::En), ..Filter::public() };
        assert_eq!(ids(&knowledge, "envíos", &english).await, set(&["shipping.md"]), "{name}: language");
        let none = Filter { shortcuts: Some(BTreeSet::new()), ..Filter::public() };
        let without = ["envios.md", "sucursal.md", "shipping.md"];
        assert_eq!(ids(&knowledge, "envíos", &none).await, set(&without), "{name}: no shortcut");
        let that = Filter { shortcuts: Some(set(&["envio.es"])), ..Filter::public() };
        assert_eq!(ids(&knowledge, "envíos", &that).await, set(&public), "{name}: that shortcut");
        // The best that is seen stands where it would stand if the others were not there.
        let best = knowledge.search("envíos mayoristas Marta", &here, 1).await.unwrap();
        assert_eq!(best.len(), 1, "{name}: the limit counts what is seen");
    }
}

// behaviour 13; covers: A06
#[tokio::test]
async fn an_update_touches_only_what_changed_and_what_is_gone_is_gone_at_once() {
    for (name, index) in indexes().await {
        let knowledge = Knowledge::new(index);
        let mut heard = Vec::new();
        let synced = knowledge.sync("shop", shop(), |done, of| heard.push((done, of))).await.unwrap();
        assert_eq!(synced, Synced { added: 7, ..Synced::default() }, "{name}");
        assert_eq!((heard.first(), heard.last()), (Some(&(0, 7)), Some(&(7, 7))), "{name}");
        knowledge.sync("blog", [document("blog.md", "Envíos gratis en mayo.")], |_, _| ()).await.unwrap();
        assert_eq!(knowledge.count().await.unwrap(), 9, "{name}: one document has two passages");
        let cited = |document: &Document| Cited { document: document.id.clone(), version: document.version() };
        let before: Vec<Cited> = shop().iter().map(cited).collect();
        assert_eq!(knowledge.standing(&before).await.unwrap().len(), 7, "{name}");
        let mut next = shop();
        next.remove(1);
        next[0].text = "Tienes 60 días para devolver un pedido.".into();
        let synced = knowledge.sync("shop", next.clone(), |_, _| ()).await.unwrap();
        assert_eq!(synced, Synced { changed: 1, removed: 1, unchanged: 5, ..Synced::default() }, "{name}");
        let standing = knowledge.standing(&before).await.unwrap();
        assert_eq!(standing, before[2..].iter().cloned().collect(), "{name}: neither the old text nor what is gone");
        assert!(knowledge.standing(&[cited(&next[0])]).await.unwrap().len() == 1, "{name}: the new text stands");
        assert!(!ids(&knowledge, "Canarias envíos", &Filter::everything()).await.contains("envios.md"), "{name}: gone");
        let found = knowledge.search("devolver reembolso tarjeta", &Filter::public(), 9).await.unwrap();
        let texts: Vec<_> =
            found.iter().filter(|f| f.passage.document == "devoluciones.md").map(|f| &f.passage.text).collect();
        assert_eq!(texts, [&next[0].text], "{name}: neither old passage is left");
        // Another source is another matter, and an emptied document is one without passages.
        assert!(ids(&knowledge, "envíos gratis", &Filter::public()).await.contains("blog.md"), "{name}");
        next[0].text = "  ".into();
        knowledge.sync("shop", next, |_, _| ()).await.unwrap();
        assert!(!ids(&knowledge, "devolver", &Filter::public()).await.contains("devoluciones.md"), "{name}: emptied");
        knowledge.sync("shop", [], |_, _| ()).await.unwrap();
        assert_eq!(knowledge.count().await.unwrap(), 1, "{name}: only the other source's");
    }
}

/// Knows what two words mean.
struct Meant;

#[async_trait::async_trait]
impl relevo_llm::Embedder for Meant {
    fn name(&self) -> &'static str {
        "meant"
    }

    async fn embed(
        &self,
        texts: &[String],
        _: &tokio_util::sync::CancellationToken,
    ) -> Result<Vec<Vec<f32>>, relevo_llm::Error> {
        let axis = |text: &String| {
            let money = text.contains("reembolso") || text.contains("dinero");
            if money { vec![3.0, 0.4, 0.0] } else { vec![0.0, 0.4, 3.0] }
        };
        Ok(texts.iter().map(axis).collect())
    }
}

// covers: A06
#[tokio::test]
async fn a_passage_that_means_the_same_is_found_without_a_shared_word() {
    for (name, index) in indexes().await {
        let question = "dinero";
        let words_alone = Knowledge::new(Arc::new(Embedded::default()));
        words_alone.sync("shop", shop(), |_, _| ()).await.unwrap();
        assert!(words_alone.search(question, &Filter::public(), 3).await.unwrap().is_empty());
        let knowledge = Knowledge::new(index).with_meanings(Meanings::new(Arc::new(Meant), 0.3));
        knowledge.sync("shop", shop(), |_, _| ()).await.unwrap();
        let found = knowledge.search(question, &Filter::public(), 3).await.unwrap();
        assert_eq!(found[0].passage.title, "devoluciones · Reembolsos", "{name}: {found:?}");
        assert!(found[0].meaning.unwrap() > 0.99 && found[0].likeness > 0.9, "{name}: {:?}", found[0]);
        assert!(found[1].likeness < 0.1, "{name}: {:?}", found[1]);
        let none = Filter { language: Some(Language::Pt), ..Filter::public() };
        assert!(knowledge.search(question, &none, 3).await.unwrap().is_empty(), "{name}: filtered here too");
    }
}
