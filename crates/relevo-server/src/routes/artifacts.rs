//! What the Copilot makes for agents.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, SignedIn, seen};
use crate::wire;
use axum::extract::State;
use axum::http::StatusCode;
use relevo::domain::conversation::Conversation;
use relevo::domain::event::Event;
use relevo::domain::id::{ArtifactId, ConversationId};
use relevo::store::{Artifact, ArtifactKind, Store};
use relevo_copilot::text::Language;
use relevo_copilot::worker::{Request, RequestError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(artifacts, make)).routes(routes!(stop)).routes(routes!(feedback))
}

/// An artifact with what has happened since.
pub(crate) async fn described(store: &dyn Store, state: &Conversation, made: &Artifact) -> Result<wire::Artifact> {
    let since = store.read(state.id, made.covers.last, 500).await?;
    let new = since.iter().filter(|fact| matches!(fact.event, Event::MessagePosted { .. })).count();
    let last = if new > 0 { made.covers.last + 1 } else { made.covers.last };
    Ok(wire::Artifact::new(made, last, new))
}

/// All artifacts of a conversation, newest first.
#[utoipa::path(get, path = "/api/conversations/{id}/artifacts", tag = "copilot", params(("id" = String, Path)),
    responses((status = 200, description = "Artifacts", body = Vec<wire::Artifact>)))]
async fn artifacts(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<axum::Json<Vec<wire::Artifact>>> {
    let state = seen(&app, &agent, id).await?;
    let store = app.desk.store();
    let mut artifacts = Vec::new();
    for made in store.artifacts(id).await? {
        artifacts.push(described(store.as_ref(), &state, &made).await?);
    }
    Ok(axum::Json(artifacts))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Make {
    /// `summary` or `reply`.
    kind: String,
    /// `es`, `pt` or `en`; the agent's or the customer's own when left out.
    #[serde(default)]
    language: Option<String>,
}

/// What is being made.
#[derive(Serialize, ToSchema)]
struct Begun {
    #[schema(value_type = String)]
    id: ArtifactId,
}

/// Begins to make something. Its text arrives on the agent socket.
#[utoipa::path(post, path = "/api/conversations/{id}/artifacts", tag = "copilot", params(("id" = String, Path)),
    request_body = Make, responses((status = 202, description = "Its id", body = Begun), (status = 409, description = "empty")))]
async fn make(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(conversation): Named<ConversationId>,
    Json(make): Json<Make>,
) -> Result<(StatusCode, axum::Json<Begun>)> {
    seen(&app, &agent, conversation).await?;
    let kind = match make.kind.as_str() {
        "summary" => ArtifactKind::Summary,
        "reply" => ArtifactKind::Reply,
        _ => return Err(Problem::invalid("kind", "is `summary` or `reply`")),
    };
    let language = match &make.language {
        None => None,
        Some(tag) => Some(language(tag).ok_or_else(|| Problem::invalid("language", "is `es`, `pt` or `en`"))?),
    };
    let request = Request { conversation, kind, by: Some(agent.id), language, internal: true };
    let id = app.copilot.request(request).await.map_err(|error| match error {
        RequestError::NoConversation => Problem::not_found("conversation"),
        RequestError::Empty => Problem::new(StatusCode::CONFLICT, "empty", error.to_string()),
        RequestError::Store(error) => error.into(),
    })?;
    Ok((StatusCode::ACCEPTED, axum::Json(Begun { id })))
}

pub(crate) fn language(tag: &str) -> Option<Language> {
    match tag {
        "es" => Some(Language::Es),
        "pt" => Some(Language::Pt),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// Stops one that is being made.
#[utoipa::path(delete, path = "/api/conversations/{id}/artifacts/{artifact}/run", tag = "copilot",
    params(("id" = String, Path), ("artifact" = String, Path)), responses((status = 204, description = "Stopped, or done already")))]
async fn stop(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, artifact)): Named<(ConversationId, ArtifactId)>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    of_conversation(&app, id, artifact).await?;
    app.copilot.cancel(id, artifact);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Feedback {
    /// `shown`, `inserted`, `edited`, `sent` or `rejected`.
    what: String,
    /// For `edited`: how many characters were changed.
    #[serde(default)]
    distance: Option<u32>,
}

/// What became of an artifact.
#[utoipa::path(post, path = "/api/conversations/{id}/artifacts/{artifact}/feedback", tag = "copilot",
    params(("id" = String, Path), ("artifact" = String, Path)), request_body = Feedback,
    responses((status = 204, description = "Noted")))]
async fn feedback(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, artifact)): Named<(ConversationId, ArtifactId)>,
    Json(feedback): Json<Feedback>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    of_conversation(&app, id, artifact).await?;
    if !["shown", "inserted", "edited", "sent", "rejected"].contains(&feedback.what.as_str()) {
        return Err(Problem::invalid("what", "is `shown`, `inserted`, `edited`, `sent` or `rejected`"));
    }
    app.copilot.feedback(artifact, agent.id, &feedback.what, feedback.distance).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn of_conversation(app: &App, id: ConversationId, artifact: ArtifactId) -> Result<Artifact> {
    let made = app.desk.store().artifact(artifact).await?;
    made.filter(|made| made.conversation == id).ok_or_else(|| Problem::not_found("artifact"))
}
