//! Shortcuts rendered with a conversation's data, and macros run on it.

use super::act::{known_stage, known_team};
use super::card_of;
use super::write::key;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, SignedIn, seen};
use crate::shortcuts::context;
use crate::wire::{Card, Step};
use axum::extract::State;
use relevo::domain::command::{Command, Outbound};
use relevo::domain::conversation::Conversation;
use relevo::domain::event::{Event, Status, TransferTarget};
use relevo::domain::id::{ConversationId, MessageId, NoteId};
use relevo::domain::macros::{Action, Assignee, NewStatus};
use relevo::domain::shortcut::{Rendered, ShortcutContext};
use relevo::store::Agent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inputs {
    /// Answers to what the shortcut asks.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
}

/// A shortcut as it would be sent in this conversation, and what is missing in it.
#[utoipa::path(post, path = "/api/conversations/{id}/shortcuts/{name}/render", tag = "library",
    params(("id" = String, Path), ("name" = String, Path)), request_body = Inputs,
    responses((status = 200, description = "Its text", body = AsSent)))]
pub(crate) async fn render(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, name)): Named<(ConversationId, String)>,
    Json(Inputs { inputs }): Json<Inputs>,
) -> Result<axum::Json<AsSent>> {
    let state = seen(&app, &agent, id).await?;
    let context = context(&app.desk, Some(&agent), &state, inputs).await?;
    let library = app.library.current();
    let shortcut = library.shortcut(&name).ok_or_else(|| Problem::not_found("shortcut"))?;
    let rendered =
        shortcut.render(state.language.as_deref(), &context).map_err(|error| Problem::invalid("shortcut", error))?;
    let Rendered { text, missing, language } = rendered;
    Ok(axum::Json(AsSent { text, missing, language: language.code() }))
}

/// A shortcut as it would be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsSent {
    /// What is missing stands in it as `{{name}}`.
    text: String,
    missing: Vec<String>,
    language: &'static str,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunMacro {
    /// Answers to what its shortcuts ask.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// Steps to leave out, counted from 0.
    #[serde(default)]
    skip: Vec<usize>,
    /// The run's own id: the same again runs nothing and finds what the first did.
    client_id: String,
}

/// Runs a macro: all of it in one append, or nothing.
#[utoipa::path(post, path = "/api/conversations/{id}/macros/{name}", tag = "library",
    params(("id" = String, Path), ("name" = String, Path)), request_body = RunMacro,
    responses((status = 200, description = "What each step did", body = Ran), (status = 422, description = "missing_values")))]
pub(crate) async fn run(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, name)): Named<(ConversationId, String)>,
    Json(wanted): Json<RunMacro>,
) -> Result<axum::Json<Ran>> {
    let state = seen(&app, &agent, id).await?;
    let key = key(id, &agent, &wanted.client_id)?;
    let library = app.library.current();
    let found = library.macro_named(&name).ok_or_else(|| Problem::not_found("macro"))?;
    let context = context(&app.desk, Some(&agent), &state, wanted.inputs).await?;
    let mut steps = Vec::new();
    for (n, action) in found.steps.iter().enumerate().filter(|(n, _)| !wanted.skip.contains(n)) {
        let step = format!("step {}", n + 1);
        steps.push((action.name().to_owned(), command(&app, &agent, &state, &context, action, &step)?));
    }
    if steps.is_empty() {
        return Err(Problem::invalid("skip", "leaves no step to run"));
    }
    let done = app.desk.run_once(id, Command::RunMacro { agent: agent.facts(), name, steps }, key).await?;
    if !done.repeated {
        metrics::counter!("relevo_macros_run_total").increment(1);
    }
    let report = done.facts.into_iter().rev().find_map(|fact| match fact.event {
        Event::MacroRan { steps, .. } => Some(steps),
        _ => None,
    });
    let steps = report.unwrap_or_default().into_iter().map(Step::from).collect();
    Ok(axum::Json(Ran { steps, card: card_of(&app, &agent, id).await? }))
}

/// What a macro did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ran {
    steps: Vec<Step>,
    card: Card,
}

fn command(
    app: &App,
    agent: &Agent,
    state: &Conversation,
    context: &ShortcutContext,
    action: &Action,
    step: &str,
) -> Result<Command> {
    let who = || agent.facts();
    let language = state.language.as_deref();
    let whole = |rendered: std::result::Result<Rendered, _>| -> Result<String> {
        let rendered: Rendered =
            rendered.map_err(|error: relevo::domain::template::TemplateError| Problem::invalid(step, error))?;
        if rendered.missing.is_empty() {
            return Ok(rendered.text);
        }
        let detail = format!("{step} needs {}: fill it in first", rendered.missing.join(", "));
        let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
        Err(Problem::new(status, "missing_values", detail).with("missing", rendered.missing))
    };
    let say = |text: String| Command::Reply {
        agent: who(),
        message: Outbound {
            id: MessageId(app.desk.clock().id()),
            text,
            attachments: Vec::new(),
            buttons: Vec::new(),
            reply_to: None,
            client_id: None,
        },
    };
    Ok(match action {
        Action::SendShortcut(name) => {
            let library = app.library.current();
            let shortcut = library.shortcut(name).ok_or_else(|| Problem::invalid(step, "its shortcut is gone"))?;
            say(whole(shortcut.render(language, context))?)
        }
        Action::SendText(text) => say(whole(text.render(language, context))?),
        Action::Note(text) => Command::AddNote {
            agent: who(),
            note: NoteId(app.desk.clock().id()),
            text: whole(text.render(language, context))?,
            mentions: Vec::new(),
            client_id: None,
        },
        Action::Assign(Assignee::Me) => Command::TakeOver { agent: who() },
        Action::Assign(Assignee::Nobody) => Command::Transfer { agent: who(), to: TransferTarget::Nobody, note: None },
        Action::Assign(Assignee::Agent(email)) => {
            let all = app.agents.all();
            let to = all.values().find(|agent| agent.email == email.to_lowercase());
            let to = to.ok_or_else(|| Problem::invalid(step, format!("there is no agent {email}")))?.id;
            Command::Transfer { agent: who(), to: TransferTarget::Agent { agent: to }, note: None }
        }
        Action::Team(team) => {
            known_team(app, step, team)?;
            Command::SetTeam { agent: who(), team: Some(team.clone()) }
        }
        Action::Stage(stage) => {
            known_stage(app, step, stage)?;
            Command::SetStage { agent: who(), stage: Some(stage.clone()) }
        }
        Action::AddLabels(labels) => Command::ChangeLabels { agent: who(), add: labels.clone(), remove: Vec::new() },
        Action::RemoveLabels(labels) => Command::ChangeLabels { agent: who(), add: Vec::new(), remove: labels.clone() },
        Action::Priority(priority) => Command::SetPriority { agent: who(), priority: *priority },
        Action::Status(status) => {
            let status = match status {
                NewStatus::Open => Status::Open,
                NewStatus::Pending => Status::Pending,
                NewStatus::Snoozed(time) => {
                    Status::Snoozed { until: time.map(|time| app.desk.clock().now().after(time)) }
                }
            };
            Command::SetStatus { agent: who(), status }
        }
        Action::HandToBot(bot) => Command::HandBack { agent: who(), bot: bot.clone(), note: None },
        Action::Close(outcome) => Command::Close { agent: who(), outcome: *outcome },
    })
}
