use std::collections::BTreeMap;
use std::sync::Arc;

use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::copilot::{Copilot, Input, Silent, Task};
use crate::knowledge::{Audience, Document, Kind, article};
use crate::transcript::{Line, Who};

const RETURNS: &str =
    "# Devoluciones\n\nPuedes devolver un pedido en 30 días. Escribe a https://tienda.example/devoluciones.\n";
const INTERNAL: &str = "---\ntitle: Devoluciones de pedidos grandes\ninternal: true\n---\nPara devolver un pedido de más de 200 € avisa a CANARY-INTERNAL.\n";

async fn copilot() -> Copilot {
    let copilot = Copilot::offline();
    let articles = [("devoluciones.md", RETURNS), ("grandes.md", INTERNAL)];
    let articles = articles.into_iter().filter_map(|(path, text)| article(path, text));
    copilot.knowledge().sync("articles", articles, |_, _| ()).await.unwrap();
    copilot
}

fn input(asks: &str) -> Input {
    let mut input = Input::new(vec![Line::new(1, Who::Visitor, asks), Line::new(2, Who::Note, "CANARY-NOTE")]);
    input.nonce = "n0nce".into();
    input.internal = false;
    input
}

fn with(copilot: Copilot, answer: &str) -> (Copilot, Arc<Scripted>) {
    let model = Arc::new(Scripted::saying([answer]));
    (copilot.with_model(model.clone(), Counter::upper()), model)
}

async fn make(copilot: &Copilot, input: &Input) -> crate::Draft {
    copilot.make(&Task::Reply, input, &Silent, &CancellationToken::new()).await.unwrap()
}

// covers: A02; behaviour 11
#[tokio::test]
async fn citations_are_held_against_the_sources_that_were_given() {
    let answer = "Tienes 30 días para devolverlo [1]. Más en https://tienda.example/devoluciones [9]\n===\n\
                  Te regalamos 500 € [2]. ¿Me das el número de pedido?";
    let (copilot, model) = with(copilot().await, answer);
    let draft = make(&copilot, &input("¿Cómo puedo devolver un pedido?")).await;
    assert_eq!(
        draft.body["suggestions"],
        json!([
            {"text": "Tienes 30 días para devolverlo. Más en https://tienda.example/devoluciones", "sources": [1], "grounded": true, "internal": false},
            {"text": "¿Me das el número de pedido?", "sources": [], "grounded": false, "internal": false},
        ])
    );
    assert_eq!(draft.body["dropped"], 3, "[9], [2] and the invented amount");
    let source = &draft.sources[0];
    assert_eq!((source.kind, source.id.as_str(), source.span.is_some()), ("article", "devoluciones.md", true));
    assert_eq!(source.version.as_deref().map(str::len), Some(12));
    let request = &model.requests()[0];
    let user = &request.turns[0].text;
    // behaviour 6, behaviour 8
    assert!(!user.contains("CANARY"), "neither notes nor what the agent may not read: {user}");
    assert!(user.contains("Write the drafts in Spanish."));
    insta::assert_snapshot!("reply_system", request.system);
    insta::assert_snapshot!("reply_user", user);
}

// covers: A02
#[tokio::test]
async fn a_shortcut_is_suggested_as_it_reads_in_the_conversation_and_not_where_it_lacks_a_value() {
    let shortcut = |id: &str, text: &str| Document {
        kind: Kind::Shortcut,
        id: id.into(),
        title: id.into(),
        language: None,
        audience: Audience::Public,
        inboxes: std::collections::BTreeSet::new(),
        text: text.into(),
    };
    let copilot = Copilot::offline();
    let known = [
        shortcut("estado.es", "El pedido salió del almacén y llega mañana"),
        shortcut("retraso.es", "El pedido salió con retraso del almacén"),
    ];
    copilot.knowledge().sync("shortcuts", known, |_, _| ()).await.unwrap();
    let mut input = input("¿Mi pedido ya salió del almacén?");
    let here = ("estado.es".to_owned(), "El pedido A-1042 salió del almacén y llega mañana".to_owned());
    input.shortcuts = Some(BTreeMap::from([here.clone()]));
    let offline = make(&copilot, &input).await;
    let texts = |draft: &crate::Draft| -> Vec<String> {
        let all = draft.body["suggestions"].as_array().unwrap();
        all.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&offline), [here.1.as_str()]);
    let (copilot, model) = with(copilot, "Ya salió: llega mañana [1].");
    make(&copilot, &input).await;
    let user = &model.requests()[0].turns[0].text;
    assert!(user.contains(&here.1) && !user.contains("retraso"), "{user}");
}

