//! What the Copilot makes for agents.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, Query, SignedIn, seen};
use crate::wire::{self, words};
use axum::extract::State;
use axum::http::StatusCode;
use relevo::domain::card::may_see;
use relevo::domain::command::AgentFacts;
use relevo::domain::id::{ArtifactId, ConversationId, TeamId};
use relevo::domain::time::Timestamp;
use relevo::store::Artifact;
use relevo_copilot::feedback::{self, Feedback, What};
use relevo_copilot::rewrite::Style;
use relevo_copilot::text::Language;
use relevo_copilot::worker::{Request, RequestError};
use relevo_copilot::{Task, ask, rewrite, tab};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// In microseconds.
const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(artifacts, make))
        .routes(routes!(stop))
        .routes(routes!(feedback))
        .routes(routes!(report))
        .routes(routes!(usage))
}

/// An artifact with what has happened since, as `agent` may see it.
pub(crate) async fn described(app: &App, agent: &AgentFacts, made: &Artifact) -> Result<wire::Artifact> {
    let store = app.desk.store().as_ref();
    let since = store.read(made.conversation, made.covers.last, 500).await?;
    let standing = tab::standing(made, &since);
    let mut made = made.clone();
    let elsewhere = others(&made);
    for conversation in elsewhere {
        let state = store.load(conversation).await?;
        if !state.is_some_and(|state| may_see(agent, &state, app.desk.directory().visibility)) {
            tab::without_conversation(&mut made, &conversation.to_string());
        }
    }
    Ok(wire::Artifact::new(&made, standing))
}

/// The other conversations that an artifact cites.
fn others(made: &Artifact) -> BTreeSet<ConversationId> {
    let cited = made.sources.iter().filter(|source| source["kind"] == "conversation");
    cited.filter_map(|source| source["id"].as_str()?.parse().ok()).collect()
}

/// All artifacts of a conversation, newest first.
#[utoipa::path(get, path = "/api/conversations/{id}/artifacts", tag = "copilot", params(("id" = String, Path)),
    responses((status = 200, description = "Artifacts", body = Vec<wire::Artifact>)))]
async fn artifacts(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<axum::Json<Vec<wire::Artifact>>> {
    seen(&app, &agent, id).await?;
    let mut artifacts = Vec::new();
    for made in app.desk.store().artifacts(id).await? {
        artifacts.push(described(&app, &agent.facts(), &made).await?);
    }
    Ok(axum::Json(artifacts))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Make {
    /// `summary`, `reply`, `rewrite` or `ask`.
    kind: String,
    /// `es`, `pt` or `en`; the agent's or the customer's own when left out, a draft's own when it is rewritten.
    #[serde(default)]
    language: Option<String>,
    /// For `rewrite`: the draft, at most 8,000 characters.
    #[serde(default)]
    draft: Option<String>,
    /// For `rewrite`: how it should read.
    #[serde(default)]
    #[schema(value_type = Option<words::Style>)]
    style: Option<Style>,
    /// For `ask`: the question, at most 1,000 characters.
    #[serde(default)]
    question: Option<String>,
}

impl Make {
    fn task(self) -> Result<Task> {
        let text = |field: &str, text: Option<String>, most: usize| {
            let text = text.unwrap_or_default();
            if text.trim().is_empty() || text.chars().count() > most {
                return Err(Problem::invalid(field, format!("needs 1 to {most} characters")).with("limit", most));
            }
            Ok(text)
        };
        let (rewrites, asks) = (self.kind == "rewrite", self.kind == "ask");
        let given = [
            ("draft", self.draft.is_some() && !rewrites),
            ("style", self.style.is_some() && !rewrites),
            ("question", self.question.is_some() && !asks),
        ];
        if let Some((field, _)) = given.iter().find(|(_, wrong)| *wrong) {
            return Err(Problem::invalid(field, format!("means nothing for `{}`: leave it out", self.kind)));
        }
        match self.kind.as_str() {
            "summary" => Ok(Task::Summary),
            "reply" => Ok(Task::Reply),
            "rewrite" => {
                let one_of = || {
                    Problem::invalid(
                        "style",
                        "is missing: clearer, shorter, longer, friendlier, formal, corrected or translated",
                    )
                };
                let style = self.style.ok_or_else(one_of)?;
                Ok(Task::Rewrite { draft: text("draft", self.draft, rewrite::LONGEST)?, style })
            }
            "ask" => Ok(Task::Ask { question: text("question", self.question, ask::LONGEST)? }),
            _ => Err(Problem::invalid("kind", "is `summary`, `reply`, `rewrite` or `ask`")),
        }
    }
}

/// What is being made.
#[derive(Serialize, ToSchema)]
struct Begun {
    #[schema(value_type = String)]
    id: ArtifactId,
}

/// Begins to make something. Its text arrives on the agent socket.
#[utoipa::path(post, path = "/api/conversations/{id}/artifacts", tag = "copilot", params(("id" = String, Path)),
    request_body = Make, responses((status = 202, description = "Its id", body = Begun), (status = 409, description = "empty, needs_model"),
              (status = 422, description = "invalid")))]
