//! Search as you type.

use super::views::{agent, everything, listed};
use super::{Fresh, put};
use crate::store::{ContactEdit, Query};
use crate::testing::corpus::{contact, conversation, message, next, notes, says, started, team, turn};
use relevo_domain::card::{View, Visibility};
use relevo_domain::command::Role;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Event, FenceCheck, Status, Withheld};
use relevo_domain::id::ConversationId;
use relevo_domain::message::{Actor, DeliveryState};

/// By any part of a name, e-mail or phone number, from the beginning of a word on.
pub async fn people_are_found_by_name_email_and_phone(store: &Fresh) {
    two_people(store).await;
    for query in
        ["José", "muñoz", "jose mun", "jos", "jose.munoz@ejemplo.es", "ejemplo", "+34 600 123 456", "600123", "456"]
    {
        assert_eq!(found(store, query).await, [conversation(1)], "{query}");
    }
    for query in ["zulema", "jose zulema", "unoz", "600999", "601"] {
        assert!(found(store, query).await.is_empty(), "{query}");
    }
}

/// In what anybody said.
pub async fn words_are_found_whatever_their_accents_and_case(store: &Fresh) {
    two_people(store).await;
    for query in ["donde", "DÓNDE", "¿Dónde está?", "pedido", "pedi", "a-1234", "1234", "está mi"] {
        assert_eq!(found(store, query).await, [conversation(1)], "{query}");
    }
    assert_eq!(found(store, "coracao SAO").await, [conversation(2)]);
    assert_eq!(found(store, "漢字").await, [conversation(2)]);
    assert!(found(store, "edido").await.is_empty(), "the end of a word is not its beginning");
}

/// Words may be found in different messages, and partly in the contact.
pub async fn all_words_of_a_query_must_be_found(store: &Fresh) {
    two_people(store).await;
    assert_eq!(found(store, "munoz pedido gracias").await, [conversation(1)]);
    assert!(found(store, "munoz pedido obrigado").await.is_empty());
    // Two words that are each found, but not in the same conversation.
    assert!(found(store, "pedido coracao").await.is_empty());
    // What holds no word asks for nothing.
    assert_eq!(found(store, " …!? ").await, [conversation(2), conversation(1)]);
}

/// Agents see notes, and so they find them; what was said at a hand-over or a transfer is a note too.
pub async fn notes_are_found(store: &Fresh) {
    let state = two_people(store).await;
    let noted = notes(&state, "Cliente enfadadísimo");
    put(store, noted.clone()).await;
    assert_eq!(found(store, "enfadadis").await, [conversation(1)]);
    let control = state.control.pass_to(state.control.holder.clone());
    let event = Event::HandedBack {
        bot: turn(1).bot,
        agent: agent(1, Role::Agent, &[]).id,
        note: Some("reembolso".into()),
        control,
    };
    put(store, next(&noted.state, vec![(Actor::System, event)])).await;
    assert_eq!(found(store, "reembolso").await, [conversation(1)]);
}

/// What a fence withheld was not said.
pub async fn withheld_words_are_not_found(store: &Fresh) {
    let state = two_people(store).await;
    let what = Withheld::Message { message: message(&state, "descuento") };
    let event = Event::Suppressed { turn: turn(1), epoch: turn(1).epoch, at: FenceCheck::Accepted, what };
    put(store, next(&state, vec![(Actor::System, event)])).await;
    assert!(found(store, "descuento").await.is_empty());
}

/// What is removed is gone from every fact that repeated it and from the search; that it was there, and what others said,
/// stays.
pub async fn a_removed_message_leaves_no_word_in_its_facts_and_is_not_found(store: &Fresh) {
    let state = two_people(store).await;
    let secret = message(&state, "la clave es CANARY-77 y mi pedido");
    let posted = Event::MessagePosted { message: secret.clone(), turn: None, window_ends_at: None };
    let claimed = Event::DeliveryClaimed { message: secret.clone(), state: DeliveryState::Sent };
    let said = next(&state, vec![(Actor::Visitor, posted), (Actor::System, claimed)]);
    put(store, said.clone()).await;
    assert_eq!(found(store, "canary clave").await, [conversation(1)]);
    let kept = says(&said.state, "mi pedido sigue sin llegar");
    put(store, kept.clone()).await;
    let removed = Event::MessageRemoved { message: secret.id, posted: state.seq + 1 };
    put(store, next(&kept.state, vec![(Actor::System, removed)])).await;
    assert!(found(store, "canary").await.is_empty() && found(store, "clave").await.is_empty());
    assert_eq!(found(store, "sigue").await, [conversation(1)], "what others said is still found");
    let facts = store.read(conversation(1), 0, 100).await.unwrap();
    let followed = store.follow(0, 100).await.unwrap();
    assert!(!format!("{facts:?}{followed:?}").contains("CANARY"), "{facts:?}");
    let gone = facts.iter().find(|fact| fact.seq == state.seq + 1).expect("it keeps its number");
    let Event::MessagePosted { message, .. } = &gone.event else { panic!("{gone:?}") };
    assert!(message.is_removed() && message.id == secret.id && message.author == Actor::Visitor);
    let state = store.load(conversation(1)).await.unwrap();
    assert_eq!(Conversation::replay(&facts).map(|state| state.last), state.map(|state| state.last));
}

