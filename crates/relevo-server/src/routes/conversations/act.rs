//! What agents do: control and workflow. Each answers with the conversation's new row.

use super::card_of;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, SignedIn, seen};
use crate::wire::Card;
use axum::extract::State;
use axum::http::StatusCode;
use relevo::domain::command::Command;
use relevo::domain::event::{Outcome, Priority, Status, TransferTarget};
use relevo::domain::id::{BotId, ConversationId, Seq, StageId, TeamId};
use relevo::domain::time::Timestamp;
use relevo::store::Agent;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

async fn run(app: &App, agent: &Agent, id: ConversationId, commands: &[Command]) -> Result<axum::Json<Card>> {
    seen(app, agent, id).await?;
    app.desk.run_all(id, commands, None).await?;
    Ok(axum::Json(card_of(app, agent, id).await?))
}

/// Takes the conversation over. Of any number of agents at once exactly one wins.
#[utoipa::path(post, path = "/api/conversations/{id}/take-over", tag = "conversations", params(("id" = String, Path)),
    request_body = Nothing,
    responses((status = 200, description = "It is yours", body = Card), (status = 409, description = "already_taken, with `agent`")))]
pub(crate) async fn take_over(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::TakeOver { agent: agent.facts() }]).await
}

/// Joins beside the assignee.
#[utoipa::path(post, path = "/api/conversations/{id}/join", tag = "conversations", params(("id" = String, Path)),
    request_body = Nothing, responses((status = 200, description = "You are a participant", body = Card)))]
pub(crate) async fn join(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::Join { agent: agent.facts() }]).await
}

/// Leaves; the assignee stays.
#[utoipa::path(post, path = "/api/conversations/{id}/leave", tag = "conversations", params(("id" = String, Path)),
    request_body = Nothing, responses((status = 200, description = "You are no participant any more", body = Card)))]
pub(crate) async fn leave(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::Leave { agent: agent.facts() }]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallForHelp {
    /// What it is about, for colleagues.
    #[serde(default)]
    note: Option<String>,
    /// The skill that it needs: of those whose it is, the conversation is starred.
    #[serde(default)]
    skill: Option<String>,
}

/// Calls colleagues for help. It ends when one of them joins.
#[utoipa::path(post, path = "/api/conversations/{id}/help", tag = "conversations", params(("id" = String, Path)),
    request_body = CallForHelp, responses((status = 200, description = "Called", body = Card), (status = 403, description = "not_allowed")))]
pub(crate) async fn ask_for_help(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(CallForHelp { note, skill }): Json<CallForHelp>,
) -> Result<axum::Json<Card>> {
    let said = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let command = Command::AskForHelp { agent: agent.facts(), note: said(note), skill: said(skill) };
    run(&app, &agent, id, &[command]).await
}

/// Takes a call for help back.
#[utoipa::path(delete, path = "/api/conversations/{id}/help", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, description = "Nobody is called", body = Card), (status = 403, description = "not_allowed")))]
pub(crate) async fn withdraw_help(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::WithdrawHelp { agent: agent.facts() }]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    #[schema(value_type = Object)]
    to: TransferTarget,
    #[serde(default)]
    note: Option<String>,
}

/// To another agent or team.
#[utoipa::path(post, path = "/api/conversations/{id}/transfer", tag = "conversations", params(("id" = String, Path)),
    request_body = Transfer, responses((status = 200, description = "Given on", body = Card), (status = 403, description = "not_allowed")))]
pub(crate) async fn transfer(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(transfer): Json<Transfer>,
) -> Result<axum::Json<Card>> {
    seen(&app, &agent, id).await?;
    match &transfer.to {
        TransferTarget::Agent { agent } if app.agents.get(*agent).is_none() => {
            return Err(Problem::invalid("to.agent", "there is no such agent"));
        }
        TransferTarget::Team { team } => known_team(&app, "to.team", team)?,
        TransferTarget::Agent { .. } | TransferTarget::Nobody => {}
    }
    let note = transfer.note.filter(|note| !note.trim().is_empty());
    app.desk.run(id, Command::Transfer { agent: agent.facts(), to: transfer.to, note }).await?;
    // Whoever gave it away may not be allowed to see it any more: the answer is the row as it was theirs to know.
    Ok(axum::Json(card_of(&app, &agent, id).await?))
}

pub(super) fn known_team(app: &App, field: &str, team: &TeamId) -> Result<()> {
    if app.desk.directory().teams.contains_key(team) {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("there is no team `{team}`")))
}

