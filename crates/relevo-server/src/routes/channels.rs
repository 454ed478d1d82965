//! What providers of channels post: visitors' messages, and what became of ours. Signed over the raw bytes; nothing is
//! looked at before that, and nothing is answered before it is on disk.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Named, bytes, parse, signed};
use crate::routes::widget::primary_language;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use relevo::desk::{Arrival, Done, Wish};
use relevo::domain::command::{Command, Inbound};
use relevo::domain::event::{Event, Origin};
use relevo::domain::id::{ContactId, ConversationId, InboxId, MessageId};
use relevo::domain::message::DeliveryState;
use relevo::store::{Contact, ContactEdit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The longest id that a provider may give something, and the longest name or e-mail address, in characters.
const MAX_CHARS: usize = 200;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(channel_message)).routes(routes!(channel_receipt))
}

/// Something that a visitor said to a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelMessage)]
struct Said {
    /// The provider's own id for it: the same one again changes nothing.
    id: String,
    contact: SaidBy,
    text: String,
    /// The payload of the button that the visitor pressed.
    #[serde(default)]
    payload: Option<String>,
    /// The visitor's, as in `es-MX`; heard with the first message of a conversation.
    #[serde(default)]
    language: Option<String>,
}

/// Who said it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelContact)]
struct SaidBy {
    /// The provider's own id for the person.
    external_id: String,
    /// Taken where none is known yet.
    #[serde(default)]
    name: Option<String>,
    /// Taken where none is known yet.
    #[serde(default)]
    email: Option<String>,
}

/// It is on disk.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelAck)]
struct Ack {
    #[schema(value_type = String)]
    conversation: ConversationId,
    /// Relevo's id for the message.
    #[schema(value_type = String)]
    message: MessageId,
}

/// Takes a visitor's message in. A repeat is acknowledged like the first.
#[utoipa::path(post, path = "/channels/{inbox}/messages", tag = "channels", params(("inbox" = String, Path)),
    request_body = Said,
    responses((status = 200, description = "On disk", body = Ack), (status = 401, description = "bad_signature"),
              (status = 422, description = "invalid, too_long"), (status = 429, description = "rate_limited")))]
async fn channel_message(
    State(app): State<App>,
    Named(inbox): Named<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Ack>> {
    let (inbox, said) = authentic::<Said>(&app, inbox, &headers, body).await?;
    let SaidBy { external_id, name, email } = said.contact;
    for (field, value) in [("id", &said.id), ("contact.external_id", &external_id)] {
        if value.is_empty() || value.chars().count() > MAX_CHARS {
            return Err(Problem::invalid(field, format!("needs 1 to {MAX_CHARS} characters")));
        }
    }
    for (field, value) in [("contact.name", &name), ("contact.email", &email), ("language", &said.language)] {
        not_too_long(field, value.as_deref())?;
    }
    let contact = contact_id(&inbox, &external_id);
    if let Err(problem) = not_too_fast(&app, &inbox, contact) {
        // What is on disk already is acknowledged however fast it comes again.
        let done = app.desk.received(&inbox, &said.id).await?.ok_or(problem)?;
        return acknowledged(&done);
    }
    known(&app, contact, external_id, name, email).await?;
    let inbound = Inbound {
        id: MessageId(app.desk.clock().id()),
        text: said.text,
        attachments: Vec::new(),
        payload: said.payload,
        client_id: Some(said.id.clone()),
        asks_for_human: None,
    };
    let arrival = Arrival {
        inbox,
        contact,
        language: said.language.as_deref().map(primary_language),
        origin: Origin::default(),
        wish: Wish::Say(inbound),
        provider_id: Some(said.id),
    };
    let done = app.desk.receive(arrival).await?;
    relevo::crash_point!("before_ack");
    acknowledged(&done)
}

fn acknowledged(done: &Done) -> Result<axum::Json<Ack>> {
    let message = done.facts.iter().find_map(|fact| match &fact.event {
        Event::MessagePosted { message, .. } => Some(message.id),
        _ => None,
    });
    let message = message.ok_or_else(|| Problem::internal(&"an accepted message is not among its facts"))?;
    Ok(axum::Json(Ack { conversation: done.state.id, message }))
}

/// What became of a message that Relevo gave the provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelReceipt)]
struct Receipt {
    /// As the message came with it.
    #[schema(value_type = String)]
    conversation: ConversationId,
    /// The message's id, which is also its `webhook-id`.
    #[schema(value_type = String)]
    message: MessageId,
    state: Reached,
    /// Why it failed, for agents.
    #[serde(default)]
    reason: Option<String>,
}

/// How far it has come.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChannelReceiptState)]
enum Reached {
    Delivered,
    Read,
    Failed,
}

impl From<Reached> for DeliveryState {
    fn from(reached: Reached) -> Self {
        match reached {
            Reached::Delivered => Self::Delivered,
            Reached::Read => Self::Read,
            Reached::Failed => Self::Failed,
        }
    }
}

/// How far Relevo knows it to have come.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelReceiptAck)]
struct Known {
    #[schema(value_type = String)]
    state: DeliveryState,
}

/// Hears what became of a message: `read` stands over `delivered`, and that over `failed`, in whatever order they come.
#[utoipa::path(post, path = "/channels/{inbox}/receipts", tag = "channels", params(("inbox" = String, Path)),
    request_body = Receipt,
    responses((status = 200, description = "On disk", body = Known), (status = 401, description = "bad_signature"),
              (status = 404, description = "not_found: never given to this provider, or too long ago"),
              (status = 422, description = "invalid"), (status = 429, description = "rate_limited")))]
