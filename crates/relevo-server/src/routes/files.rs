//! The files of messages: brought first, then named by the message that carries them, then asked for by that message's
//! place in its conversation. Whoever may see the message may have its files, and nobody else.

use super::widget::{self, allowed};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Address, Named, Query, SignedIn, seen};
use crate::sign_in;
use crate::wire;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use relevo::domain::event::Event;
use relevo::domain::id::{ContactId, ConversationId, FileId, Seq};
use relevo::domain::message::{Attachment, MAX_ATTACHMENTS};
use relevo::domain::timeline::{VisitorKind, for_visitor};
use relevo::store::Visitor;
use relevo_backends::files::FileError;
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;
use tokio_util::io::StreamReader;
use tower::ServiceExt;
use tower_http::services::ServeFile;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A sender that is silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bring_visitors_file, widget::preflight_files))
        .routes(routes!(visitors_file, widget::preflight_file))
        .routes(routes!(bring_file))
        .routes(routes!(file))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct About {
    /// What its sender calls it.
    name: String,
}

/// A visitor brings a file; a message carries it by its id. The body is the file.
#[utoipa::path(post, path = "/widget/files", tag = "widget", params(About),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Taken in", body = Brought), (status = 413, description = "too_large")))]
async fn bring_visitors_file(
    State(app): State<App>,
    Bearer(visitor, cors): Bearer,
    Address(address): Address,
    Query(about): Query<About>,
    request: Request,
) -> Result<Response> {
    if let Err(wait) = app.limiters.uploads.check(&address) {
        return Ok((cors, Problem::too_fast("too many files", wait)).into_response());
    }
    // The page may read why, too.
    Ok((cors, take_in(&app, visitor.contact, &about.name, request).await).into_response())
}

/// An agent brings a file for a conversation; a reply carries it by its id. The body is the file.
#[utoipa::path(post, path = "/api/conversations/{id}/files", tag = "conversations", params(("id" = String, Path), About),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Taken in", body = Brought), (status = 413, description = "too_large")))]
async fn bring_file(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Query(about): Query<About>,
    request: Request,
) -> Result<impl IntoResponse> {
    let state = seen(&app, &agent, id).await?;
    take_in(&app, state.contact, &about.name, request).await
}

/// The `n`th file (from 0) of the message `seq` of the visitor's conversation.
#[utoipa::path(get, path = "/widget/files/{seq}/{n}", tag = "widget", params(("seq" = u64, Path), ("n" = usize, Path)),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, description = "not_found")))]
async fn visitors_file(
    State(app): State<App>,
    Bearer(visitor, cors): Bearer,
    Named((seq, n)): Named<(Seq, usize)>,
    request: Request,
) -> Result<impl IntoResponse> {
    let store = app.desk.store();
    let id = store.thread(&visitor.inbox, visitor.contact).await?.ok_or_else(unknown)?;
    let facts = store.read(id, seq.saturating_sub(1), 1).await?;
    let seen = facts.first().filter(|fact| fact.seq == seq).and_then(for_visitor).map(|item| item.kind);
    let Some(VisitorKind::Message(message)) = seen else { return Err(unknown()) };
    Ok((cors, give(&app, message.attachments.get(n), request).await?))
}

/// The `n`th file (from 0) of the message `seq` of a conversation.
#[utoipa::path(get, path = "/api/conversations/{id}/files/{seq}/{n}", tag = "conversations",
    params(("id" = String, Path), ("seq" = u64, Path), ("n" = usize, Path)),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, description = "not_found")))]
async fn file(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, seq, n)): Named<(ConversationId, Seq, usize)>,
    request: Request,
) -> Result<impl IntoResponse> {
    seen(&app, &agent, id).await?;
    let facts = app.desk.store().read(id, seq.saturating_sub(1), 1).await?;
    let fact = facts.first().filter(|fact| fact.seq == seq).map(|fact| &fact.event);
    let Some(Event::MessagePosted { message, .. }) = fact else { return Err(unknown()) };
    give(&app, message.attachments.get(n), request).await
}