pub(super) fn known_stage(app: &App, field: &str, stage: &StageId) -> Result<()> {
    if app.config.stages.iter().any(|known| known.id == *stage) {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("there is no stage `{stage}`")))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandBack {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    bot: Option<BotId>,
    #[serde(default)]
    note: Option<String>,
}

/// Back to a bot.
#[utoipa::path(post, path = "/api/conversations/{id}/hand-back", tag = "conversations", params(("id" = String, Path)),
    request_body = HandBack, responses((status = 200, description = "The bot has it", body = Card), (status = 409, description = "no_bot")))]
pub(crate) async fn hand_back(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(back): Json<HandBack>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::HandBack { agent: agent.facts(), bot: back.bot, note: back.note }]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Close {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
}

/// Finishes, with an outcome or with the one that Relevo proposes.
#[utoipa::path(post, path = "/api/conversations/{id}/close", tag = "conversations", params(("id" = String, Path)),
    request_body = Close, responses((status = 200, description = "Closed", body = Card)))]
pub(crate) async fn close(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(close): Json<Close>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::Close { agent: agent.facts(), outcome: close.outcome }]).await
}

/// Takes a closed conversation up again.
#[utoipa::path(post, path = "/api/conversations/{id}/reopen", tag = "conversations", params(("id" = String, Path)),
    request_body = Nothing, responses((status = 200, description = "Open, and yours", body = Card)))]
pub(crate) async fn reopen(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Card>> {
    run(&app, &agent, id, &[Command::Reopen { agent: agent.facts() }]).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// `open`, `pending` or `snoozed`.
    #[serde(default)]
    status: Option<String>,
    /// When a snooze ends; left out: with the customer's next message.
    #[serde(default)]
    snoozed_until: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// The whole new set.
    #[serde(default)]
    labels: Option<Vec<String>>,
    /// A team's id; null: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    team: Option<Option<TeamId>>,
    /// A stage's id; null: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    stage: Option<Option<StageId>>,
}

/// A field that is there, even if null.
fn present<'de, D, T>(field: D) -> std::result::Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(field).map(Some)
}

/// Status, priority, labels, team and stage, all or nothing.
#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    request_body = Patch, responses((status = 200, description = "Changed", body = Card)))]
pub(crate) async fn patch(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(patch): Json<Patch>,
) -> Result<axum::Json<Card>> {
    let who = || agent.facts();
    let mut commands = Vec::new();
    if let Some(status) = patch.status {
        let status = new_status(&status, patch.snoozed_until.as_deref())?;
        commands.push(Command::SetStatus { agent: who(), status });
    }
    if let Some(priority) = patch.priority {
        commands.push(Command::SetPriority { agent: who(), priority });
    }
    if let Some(labels) = patch.labels {
        commands.push(Command::SetLabels { agent: who(), labels });
    }
    if let Some(team) = patch.team {
        if let Some(team) = &team {
            known_team(&app, "team", team)?;
        }
        commands.push(Command::SetTeam { agent: who(), team });
    }
    if let Some(stage) = patch.stage {
        if let Some(stage) = &stage {
            known_stage(&app, "stage", stage)?;
        }
        commands.push(Command::SetStage { agent: who(), stage });
    }
    run(&app, &agent, id, &commands).await
}

fn new_status(status: &str, until: Option<&str>) -> Result<Status> {
    Ok(match status {
        "open" => Status::Open,
        "pending" => Status::Pending,
        "snoozed" => {
            let wrong = || Problem::invalid("snoozed_until", "is not a time like 2026-11-20T22:00:00Z");
            let until = until.map(|until| Timestamp::parse(until).ok_or_else(wrong)).transpose()?;
            Status::Snoozed { until }
        }
        _ => return Err(Problem::invalid("status", "is `open`, `pending` or `snoozed`; to finish, close it")),
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadMark {
    up_to: Seq,
}

/// Everything up to an item was seen. Only the assignee's reading clears the count and is told to the visitor.
#[utoipa::path(post, path = "/api/conversations/{id}/read", tag = "conversations", params(("id" = String, Path)),
    request_body = ReadMark, responses((status = 204, description = "Noted")))]
pub(crate) async fn read(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(mark): Json<ReadMark>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    app.desk.run(id, Command::AgentRead { agent: agent.facts(), up_to: mark.up_to }).await?;
    Ok(StatusCode::NO_CONTENT)
}
