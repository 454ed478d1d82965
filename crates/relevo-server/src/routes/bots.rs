//! Replies of bots that answer later, with their turn's token.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Named, parse, signed};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use relevo::bot::Answer;
use relevo::domain::event::Event;
use relevo::domain::message::Button;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest answer of a bot, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(late_reply)).layer(DefaultBodyLimit::max(MAX_ANSWER))
}

/// What a bot answers: [`Answer`], described.
#[derive(ToSchema)]
#[schema(as = BotAnswer)]
#[expect(dead_code, reason = "it describes what `relevo::bot::Answer` reads")]
struct Described {
    /// The same id again changes nothing.
    id: String,
    messages: Option<Vec<DescribedMessage>>,
    handoff: Option<DescribedHandoff>,
    captured: Option<BTreeMap<String, String>>,
}

#[derive(ToSchema)]
#[schema(as = BotMessage)]
#[expect(dead_code, reason = "it describes what `relevo::bot::Said` reads")]
struct DescribedMessage {
    text: String,
    #[schema(value_type = Option<Vec<Object>>)]
    buttons: Vec<Button>,
}

#[derive(ToSchema)]
#[schema(as = BotHandoff)]
#[expect(dead_code, reason = "it describes what `command::Handoff` reads")]
struct DescribedHandoff {
    /// In the bot's words.
    reason: Option<String>,
    /// For agents only.
    note: Option<String>,
    /// A team's id.
    team: Option<String>,
    skill: Option<String>,
    captured: Option<BTreeMap<String, String>>,
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
    request_body = Described,
    responses((status = 200, description = "Said", body = Accepted), (status = 401, description = "bad_signature, bad_token"),
              (status = 409, description = "stale_turn: everything was withheld"), (status = 422, description = "empty_answer")))]
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
    let unknown = || Problem::unsigned("there is no bot of this name that signs its answers");
    let secret = app.bot_secrets.get(&bot).ok_or_else(unknown)?;
    let now = app.desk.clock().now();
    signed(secret, &headers, &body, now)?;
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let bad_token = || {
        let detail = "the turn's `epoch_token` is missing, wrong or has expired";
        Problem::new(StatusCode::UNAUTHORIZED, "bad_token", detail)
    };
    let (conversation, turn) = secret.read_turn_token(token.unwrap_or_default(), now).ok_or_else(bad_token)?;
    if turn.bot.as_str() != bot {
        return Err(bad_token());
    }
    let answer: Answer = parse(&body)?;
    let id = answer.id.as_deref().unwrap_or_default();
    if id.is_empty() || id.len() > 100 {
        return Err(Problem::invalid("id", "needs 1 to 100 characters: give every answer an id of its own"));
    }
    if answer.is_empty() {
        let detail = "the answer is empty: give it `messages`, `handoff` or `captured`";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "empty_answer", detail));
    }
    let done = answer.give(&app.desk, conversation, &turn).await?;
    let suppressed = done.facts.iter().filter(|fact| matches!(fact.event, Event::Suppressed { .. })).count();
    if suppressed == 0 {
        return Ok(axum::Json(Accepted { accepted: true, suppressed: 0 }));
    }
    let detail = "somebody else holds the conversation by now: nothing of this was shown to the visitor";
    Err(Problem::new(StatusCode::CONFLICT, "stale_turn", detail).with("suppressed", suppressed))
}
