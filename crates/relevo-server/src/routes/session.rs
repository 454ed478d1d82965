//! Signing in and out, and the ticket that opens a socket.

use crate::app::App;
use crate::config::StageConfig;
use crate::error::{Problem, Result};
use crate::extract::{Address, Json, SignedIn, cookie};
use crate::sign_in::{self, COOKIE};
use crate::tickets::{self, Principal};
use crate::wire::words;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use relevo::domain::card::Visibility;
use relevo::domain::command::Role;
use relevo::domain::id::{AgentId, TeamId};
use relevo::domain::template::Language;
use relevo::store::{Agent, Presence};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in, me, sign_out)).routes(routes!(link)).routes(routes!(ticket))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

/// Signs in; the answer sets the session's cookie.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = Credentials,
    responses((status = 200, description = "Who you are", body = Me), (status = 401, description = "bad_credentials"),
              (status = 429, description = "rate_limited")))]
async fn sign_in(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<impl IntoResponse> {
    let email = credentials.email.trim().to_lowercase();
    // What an address may not do any more does not count against the e-mail: nobody is locked out by somebody else's.
    let limited = app.limiters.sign_in_address.check(&address);
    let limited = limited.and_then(|()| app.limiters.sign_in_email.check(&email));
    limited.map_err(|wait| Problem::too_fast("too many attempts", wait))?;
    let agent = app.desk.store().agent_by_email(&email).await?;
    let stored = agent.as_ref().map(|agent| agent.password_hash.clone());
    let right = sign_in::verify_password(credentials.password, stored).await;
    let Some(agent) = agent.filter(|_| right) else {
        let detail = "e-mail or password is wrong";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "bad_credentials", detail));
    };
    signed_in(&app, agent, &headers).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    token: String,
}

/// Signs in with a link that works once.
#[utoipa::path(post, path = "/api/session/link", tag = "session", request_body = Link,
    responses((status = 200, description = "Who you are", body = Me), (status = 401, description = "bad_link")))]
async fn link(State(app): State<App>, headers: HeaderMap, Json(link): Json<Link>) -> Result<impl IntoResponse> {
    let used = || {
        let detail = "this sign-in link was used already, or the server has been restarted since: ask for a new one";
        Problem::new(StatusCode::UNAUTHORIZED, "bad_link", detail)
    };
    let id = app.links.redeem(&link.token).ok_or_else(used)?;
    app.agents.refresh().await?;
    signed_in(&app, app.agents.get(id).ok_or_else(used)?, &headers).await
}

async fn signed_in(
    app: &App,
    agent: Agent,
    headers: &HeaderMap,
) -> Result<([(HeaderName, HeaderValue); 1], axum::Json<Me>)> {
    app.agents.refresh().await?;
    // A sign-in always makes a session of its own; the one that this browser had before ends.
    if let Some(before) = cookie(headers, COOKIE) {
        sign_in::end(app.desk.store().as_ref(), app.desk.bus().as_ref(), before).await?;
    }
    let token = sign_in::begin(app.desk.store().as_ref(), agent.id, app.desk.clock().now()).await?;
    let secure =
        if app.config.public_url.as_deref().is_some_and(|url| url.starts_with("https")) { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800{secure}");
    let cookie = HeaderValue::from_str(&cookie).expect("base64 is a header's text");
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(describe(app, &agent))))
}

/// Who is signed in, and what the deployment is made of.
#[utoipa::path(get, path = "/api/session", tag = "session",
    responses((status = 200, description = "Who you are", body = Me), (status = 401, description = "signed_out")))]
async fn me(State(app): State<App>, SignedIn(agent): SignedIn) -> axum::Json<Me> {
    axum::Json(describe(&app, &agent))
}

/// Signs out: the session and its sockets end.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses((status = 204, description = "Signed out")))]
async fn sign_out(State(app): State<App>, _agent: SignedIn, headers: HeaderMap) -> Result<impl IntoResponse> {
    if let Some(token) = cookie(&headers, COOKIE) {
        sign_in::end(app.desk.store().as_ref(), app.desk.bus().as_ref(), token).await?;
    }
    let gone = HeaderValue::from_static("relevo_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]))
}

/// A ticket that opens one agent socket within 30 seconds.
#[utoipa::path(post, path = "/api/ticket", tag = "session", 
    responses((status = 200, description = "The ticket", body = NewTicket)))]
