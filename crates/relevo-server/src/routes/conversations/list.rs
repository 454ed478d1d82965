//! The lists of the inbox.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Query, SignedIn};
use crate::wire::{self, Card};
use axum::Json;
use axum::extract::State;
use relevo::domain::card::View;
use relevo::domain::id::{InboxId, StageId, TeamId};
use relevo::store::{self, DraftMode, Position, Sort};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};

const MOST: usize = 200;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `mine unassigned queue bot unattended needs_help others all mentions snoozed closed`.
    #[param(value_type = Option<String>)]
    view: Option<View>,
    /// Words to find.
    q: Option<String>,
    /// Only this inbox.
    inbox: Option<String>,
    /// Only this team.
    team: Option<String>,
    /// Only with this label.
    label: Option<String>,
    /// Only in this stage.
    stage: Option<String>,
    /// `due newest oldest waiting`.
    #[param(value_type = Option<String>)]
    sort: Option<Sort>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many, at most 200.
    limit: Option<usize>,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cards {
    cards: Vec<Card>,
    /// The next page's `after`; null on the last one.
    next: Option<String>,
    /// The log's position when it was read: sockets go on from here.
    #[schema(value_type = u64)]
    position: Position,
}

/// One page of a list.
#[utoipa::path(get, path = "/api/conversations", tag = "conversations", params(Wanted),
    responses((status = 200, description = "One page", body = Cards)))]
pub(crate) async fn conversations(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Cards>> {
    let bad = |field: &'static str| move |error: relevo::domain::id::BadSlug| Problem::invalid(field, error);
    let offset = match &wanted.after {
        None => 0,
        Some(after) => after.parse().map_err(|_| Problem::invalid("after", "is not the `next` of a page"))?,
    };
    let limit = wanted.limit.unwrap_or(50).clamp(1, MOST);
    let position = app.feed.position();
    let query = store::Query {
        agent: agent.facts(),
        visibility: app.desk.directory().visibility,
        view: wanted.view.unwrap_or(View::All),
        text: wanted.q.filter(|text| !text.trim().is_empty()),
        inbox: wanted.inbox.map(InboxId::new).transpose().map_err(bad("inbox"))?,
        team: wanted.team.map(TeamId::new).transpose().map_err(bad("team"))?,
        label: wanted.label,
        stage: wanted.stage.map(StageId::new).transpose().map_err(bad("stage"))?,
        sort: wanted.sort.unwrap_or_default(),
        offset,
        limit,
    };
    let store = app.desk.store();
    let page = store.list(&query).await?;
    let drafts: HashMap<_, _> = store
        .drafts(agent.id)
        .await?
        .into_iter()
        .filter(|draft| draft.mode == DraftMode::Reply)
        .map(|draft| (draft.conversation, draft.text))
        .collect();
    let cards = page
        .rows
        .iter()
        .map(|row| {
            let draft = drafts.get(&row.conversation.id).map(String::as_str);
            Card::new(row, agent.id, app.presence.online(row.contact.id), draft)
        })
        .collect();
    let next = page.more.then(|| (offset + limit).to_string());
    Ok(Json(Cards { cards, next, position }))
}

/// How many conversations each view holds.
#[utoipa::path(get, path = "/api/conversations/counts", tag = "conversations",
    responses((status = 200, description = "A number for each view", body = BTreeMap<String, u64>)))]
pub(crate) async fn counts(State(app): State<App>, SignedIn(agent): SignedIn) -> Result<Json<BTreeMap<String, u64>>> {
    let counts = app.desk.store().counts(&agent.facts(), app.desk.directory().visibility).await?;
    let counts = counts.into_iter().map(|(view, count)| {
        let name = wire::plain(&view).as_str().unwrap_or_default().to_owned();
        (name, count)
    });
    Ok(Json(counts.collect()))
}

/// How many live conversations each inbox and each label has.
#[utoipa::path(get, path = "/api/conversations/groups", tag = "conversations",
    responses((status = 200, description = "Numbers by name", body = Groups)))]
pub(crate) async fn groups(State(app): State<App>, SignedIn(agent): SignedIn) -> Result<Json<Groups>> {
    let store::Groups { inboxes, labels } =
        app.desk.store().groups(&agent.facts(), app.desk.directory().visibility).await?;
    let inboxes = inboxes.into_iter().map(|(inbox, count)| (inbox.to_string(), count)).collect();
    Ok(Json(Groups { inboxes, labels }))
}

/// How many live conversations stand where.
#[derive(Serialize, ToSchema)]
pub(crate) struct Groups {
    /// By the inbox's id.
    inboxes: BTreeMap<String, u64>,
    /// By the label.
    labels: BTreeMap<String, u64>,
}
