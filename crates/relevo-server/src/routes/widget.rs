//! What the visitor's page asks before it opens its socket.

use crate::app::App;
use crate::country;
use crate::error::{Problem, Result};
use crate::extract::{Address, Json, Peer, own_origin};
use crate::sign_in;
use crate::tickets::{self, Principal, Visit};
use crate::ws::visitor::origin;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use relevo::channel::WEB;
use relevo::domain::id::{ContactId, ConversationId, InboxId};
use relevo::domain::message::{MAX_ATTACHMENTS, MAX_TEXT_CHARS};
use relevo::store::{Contact, ContactEdit, Visitor};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::IpAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(session, preflight)).layer(axum::middleware::from_fn(tell_why))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// The inbox that the page carries.
    inbox: String,
    /// What an earlier answer gave this browser.
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    page: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    referrer: Option<String>,
    #[serde(default)]
    utm: BTreeMap<String, String>,
    /// The device's, as the IANA database names it (`Europe/Madrid`).
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    identity: Option<Identity>,
}

/// The site vouches for its visitor: `hmac` is the hexadecimal HMAC-SHA256 of `id` with the inbox's secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Identity {
    id: String,
    hmac: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

/// A visitor's session: a token for this browser and a ticket for its socket.
#[utoipa::path(post, path = "/widget/session", tag = "widget", request_body = Hello,
    responses((status = 200, description = "Token, ticket, conversation", body = Session), (status = 401, description = "bad_identity"),
              (status = 403, description = "foreign_origin"), (status = 404, description = "not_found"),
              (status = 429, description = "rate_limited")))]
async fn session(
    State(app): State<App>,
    Address(address): Address,
    Peer(peer): Peer,
    headers: HeaderMap,
    Json(hello): Json<Hello>,
) -> Result<impl IntoResponse> {
    let inbox_id = InboxId::new(hello.inbox).map_err(|error| Problem::invalid("inbox", error))?;
    let inbox = app.desk.directory().inboxes.get(&inbox_id).filter(|inbox| inbox.channel == WEB);
    let inbox = inbox.ok_or_else(|| Problem::not_found("inbox that a page may carry"))?;
    let cors = allowed(&app, &inbox_id, &headers)?;
    for (field, value) in [("page", &hello.page), ("title", &hello.title), ("referrer", &hello.referrer)] {
        if value.as_ref().is_some_and(|value| value.chars().count() > 2_000) {
            return Err(Problem::invalid(field, "the limit is 2000 characters"));
        }
    }
    if hello.utm.len() > 20 || hello.utm.iter().any(|(key, value)| key.len() > 40 || value.len() > 200) {
        return Err(Problem::invalid("utm", "the limit is 20 parameters of 200 characters"));
    }
    let language = hello.language.as_deref().map(primary_language);
    let (contact, token) = who(&app, &inbox_id, address, hello.token, hello.identity).await?;
    let mut origin = origin(hello.page, hello.title, hello.referrer);
    origin.utm = hello.utm;
    origin.country = country::of(&app.config, peer, &headers, hello.time_zone.as_deref());
    origin.user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .map(|agent| agent.chars().take(300).collect());
    let visit = Box::new(Visit { language: language.clone(), origin });
    let holder = Principal::Visitor { contact: contact.id, inbox: inbox_id.clone(), visit };
    let ticket = tickets::issue(&app.desk, &holder).await?;
    let conversation = app.desk.store().thread(&inbox_id, contact.id).await?;
    let bot = inbox.policy.bot.as_ref().and_then(|id| {
        let plugged = app.desk.directory().bots.get(id)?;
        Some(BotInfo { id: id.to_string(), name: plugged.name.clone() })
    });
    let session = Session {
        token,
        ticket,
        conversation,
        contact: ContactInfo { id: contact.id, name: contact.name },
        language,
        inbox: InboxInfo { id: inbox_id.to_string(), name: inbox.name.clone(), bot },
        limits: Limits {
            text: MAX_TEXT_CHARS,
            attachments: MAX_ATTACHMENTS,
            attachment_bytes: app.config.limits.attachment_bytes,
        },
    };
    Ok((cors, axum::Json(session)))
}

