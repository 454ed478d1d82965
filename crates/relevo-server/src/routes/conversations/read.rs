//! One conversation: its card, what is known, its timeline.

use super::card_of;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Named, Query, SignedIn, seen};
use crate::wire::{self, time};
use axum::Json;
use axum::extract::State;
use relevo::domain::card::may_see;
use relevo::domain::event::Event;
use relevo::domain::id::{ConversationId, Seq};
use relevo::store::ArtifactStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

/// How many facts are looked through for visited pages.
const LOOK_BACK: usize = 300;

/// A conversation and all that is known about whom it is with.
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "conversations",
    params(("id" = String, Path)), responses((status = 200, description = "Card, information, captured data")))]
pub(crate) async fn one(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<Json<Value>> {
    let state = seen(&app, &agent, id).await?;
    let store = app.desk.store();
    let contact = store.contact(state.contact).await?.ok_or_else(|| Problem::not_found("contact"))?;
    let mut pages: Vec<Value> = store
        .read_back(id, state.seq + 1, LOOK_BACK)
        .await?
        .iter()
        .rev()
        .filter_map(|fact| match &fact.event {
            Event::PageVisited { url, title } => Some(json!({"url": url, "title": title, "at": time(fact.at)})),
            _ => None,
        })
        .take(5)
        .collect();
    if let (Some(url), true) = (&state.origin.page, pages.len() < 5) {
        pages.push(json!({"url": url, "title": state.origin.title, "at": time(state.created_at)}));
    }
    let mut earlier = Vec::new();
    for row in store.of_contact(state.contact).await? {
        let other = &row.conversation;
        if other.id == id || !may_see(&agent.facts(), other, app.desk.directory().visibility) {
            continue;
        }
        let artifacts = store.artifacts(other.id).await?;
        let summary =
            artifacts.iter().find(|made| made.status == ArtifactStatus::Done && made.body["issue"].is_string());
        earlier.push(json!({
            "id": other.id, "inbox": other.inbox, "status": wire::status(&other.status).0,
            "outcome": wire::plain(&other.outcome), "created_at": time(other.created_at),
            "summary": summary.map(|made| made.body["issue"].clone()),
        }));
    }
    Ok(Json(json!({
        "card": card_of(&app, &agent, id).await?,
        "captured": state.captured,
        "participants": state.participants,
        "viewing": app.presence.viewers(id),
        "information": {
            "contact": wire::plain(&contact), "channel": state.channel, "inbox": state.inbox,
            "origin": wire::plain(&state.origin), "pages": pages, "country": null, "language": state.language,
            "user_agent": state.origin.user_agent, "utm": state.origin.utm, "earlier": earlier,
        },
    })))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    /// Items before this number, the last ones.
    before: Option<Seq>,
    /// Items after this number, the first ones.
    after: Option<Seq>,
    /// How many, at most 500.
    limit: Option<usize>,
}

/// Part of a timeline: the newest items where neither `before` nor `after` is given.
#[utoipa::path(get, path = "/api/conversations/{id}/items", tag = "conversations",
    params(("id" = String, Path), Range), responses((status = 200, description = "Items, in order")))]
pub(crate) async fn items(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Query(range): Query<Range>,
) -> Result<Json<Value>> {
    let state = seen(&app, &agent, id).await?;
    let limit = range.limit.unwrap_or(100).clamp(1, 500);
    let store = app.desk.store();
    let facts = match (range.before, range.after) {
        (_, Some(after)) => store.read(id, after, limit).await?,
        (before, None) => store.read_back(id, before.unwrap_or(state.seq + 1), limit).await?,
    };
    Ok(Json(json!({
        "items": facts.iter().map(wire::item).collect::<Vec<_>>(),
        "first_seq": facts.first().map(|fact| fact.seq),
        "last_seq": facts.last().map(|fact| fact.seq),
    })))
}