/// The files that a message is about to carry: from now on they are kept.
pub(crate) async fn keep(app: &App, owner: ContactId, ids: &[FileId]) -> Result<Vec<Attachment>> {
    if ids.len() > MAX_ATTACHMENTS {
        let detail =
            format!("attachments has {} files, the limit is {MAX_ATTACHMENTS}: send the others after it", ids.len());
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_files", detail).with("field", "attachments")
        );
    }
    let mut kept = Vec::new();
    for id in ids {
        kept.push(app.files.keep(&owner.to_string(), *id).await?);
        relevo::crash_point!("after_keep");
    }
    Ok(kept)
}

/// A file that was brought and that no message carries yet.
#[derive(Serialize, ToSchema)]
struct Brought {
    #[schema(value_type = String)]
    id: FileId,
    #[serde(flatten)]
    file: wire::Attachment,
}

async fn take_in(app: &App, owner: ContactId, name: &str, request: Request) -> Result<impl IntoResponse + use<>> {
    let limit = app.config.limits.attachment_bytes;
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(FileError::TooLarge { limit }.into());
    }
    let pieces = stream::unfold(request.into_body().into_data_stream(), |mut body| async {
        let piece = match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(piece) => piece?.map_err(io::Error::other),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for 30 s")),
        };
        Some((piece, body))
    });
    let id = FileId(app.desk.clock().id());
    let pieces = if relevo::sabotaged!("whole_files") {
        stream::iter(pieces.collect::<Vec<_>>().await).left_stream()
    } else {
        pieces.right_stream()
    };
    let mut body = StreamReader::new(Box::pin(pieces));
    let taken = app.files.take_in(&owner.to_string(), id, name, limit, &mut body).await?;
    Ok((StatusCode::CREATED, axum::Json(Brought { id, file: (&taken).into() })))
}

async fn give(app: &App, attachment: Option<&Attachment>, request: Request) -> Result<Response> {
    let attachment = attachment.ok_or_else(unknown)?;
    let kind = attachment.media_type.parse().map_err(|_| unknown())?;
    let file = ServeFile::new_with_mime(app.files.path(attachment.id), &kind);
    let Ok(response) = file.oneshot(request).await;
    let mut response = response.map(Body::new);
    if response.status() == StatusCode::NOT_FOUND {
        tracing::error!(file.id = %attachment.id, "a file that a message carries is not on the disk");
        return Err(unknown());
    }
    let headers = response.headers_mut();
    let how = if attachment.is_inline() { "inline" } else { "attachment" };
    let named = format!("{how}; filename*=UTF-8''{}", percent(&attachment.name));
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(named).map_err(|error| Problem::internal(&error))?);
    // Whatever it turns out to be, it is not a page of this server.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(response)
}

/// The visitor whose token the request bears, and the headers that let their page read the answer.
struct Bearer(Visitor, [(HeaderName, HeaderValue); 2]);

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let anonymous = || Problem::new(StatusCode::UNAUTHORIZED, "signed_out", "ask for a session first");
        let bears = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bears.and_then(|bears| bears.strip_prefix("Bearer ")).ok_or_else(anonymous)?;
        let visitor = app.desk.store().visitor(&sign_in::hash(token)).await?.ok_or_else(anonymous)?;
        let cors = allowed(app, &visitor.inbox, &parts.headers)?;
        Ok(Self(visitor, cors))
    }
}

fn unknown() -> Problem {
    Problem::not_found("file")
}

/// As RFC 8187 writes names in headers.
fn percent(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        let detail = error.to_string();
        match error {
            FileError::Empty => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "empty_file", detail),
            FileError::TooLarge { limit } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).with("limit", limit)
            }
            FileError::Unknown => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_file", detail).with("field", "attachments")
            }
            FileError::Interrupted(_) => Self::new(StatusCode::BAD_REQUEST, "interrupted", detail),
            FileError::Disk(error) => {
                tracing::error!(%error, "a file cannot be stored");
                let detail = "the server cannot store files right now; nothing was kept, try again soon";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
            }
        }
    }
}