/// A visitor's session.
#[derive(Serialize, ToSchema)]
#[schema(as = WidgetSession)]
struct Session {
    /// Names this browser's visitor, for good.
    token: String,
    /// For `/ws/visitor?ticket=…`, once, within 30 s.
    ticket: String,
    #[schema(value_type = Option<String>)]
    conversation: Option<ConversationId>,
    contact: ContactInfo,
    language: Option<String>,
    inbox: InboxInfo,
    limits: Limits,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WidgetContact)]
struct ContactInfo {
    #[schema(value_type = String)]
    id: ContactId,
    name: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WidgetInbox)]
struct InboxInfo {
    id: String,
    name: String,
    bot: Option<BotInfo>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WidgetBot)]
struct BotInfo {
    id: String,
    name: String,
}

/// What a message may carry.
#[derive(Serialize, ToSchema)]
#[schema(as = WidgetLimits)]
struct Limits {
    /// In characters.
    text: usize,
    /// Files.
    attachments: usize,
    /// Of a file.
    attachment_bytes: u64,
}

/// A browser asks whether it may ask.
#[utoipa::path(options, path = "/widget/session", tag = "widget", responses((status = 204, description = "Ask")))]
async fn preflight(headers: HeaderMap) -> impl IntoResponse {
    may_ask(&headers)
}

/// A browser asks whether it may bring a file.
#[utoipa::path(options, path = "/widget/files", tag = "widget", responses((status = 204, description = "Ask")))]
pub(super) async fn preflight_files(headers: HeaderMap) -> impl IntoResponse {
    may_ask(&headers)
}

/// A browser asks whether it may have a file.
#[utoipa::path(options, path = "/widget/files/{seq}/{n}", tag = "widget", params(("seq" = u64, Path), ("n" = usize, Path)),
    responses((status = 204, description = "Ask")))]
pub(super) async fn preflight_file(headers: HeaderMap) -> impl IntoResponse {
    may_ask(&headers)
}

fn may_ask(headers: &HeaderMap) -> (StatusCode, HeaderMap) {
    // Which inbox is meant is only known from what comes then: the answer to that decides.
    let mut answer = HeaderMap::new();
    if let Some(origin) = headers.get(header::ORIGIN) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    (StatusCode::NO_CONTENT, answer)
}

