//! The visitors board: everybody on the sites right now.

use crate::app::App;
use crate::error::Result;
use crate::extract::SignedIn;
use crate::wire::{Control, Time};
use axum::Json;
use axum::extract::State;
use relevo::bus::Present;
use relevo::domain::card::may_see;
use relevo::domain::id::{ContactId, ConversationId, InboxId};
use relevo::store::Agent;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(visitors))
}

/// Everybody on the sites right now.
#[utoipa::path(get, path = "/api/visitors", tag = "conversations", responses((status = 200, description = "Visitors", body = Vec<BoardRow>)))]
async fn visitors(State(app): State<App>, SignedIn(agent): SignedIn) -> Result<Json<Vec<BoardRow>>> {
    let mut visitors = Vec::new();
    for present in app.presence.visitors() {
        visitors.extend(row(&app, &agent, &present).await?);
    }
    Ok(Json(visitors))
}

/// A visitor who is here or has just gone, as the board shows them; none where the agent may not see them.
pub(crate) async fn one(app: &App, agent: &Agent, contact: ContactId) -> Result<Option<BoardRow>> {
    match app.presence.visitor(contact) {
        Some(present) => row(app, agent, &present).await,
        None => Ok(Some(BoardRow {
            contact: BoardContact { id: contact, name: None, email: None },
            online: false,
            here: None,
        })),
    }
}

/// A row of the visitors board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardRow {
    contact: BoardContact,
    online: bool,
    /// Absent for somebody who has just gone.
    #[serde(flatten)]
    here: Option<Here>,
}

#[derive(Serialize, ToSchema)]
struct BoardContact {
    #[schema(value_type = String)]
    id: ContactId,
    name: Option<String>,
    email: Option<String>,
}

/// What somebody who is here does.
#[derive(Serialize, ToSchema)]
struct Here {
    #[schema(value_type = Option<String>)]
    conversation: Option<ConversationId>,
    #[schema(value_type = String)]
    inbox: InboxId,
    page: Option<String>,
    title: Option<String>,
    since: Time,
    control: Option<Control>,
    waiting_since: Option<Time>,
    language: Option<String>,
}

async fn row(app: &App, agent: &Agent, present: &Present) -> Result<Option<BoardRow>> {
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
    Ok(Some(BoardRow {
        contact: BoardContact { id: contact.id, name: contact.name, email: contact.email },
        online: true,
        here: Some(Here {
            conversation: conversation.as_ref().map(|state| state.id),
            inbox: present.inbox.clone(),
            page: present.page.clone(),
            title: present.title.clone(),
            since: Time(present.since),
            control: live.map(|state| Control::from(&state.control)),
            waiting_since: live.and_then(|state| state.waiting_since).map(Time),
            language: present.language.clone(),
        }),
    }))
}