/// A search answers for what is, not for what was.
pub async fn an_edited_contact_is_found_by_its_new_name_only(store: &Fresh) {
    two_people(store).await;
    let edit = ContactEdit { name: Some(Some("Pepa Ruiz".into())), phone: Some(None), ..ContactEdit::default() };
    store.edit_contact(contact(1).id, &edit).await.unwrap();
    assert_eq!(found(store, "pepa").await, [conversation(1)]);
    assert_eq!(found(store, "ejemplo").await, [conversation(1)], "what was not edited is still found");
    assert!(found(store, "jose x").await.is_empty());
    assert!(found(store, "600123").await.is_empty());
}

/// Whatever is typed is words.
pub async fn no_query_is_taken_for_an_instruction(store: &Fresh) {
    two_people(store).await;
    for query in ["pedido\"", "\"pedido", "pedido*", "^pedido", "(pedido", "pedido)", "-pedido", "pedido:", "'pedido'"]
    {
        assert_eq!(found(store, query).await, [conversation(1)], "{query}");
    }
    for query in ["pedido OR coracao", "pedido NOT gracias", "NEAR(pedido mi)", "x' OR '1'='1", "name:pedido", "%", "_"]
    {
        // No syntax error, and no word that is not there finds anything.
        let conversations = found(store, query).await;
        assert!(conversations.is_empty() || !query.contains(char::is_alphanumeric), "{query}");
    }
    assert!(found(store, &"palabra ".repeat(2_000)).await.is_empty());
}

/// Searching widens neither the view nor the rule.
pub async fn a_search_keeps_to_its_view_and_to_what_may_be_seen(store: &Fresh) {
    let state = two_people(store).await;
    let mut closed = says(&state, "hasta luego");
    closed.state.status = Status::Closed;
    closed.state.team = Some(team("sales"));
    put(store, closed).await;
    let stranger = agent(5, Role::Agent, &["support"]);
    let colleague = agent(6, Role::Agent, &["sales"]);
    let text = Some("pedido".to_owned());
    let query = Query { text, visibility: Visibility::Team, ..everything(&colleague, View::Closed) };
    assert_eq!(listed(store, &query).await, [conversation(1)]);
    assert!(listed(store, &Query { view: View::All, ..query.clone() }).await.is_empty());
    assert!(listed(store, &Query { agent: stranger, ..query }).await.is_empty());
}

async fn found(store: &Fresh, text: &str) -> Vec<ConversationId> {
    let query = Query { text: Some(text.into()), ..everything(&agent(1, Role::Agent, &[]), View::All) };
    listed(store, &query).await
}

/// José's conversation (1), whose state is given, and Zoë's (2).
async fn two_people(store: &Fresh) -> relevo_domain::conversation::Conversation {
    let mut jose = contact(1);
    jose.name = Some("José Muñoz".into());
    jose.email = Some("jose.munoz@ejemplo.es".into());
    jose.phone = Some("+34 600 123 456".into());
    store.create_contact(&jose).await.unwrap();
    let mut zoe = contact(2);
    zoe.name = Some("Zoë".into());
    store.create_contact(&zoe).await.unwrap();

    let first = started(1);
    put(store, first.clone()).await;
    let asked = says(&first.state, "¿Dónde está mi pedido A-1234?");
    put(store, asked.clone()).await;
    let thanked = says(&asked.state, "Gracias");
    put(store, thanked.clone()).await;

    let second = started(2);
    put(store, second.clone()).await;
    put(store, says(&second.state, "Coração de São João 漢字")).await;
    thanked.state
}
