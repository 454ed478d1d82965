use std::sync::Arc;

use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use relevo_llm::{Error, Role};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Style;
use super::keeps::{Became, Value, Wording, changes};
use crate::copilot::{Copilot, Input, MakeError, Silent, Task};
use crate::text::Language;
use crate::transcript::{Line, Who};

const DRAFT: &str = "Hola Ana, tu pedido AB-48213 de 42,50 € sale el lunes 12/05. Escribe a ana@example.com o mira \
                     https://tienda.example/pedidos.";

fn input() -> Input {
    let lines = vec![Line::new(1, Who::Visitor, "¿Dónde está mi pedido?"), Line::new(2, Who::Note, "CANARY-NOTE")];
    Input { nonce: "n0nce".into(), ..Input::new(lines) }
}

fn by(model: Scripted) -> (Copilot, Arc<Scripted>) {
    let model = Arc::new(model);
    (Copilot::offline().with_model(model.clone(), Counter::upper()), model)
}

async fn make(copilot: &Copilot, draft: &str, style: Style) -> Result<crate::Draft, MakeError> {
    let task = Task::Rewrite { draft: draft.into(), style };
    copilot.make(&task, &input(), &Silent, &CancellationToken::new()).await
}

// covers: A03; behaviour 21
#[tokio::test]
async fn a_rewriting_that_changes_a_number_or_drops_an_address_is_kept_with_a_warning_and_the_original() {
    let (copilot, model) = by(Scripted::saying(["Hola Ana, tu pedido AB-48213 de 45,20 € sale el lunes 12/05."]));
    let made = make(&copilot, DRAFT, Style::Shorter).await.unwrap();
    assert_eq!(made.body["draft"], DRAFT, "undo needs the original");
    assert_eq!(
        made.body["warnings"],
        json!([
            {"what": "lost", "kind": "number", "value": "42.50"},
            {"what": "lost", "kind": "email", "value": "ana@example.com"},
            {"what": "lost", "kind": "url", "value": "https://tienda.example/pedidos"},
            {"what": "added", "kind": "number", "value": "45.20"},
        ])
    );
    assert_eq!((made.offline, made.prompt_version.len(), made.body["style"].as_str()), (false, 12, Some("shorter")));
    let request = &model.requests()[0];
    assert_eq!(request.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(), [Role::User]);
    let user = &request.turns[0].text;
    assert!(!user.contains("ana@example.com") && !user.contains("CANARY") && !user.contains("Dónde"), "{user}");
    insta::assert_snapshot!("rewrite_system", request.system);
    insta::assert_snapshot!("rewrite_user", user);
}

// covers: A03
#[test]
fn what_survives_in_other_words_is_no_warning() {
    let kept = "Buenos días, Ana: el lunes 12/05 sale su pedido AB-48213 (42.50 €). Más en \
                https://tienda.example/pedidos o en ana@example.com";
    assert_eq!(changes(DRAFT, kept, Wording::SameLanguage), []);
    let translated = "Hi Ana, your order AB-48213 of 42.50 € leaves on Monday 12/05. Write to ana@example.com or see \
                      https://tienda.example/pedidos.";
    assert_eq!(changes(DRAFT, translated, Wording::OtherLanguage), []);
    let told = |from: &str, to: &str| -> Vec<(Became, Value)> {
        changes(from, to, Wording::SameLanguage).into_iter().map(|one| (one.what, one.kind)).collect()
    };
    assert_eq!(told("Son 20 €.", "Son 20 $."), [(Became::Lost, Value::Currency), (Became::Added, Value::Currency)]);
    assert_eq!(told("Sale el lunes.", "Sale el martes."), [(Became::Lost, Value::Date), (Became::Added, Value::Date)]);
    assert_eq!(
        told("Lo lleva Marta Vidal.", "Lo lleva Pedro."),
        [(Became::Lost, Value::Name), (Became::Added, Value::Name)]
    );
    assert_eq!(told("El código es QX-77.", "El código es QX-78.")[0], (Became::Lost, Value::Number));
}

// covers: A03 A08
#[tokio::test]
async fn offline_rules_do_what_is_honest_and_the_rest_needs_a_model() {
    let offline = Copilot::offline();
    let text = async |draft: &str, style| make(&offline, draft, style).await.unwrap().body["text"].clone();
    assert_eq!(
        text("hola  ana ,su devolucion esta lista!!", Style::Corrected).await,
        "¡Hola ana, su devolución esta lista!"
    );
    assert_eq!(text("hola, cuando llega el envio?", Style::Corrected).await, "Hola, ¿cuando llega el envío?");
    assert_eq!(text("nao recebi a informacao", Style::Corrected).await, "Não recebi a informação.");
    assert_eq!(text("i dont see it.can i help", Style::Corrected).await, "I don't see it.can I help.");
    assert_eq!(text("mira https://x.example/a.html", Style::Corrected).await, "Mira https://x.example/a.html");
    assert_eq!(
        text("Okay, in order to check I need the code. Thanks for waiting! Is there anything else?", Style::Shorter)
            .await,
        "To check I need the code."
    );
    assert_eq!(text("Hey, I can't see it, sorry.", Style::Formal).await, "Hello, I cannot see it, sorry.");
    assert_eq!(
        text("Su pedido sale hoy.", Style::Friendlier).await,
        "¡Hola! Su pedido sale hoy. ¡Aquí estoy para lo que haga falta!"
    );
    for style in [Style::Clearer, Style::Longer, Style::Translated] {
        let refused = make(&offline, DRAFT, style).await.unwrap_err();
        assert_eq!(refused, MakeError::NeedsModel { reason: None, usage: None });
        assert_eq!(refused.to_string(), "this rewriting needs a model");
    }
}

// behaviour 18
#[tokio::test]
async fn when_the_model_is_down_rules_do_what_they_can_and_say_so() {
    let (copilot, _) = by(Scripted::failing(Error::transient("503")));
    let made = make(&copilot, "hola ,gracias", Style::Corrected).await.unwrap();
    assert!(made.offline && made.fallback.is_some(), "{made:?}");
    let refused = make(&copilot, DRAFT, Style::Translated).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
}

// behaviour 22
#[tokio::test]
async fn a_translation_is_in_the_customers_language_and_other_rewritings_in_the_drafts() {
    let (copilot, model) = by(Scripted::saying(["x"]));
    let draft = "Your parcel leaves tomorrow, we will write to you.";
    assert_eq!(make(&copilot, draft, Style::Translated).await.unwrap().language, Language::Es);
    assert_eq!(make(&copilot, draft, Style::Shorter).await.unwrap().language, Language::En);
    let asked: Vec<String> = model.requests().iter().map(|request| request.turns[0].text.clone()).collect();
    assert!(asked[0].contains("Write in Spanish.") && asked[1].contains("Write in English."), "{asked:?}");
}
