//! The visitor's socket.

use super::{Closed, Heard, Incoming, MAX_FRAME, Outgoing, RESTART, TICKET, refused, run};
use crate::app::App;
use crate::error::Problem;
use crate::extract::{Address, Query};
use crate::presence::Page;
use crate::routes::files;
use crate::tickets::{Principal, Visit};
use crate::wire;
use axum::extract::{State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use relevo::bus::{Signal, Typist};
use relevo::desk::{Arrival, DeskError};
use relevo::domain::card::View;
use relevo::domain::command::{AgentFacts, Command, Inbound, Role};
use relevo::domain::control::{Epoch, Holder};
use relevo::domain::conversation::Conversation;
use relevo::domain::event::Origin;
use relevo::domain::id::{AgentId, ContactId, ConversationId, FileId, InboxId, MessageId, Seq};
use relevo::domain::timeline::{Who, for_visitor};
use relevo::store::Sort;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use tokio::sync::broadcast::error::RecvError;

const BATCH: usize = 100;

/// What opens the socket.
#[derive(Deserialize)]
pub struct Ticket {
    ticket: String,
}

/// Opens the socket of whoever holds the ticket. The ticket was given to a page whose origin was checked.
pub async fn upgrade(
    State(app): State<App>,
    Query(Ticket { ticket }): Query<Ticket>,
    Address(address): Address,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let upgrade = upgrade.read_buffer_size(4_096).write_buffer_size(0).max_message_size(MAX_FRAME);
    let Some(Principal::Visitor { contact, inbox, visit }) = app.tickets.redeem(&ticket) else {
        return Ok(upgrade.on_upgrade(|socket| run(socket, |_, _| async { Some(Closed(TICKET, "ticket")) })));
    };
    let most = app.config.limits.sockets_per_visitor;
    let place = app.limiters.sockets.open(format!("visitor:{contact}"), most);
    let from = app.limiters.sockets.open(format!("address:{address}"), app.config.limits.sockets_per_address);
    let (Some(place), Some(from)) = (place, from) else {
        return Err(Problem::too_many("too many chats are open here already: close a tab").with("limit", most));
    };
    let on_upgrade = move |socket| async move {
        // Counted until the last frame is out.
        let _places = (place, from);
        run(socket, |incoming, outgoing| async move {
            metrics::gauge!("relevo_sockets", "who" => "visitor").increment(1.0);
            let session = Session {
                app,
                contact,
                inbox,
                visit: *visit,
                address,
                outgoing,
                conversation: None,
                told: 0,
                ready: false,
            };
            let closed = session.talk(incoming).await;
            metrics::gauge!("relevo_sockets", "who" => "visitor").decrement(1.0);
            closed
        })
        .await;
    };
    Ok(upgrade.on_upgrade(on_upgrade).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Frame {
    Hello {
        after: Seq,
    },
    Say {
        client_id: String,
        text: String,
        payload: Option<String>,
        #[serde(default)]
        attachments: Vec<FileId>,
    },
    Human {
        client_id: String,
    },
    Typing {
        on: bool,
    },
    Received {
        up_to: Seq,
    },
    Read {
        up_to: Seq,
    },
    Page {
        url: String,
        title: String,
    },
}

struct Session {
    app: App,
    contact: ContactId,
    inbox: InboxId,
    visit: Visit,
    address: IpAddr,
    outgoing: Outgoing,
    conversation: Option<ConversationId>,
    told: Seq,
    ready: bool,
}

impl Session {
    async fn talk(mut self, mut incoming: Incoming) -> Option<Closed> {
        // Subscribed before anything is read, so that nothing falls between reading and hearing.
        let mut changes = self.app.feed.subscribe();
        let mut signals = self.app.desk.bus().subscribe();
        let stop = self.app.stop.clone();
        let page = Page { url: self.visit.origin.page.clone(), title: self.visit.origin.title.clone() };
        let now = self.app.desk.clock().now();
        self.app.presence.came(self.contact, &self.inbox, self.visit.language.as_deref(), page, now);
        let closed = loop {
            let result = tokio::select! {
                () = stop.cancelled() => Err(Closed(RESTART, "restart")),
                heard = incoming.next::<Frame>() => match heard {
                    Heard::Gone => break None,
                    Heard::Nonsense(detail) => self.outgoing.send(&refused("bad_frame", &detail)),
                    Heard::Frame(frame) => self.frame(frame).await,
                },
                change = changes.recv(), if self.ready => match change {
                    Ok(change) => self.change(&change.row.conversation).await,
                    // What was missed is in the store.
                    Err(RecvError::Lagged(_)) => self.catch_up().await,
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
                signal = signals.recv(), if self.ready => match signal {
                    Ok(signal) => self.signal(signal).await,
                    Err(RecvError::Lagged(_)) => Ok(()),
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
            };
            if let Err(closed) = result {
                break Some(closed);
            }
        };
        self.app.presence.went(self.contact);
        closed
    }

    async fn frame(&mut self, frame: Frame) -> Result<(), Closed> {
        match frame {
            Frame::Hello { after } => self.hello(after).await,
            Frame::Say { client_id, text, payload, attachments } => {
                let answer = self.say(&client_id, text, payload, &attachments).await;
                self.outgoing.send(&answer)?;
                self.catch_up().await
            }
            Frame::Human { client_id } => {
                let answer = self.human(&client_id).await;
                self.outgoing.send(&answer)?;
                self.catch_up().await
            }
            Frame::Typing { on } => {
                if let Some(conversation) = self.conversation {
                    self.app.desk.bus().publish(Signal::Typing { conversation, who: Typist::Visitor, on });
                }
                Ok(())
            }
            Frame::Received { up_to } => self.mark(Command::MarkReceived { up_to }).await,
            Frame::Read { up_to } => self.mark(Command::MarkRead { up_to }).await,
            Frame::Page { url, title } => {
                self.visit.origin.page = Some(url.clone());
                self.visit.origin.title = Some(title.clone());
                self.app.presence.moved(self.contact, Page { url: Some(url.clone()), title: Some(title.clone()) });
                self.mark(Command::VisitPage { url, title }).await
            }
        }
    }

    async fn hello(&mut self, after: Seq) -> Result<(), Closed> {
        let store = self.app.desk.store();
        let state = match store.thread(&self.inbox, self.contact).await {
            Ok(Some(id)) => store.load(id).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                let problem = Problem::from(error);
                return self.outgoing.send(&refused(problem.code(), problem.detail()));
            }
        };
        self.conversation = state.as_ref().map(|state| state.id);
        self.told = after;
        self.ready = true;
        let who = state.as_ref().map(|state| if state.is_closed() { Who::Closed } else { Who::of(&state.control) });
        let who = who.or_else(|| {
            let inbox = self.app.desk.directory().inboxes.get(&self.inbox)?;
            Some(inbox.policy.bot.clone().map_or(Who::Queue, Who::Bot))
        });
        let name = who.as_ref().and_then(|who| name_of(&self.app, who));
        let queue = match &state {
            Some(state) => self.place(state).await,
            None => Value::Null,
        };
        self.outgoing.send(&json!({
            "op": "welcome", "conversation": self.conversation, "who": who.as_ref().map(wire::who), "name": name,
            "queue": queue,
        }))?;
        self.outgoing.room().await?;
        self.catch_up().await
    }

    async fn say(&mut self, client_id: &str, text: String, payload: Option<String>, attachments: &[FileId]) -> Value {
        let key = self.contact.to_string();
        let refused = |code: &str, detail: String| json!({"op": "refused", "client_id": client_id, "code": code, "detail": detail});
        if client_id.is_empty() || client_id.len() > 100 {
            return refused("invalid", "client_id: needs 1 to 100 characters".into());
        }
        let limits = &self.app.limiters;
        if let Err(seconds) = limits.visitor_burst.check(&key).and(limits.visitor_hour.check(&key)) {
            return refused("rate_limited", format!("too many messages: wait {seconds} s"));
        }
        if self.conversation.is_none()
            && let Err(seconds) = limits.conversations.check(&self.address)
        {
            return refused("rate_limited", format!("too many new conversations from here: wait {seconds} s"));
        }
        let attachments = match files::keep(&self.app, self.contact, attachments).await {
            Ok(attachments) => attachments,
            Err(problem) => return refused(problem.code(), problem.detail().to_owned()),
        };
        let arrival = Arrival {
            inbox: self.inbox.clone(),
            contact: self.contact,
            language: self.visit.language.clone(),
            origin: self.visit.origin.clone(),
            inbound: Inbound {
                id: MessageId(self.app.desk.clock().id()),
                text,
                attachments,
                payload,
                client_id: Some(client_id.to_owned()),
                asks_for_human: None,
            },
            provider_id: Some(format!("{}:{client_id}", self.contact)),
        };
        match self.app.desk.receive(arrival).await {
            Ok(done) => {
                self.conversation = Some(done.state.id);
                json!({"op": "ack", "client_id": client_id, "seq": done.written()})
            }
            Err(error) => {
                let problem = Problem::from(error);
                refused(problem.code(), problem.detail().to_owned())
            }
        }
    }

    /// "Talk to a person". Before anything was said there is nothing to hand over yet: the wish itself becomes the first
    /// message's, in the widget.
    async fn human(&mut self, client_id: &str) -> Value {
        let Some(id) = self.conversation else {
            let detail = "write what it is about first";
            return json!({"op": "refused", "client_id": client_id, "code": "no_conversation", "detail": detail});
        };
        match self.app.desk.run(id, Command::RequestHuman).await {
            Ok(done) => json!({"op": "ack", "client_id": client_id, "seq": done.state.seq}),
            Err(error) => {
                let problem = Problem::from(error);
                json!({"op": "refused", "client_id": client_id, "code": problem.code(), "detail": problem.detail()})
            }
        }
    }

    async fn mark(&mut self, command: Command) -> Result<(), Closed> {
        let Some(id) = self.conversation else { return Ok(()) };
        match self.app.desk.run(id, command).await {
            Ok(_) | Err(DeskError::NotFound) => Ok(()),
            Err(error) => {
                let problem = Problem::from(error);
                self.outgoing.send(&refused(problem.code(), problem.detail()))
            }
        }
    }

    async fn change(&mut self, state: &Conversation) -> Result<(), Closed> {
        if state.contact != self.contact || state.inbox != self.inbox {
            return Ok(());
        }
        if self.conversation != Some(state.id) {
            // Begun in another tab, or anew after a long time.
            self.conversation = Some(state.id);
            self.told = 0;
        }
        self.catch_up().await?;
        if matches!(state.control.holder, Holder::Queue { .. }) {
            let place = self.place(state).await;
            self.outgoing.send(&json!({"op": "queue", "position": place["position"]}))?;
        }
        Ok(())
    }

    /// Tells everything that the store has after what was told, as far as visitors may see it.
    async fn catch_up(&mut self) -> Result<(), Closed> {
        let Some(id) = self.conversation else { return Ok(()) };
        loop {
            let facts = match self.app.desk.store().read(id, self.told, BATCH).await {
                Ok(facts) => facts,
                Err(error) => {
                    let problem = Problem::from(error);
                    return self.outgoing.send(&refused(problem.code(), problem.detail()));
                }
            };
            let Some(last) = facts.last() else { return Ok(()) };
            self.told = last.seq;
            let name = |who: &Who| name_of(&self.app, who);
            let items: Vec<_> =
                facts.iter().filter_map(for_visitor).map(|item| wire::VisitorItem::new(&item, &name)).collect();
            if !items.is_empty() {
                self.outgoing.send(&json!({"op": "items", "items": items}))?;
            }
            if facts.len() < BATCH {
                return Ok(());
            }
            self.outgoing.room().await?;
        }
    }

    async fn signal(&mut self, signal: Signal) -> Result<(), Closed> {
        match signal {
            Signal::Typing { conversation, who, on } if Some(conversation) == self.conversation => {
                let who = match who {
                    Typist::Visitor | Typist::Agent { private: true, .. } => return Ok(()),
                    Typist::Agent { private: false, .. } => "human",
                    Typist::Bot { epoch, .. } if on && !self.is_present(conversation, epoch).await => return Ok(()),
                    Typist::Bot { .. } => "bot",
                };
                self.outgoing.send(&json!({"op": "typing", "on": on, "who": who}))
            }
            Signal::Partial { conversation, turn, epoch, text } if Some(conversation) == self.conversation => {
                // Withdrawn in any epoch.
                let fresh = self.is_present(conversation, epoch).await;
                let text = text.filter(|_| fresh);
                self.outgoing.send(&json!({"op": "partial", "turn": turn, "text": text}))
            }
            _ => Ok(()),
        }
    }

    /// Whether an epoch is the one in force: what a bot types, and that it does, is fenced too.
    async fn is_present(&self, conversation: ConversationId, epoch: Epoch) -> bool {
        let now = self.app.desk.store().load(conversation).await;
        now.is_ok_and(|state| state.is_some_and(|state| state.control.epoch == epoch))
    }

    /// The place in the queue, from 1.
    async fn place(&self, state: &Conversation) -> Value {
        let Holder::Queue { since, .. } = state.control.holder else { return Value::Null };
        let everybody = AgentFacts { id: AgentId(uuid::Uuid::nil()), role: Role::Admin, teams: Vec::new() };
        let query = relevo::store::Query {
            agent: everybody,
            visibility: self.app.desk.directory().visibility,
            view: View::Queue,
            text: None,
            inbox: Some(self.inbox.clone()),
            team: None,
            label: None,
            sort: Sort::Waiting,
            offset: 0,
            limit: 200,
        };
        let Ok(page) = self.app.desk.store().list(&query).await else { return Value::Null };
        let before = page.rows.iter().filter(
            |row| matches!(row.conversation.control.holder, Holder::Queue { since: theirs, .. } if theirs < since),
        );
        json!({"position": before.count() + 1})
    }
}

/// The name under which visitors know whoever answers: a bot's, or an agent's first.
pub(crate) fn name_of(app: &App, who: &Who) -> Option<String> {
    match who {
        Who::Bot(bot) => app.desk.directory().bots.get(bot).map(|bot| bot.name.clone()),
        Who::Human(agent) => {
            let agent = app.agents.get(*agent)?;
            agent.name.split_whitespace().next().map(str::to_owned)
        }
        Who::Queue | Who::Closed => None,
    }
}

/// How a visitor got here, from what their page says.
pub(crate) fn origin(page: Option<String>, title: Option<String>, referrer: Option<String>) -> Origin {
    Origin { page, title, referrer, ..Origin::default() }
}
