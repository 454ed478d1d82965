//! The route table. `/api` is the agents', `/widget` the visitors', `/bots` the bots'.

pub mod session;

pub mod conversations;

pub mod artifacts;
pub mod contacts;
pub mod library;
pub mod visitors;

pub mod bots;
pub mod widget;

pub mod health;

use crate::app::App;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(title = "Relevo", description = "Handing a chatbot's conversation to a human. Every error is a problem \
        detail (RFC 9457) with a stable `code`; the shapes of items, cards and socket frames are in docs/protocol.md."),
    tags(
        (name = "session", description = "Signing in"),
        (name = "conversations", description = "What agents do"),
        (name = "copilot", description = "What the Copilot makes"),
        (name = "library", description = "Shortcuts and macros"),
        (name = "widget", description = "What the visitor's page asks"),
        (name = "bots", description = "What bots send"),
        (name = "operation", description = "For whoever runs it"),
    )
)]
struct Description;

/// All routes, and their description.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(session::router())
        .merge(conversations::router())
        .merge(artifacts::router())
        .merge(contacts::router())
        .merge(library::router())
        .merge(visitors::router())
        .merge(widget::router())
        .merge(bots::router())
        .merge(health::router())
}
