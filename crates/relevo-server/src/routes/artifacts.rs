//! What the Copilot makes for agents.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, Query, SignedIn, seen};
use crate::wire::{self, Time, words};
use axum::extract::State;
use axum::http::StatusCode;
use relevo::domain::card::may_see;
use relevo::domain::command::AgentFacts;
use relevo::domain::id::{AgentId, ArtifactId, ConversationId, TeamId};
use relevo::domain::time::Timestamp;
use relevo::store::{Artifact, ArtifactKind};
use relevo_copilot::extractive::labels::Likely;
use relevo_copilot::feedback::{self, Feedback, Rating, What};
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
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// The most days of a report.
const MOST_DAYS: i64 = 366;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(artifacts, make))
        .routes(routes!(suggested_labels))
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
    /// For `summary`: reads the whole conversation anew, also where nothing was said since the last one.
    #[serde(default)]
    again: bool,
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
            ("again", self.again && self.kind != "summary"),
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
    request_body = Make, responses((status = 202, description = "Its id", body = Begun), (status = 409, description = "empty, needs_model, budget_spent"),
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
    let again = make.again;
    let request =
        Request { conversation, task: make.task()?, by: Some(agent.facts()), language, internal: true, again };
    let id = app.copilot.request(request).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, axum::Json(Begun { id })))
}

fn refused(error: RequestError) -> Problem {
    match error {
        RequestError::NoConversation => Problem::not_found("conversation"),
        RequestError::Empty => Problem::new(StatusCode::CONFLICT, "empty", error.to_string()),
        RequestError::NeedsModel => Problem::new(StatusCode::CONFLICT, "needs_model", error.to_string()),
        RequestError::Spent(_) => Problem::new(StatusCode::CONFLICT, "budget_spent", error.to_string()),
        RequestError::Store(error) => error.into(),
    }
}

/// A label that a conversation may well have.
#[derive(Serialize, ToSchema)]
struct SuggestedLabel {
    label: String,
    /// How alike what the customer said and the label's examples are, 0 to 1; what is below 0.2 is not suggested.
    certainty: f32,
}

/// Up to three labels that a conversation does not have, the likeliest first: those of conversations in which customers
/// said the like, of those that whoever asks may see. No model is asked.
#[utoipa::path(get, path = "/api/conversations/{id}/suggested-labels", tag = "copilot", params(("id" = String, Path)),
    responses((status = 200, description = "Labels; none where nothing is certain enough", body = Vec<SuggestedLabel>),
        (status = 404, description = "not_found")))]
async fn suggested_labels(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<axum::Json<Vec<SuggestedLabel>>> {
    seen(&app, &agent, id).await?;
    let likely = app.copilot.labels(id, &agent.facts()).await.map_err(refused)?;
    Ok(axum::Json(likely.into_iter().map(|Likely { label, certainty }| SuggestedLabel { label, certainty }).collect()))
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
    /// For `rated`: whether it helped; left out, the rating is taken back.
    #[serde(default)]
    #[schema(value_type = Option<words::Rating>)]
    rating: Option<Rating>,
}

/// What became of an artifact.
#[utoipa::path(post, path = "/api/conversations/{id}/artifacts/{artifact}/feedback", tag = "copilot",
    params(("id" = String, Path), ("artifact" = String, Path)), request_body = Became,
    responses((status = 204, description = "Noted")))]
