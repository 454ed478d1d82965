//! Conversations: lists, the timeline, and everything that agents do.

mod act;
mod list;
mod macros;
mod read;
mod write;

use crate::app::App;
use crate::error::Result;
use crate::wire::Card;
use relevo::domain::id::ConversationId;
use relevo::store::{Agent, DraftMode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::conversations))
        .routes(routes!(list::counts))
        .routes(routes!(list::groups))
        .routes(routes!(read::one, act::patch))
        .routes(routes!(read::items))
        .routes(routes!(write::reply))
        .routes(routes!(write::remove))
        .routes(routes!(write::note))
        .routes(routes!(write::draft))
        .routes(routes!(write::drafts))
        .routes(routes!(act::take_over))
        .routes(routes!(act::join))
        .routes(routes!(act::leave))
        .routes(routes!(act::ask_for_help, act::withdraw_help))
        .routes(routes!(act::transfer))
        .routes(routes!(act::hand_back))
        .routes(routes!(act::close))
        .routes(routes!(act::reopen))
        .routes(routes!(act::read))
        .routes(routes!(macros::run))
        .routes(routes!(macros::render))
}

/// A conversation's row as an agent sees it now.
pub(super) async fn card_of(app: &App, agent: &Agent, id: ConversationId) -> Result<Card> {
    let store = app.desk.store();
    let row = store.row(id).await?.ok_or_else(|| crate::error::Problem::not_found("conversation"))?;
    let drafts = store.drafts(agent.id).await?;
    let draft = drafts.iter().find(|draft| draft.conversation == id && draft.mode == DraftMode::Reply);
    let online = app.presence.online(row.contact.id);
    Ok(Card::new(&row, agent.id, online, draft.map(|draft| draft.text.as_str())))
}
