//! Replies of bots that answer later, with their turn's token.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::Named;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use relevo::bot::said_id;
use relevo::domain::command::{Command, Handoff, Outbound};
use relevo::domain::control::Turn;
use relevo::domain::id::{ConversationId, MessageId};
use relevo::domain::message::Button;
use relevo::store::DedupeKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The largest answer of a bot, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(late_reply)).layer(DefaultBodyLimit::max(MAX_ANSWER))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LateReply {
    /// The same id again changes nothing.
    id: String,
    #[serde(default)]
    messages: Vec<LateMessage>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    handoff: Option<Handoff>,
    #[serde(default)]
    captured: BTreeMap<String, String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LateMessage {
    text: String,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    buttons: Vec<Button>,
}

/// What became of a bot's answer.
#[derive(Serialize, ToSchema)]
struct Accepted {
    accepted: bool,
    /// How much of it was withheld.
    suppressed: usize,
}

/// A bot's answer to a turn that it answered with 202. The token dies when the conversation changes hands.
#[utoipa::path(post, path = "/bots/{bot}/replies", tag = "bots", params(("bot" = String, Path)),
    request_body = LateReply,
    responses((status = 200, description = "Said", body = Accepted), (status = 401, description = "bad_signature, bad_token"),
              (status = 409, description = "stale_turn: everything was withheld")))]
async fn late_reply(
    State(app): State<App>,
    Named(bot): Named<String>,
    headers: HeaderMap,
    body: std::result::Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<axum::Json<Accepted>> {
    let body = body.map_err(|_| {
        let detail = format!("the answer is larger than {MAX_ANSWER} bytes: send less");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).with("limit", MAX_ANSWER)
    })?;
    let unauthorized = |code, detail: String| Problem::new(StatusCode::UNAUTHORIZED, code, detail);
    let unknown = || unauthorized("bad_signature", "there is no bot of this name that signs its answers".into());
    let secret = app.bot_secrets.get(&bot).ok_or_else(unknown)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = app.desk.clock().now();
    secret
        .verify(header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), &body, now)
        .map_err(|error| unauthorized("bad_signature", error.to_string()))?;
    let token = header(header::AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    let bad_token = || unauthorized("bad_token", "the turn's `epoch_token` is missing, wrong or has expired".into());
    let (conversation, turn) = secret.read_turn_token(token, now).ok_or_else(bad_token)?;
    if turn.bot.as_str() != bot {
        return Err(bad_token());
    }
    let answer: LateReply = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&body))
        .map_err(|error| Problem::invalid(&error.path().to_string(), error.inner()))?;
    if answer.id.is_empty() || answer.id.len() > 100 {
        return Err(Problem::invalid("id", "needs 1 to 100 characters: give every answer an id of its own"));
    }
    let count = commands(&turn, answer);
    run(&app, conversation, &turn, count).await
}

/// What an answer does, each under a name of its own.
fn commands(turn: &Turn, answer: LateReply) -> Vec<(String, Command)> {
    let mut commands = Vec::new();
    if !answer.captured.is_empty() {
        let command = Command::Capture { turn: turn.clone(), data: answer.captured };
        commands.push((format!("{}:captured", answer.id), command));
    }
    for (n, said) in answer.messages.into_iter().enumerate() {
        let name = format!("{}:{n}", answer.id);
        let id = MessageId(Uuid::new_v5(&said_id(turn, 0).0, name.as_bytes()));
        let message = Outbound {
            id,
            text: said.text,
            attachments: Vec::new(),
            buttons: said.buttons,
            reply_to: None,
            client_id: None,
        };
        commands.push((name, Command::Say { turn: turn.clone(), message }));
    }
    if let Some(handoff) = answer.handoff {
        commands.push((format!("{}:handoff", answer.id), Command::HandOff { turn: turn.clone(), handoff }));
    }
    commands
}

async fn run(
    app: &App,
    conversation: ConversationId,
    turn: &Turn,
    commands: Vec<(String, Command)>,
) -> Result<axum::Json<Accepted>> {
    let mut suppressed = 0;
    for (key, command) in commands {
        let key = DedupeKey { scope: format!("turn:{}", turn.id), key };
        suppressed += usize::from(app.desk.run_once(conversation, command, key).await?.suppressed());
    }
    if suppressed == 0 {
        return Ok(axum::Json(Accepted { accepted: true, suppressed: 0 }));
    }
    let detail = "somebody else holds the conversation by now: nothing of this was shown to the visitor";
    Err(Problem::new(StatusCode::CONFLICT, "stale_turn", detail).with("suppressed", suppressed))
}