/// Lets whatever page asked read why it was refused: a problem's text tells nothing of anybody.
async fn tell_why(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if let Some(origin) = origin.filter(|_| refused) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// The header that lets the page read the answer, if its site may carry this inbox.
pub(crate) fn allowed(app: &App, inbox: &InboxId, headers: &HeaderMap) -> Result<[(HeaderName, HeaderValue); 2]> {
    let vary = (header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok([(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("null")), vary]);
    };
    let settings = app.config.inboxes.iter().find(|settings| settings.id == *inbox);
    let sites = settings.map(|settings| settings.allowed_origins.as_slice()).unwrap_or_default();
    let listed = origin.to_str().is_ok_and(|origin| sites.iter().any(|site| site.trim_end_matches('/') == origin));
    if sites.is_empty() || listed || own_origin(headers, &app.config) {
        return Ok([(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()), vary]);
    }
    let detail = "this site may not carry this inbox: add it to the inbox's `allowed_origins`";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

/// Whose browser this is: known by its token, vouched for by the site, or new. Whoever is known costs no write.
async fn who(
    app: &App,
    inbox: &InboxId,
    address: IpAddr,
    token: Option<String>,
    identity: Option<Identity>,
) -> Result<(Contact, String)> {
    let store = app.desk.store();
    let vouched = match identity {
        Some(identity) => Some(verified(app, inbox, identity)?),
        None => None,
    };
    let known = match token {
        Some(token) => of_token(app, inbox, token).await?,
        None => None,
    };
    // A site's word about who it is weighs more than an old token of the same browser.
    if let Some((external, edit)) = vouched {
        let there = store.contact_by_external_id(inbox, &external).await?;
        let (of_token, token) = known.unzip();
        let of_token = of_token.filter(|contact| !contact.verified || contact.external_id.as_ref() == Some(&external));
        let of_browser = of_token.as_ref().map(|contact| contact.id);
        let contact = there.or(of_token);
        let token = token.filter(|_| contact.as_ref().map(|contact| contact.id) == of_browser);
        if token.is_none() {
            not_too_many(app, address)?;
        }
        let contact = match contact {
            Some(contact) => contact,
            None => create(app).await?,
        };
        let mut edited = contact.clone();
        edit.apply(&mut edited);
        if edited != contact {
            edited = store.edit_contact(contact.id, &edit).await?.unwrap_or(edited);
        }
        let token = match token {
            Some(token) => token,
            None => remember(app, inbox, &edited).await?,
        };
        return Ok((edited, token));
    }
    if let Some(known) = known {
        return Ok(known);
    }
    not_too_many(app, address)?;
    let contact = create(app).await?;
    let token = remember(app, inbox, &contact).await?;
    Ok((contact, token))
}

/// Whom a browser's token names in this inbox.
async fn of_token(app: &App, inbox: &InboxId, token: String) -> Result<Option<(Contact, String)>> {
    let hash = sign_in::hash(&token);
    let Some(visitor) = app.desk.store().visitor(&hash).await?.filter(|visitor| visitor.inbox == *inbox) else {
        return Ok(None);
    };
    app.limiters.api.check(&hash).map_err(|wait| Problem::too_fast("too many requests", wait))?;
    Ok(app.desk.store().contact(visitor.contact).await?.map(|contact| (contact, token)))
}

fn verified(app: &App, inbox: &InboxId, identity: Identity) -> Result<(String, ContactEdit)> {
    let settings = app.config.inboxes.iter().find(|settings| settings.id == *inbox);
    let secret = settings.and_then(|settings| settings.identity_secret.as_deref()).unwrap_or_default();
    let wrong = || {
        let detail = "identity.hmac is not the HMAC-SHA256 of identity.id with the inbox's `identity_secret`";
        Problem::new(StatusCode::UNAUTHORIZED, "bad_identity", detail)
    };
    if secret.is_empty() || identity.id.is_empty() || identity.id.len() > 200 {
        return Err(wrong());
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(identity.id.as_bytes());
    mac.verify_slice(&from_hex(&identity.hmac).ok_or_else(wrong)?).map_err(|_| wrong())?;
    let external = identity.id;
    let edit = ContactEdit {
        name: identity.name.map(Some),
        email: identity.email.map(Some),
        phone: identity.phone.map(Some),
        external_id: Some(external.clone()),
    };
    Ok((external, edit))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A browser that is new costs a place on the disk.
fn not_too_many(app: &App, address: IpAddr) -> Result<()> {
    app.limiters.visitors.check(&address).map_err(|wait| Problem::too_fast("too many new visitors from here", wait))
}

async fn create(app: &App) -> Result<Contact> {
    let contact = Contact {
        id: ContactId(app.desk.clock().id()),
        name: None,
        email: None,
        phone: None,
        verified: false,
        external_id: None,
        attributes: BTreeMap::new(),
        created_at: app.desk.clock().now(),
    };
    app.desk.store().create_contact(&contact).await?;
    Ok(contact)
}

async fn remember(app: &App, inbox: &InboxId, contact: &Contact) -> Result<String> {
    let token = sign_in::token();
    let visitor = Visitor { contact: contact.id, inbox: inbox.clone() };
    app.desk.store().put_visitor(&sign_in::hash(&token), &visitor).await?;
    Ok(token)
}

/// `es` of `es-MX`.
pub(super) fn primary_language(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().chars().take(3).collect::<String>().to_lowercase()
}