async fn ticket(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    headers: HeaderMap,
) -> Result<axum::Json<NewTicket>> {
    let session = cookie(&headers, COOKIE).map(sign_in::hash).unwrap_or_default();
    let ticket = tickets::issue(&app.desk, &Principal::Agent { agent: agent.id, session }).await?;
    Ok(axum::Json(NewTicket { ticket }))
}

#[derive(Serialize, ToSchema)]
struct NewTicket {
    /// For `/ws/agent?ticket=…`, once, within 30 s.
    ticket: String,
}

/// Who is signed in, and what the deployment is made of.
#[derive(Serialize, ToSchema)]
struct Me {
    agent: Colleague,
    workspace: Workspace,
    inboxes: Vec<InboxInfo>,
    bots: Vec<Named>,
    teams: Vec<Named>,
    /// In their order.
    stages: Vec<StageInfo>,
    agents: Vec<Colleague>,
    copilot: Model,
    limits: Limits,
    #[schema(value_type = words::Visibility)]
    visibility: Visibility,
}

/// An agent as colleagues see them.
#[derive(Serialize, ToSchema)]
struct Colleague {
    #[schema(value_type = String)]
    id: AgentId,
    name: String,
    email: String,
    #[schema(value_type = words::Role)]
    role: Role,
    #[schema(value_type = Vec<String>)]
    teams: Vec<TeamId>,
    skills: Vec<String>,
    /// Best first.
    languages: Vec<String>,
    #[schema(value_type = words::Presence)]
    presence: Presence,
}

#[derive(Serialize, ToSchema)]
struct Workspace {
    name: String,
}

#[derive(Serialize, ToSchema)]
struct InboxInfo {
    id: String,
    name: String,
    channel: String,
    /// The bot that answers first.
    bot: Option<String>,
}

/// Something with an id and a name.
#[derive(Serialize, ToSchema)]
struct Named {
    id: String,
    name: String,
}

/// A stage that a conversation may be in.
#[derive(Serialize, ToSchema)]
struct StageInfo {
    id: String,
    /// By language: `es`, `pt`, `en`.
    names: BTreeMap<&'static str, String>,
}

impl From<&StageConfig> for StageInfo {
    fn from(stage: &StageConfig) -> Self {
        let name = |language: Language| (language.code(), stage.name_in(language).to_owned());
        Self { id: stage.id.to_string(), names: Language::ALL.map(name).into() }
    }
}

#[derive(Serialize, ToSchema)]
struct Limits {
    /// The largest file.
    attachment_bytes: u64,
}

#[derive(Serialize, ToSchema)]
struct Model {
    /// The model's name, or `offline`.
    model: String,
}

impl From<&Agent> for Colleague {
    fn from(agent: &Agent) -> Self {
        let Agent { id, name, email, role, teams, skills, languages, presence, .. } = agent.clone();
        Self { id, name, email, role, teams, skills, languages, presence }
    }
}

fn describe(app: &App, me: &Agent) -> Me {
    let directory = app.desk.directory();
    let mut agents: Vec<_> = app.agents.all().values().cloned().collect();
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    let inboxes = directory.inboxes.iter().map(|(id, inbox)| InboxInfo {
        id: id.to_string(),
        name: inbox.name.clone(),
        channel: inbox.channel.clone(),
        bot: inbox.policy.bot.as_ref().map(ToString::to_string),
    });
    let bots = directory.bots.iter().map(|(id, bot)| Named { id: id.to_string(), name: bot.name.clone() });
    let teams = directory.teams.iter().map(|(id, name)| Named { id: id.to_string(), name: name.clone() });
    Me {
        agent: me.into(),
        workspace: Workspace { name: app.config.name.clone() },
        inboxes: inboxes.collect(),
        bots: bots.collect(),
        teams: teams.collect(),
        stages: app.config.stages.iter().map(StageInfo::from).collect(),
        agents: agents.iter().map(Colleague::from).collect(),
        copilot: Model { model: app.copilot.copilot().model_name().to_string() },
        limits: Limits { attachment_bytes: app.config.limits.attachment_bytes },
        visibility: directory.visibility,
    }
}
