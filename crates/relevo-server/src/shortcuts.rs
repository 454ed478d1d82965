//! Shortcuts in conversations: what their templates know there, and how the Copilot reads them.

use crate::agents::AgentBook;
use crate::library::LiveLibrary;
use async_trait::async_trait;
use relevo::desk::Desk;
use relevo::domain::conversation::Conversation;
use relevo::domain::id::{AgentId, ConversationId};
use relevo::domain::shortcut::{AgentWords, ContactWords, ConversationWords, InboxWords, Library, ShortcutContext};
use relevo::store::{Agent, StoreError};
use relevo_copilot::knowledge::{Audience, Document, Kind};
use relevo_copilot::text::Language;
use relevo_copilot::worker::Shortcuts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What templates may know of a conversation. Without an agent they do not know who will send it.
pub(crate) async fn context(
    desk: &Desk,
    agent: Option<&Agent>,
    state: &Conversation,
    inputs: BTreeMap<String, String>,
) -> Result<ShortcutContext, StoreError> {
    let contact = desk.store().contact(state.contact).await?;
    let contact = contact.map_or_else(ContactWords::default, |contact| ContactWords {
        name: contact.name,
        email: contact.email,
        phone: contact.phone,
        attributes: contact.attributes.into_iter().map(|(key, value)| (key, Value::from(value))).collect(),
        ..ContactWords::default()
    });
    let inbox = desk.directory().inboxes.get(&state.inbox);
    let now = desk.clock().now();
    Ok(ShortcutContext {
        contact,
        agent: AgentWords { name: agent.map(|agent| agent.name.clone()), ..AgentWords::default() },
        conversation: ConversationWords {
            id: state.id.to_string(),
            language: state.language.clone(),
            captured: state.captured.clone(),
            labels: state.labels.iter().cloned().collect(),
        },
        inbox: InboxWords {
            id: state.inbox.to_string(),
            name: inbox.map(|inbox| inbox.name.clone()).unwrap_or_default(),
        },
        inputs,
        now: now.to_rfc3339(),
        hour: u8::try_from(now.0.div_euclid(3_600_000_000).rem_euclid(24)).ok(),
    })
}

/// Shortcuts are answers that the team has agreed on: the Copilot finds them by their words.
pub(crate) fn sources(library: &Library) -> Vec<Document> {
    let variants = library.shortcuts().flat_map(|shortcut| shortcut.variants.values().map(move |v| (shortcut, v)));
    variants
        .map(|(shortcut, variant)| Document {
            kind: Kind::Shortcut,
            id: source_id(&shortcut.name, variant.language.code()),
            title: variant.title.clone(),
            text: words(&variant.body),
            language: crate::routes::artifacts::language(variant.language.code()),
            audience: Audience::Public,
            inboxes: BTreeSet::new(),
        })
        .collect()
}

fn source_id(name: &str, language: &str) -> String {
    format!("{name}.{language}")
}

/// A template's own words, without what it fills in.
fn words(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        rest = after.split_once("}}").map_or("", |(_, after)| after.trim_start_matches('}'));
    }
    text + rest
}

/// How shortcuts read in the conversations of this deployment.
pub(crate) struct InConversations {
    /// Conversations.
    pub desk: Desk,
    /// Shortcuts.
    pub library: Arc<LiveLibrary>,
    /// Who sends them.
    pub agents: Arc<AgentBook>,
}

#[async_trait]
impl Shortcuts for InConversations {
    async fn rendered(
        &self,
        conversation: ConversationId,
        by: Option<AgentId>,
        language: Language,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let Some(state) = self.desk.store().load(conversation).await? else { return Ok(BTreeMap::new()) };
        let agent = by.and_then(|id| self.agents.get(id));
        let context = context(&self.desk, agent.as_ref(), &state, BTreeMap::new()).await?;
        Ok(rendered(&self.library.current(), &context, language))
    }
}

/// The shortcuts that lack no value, by their source's id.
pub(crate) fn rendered(library: &Library, context: &ShortcutContext, language: Language) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for shortcut in library.shortcuts() {
        let variant = shortcut.variant(Some(language.tag()));
        // What cannot be rendered here is told where shortcuts are checked; it is only not suggested.
        if let Ok(rendered) = variant.render(context)
            && rendered.missing.is_empty()
        {
            texts.insert(source_id(&shortcut.name, variant.language.code()), rendered.text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_copilot::transcript::{Line, Who};
    use relevo_copilot::{Copilot, Input, Silent, Task};
    use tokio_util::sync::CancellationToken;

    #[test]
    fn a_template_is_found_by_its_own_words_only() {
        assert_eq!(words("Hola {{contact.name}}, {{#if x}}sí{{else}}no{{/if}}{{{raw}}}!"), "Hola , síno!");
        assert_eq!(words("sin plantilla"), "sin plantilla");
        assert_eq!(words("rota {{#if"), "rota ");
    }

    // covers: A02
    #[test]
    fn the_shortcuts_that_ship_answer_what_they_are_for_and_keep_silent_otherwise() {
        let library = LiveLibrary::open(None).unwrap();
        let copilot = Copilot::offline();
        let shortcuts = sources(&library.current());
        futures::executor::block_on(copilot.knowledge().sync("shortcuts", shortcuts, |_, _| ())).unwrap();
        let best = |question: &str| {
            let mut input = Input::new(vec![Line::new(1, Who::Visitor, question)]);
            let here = sources(&library.current());
            let here = here.into_iter().filter(|source| source.language == Some(Language::Es));
            input.shortcuts = Some(here.map(|source| (source.id.clone(), source.id)).collect());
            let going_on = CancellationToken::new();
            let draft = futures::executor::block_on(copilot.make(&Task::Reply, &input, &Silent, &going_on)).unwrap();
            draft.body["suggestions"][0]["text"].as_str().map(str::to_owned)
        };
        for (question, answer) in [
            ("quiero hablar con alguien, necesito una factura", Some("invoice.es")),
            ("Quiero una devolución: ¿cuántos días tengo para devolver el pedido?", Some("return-policy.es")),
            ("buenas tardes, mi pedido A-2210 llegó con dos tazas rotas", None),
            ("mi pedido A-1042 llegó roto y quiero hablar con una persona", None),
            ("es la segunda vez que me pasa", None),
        ] {
            assert_eq!(best(question).as_deref(), answer, "{question}");
        }
    }
}
