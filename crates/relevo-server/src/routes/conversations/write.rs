//! What agents write: replies, notes, drafts.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, SignedIn, seen};
use crate::routes::artifacts::of_conversation;
use crate::routes::files;
use axum::extract::State;
use axum::http::StatusCode;
use relevo::bus::Signal;
use relevo::desk::Done;
use relevo::domain::command::{Command, Outbound};
use relevo::domain::event::Event;
use relevo::domain::id::{AgentId, ArtifactId, ConversationId, FileId, MessageId, NoteId, Seq};
use relevo::domain::message::MAX_TEXT_CHARS;
use relevo::store::{Agent, DedupeKey, Draft, DraftMode};
use relevo_copilot::feedback::Feedback;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// May be empty where files stand for it.
    text: String,
    /// The ids of files that were brought for it.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    attachments: Vec<FileId>,
    client_id: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// The shortcut that it began as.
    #[serde(default)]
    shortcut: Option<String>,
    /// The suggestion that it began as.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    artifact: Option<ArtifactId>,
    /// The rewritings that went into it, at most 20.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    rewrites: Vec<ArtifactId>,
}

/// The most rewritings of one message.
const REWRITES: usize = 20;

/// Says something to the visitor; takes the conversation over where no person holds it.
#[utoipa::path(post, path = "/api/conversations/{id}/messages", tag = "conversations",
    params(("id" = String, Path)), request_body = Reply,
    responses((status = 201, description = "Written and durable", body = Written), (status = 409, description = "held_by_other, closed, window_closed"),
              (status = 422, description = "too_long, invalid")))]
pub(crate) async fn reply(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(reply): Json<Reply>,
) -> Result<(StatusCode, axum::Json<Written>)> {
    let state = seen(&app, &agent, id).await?;
    let key = key(id, &agent, &reply.client_id)?;
    if reply.rewrites.len() > REWRITES {
        return Err(Problem::invalid("rewrites", format!("names more than {REWRITES}")).with("limit", REWRITES));
    }
    let mut sent = BTreeMap::new();
    for artifact in reply.artifact.iter().chain(&reply.rewrites) {
        let made = of_conversation(&app, id, *artifact).await?;
        sent.insert(*artifact, Feedback::sent(&made, &reply.text));
    }
    let attachments = files::keep(&app, state.contact, &reply.attachments).await?;
    let message = Outbound {
        id: MessageId(app.desk.clock().id()),
        text: reply.text,
        attachments,
        buttons: Vec::new(),
        reply_to: reply.reply_to,
        client_id: Some(reply.client_id),
    };
    let done = app.desk.run_once(id, Command::Reply { agent: agent.facts(), message }, key).await?;
    for (artifact, sent) in sent {
        for feedback in sent.edited().into_iter().chain([sent]) {
            app.copilot.feedback(artifact, agent.id, feedback).await?;
        }
    }
    if let Some(shortcut) = reply.shortcut {
        metrics::counter!("relevo_shortcuts_used_total", "shortcut" => shortcut).increment(1);
    }
    Ok((StatusCode::CREATED, axum::Json(written(&done))))
}

/// Takes a message back: an agent their own, a supervisor or admin anybody's. What it said is erased for good; that there
/// was a message stays.
#[utoipa::path(delete, path = "/api/conversations/{id}/messages/{seq}", tag = "conversations",
    params(("id" = String, Path), ("seq" = u64, Path)),
    responses((status = 204, description = "Removed, or removed before"), (status = 403, description = "not_allowed"),
              (status = 404, description = "not_found")))]
pub(crate) async fn remove(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named((id, seq)): Named<(ConversationId, Seq)>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    let facts = app.desk.store().read(id, seq.saturating_sub(1), 1).await?;
    let fact = facts.into_iter().find(|fact| fact.seq == seq).map(|fact| fact.event);
    let Some(Event::MessagePosted { message, .. }) = fact else { return Err(Problem::not_found("message")) };
    if message.is_removed() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let (agent, author) = (agent.facts(), message.author.clone());
    let key = DedupeKey { scope: format!("removed:{id}"), key: message.id.to_string() };
    let command = Command::RemoveMessage { agent, message: message.id, posted: seq, author };
    app.desk.run_once(id, command, key).await?;
    for file in &message.attachments {
        if let Err(error) = app.files.discard(file.id).await {
            tracing::error!(file.id = %file.id, %error, "the file of a removed message is still there");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    text: String,
    client_id: String,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<AgentId>,
}

/// Writes a private note.
#[utoipa::path(post, path = "/api/conversations/{id}/notes", tag = "conversations",
    params(("id" = String, Path)), request_body = Note, responses((status = 201, description = "Written and durable", body = Written)))]
