//! The agent's socket: rows of the lists, timelines of open conversations, and who is doing what.

mod frames;
mod open;

use super::{Closed, Heard, Incoming, MAX_FRAME, Outgoing, RESTART, SIGNED_OUT, TICKET, refused, run};
use crate::app::App;
use crate::error::Problem;
use crate::extract::{Query, own_origin};
use crate::routes::{artifacts, visitors};
use crate::tickets::Principal;
use crate::wire;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use frames::Frame;
use open::OpenConversations;
use relevo::bus::{Signal, Typist};
use relevo::domain::card::may_see;
use relevo::feed::Change;
use relevo::store::{Agent, DraftMode, Position, Row};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

/// Rows that changed while the agent was away are read in pages of this size.
const PAGE: usize = 200;

/// What opens the socket.
#[derive(Deserialize)]
pub struct Ticket {
    ticket: String,
}

/// Opens the socket of whoever holds the ticket.
pub async fn upgrade(
    State(app): State<App>,
    Query(Ticket { ticket }): Query<Ticket>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    if !own_origin(&headers, &app.config) {
        let detail = "this page is of another site: add its origin to `allowed_origins` if it may";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    let signed_in = match app.tickets.redeem(&ticket) {
        Some(Principal::Agent { agent, session }) => app.agents.get(agent).map(|agent| (agent, session)),
        Some(Principal::Visitor { .. }) | None => None,
    };
    let upgrade = upgrade.read_buffer_size(4_096).write_buffer_size(0).max_message_size(MAX_FRAME);
    let Some((agent, session)) = signed_in else {
        return Ok(upgrade.on_upgrade(|socket| run(socket, |_, _| async { Some(Closed(TICKET, "ticket")) })));
    };
    let most = app.config.limits.sockets_per_agent;
    let Some(place) = app.limiters.sockets.open(format!("agent:{}", agent.id), most) else {
        let detail = format!("{most} sockets of yours are open already: close a tab");
        return Err(Problem::too_many(detail).with("limit", most));
    };
    let on_upgrade = move |socket| async move {
        // Counted until the last frame is out.
        let _place = place;
        run(socket, |incoming, outgoing| async move {
            metrics::gauge!("relevo_sockets", "who" => "agent").increment(1.0);
            let closed = Session::new(app, agent, session, outgoing).talk(incoming).await;
            metrics::gauge!("relevo_sockets", "who" => "agent").decrement(1.0);
            closed
        })
        .await;
    };
    Ok(upgrade.on_upgrade(on_upgrade).into_response())
}

struct Session {
    app: App,
    agent: Agent,
    /// The hash of the session's token.
    session: String,
    outgoing: Outgoing,
    open: OpenConversations,
    greeted: bool,
}

impl Session {
    fn new(app: App, agent: Agent, session: String, outgoing: Outgoing) -> Self {
        Self { app, agent, session, outgoing, open: OpenConversations::default(), greeted: false }
    }

    async fn talk(mut self, mut incoming: Incoming) -> Option<Closed> {
        // Subscribed before anything is read, so that nothing falls between reading and hearing.
        let mut changes = self.app.feed.subscribe();
        let mut signals = self.app.desk.bus().subscribe();
        let stop = self.app.stop.clone();
        let closed = loop {
            let result = tokio::select! {
                () = stop.cancelled() => Err(Closed(RESTART, "restart")),
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
                    Err(RecvError::Lagged(_)) => Ok(()),
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
            };
            if let Err(closed) = result {
                break Some(closed);
            }
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
        loop {
            self.outgoing.room().await?;
            let rows = match self.app.desk.store().changed(after, PAGE).await {
                Ok(rows) => rows,
                Err(error) => return self.broken(&error),
            };
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.position;
            for row in &rows {
                self.row(row).await?;
            }
        }
    }

    async fn change(&mut self, change: &Change) -> Result<(), Closed> {
        self.row(&change.row).await?;
        if self.open.holds(change.conversation) {
            if !self.sees(&change.row) {
                self.open.shut(change.conversation);
                return Ok(());
            }
            self.open.tell(change.conversation, &change.facts, self.app.desk.store().as_ref(), &self.outgoing).await?;
        }
        Ok(())
    }

    fn sees(&self, row: &Row) -> bool {
        may_see(&self.agent.facts(), &row.conversation, self.app.desk.directory().visibility)
    }

    async fn row(&self, row: &Row) -> Result<(), Closed> {
        let conversation = row.conversation.id;
        if !self.sees(row) {
            let frame = json!({"op": "card_gone", "conversation": conversation, "position": row.position});
            return self.outgoing.send(&frame);
        }
        let drafts = self.app.desk.store().drafts(self.agent.id).await.unwrap_or_default();
        let draft = drafts.iter().find(|d| d.conversation == conversation && d.mode == DraftMode::Reply);
        let online = self.app.presence.online(row.contact.id);
        let card = wire::Card::new(row, self.agent.id, online, draft.map(|draft| draft.text.as_str()));
        self.outgoing.send(&json!({"op": "card", "card": card}))
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
            Signal::Viewing { conversation, .. } => {
                if !self.open.holds(conversation) {
                    return Ok(());
                }
                let agents = self.app.presence.viewers(conversation);
                self.outgoing.send(&json!({"op": "viewing", "conversation": conversation, "agents": agents}))
            }
            Signal::Online { contact, on } => {
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
                let store = self.app.desk.store();
                let (Ok(Some(made)), Ok(Some(state))) =
                    (store.artifact(artifact).await, store.load(conversation).await)
                else {
                    return Ok(());
                };
                let Ok(made) = artifacts::described(store.as_ref(), &state, &made).await else { return Ok(()) };
                self.outgoing.send(&json!({"op": "artifact", "conversation": conversation, "artifact": made}))
            }
            Signal::ArtifactDelta { conversation, artifact, step, text } => {
                if !self.open.holds(conversation) {
                    return Ok(());
                }
                self.outgoing.send(&json!({
                    "op": "artifact_delta", "conversation": conversation, "artifact": artifact, "step": step, "text": text,
                }))
            }
            Signal::SignedOut { agent } if agent == self.agent.id => {
                // Another browser of the same agent may stay signed in.
                match self.app.desk.store().session(&self.session).await {
                    Ok(None) => Err(Closed(SIGNED_OUT, "signed out")),
                    Ok(Some(_)) => Ok(()),
                    Err(error) => self.broken(&error),
                }
            }
            Signal::SignedOut { .. } => Ok(()),
            Signal::Library => self.outgoing.send(&json!({"op": "library"})),
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Result<(), Closed> {
        tracing::warn!(%error, "an agent's socket could not read the store");
        self.outgoing.send(&refused("store_unavailable", "the server cannot read right now: try again soon"))
    }
}