async fn make(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(conversation): Named<ConversationId>,
    Json(make): Json<Make>,
) -> Result<(StatusCode, axum::Json<Begun>)> {
    seen(&app, &agent, conversation).await?;
    let language = match &make.language {
        None => None,
        Some(tag) => Some(language(tag).ok_or_else(|| Problem::invalid("language", "is `es`, `pt` or `en`"))?),
    };
    let request = Request { conversation, task: make.task()?, by: Some(agent.facts()), language, internal: true };
    let id = app.copilot.request(request).await.map_err(|error| match error {
        RequestError::NoConversation => Problem::not_found("conversation"),
        RequestError::Empty => Problem::new(StatusCode::CONFLICT, "empty", error.to_string()),
        RequestError::NeedsModel => Problem::new(StatusCode::CONFLICT, "needs_model", error.to_string()),
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
struct Became {
    #[schema(value_type = words::What)]
    what: What,
    /// For `edited`: how many characters were changed.
    #[serde(default)]
    distance: Option<u32>,
    /// Of several suggestions the one that it is about, from 0.
    #[serde(default)]
    suggestion: Option<u32>,
}

/// What became of an artifact.
#[utoipa::path(post, path = "/api/conversations/{id}/artifacts/{artifact}/feedback", tag = "copilot",
    params(("id" = String, Path), ("artifact" = String, Path)), request_body = Became,
    responses((status = 204, description = "Noted")))]
async fn feedback(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, artifact)): Named<(ConversationId, ArtifactId)>,
    Json(Became { what, distance, suggestion }): Json<Became>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    of_conversation(&app, id, artifact).await?;
    app.copilot.feedback(artifact, agent.id, Feedback { what, distance, suggestion }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The days that a report is about.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Days {
    /// From this instant on (RFC 3339); 30 days ago when left out.
    #[serde(default)]
    from: Option<String>,
    /// Before this instant; now when left out.
    #[serde(default)]
    until: Option<String>,
}

/// What became of the artifacts of one kind that one model made for one team with one prompt.
#[derive(Serialize, ToSchema)]
struct Used {
    #[schema(value_type = words::ArtifactKind)]
    kind: String,
    /// The model, or `offline`.
    model: String,
    prompt_version: String,
    #[schema(value_type = Option<String>)]
    team: Option<TeamId>,
    /// Counts: `made`, `failed`, `cancelled`, `shown`, `inserted`, `edited`, `sent`, `sent_unchanged`,
    /// `changed_characters`, `rejected`, `prompt_tokens`, `completion_tokens`, `cost_micros` by currency.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    row: feedback::Row,
}

/// What the Copilot made, what became of it and what it cost; for supervisors and admins.
#[utoipa::path(get, path = "/api/copilot/report", tag = "copilot", params(Days),
    responses((status = 200, description = "Rows", body = Vec<Used>), (status = 403, description = "not_allowed")))]
async fn report(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Query(days): Query<Days>,
) -> Result<axum::Json<Vec<Used>>> {
    let made = of_days(&app, &agent.facts(), &days).await?;
    let rows = feedback::report(&made).into_iter().map(|(group, row)| Used {
        kind: group.kind,
        model: group.model,
        prompt_version: group.prompt_version,
        team: group.team,
        row,
    });
    Ok(axum::Json(rows.collect()))
}

/// What the models cost.
#[derive(Serialize, ToSchema)]
struct Usage {
    /// What they may read and write for one team in a day (UTC); null: as much as is asked for.
    day_tokens: Option<u64>,
    /// Oldest day first.
    days: Vec<Day>,
}

/// What they cost one team on one day.
#[derive(Serialize, ToSchema)]
struct Day {
    /// The day (UTC), as `2026-11-21`.
    day: String,
    #[schema(value_type = Option<String>)]
    team: Option<TeamId>,
    /// How many artifacts a model was asked for, also where its answer is not what was shown.
    asked: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// By currency, in millionths of its unit.
    cost_micros: BTreeMap<String, u64>,
}

/// What the models read, wrote and cost, by day and team; for supervisors and admins.
#[utoipa::path(get, path = "/api/copilot/usage", tag = "copilot", params(Days),
    responses((status = 200, description = "Days", body = Usage), (status = 403, description = "not_allowed")))]
async fn usage(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Query(days): Query<Days>,
) -> Result<axum::Json<Usage>> {
    let made = of_days(&app, &agent.facts(), &days).await?;
    let days = feedback::spent(&made).into_iter().map(|((day, team), spent)| {
        let feedback::Spent { asked, prompt_tokens, completion_tokens, cost_micros } = spent;
        Day { day, team, asked, prompt_tokens, completion_tokens, cost_micros }
    });
    Ok(axum::Json(Usage { day_tokens: app.config.copilot.day_tokens, days: days.collect() }))
}

/// What was made in these days; for those who lead.
async fn of_days(app: &App, agent: &AgentFacts, days: &Days) -> Result<Vec<Artifact>> {
    if !agent.leads() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", "reports are for supervisors and admins"));
    }
    let now = app.desk.clock().now();
    let instant = |field: &str, text: &Option<String>, otherwise: Timestamp| match text {
        Some(text) => {
            Timestamp::parse(text).ok_or_else(|| Problem::invalid(field, "is no instant such as 2026-11-21T00:00:00Z"))
        }
        None => Ok(otherwise),
    };
    let until = instant("until", &days.until, now)?;
    let from = instant("from", &days.from, Timestamp(until.0.saturating_sub(THIRTY_DAYS)))?;
    Ok(app.desk.store().artifacts_between(from, until).await?)
}

/// An artifact of this conversation; any other does not exist here.
pub(crate) async fn of_conversation(app: &App, id: ConversationId, artifact: ArtifactId) -> Result<Artifact> {
    let made = app.desk.store().artifact(artifact).await?;
    made.filter(|made| made.conversation == id).ok_or_else(|| Problem::not_found("artifact"))
}