pub(crate) async fn note(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(note): Json<Note>,
) -> Result<(StatusCode, axum::Json<Written>)> {
    seen(&app, &agent, id).await?;
    if let Some(unknown) = note.mentions.iter().find(|mention| app.agents.get(**mention).is_none()) {
        return Err(Problem::invalid("mentions", format!("there is no agent {unknown}")));
    }
    let key = key(id, &agent, &note.client_id)?;
    let command = Command::AddNote {
        agent: agent.facts(),
        note: NoteId(app.desk.clock().id()),
        text: note.text,
        mentions: note.mentions,
        client_id: Some(note.client_id),
    };
    let done = app.desk.run_once(id, command, key).await?;
    Ok((StatusCode::CREATED, axum::Json(written(&done))))
}

/// A client's own id makes a write happen once in its conversation, for ever.
pub(super) fn key(conversation: ConversationId, agent: &Agent, client_id: &str) -> Result<DedupeKey> {
    if client_id.is_empty() || client_id.len() > 100 {
        return Err(Problem::invalid(
            "client_id",
            "needs 1 to 100 characters: give everything that is to happen once an id of its own",
        ));
    }
    Ok(DedupeKey { scope: format!("agent:{}:{conversation}", agent.id), key: client_id.to_owned() })
}

/// Where something that was written stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Written {
    /// Its number in the conversation.
    #[schema(value_type = Option<u64>)]
    seq: Option<Seq>,
    /// The id of the message or note.
    message_id: Option<String>,
    /// Whether it had been written before, under the same `client_id`.
    repeated: bool,
}

fn written(done: &Done) -> Written {
    let written = done.facts.iter().find_map(|fact| match &fact.event {
        Event::MessagePosted { message, .. } => Some((fact.seq, message.id.to_string())),
        Event::NoteAdded { note, .. } => Some((fact.seq, note.to_string())),
        _ => None,
    });
    let (seq, message_id) = written.unzip();
    Written { seq, message_id, repeated: done.repeated }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDraft {
    #[schema(value_type = String)]
    mode: DraftMode,
    text: String,
}

/// Keeps what is being written; an empty text removes it.
#[utoipa::path(put, path = "/api/conversations/{id}/draft", tag = "conversations",
    params(("id" = String, Path)), request_body = NewDraft, responses((status = 204, description = "Kept")))]
pub(crate) async fn draft(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
    Json(draft): Json<NewDraft>,
) -> Result<StatusCode> {
    seen(&app, &agent, id).await?;
    if draft.text.chars().count() > MAX_TEXT_CHARS {
        return Err(Problem::invalid("text", format!("the limit is {MAX_TEXT_CHARS} characters: shorten it")));
    }
    let draft = Draft { conversation: id, mode: draft.mode, text: draft.text };
    app.desk.store().put_draft(agent.id, &draft, app.desk.clock().now()).await?;
    app.desk.bus().publish(Signal::Drafts { agent: agent.id });
    Ok(StatusCode::NO_CONTENT)
}

/// What this agent was writing here.
#[utoipa::path(get, path = "/api/conversations/{id}/drafts", tag = "conversations",
    params(("id" = String, Path)), responses((status = 200, description = "Both drafts", body = Drafts)))]
pub(crate) async fn drafts(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ConversationId>,
) -> Result<axum::Json<Drafts>> {
    seen(&app, &agent, id).await?;
    let drafts = app.desk.store().drafts(agent.id).await?;
    let of = |mode| {
        drafts.iter().find(|draft| draft.conversation == id && draft.mode == mode).map(|draft| draft.text.clone())
    };
    Ok(axum::Json(Drafts { reply: of(DraftMode::Reply), note: of(DraftMode::Note) }))
}

/// What an agent was writing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Drafts {
    reply: Option<String>,
    note: Option<String>,
}
