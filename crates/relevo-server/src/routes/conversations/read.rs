//! One conversation: its card, what is known, its timeline.

use super::card_of;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Named, Query, SignedIn, seen};
use crate::wire::{self, Card, Contact, Item, Time, words};
use axum::Json;
use axum::extract::State;
use relevo::domain::card::may_see;
use relevo::domain::event::{self, CountrySource, Event, Origin, Outcome};
use relevo::domain::id::{AgentId, ConversationId, InboxId, Seq};
use relevo::store::ArtifactStatus;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// How many facts are looked through for visited pages.
const LOOK_BACK: usize = 300;

/// A conversation and all that is known about whom it is with.
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "conversations",
    params(("id" = String, Path)), responses((status = 200, description = "All of it", body = Detail)))]
pub(crate) async fn one(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<Json<Detail>> {
    let state = seen(&app, &agent, id).await?;
    let store = app.desk.store();
    let contact = store.contact(state.contact).await?.ok_or_else(|| Problem::not_found("contact"))?;
    let mut pages: Vec<Visited> = store
        .read_back(id, state.seq + 1, LOOK_BACK)
        .await?
        .into_iter()
        .rev()
        .filter_map(|fact| match fact.event {
            Event::PageVisited { url, title } => Some(Visited { url, title: Some(title), at: Time(fact.at) }),
            _ => None,
        })
        .take(5)
        .collect();
    if let (Some(url), true) = (&state.origin.page, pages.len() < 5) {
        pages.push(Visited { url: url.clone(), title: state.origin.title.clone(), at: Time(state.created_at) });
    }
    let mut earlier = Vec::new();
    for row in store.of_contact(state.contact).await? {
        let other = row.conversation;
        if other.id == id || !may_see(&agent.facts(), &other, app.desk.directory().visibility) {
            continue;
        }
        let artifacts = store.artifacts(other.id).await?;
        let mut done = artifacts.iter().filter(|made| made.status == ArtifactStatus::Done);
        let summary = done.find_map(|made| made.body["issue"].as_str().map(str::to_owned));
        earlier.push(Earlier {
            id: other.id,
            inbox: other.inbox,
            status: wire::status_name(&other.status),
            outcome: other.outcome,
            created_at: Time(other.created_at),
            summary,
        });
    }
    Ok(Json(Detail {
        card: card_of(&app, &agent, id).await?,
        captured: state.captured,
        participants: state.participants.into_iter().collect(),
        viewing: app.presence.viewers(id),
        information: Information {
            contact: contact.into(),
            channel: state.channel,
            inbox: state.inbox,
            pages,
            language: state.language,
            country: state.origin.country.clone().map(Country::from),
            user_agent: state.origin.user_agent.clone(),
            utm: state.origin.utm.clone(),
            origin: state.origin,
            earlier,
        },
    }))
}

/// A conversation and all that is known about whom it is with.
#[derive(Serialize, ToSchema)]
pub(crate) struct Detail {
    card: Card,
    /// What the visitor told the bot.
    captured: BTreeMap<String, String>,
    #[schema(value_type = Vec<String>)]
    participants: Vec<AgentId>,
    /// The agents who have it open.
    #[schema(value_type = Vec<String>)]
    viewing: Vec<AgentId>,
    information: Information,
}

/// Whom it is with, and how they got here.
#[derive(Serialize, ToSchema)]
struct Information {
    contact: Contact,
    channel: String,
    #[schema(value_type = String)]
    inbox: InboxId,
    /// `{page, title, referrer, user_agent, utm, country}` of the first message.
    #[schema(value_type = Object)]
    origin: Origin,
    /// The pages seen last, newest first.
    pages: Vec<Visited>,
    language: Option<String>,
    country: Option<Country>,
    user_agent: Option<String>,
    utm: BTreeMap<String, String>,
    earlier: Vec<Earlier>,
}

/// Where the visitor is.
#[derive(Serialize, ToSchema)]
struct Country {
    /// Two capitals, as ISO 3166-1 names it.
    code: String,
    /// `address`, or `time_zone` where it is a guess.
    #[schema(value_type = words::CountrySource)]
    from: CountrySource,
}

impl From<event::Country> for Country {
    fn from(event::Country { code, from }: event::Country) -> Self {
        Self { code, from }
    }
}

/// A page that the visitor looked at.
#[derive(Serialize, ToSchema)]
struct Visited {
    url: String,
    title: Option<String>,
    at: Time,
}

/// An earlier conversation of the same contact.
#[derive(Serialize, ToSchema)]
struct Earlier {
    #[schema(value_type = String)]
    id: ConversationId,
    #[schema(value_type = String)]
    inbox: InboxId,
    /// `open`, `pending`, `snoozed` or `closed`.
    #[schema(value_type = words::Status)]
    status: &'static str,
    #[schema(value_type = Option<words::Outcome>)]
    outcome: Option<Outcome>,
    created_at: Time,
    /// What it was about, where the Copilot has written that.
    summary: Option<String>,
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
    params(("id" = String, Path), Range), responses((status = 200, description = "Items, in order", body = Items)))]
pub(crate) async fn items(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Query(range): Query<Range>,
) -> Result<Json<Items>> {
    let state = seen(&app, &agent, id).await?;
    let limit = range.limit.unwrap_or(100).clamp(1, 500);
    let store = app.desk.store();
    let facts = match (range.before, range.after) {
        (_, Some(after)) => store.read(id, after, limit).await?,
        (before, None) => store.read_back(id, before.unwrap_or(state.seq + 1), limit).await?,
    };
    Ok(Json(Items {
        items: facts.iter().map(Item::from).collect(),
        first_seq: facts.first().map(|fact| fact.seq),
        last_seq: facts.last().map(|fact| fact.seq),
    }))
}

/// Part of a timeline.
#[derive(Serialize, ToSchema)]
pub(crate) struct Items {
    /// In order.
    items: Vec<Item>,
    #[schema(value_type = Option<u64>)]
    first_seq: Option<Seq>,
    #[schema(value_type = Option<u64>)]
    last_seq: Option<Seq>,
}
