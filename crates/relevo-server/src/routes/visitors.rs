//! The visitors board: everybody on the sites right now.

use crate::app::App;
use crate::error::Result;
use crate::extract::SignedIn;
use crate::presence::Present;
use crate::wire::{self, time};
use axum::Json;
use axum::extract::State;
use relevo::domain::card::may_see;
use relevo::domain::id::ContactId;
use relevo::store::Agent;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(visitors))
}

/// Everybody on the sites right now.
#[utoipa::path(get, path = "/api/visitors", tag = "conversations", responses((status = 200, description = "Visitors")))]
async fn visitors(State(app): State<App>, SignedIn(agent): SignedIn) -> Result<Json<Vec<Value>>> {
    let mut visitors = Vec::new();
    for present in app.presence.visitors() {
        visitors.extend(row(&app, &agent, &present).await?);
    }
    Ok(Json(visitors))
}

/// A visitor who is here or has just gone, as the board shows them; none where the agent may not see them.
pub(crate) async fn one(app: &App, agent: &Agent, contact: ContactId) -> Result<Option<Value>> {
    match app.presence.visitor(contact) {
        Some(present) => row(app, agent, &present).await,
        None => Ok(Some(json!({"contact": {"id": contact}, "online": false}))),
    }
}

async fn row(app: &App, agent: &Agent, present: &Present) -> Result<Option<Value>> {
    let store = app.desk.store();
    let Some(contact) = store.contact(present.contact).await? else { return Ok(None) };
    let conversation = match store.thread(&present.inbox, present.contact).await? {
        Some(id) => store.load(id).await?,
        None => None,
    };
    if let Some(state) = &conversation
        && !may_see(&agent.facts(), state, app.desk.directory().visibility)
    {
        return Ok(None);
    }
    let live = conversation.as_ref().filter(|state| !state.is_closed());
    Ok(Some(json!({
        "contact": {"id": contact.id, "name": contact.name, "email": contact.email},
        "conversation": conversation.as_ref().map(|state| state.id), "inbox": present.inbox, "online": true,
        "page": present.page, "title": present.title, "since": time(present.since),
        "control": live.map(|state| wire::control(&state.control)),
        "waiting_since": live.map(|state| wire::maybe_time(state.waiting_since)), "language": present.language,
    })))
}