async fn feedback(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, artifact)): Named<(ConversationId, ArtifactId)>,
    Json(Became { what, distance, suggestion, rating }): Json<Became>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    if rating.is_some() && what != What::Rated {
        return Err(Problem::invalid("rating", "goes with `rated` alone: leave it out"));
    }
    of_conversation(&app, id, artifact).await?;
    app.copilot.feedback(artifact, agent.id, Feedback { what, distance, suggestion, rating }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The days that a report is about.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Days {
    /// From this instant on (RFC 3339); 30 days ago when left out.
    #[serde(default)]
    from: Option<String>,
    /// Before this instant; now when left out. At most 366 days after `from`.
    #[serde(default)]
    until: Option<String>,
}

/// What the Copilot made in some days, and what became of it.
#[derive(Serialize, ToSchema)]
struct CopilotReport {
    from: Time,
    until: Time,
    total: Used,
    /// By `kind`.
    tasks: Vec<Used>,
    /// By `kind`, `model` and `prompt_version`.
    models: Vec<Used>,
    /// By `kind` and `language`.
    languages: Vec<Used>,
    /// By `kind` and `agent`, who asked; null: Relevo itself.
    agents: Vec<Used>,
}

/// What became of some artifacts. What they were not told apart by is null.
#[derive(Serialize, ToSchema, Default)]
struct Used {
    #[schema(value_type = Option<words::ArtifactKind>)]
    kind: Option<ArtifactKind>,
    /// The model, or `offline`.
    model: Option<String>,
    /// Empty where no model was asked.
    prompt_version: Option<String>,
    language: Option<String>,
    #[schema(value_type = Option<String>)]
    agent: Option<AgentId>,
    /// How many were finished.
    made: u64,
    /// How many of those no model wrote.
    offline: u64,
    failed: u64,
    cancelled: u64,
    shown: u64,
    inserted: u64,
    edited: u64,
    sent: u64,
    sent_unchanged: u64,
    /// In all that went out.
    changed_characters: u64,
    rejected: u64,
    /// How often somebody said that one helped, and stands by it.
    good: u64,
    bad: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// In millionths of each currency's unit.
    cost_micros: BTreeMap<String, u64>,
}

impl Used {
    fn new(row: feedback::Row) -> Self {
        Self {
            made: row.made,
            offline: row.offline,
            failed: row.failed,
            cancelled: row.cancelled,
            shown: row.shown,
            inserted: row.inserted,
            edited: row.edited,
            sent: row.sent,
            sent_unchanged: row.sent_unchanged,
            changed_characters: row.changed_characters,
            rejected: row.rejected,
            good: row.good,
            bad: row.bad,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            cost_micros: row.cost_micros,
            ..Self::default()
        }
    }
}

/// What the Copilot made, what became of it and what it cost; for supervisors and admins.
#[utoipa::path(get, path = "/api/copilot/report", tag = "copilot", params(Days),
    responses((status = 200, description = "Counts", body = CopilotReport), (status = 403, description = "not_allowed"),
        (status = 422, description = "invalid")))]
async fn report(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Query(days): Query<Days>,
) -> Result<axum::Json<CopilotReport>> {
    let (from, until, made) = of_days(&app, &agent.facts(), &days).await?;
    let total = feedback::report(&made, |_| ()).into_values().next().unwrap_or_default();
    let tasks = feedback::report(&made, |made| made.kind);
    let models = feedback::report(&made, |made| (made.kind, made.model.clone(), made.prompt_version.clone()));
    let languages = feedback::report(&made, |made| (made.kind, made.language.clone()));
    let agents = feedback::report(&made, |made| (made.kind, made.created_by));
    Ok(axum::Json(CopilotReport {
        from: Time(from),
        until: Time(until),
        total: Used::new(total),
        tasks: tasks.into_iter().map(|(kind, row)| Used { kind: Some(kind), ..Used::new(row) }).collect(),
        models: models
            .into_iter()
            .map(|((kind, model, prompt), row)| Used {
                kind: Some(kind),
                model: Some(model),
                prompt_version: Some(prompt),
                ..Used::new(row)
            })
            .collect(),
        languages: languages
            .into_iter()
            .map(|((kind, language), row)| Used { kind: Some(kind), language: Some(language), ..Used::new(row) })
            .collect(),
        agents: agents
            .into_iter()
            .map(|((kind, agent), row)| Used { kind: Some(kind), agent, ..Used::new(row) })
            .collect(),
    }))
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
    let (_, _, made) = of_days(&app, &agent.facts(), &days).await?;
    let days = feedback::spent(&made).into_iter().map(|((day, team), spent)| {
        let feedback::Spent { asked, prompt_tokens, completion_tokens, cost_micros } = spent;
        Day { day, team, asked, prompt_tokens, completion_tokens, cost_micros }
    });
    Ok(axum::Json(Usage { day_tokens: app.config.copilot.day_tokens, days: days.collect() }))
}

/// The first instant, the end, and what was made between them; for those who lead.
async fn of_days(app: &App, agent: &AgentFacts, days: &Days) -> Result<(Timestamp, Timestamp, Vec<Artifact>)> {
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
    let from = instant("from", &days.from, Timestamp(until.0.saturating_sub(30 * DAY)))?;
    if until.0.saturating_sub(from.0) > MOST_DAYS * DAY {
        let detail = format!("is more than {MOST_DAYS} days before `until`: ask for less at a time");
        return Err(Problem::invalid("from", detail).with("limit", MOST_DAYS));
    }
    let made = app.desk.store().artifacts_between(from, until).await?;
    Ok((from, until, made))
}

/// An artifact of this conversation; any other does not exist here.
pub(crate) async fn of_conversation(app: &App, id: ConversationId, artifact: ArtifactId) -> Result<Artifact> {
    let made = app.desk.store().artifact(artifact).await?;
    made.filter(|made| made.conversation == id).ok_or_else(|| Problem::not_found("artifact"))
}
