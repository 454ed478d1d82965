//! The route table. `/api` is the agents', `/widget` the visitors', `/bots` the bots', `/channels` the providers'.

pub mod session;

pub mod conversations;

pub mod artifacts;
pub mod contacts;
mod knowledge;
pub mod library;
pub mod visitors;

pub mod bots;
mod channels;
pub mod files;
pub mod widget;

pub mod health;

use crate::app::App;
use crate::openapi::Base;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// All routes, and their description.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Base::openapi())
        .merge(session::router())
        .merge(conversations::router())
        .merge(artifacts::router())
        .merge(contacts::router())
        .merge(knowledge::router())
        .merge(library::router())
        .merge(visitors::router())
        .merge(widget::router())
        .merge(files::router())
        .merge(bots::router())
        .merge(channels::router())
        .merge(health::router())
}