async fn channel_receipt(
    State(app): State<App>,
    Named(inbox): Named<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Known>> {
    let (inbox, receipt) = authentic::<Receipt>(&app, inbox, &headers, body).await?;
    not_too_long("reason", receipt.reason.as_deref())?;
    app.limiters.channel.check(&inbox).map_err(|wait| Problem::too_fast("too many requests", wait))?;
    let state = app.desk.store().load(receipt.conversation).await?.filter(|state| state.inbox == inbox);
    if !state.is_some_and(|state| state.receipts.contains_key(&receipt.message)) {
        return Err(Problem::not_found("message of this channel that news are waited for"));
    }
    let command =
        Command::RecordDelivery { message: receipt.message, state: receipt.state.into(), reason: receipt.reason };
    let done = app.desk.run(receipt.conversation, command).await?;
    let state = done.state.receipts.get(&receipt.message).copied().unwrap_or_else(|| receipt.state.into());
    Ok(axum::Json(Known { state }))
}

/// The body of a request that the inbox's provider has signed.
async fn authentic<T: DeserializeOwned>(
    app: &App,
    inbox: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<(InboxId, T)> {
    let body = bytes(body).await?;
    let secret = InboxId::new(inbox).ok().and_then(|inbox| Some((app.channel_secrets.get(&inbox)?, inbox)));
    let (secret, inbox) =
        secret.ok_or_else(|| Problem::unsigned("there is no inbox of this name with a provider that signs"))?;
    signed(secret, headers, &body, app.desk.clock().now())?;
    Ok((inbox, parse(&body)?))
}

fn not_too_long(field: &str, value: Option<&str>) -> Result<()> {
    if value.is_some_and(|value| value.chars().count() > MAX_CHARS) {
        return Err(Problem::invalid(field, format!("the limit is {MAX_CHARS} characters: shorten it")));
    }
    Ok(())
}

/// A provider speaks for many from one address: each person has the rate of a visitor, and all together one more.
fn not_too_fast(app: &App, inbox: &InboxId, contact: ContactId) -> Result<()> {
    let (limits, key) = (&app.limiters, contact.to_string());
    limits.channel.check(inbox).map_err(|wait| Problem::too_fast("too many requests", wait))?;
    let rate = limits.visitor_burst.check(&key).and_then(|()| limits.visitor_hour.check(&key));
    rate.map_err(|wait| Problem::too_fast("too many messages of this contact", wait))
}

/// The same person is the same contact, also where the first messages come at the same moment.
fn contact_id(inbox: &InboxId, external_id: &str) -> ContactId {
    ContactId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{inbox}\n{external_id}").as_bytes()))
}

/// Remembers who it is. What is known already stays: an old message that comes again takes nothing back, and what agents
/// wrote stands.
async fn known(
    app: &App,
    id: ContactId,
    external_id: String,
    name: Option<String>,
    email: Option<String>,
) -> Result<()> {
    let trimmed = |value: Option<String>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (name, email) = (trimmed(name), trimmed(email));
    let store = app.desk.store();
    let Some(contact) = store.contact(id).await? else {
        let contact = Contact {
            id,
            name,
            email,
            phone: None,
            verified: true,
            external_id: Some(external_id),
            attributes: BTreeMap::new(),
            created_at: app.desk.clock().now(),
        };
        return Ok(store.create_contact(&contact).await?);
    };
    let fills = |known: &Option<String>, told: Option<String>| told.filter(|_| known.is_none()).map(Some);
    let edit =
        ContactEdit { name: fills(&contact.name, name), email: fills(&contact.email, email), ..ContactEdit::default() };
    if edit != ContactEdit::default() {
        store.edit_contact(id, &edit).await?;
    }
    Ok(())
}