// behaviour 8
#[tokio::test]
async fn a_suggestion_from_an_internal_source_is_marked() {
    let (copilot, _) = with(copilot().await, "Aviso a mi compañero [1] y [2].");
    let mut input = input("Quiero devolver un pedido de más de 200 €");
    input.internal = true;
    let draft = make(&copilot, &input).await;
    assert_eq!(draft.body["suggestions"][0]["internal"], true, "{}", draft.body);
    // What cites nothing may rest on it, too.
    let (copilot, _) = with(self::copilot().await, "Aviso a mi compañero.");
    let draft = make(&copilot, &input).await;
    assert_eq!(draft.body["suggestions"][0]["internal"], true, "{}", draft.body);
}

// behaviour 8
#[tokio::test]
async fn a_draft_is_marked_whose_model_had_read_something_internal_and_cites_only_what_is_public() {
    let mut input = input("¿Cómo puedo devolver un pedido de más de 200 €?");
    let told = "Si pasa de 200 €, hay que hablar antes con un compañero";
    for (may, read) in [(true, true), (false, false)] {
        input.internal = may;
        let plain = copilot().await;
        let citable = super::citable(&plain, &input).await;
        let public = citable.iter().find(|source| !source.internal).expect("a public article is found too");
        let (copilot, model) = with(plain, &format!("{told} [{}].", public.reference.n));
        let draft = make(&copilot, &input).await;
        let suggestion = &draft.body["suggestions"][0];
        assert_eq!(model.requests()[0].turns[0].text.contains("CANARY-INTERNAL"), read);
        assert_eq!((draft.sources.len(), draft.sources[0].id == public.reference.id), (1, true), "{draft:?}");
        assert_eq!((&suggestion["internal"], &suggestion["grounded"]), (&json!(read), &json!(true)), "{suggestion}");
    }
}

// covers: H18; behaviour 8
#[tokio::test]
async fn the_first_reply_of_a_brief_is_one_that_customers_may_read() {
    let copilot = copilot().await;
    let mut input = input("Quiero devolver un pedido de más de 200 €, avisa a tu compañero");
    input.internal = true;
    let best = &make(&copilot, &input).await.body["suggestions"][0];
    assert_eq!(best["internal"], true, "the internal one fits best: {best}");
    let brief = copilot.make(&Task::Brief, &input, &Silent, &CancellationToken::new()).await.unwrap().body;
    assert!(!brief.to_string().contains("CANARY-INTERNAL"), "{brief}");
}

// behaviour 12
#[tokio::test]
async fn without_any_source_no_model_is_asked_and_nothing_is_invented() {
    let (copilot, model) = with(copilot().await, "Claro, te devolvemos el dinero.");
    let draft = make(&copilot, &input("¿Qué tiempo hará en Marte?")).await;
    assert!(model.requests().is_empty());
    assert_eq!(draft.body["suggestions"], json!([]));
    assert!(draft.offline);
}

// behaviour 10
#[tokio::test]
async fn images_and_strange_links_are_taken_out_of_drafts() {
    let (copilot, _) =
        with(copilot().await, "Mira ![x](http://evil/?q=secret) <script>x()</script>https://evil.example/ esto [1].");
    let draft = make(&copilot, &input("¿Cómo puedo devolver un pedido?")).await;
    assert_eq!(draft.body["suggestions"][0]["text"], "Mira esto.");
}

// covers: A02
#[tokio::test]
async fn offline_suggestions_come_from_articles_and_earlier_answers() {
    let copilot = copilot().await;
    let said = |n: u64, reply: &str| {
        [Line::new(n, Who::Visitor, "¿Dónde está mi paquete?"), Line::new(n + 1, Who::Agent, reply)]
    };
    copilot.learn("c9", &said(1, "¿Me das el número de envío?"), &[]);
    let draft = make(&copilot, &input("¿Cómo puedo devolver un pedido?")).await;
    let first = &draft.body["suggestions"][0];
    assert!(first["text"].as_str().unwrap().contains("30 días"), "{first}");
    assert_eq!((draft.sources[0].kind, first["grounded"].as_bool()), ("article", Some(true)));
    let draft = make(&copilot, &input("donde está mi paquete??")).await;
    assert_eq!(draft.body["suggestions"][0]["text"], "¿Me das el número de envío?");
    assert_eq!((draft.sources[0].kind, draft.sources[0].id.as_str()), ("conversation", "c9"));
}

