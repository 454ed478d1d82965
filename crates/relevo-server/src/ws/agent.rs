//! The agent's socket: rows of the lists, timelines of open conversations, and who is doing what.

mod frames;
mod open;
mod past;

use super::{Closed, Heard, Incoming, Outgoing, RESTART, SIGNED_OUT, TICKET, Upgrade, places, refused};
use crate::app::App;
use crate::error::Problem;
use crate::extract::{Address, Query, own_origin};
use crate::routes::{artifacts, visitors};
use crate::sign_in;
use crate::tickets::{Principal, redeem};
use crate::wire;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use frames::Frame;
use open::OpenConversations;
use relevo::bus::{Signal, Typist};
use relevo::domain::card::{Visibility, may_see};
use relevo::domain::id::{ArtifactId, ContactId, ConversationId};
use relevo::feed::Change;
use relevo::store::{Agent, Artifact, ArtifactKind, ArtifactStatus, DraftMode, Position, Row};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// Rows that changed while the agent was away are read in pages of this size.
const PAGE: usize = 200;
/// How often a socket looks whether its session still runs: it may have become too old, or been ended elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

/// What opens the socket.
#[derive(Deserialize)]
pub struct Ticket {
    ticket: String,
}

/// Opens the socket of whoever holds the ticket.
pub async fn upgrade(
    State(app): State<App>,
    Query(Ticket { ticket }): Query<Ticket>,
    Address(address): Address,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    if !own_origin(&headers, &app.config) {
        let detail = "this page is of another site: add its origin to `allowed_origins` if it may";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    let signed_in = match redeem(&app.desk, &ticket).await? {
        Some(Principal::Agent { agent, session }) => app.agents.get(agent).map(|agent| (agent, session)),
        Some(Principal::Visitor { .. }) | None => None,
    };
    let Some((agent, session)) = signed_in else { return Ok(upgrade.refuse(Closed(TICKET, "ticket"))) };
    let places = places(&app, format!("agent:{}", agent.id), app.config.limits.sockets_per_agent, address)?;
    Ok(upgrade.open(places, |incoming, outgoing| async move {
        metrics::gauge!("relevo_sockets", "who" => "agent").increment(1.0);
        let closed = Session::new(app, agent, session, outgoing).talk(incoming).await;
        metrics::gauge!("relevo_sockets", "who" => "agent").decrement(1.0);
        closed
    }))
}

/// With every change: written as it is, not first made into a tree of values.
#[derive(Serialize)]
struct CardFrame {
    op: &'static str,
    card: wire::Card,
}

struct Session {
    app: App,
    agent: Agent,
    /// The hash of the session's token.
    session: String,
    outgoing: Outgoing,
    open: OpenConversations,
    /// The agent's unsent replies, until it is said that they changed: every row that changes shows one.
    drafts: Option<HashMap<ConversationId, String>>,
    /// What is being written and may be read meanwhile: how many characters were told, if that is known.
    streamed: HashMap<ArtifactId, Option<usize>>,
    greeted: bool,
}

impl Session {
    fn new(app: App, agent: Agent, session: String, outgoing: Outgoing) -> Self {
        let (open, streamed) = (OpenConversations::default(), HashMap::new());
        Self { app, agent, session, outgoing, open, drafts: None, streamed, greeted: false }
    }

    async fn talk(mut self, mut incoming: Incoming) -> Option<Closed> {
        // Subscribed before anything is read, so that nothing falls between reading and hearing.
        let mut changes = self.app.feed.subscribe();
        let mut signals = self.app.desk.bus().subscribe();
        let stop = self.app.stop.clone();
        let mut look_again = tokio::time::interval(LOOK_AGAIN);
        let closed = loop {
            let result = tokio::select! {
                () = stop.cancelled() => Err(Closed(RESTART, "restart")),
                _ = look_again.tick() => self.still_signed_in().await,
                heard = incoming.next::<Frame>() => match heard {
                    Heard::Gone => break None,
                    Heard::Nonsense(detail) => self.outgoing.send(&refused("bad_frame", &detail)),
                    Heard::Frame(frame) => self.frame(frame).await,
                },
                change = changes.recv(), if self.greeted => match change {
                    Ok(change) => self.change(&change).await,
                    // Told to come back: what was missed is in the store.
                    Err(RecvError::Lagged(_)) => Err(Closed(super::RESUME, "resume")),
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
                signal = signals.recv(), if self.greeted => match signal {
                    Ok(signal) => self.signal(signal).await,
                    // Hints are hints.
                    Err(RecvError::Lagged(_)) => {
                        self.drafts = None;
                        Ok(())
                    }
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
            };
            if let Err(closed) = result {
                break Some(closed);
            }
            self.outgoing.pass().await;
        };
        for conversation in self.open.ids() {
            self.app.presence.views(conversation, self.agent.id, false);
        }
        closed
    }

    async fn hello(&mut self, position: Option<Position>) -> Result<(), Closed> {
        let now = self.app.desk.clock().now();
        self.outgoing.send(&json!({
            "op": "welcome", "position": self.app.feed.position(), "server_time": wire::Time(now),
            "version": env!("CARGO_PKG_VERSION"),
        }))?;
        self.greeted = true;
        let Some(mut after) = position else { return Ok(()) };
        let first = match self.changed_since(after).await {
            Ok(first) => first,
            Err(error) => return self.broken(&error),
        };
        loop {
            self.outgoing.room().await?;
            let rows = match self.app.desk.store().changed(after, PAGE).await {
                Ok(rows) => rows,
                Err(error) => return self.broken(&error),
            };
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.position;
            for row in &rows {
                if self.sees(row) {
                    self.row(row).await?;
                    continue;
                }
                let id = row.conversation.id;
                let Some(since) = first.get(&id) else { continue };
                match self.saw_since(id, *since).await {
                    Ok(true) => self.gone(row)?,
                    Ok(false) => {}
                    Err(error) => return self.broken(&error),
                }
            }
        }
    }

    async fn change(&mut self, change: &Change) -> Result<(), Closed> {
        if !self.sees(&change.row) {
            let was_open = self.open.shut(change.conversation);
            if was_open {
                self.app.presence.views(change.conversation, self.agent.id, false);
            }
            return match self.saw_before(change).await {
                Ok(saw) if saw || was_open => self.gone(&change.row),
                Ok(_) => Ok(()),
                Err(error) => self.broken(&error),
            };
        }
        self.row(&change.row).await?;
        if self.open.holds(change.conversation) {
            self.open.tell(change.conversation, &change.facts, self.app.desk.store().as_ref(), &self.outgoing).await?;
        }
        Ok(())
    }

    fn sees(&self, row: &Row) -> bool {
        may_see(&self.agent.facts(), &row.conversation, self.app.desk.directory().visibility)
    }

    /// Whether the agent may read an artifact while it is being written: what a colleague asked for may come from
    /// conversations that only the colleague sees.
    fn reads(&self, made: &Artifact) -> bool {
        self.app.desk.directory().visibility == Visibility::Everyone
            || made.created_by.is_none_or(|by| by == self.agent.id)
            || made.kind != ArtifactKind::Reply
    }

    /// Whoever opens a conversation in which something is being written reads it from its beginning.
    async fn read_what_is_written(&mut self, conversation: ConversationId) {
        let made = self.app.desk.store().artifacts(conversation).await.unwrap_or_default();
        for made in made.iter().filter(|made| made.status == ArtifactStatus::Running) {
            if !self.reads(made) {
                continue;
            }
            self.streamed.insert(made.id, None);
            self.app.desk.bus().publish(Signal::ArtifactWanted { conversation, artifact: made.id });
        }
    }

    async fn row(&mut self, row: &Row) -> Result<(), Closed> {
        let conversation = row.conversation.id;
        if self.drafts.is_none() {
            let drafts = self.app.desk.store().drafts(self.agent.id).await.unwrap_or_default();
            let replies = drafts.into_iter().filter(|draft| draft.mode == DraftMode::Reply);
            self.drafts = Some(replies.map(|draft| (draft.conversation, draft.text)).collect());
        }
        let draft = self.drafts.as_ref().and_then(|drafts| drafts.get(&conversation)).map(String::as_str);
        let online = self.app.presence.online(row.contact.id);
        let card = wire::Card::new(row, self.agent.id, online, draft);
        self.outgoing.send(&CardFrame { op: "card", card })
    }

    /// Whether a visitor's coming and going is the agent's to know: with no conversation yet it is everybody's, else
    /// that of whoever may see one of theirs.
    async fn may_know_of(&self, contact: ContactId) -> bool {
        if self.sees_all() {
            return true;
        }
        let rows = self.app.desk.store().of_contact(contact).await;
        rows.is_ok_and(|rows| rows.is_empty() || rows.iter().any(|row| self.sees(row)))
    }

    /// Only for whoever saw it before: of anything else not even that it is there is theirs to know.
    fn gone(&self, row: &Row) -> Result<(), Closed> {
        let frame = json!({"op": "card_gone", "conversation": row.conversation.id, "position": row.position});
        self.outgoing.send(&frame)
    }

    async fn signal(&mut self, signal: Signal) -> Result<(), Closed> {
        match signal {
            Signal::Appended { .. } => Ok(()),
            Signal::Typing { conversation, who, on } => {
                let stale =
                    on && matches!(who, Typist::Bot { epoch, .. } if !self.open.is_of_epoch(conversation, epoch));
                if stale || !self.open.holds(conversation) {
                    return Ok(());
                }
                let actor = wire::Actor::from(&who.actor());
                self.outgoing.send(&json!({"op": "typing", "conversation": conversation, "actor": actor, "on": on}))
            }
            Signal::Partial { conversation, turn, epoch, text } => {
                if !self.open.is_of_epoch(conversation, epoch) {
                    return Ok(());
                }
                self.outgoing.send(&json!({"op": "partial", "conversation": conversation, "turn": turn, "text": text}))
            }
            Signal::Presence { agent, state } => {
                self.outgoing.send(&json!({"op": "presence", "agent": agent, "state": wire::plain(&state)}))
            }
            Signal::Viewing { conversation } => {
                if !self.open.holds(conversation) {
                    return Ok(());
                }
                let agents = self.app.presence.viewers(conversation);
                self.outgoing.send(&json!({"op": "viewing", "conversation": conversation, "agents": agents}))
            }
            Signal::Online { contact, on } => {
                if !self.may_know_of(contact).await {
                    return Ok(());
                }
                self.outgoing.send(&json!({"op": "online", "contact": contact, "online": on}))?;
                match visitors::one(&self.app, &self.agent, contact).await {
                    Ok(Some(visitor)) => self.outgoing.send(&json!({"op": "visitor", "visitor": visitor})),
                    Ok(None) | Err(_) => Ok(()),
                }
            }
            Signal::Artifact { conversation, artifact } => {
                if !self.open.holds(conversation) {
                    return Ok(());
                }
                let Ok(Some(made)) = self.app.desk.store().artifact(artifact).await else { return Ok(()) };
                if self.reads(&made) && made.status == ArtifactStatus::Running {
                    // It begins, or begins anew.
                    self.streamed.insert(artifact, Some(0));
                } else {
                    self.streamed.remove(&artifact);
                }
                let Ok(made) = artifacts::described(&self.app, &self.agent.facts(), &made).await else {
                    return Ok(());
                };
                self.outgoing.send(&json!({"op": "artifact", "conversation": conversation, "artifact": made}))
            }
            Signal::ArtifactDelta { conversation, artifact, step, at, text } => {
                if !self.open.holds(conversation) {
                    return Ok(());
                }
                let Some(told) = self.streamed.get_mut(&artifact) else { return Ok(()) };
                let known = told.unwrap_or(0);
                if at > known {
                    // A piece was missed: all of it comes again.
                    *told = None;
                    self.app.desk.bus().publish(Signal::ArtifactWanted { conversation, artifact });
                    return Ok(());
                }
                let text: String = text.chars().skip(known - at).collect();
                *told = Some(known + text.chars().count());
                self.outgoing.send(&json!({
                    "op": "artifact_delta", "conversation": conversation, "artifact": artifact, "step": step,
                    "at": known, "text": text,
                }))
            }
            Signal::Drafts { agent } => {
                if agent == self.agent.id {
                    self.drafts = None;
                }
                Ok(())
            }
            Signal::SignedOut { agent } if agent == self.agent.id => self.still_signed_in().await,
            Signal::SignedOut { .. } | Signal::Here { .. } => Ok(()),
            Signal::CancelArtifact { .. } | Signal::ArtifactWanted { .. } | Signal::Sources { .. } => Ok(()),
            Signal::Library => self.outgoing.send(&json!({"op": "library"})),
            Signal::Knowledge => self.outgoing.send(&json!({"op": "knowledge"})),
        }
    }

    /// Another browser of the same agent may have signed out, and this one may stay.
    async fn still_signed_in(&self) -> Result<(), Closed> {
        let now = self.app.desk.clock().now();
        match sign_in::running(self.app.desk.store().as_ref(), &self.session, now).await {
            Ok(None) => Err(Closed(SIGNED_OUT, "signed out")),
            Ok(Some(_)) => Ok(()),
            Err(error) => self.broken(&error),
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Result<(), Closed> {
        tracing::warn!(%error, "an agent's socket could not read the store");
        self.outgoing.send(&refused("store_unavailable", "the server cannot read right now: try again soon"))
    }
}