// covers: A02
#[tokio::test]
async fn what_is_usually_answered_stands_before_an_article_and_what_is_seldom_answered_behind_it() {
    let copilot = copilot().await;
    let asks = "¿Cómo puedo devolver un pedido?";
    let (usual, rare) = ("¿Me das el número de pedido?", "Te paso con mi compañera.");
    for n in 0..=30 {
        let reply = if n == 30 { rare } else { usual };
        copilot.learn(&format!("c{n}"), &[Line::new(1, Who::Visitor, asks), Line::new(2, Who::Agent, reply)], &[]);
    }
    let draft = make(&copilot, &input(asks)).await;
    let texts: Vec<_> = draft.body["suggestions"].as_array().unwrap().iter().map(|one| one["text"].as_str()).collect();
    assert!(texts[1].is_some_and(|text| text.contains("30 días")), "{texts:?}");
    assert_eq!((texts[0], texts[2]), (Some(usual), Some(rare)));
}

// covers: H18
#[tokio::test]
async fn a_first_reply_is_for_whoever_answers_first() {
    let copilot = copilot().await;
    let mut input = input("¿Cómo puedo devolver un pedido?");
    let brief = async |input: &Input| {
        let brief = copilot.make(&Task::Brief, input, &Silent, &CancellationToken::new()).await.unwrap();
        brief.body["suggested_reply"].clone()
    };
    assert!(brief(&input).await.as_str().is_some_and(|reply| reply.contains("30 días")));
    input.lines.push(Line::new(3, Who::Agent, "Un momento."));
    input.lines.push(Line::new(4, Who::Visitor, "¿Cómo puedo devolver un pedido?"));
    assert_eq!(brief(&input).await, json!(null));
}

// covers: A10; behaviour 7
#[tokio::test]
async fn a_reply_that_was_meant_for_one_customer_alone_is_not_learnt() {
    let copilot = Copilot::offline();
    let said = |reply: &str| {
        [
            Line::new(1, Who::Visitor, "Soy Marta Vidal, ¿dónde está mi paquete ZX-8841?"),
            Line::new(2, Who::Note, "CANARY-NOTE"),
            Line::new(3, Who::Visitor, "¿Dónde está mi paquete?"),
            Line::new(4, Who::Agent, reply),
        ]
    };
    for reply in [
        "Te lo mando a marta@example.com",
        "Claro, Marta, lo miro",
        "El ZX-8841 salió ayer",
        "Va a la calle Olmo 7",
        "Te llamo al +34 612 345 678",
    ] {
        // Each replaces what the one before taught.
        copilot.learn("theirs", &said(reply), &["calle Olmo 7".into()]);
        let draft = make(&copilot, &input("¿Dónde está mi paquete?")).await;
        assert_eq!(draft.body["suggestions"], json!([]), "{reply}");
    }
    copilot.learn("ours", &said("Lo miro y te digo."), &[]);
    let draft = make(&copilot, &input("¿Dónde está mi paquete?")).await;
    assert_eq!(draft.body["suggestions"][0]["text"], "Lo miro y te digo.");
}

// behaviour 8
#[tokio::test]
async fn an_answer_given_in_a_conversation_that_may_not_be_opened_is_not_suggested() {
    let copilot = Copilot::offline();
    let said = |reply: &str| [Line::new(1, Who::Visitor, "¿Dónde está mi paquete?"), Line::new(2, Who::Agent, reply)];
    copilot.learn("theirs", &said("CANARY-OTHER"), &[]);
    let (copilot, model) = with(copilot, "Lo miro [1].");
    let mut input = input("¿Dónde está mi paquete?");
    input.may_cite = Some(std::collections::HashSet::new());
    assert_eq!(make(&copilot, &input).await.body["suggestions"], json!([]));
    assert!(model.requests().is_empty());
    input.may_cite = Some(["theirs".to_owned()].into());
    make(&copilot, &input).await;
    assert!(model.requests()[0].turns[0].text.contains("CANARY-OTHER"));
}

#[test]
fn what_nobody_has_answered_yet_is_asked_twice() {
    let lines = vec![
        Line::new(1, Who::Visitor, "¿Dónde está mi factura?"),
        Line::new(2, Who::Agent, "Te la envío."),
        Line::new(3, Who::Visitor, "Gracias."),
        Line::new(4, Who::Note, "impaciente"),
        Line::new(5, Who::Visitor, "¿Y mi lámpara?"),
        Line::new(6, Who::Agent, "Un momento."),
    ];
    let asked = super::question(&Input::new(lines));
    assert_eq!(asked, "¿Dónde está mi factura? Gracias. ¿Y mi lámpara? Gracias. ¿Y mi lámpara?");
}
