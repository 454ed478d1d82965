//! The visitor's socket.

use super::{Closed, Heard, Incoming, Outgoing, RESTART, TICKET, Upgrade, places, refused};
use crate::app::App;
use crate::error::Problem;
use crate::extract::{Address, Query};
use crate::presence::Page;
use crate::routes::{files, widget};
use crate::tickets::{Principal, Visit, redeem};
use crate::wire;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use relevo::bus::{Signal, Typist};
use relevo::desk::{Arrival, DeskError, Done, Wish};
use relevo::domain::command::{Command, Inbound};
use relevo::domain::control::{Epoch, Holder};
use relevo::domain::conversation::Conversation;
use relevo::domain::event::{Envelope, Event, Origin};
use relevo::domain::id::{ContactId, ConversationId, FileId, InboxId, MessageId, Seq};
use relevo::domain::timeline::{Who, for_visitor};
use relevo::feed::Change;
use relevo::topics::Following;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::IpAddr;
use tokio::sync::broadcast::error::RecvError;

const BATCH: usize = 100;

/// What opens the socket.
#[derive(Deserialize)]
pub struct Ticket {
    ticket: String,
}

/// Opens the socket of whoever holds the ticket, for a page that may carry the inbox.
pub async fn upgrade(
    State(app): State<App>,
    Query(Ticket { ticket }): Query<Ticket>,
    Address(address): Address,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let Some(Principal::Visitor { contact, inbox, visit }) = redeem(&app.desk, &ticket).await? else {
        return Ok(upgrade.refuse(Closed(TICKET, "ticket")));
    };
    widget::allowed(&app, &inbox, &headers)?;
    let places = places(&app, format!("visitor:{contact}"), app.config.limits.sockets_per_visitor, address)?;
    Ok(upgrade.open(places, move |incoming, outgoing| async move {
        metrics::gauge!("relevo_sockets", "who" => "visitor").increment(1.0);
        let visit = *visit;
        let (conversation, hints, told, ready) = (None, None, 0, false);
        let session = Session { app, contact, inbox, visit, address, outgoing, conversation, hints, told, ready };
        let closed = session.talk(incoming).await;
        metrics::gauge!("relevo_sockets", "who" => "visitor").decrement(1.0);
        closed
    }))
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

// With every message: written as they are, not first made into a tree of values.
#[derive(Serialize)]
struct Ack<'a> {
    op: &'static str,
    client_id: &'a str,
    seq: Seq,
    message_id: Option<MessageId>,
}

#[derive(Serialize)]
struct Items {
    op: &'static str,
    items: Vec<wire::VisitorItem>,
}

struct Session {
    app: App,
    contact: ContactId,
    inbox: InboxId,
    visit: Visit,
    address: IpAddr,
    outgoing: Outgoing,
    conversation: Option<ConversationId>,
    /// Who writes in it.
    hints: Option<Following<ConversationId, Signal>>,
    told: Seq,
    ready: bool,
}

impl Session {
    async fn talk(mut self, mut incoming: Incoming) -> Option<Closed> {
        // Subscribed before anything is read, so that nothing falls between reading and hearing.
        let mut changes = self.app.feed.subscribe_to(self.contact);
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
                    // Boxed while it lasts: an idle socket need not keep room for the longest way that a frame may go.
                    Heard::Frame(frame) => Box::pin(self.frame(frame)).await,
                },
                change = changes.recv(), if self.ready => match change {
                    Ok(change) => Box::pin(self.change(&change)).await,
                    // What was missed is in the store.
                    Err(RecvError::Lagged(_)) => Box::pin(self.catch_up()).await,
                    Err(RecvError::Closed) => Err(Closed(RESTART, "restart")),
                },
                signal = hint(&mut self.hints), if self.ready => match signal {
                    Ok(signal) => Box::pin(self.signal(signal)).await,
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
                let said = self.say(&client_id, text, payload, &attachments).await;
                relevo::crash_point!("before_ack");
                self.answer(&client_id, said).await
            }
            Frame::Human { client_id } => {
                let called = self.human(&client_id).await;
                self.answer(&client_id, called).await
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
                // Nobody waits for an answer to this: what is too much is not written down.
                if self.app.limiters.pages.check(&self.contact.to_string()).is_err() {
                    return Ok(());
                }
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
        if let Some(state) = &state {
            self.enter(state.id);
        }
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

    fn enter(&mut self, conversation: ConversationId) {
        self.conversation = Some(conversation);
        self.hints = Some(self.app.desk.bus().subscribe_to(conversation));
    }

    async fn say(
        &mut self,
        client_id: &str,
        text: String,
        payload: Option<String>,
        attachments: &[FileId],
    ) -> Result<Done, Problem> {
        if let Some(done) = self.admit(client_id, !attachments.is_empty()).await? {
            return Ok(done);
        }
        let attachments = files::keep(&self.app, self.contact, attachments).await?;
        let inbound = Inbound {
            id: MessageId(self.app.desk.clock().id()),
            text,
            attachments,
            payload,
            client_id: Some(client_id.to_owned()),
            asks_for_human: None,
        };
        self.receive(client_id, Wish::Say(inbound)).await
    }

    /// "Talk to a person": also the first thing that somebody may say.
    async fn human(&mut self, client_id: &str) -> Result<Done, Problem> {
        if let Some(done) = self.admit(client_id, false).await? {
            return Ok(done);
        }
        self.receive(client_id, Wish::Human).await
    }

    /// What came of this already, where that has to be asked before the append finds it out: something that was done is
    /// acknowledged again however fast it comes, and its files were kept already.
    async fn admit(&self, client_id: &str, has_files: bool) -> Result<Option<Done>, Problem> {
        if client_id.is_empty() || client_id.len() > 100 {
            return Err(Problem::invalid("client_id", "needs 1 to 100 characters"));
        }
        let rate = self.not_too_fast();
        if rate.is_ok() && !has_files {
            return Ok(None);
        }
        match self.app.desk.received(&self.inbox, &self.provider_id(client_id)).await? {
            Some(done) => Ok(Some(done)),
            None => rate.map(|()| None),
        }
    }

    fn not_too_fast(&self) -> Result<(), Problem> {
        let (limits, key) = (&self.app.limiters, self.contact.to_string());
        let rate = limits.visitor_burst.check(&key).and_then(|()| limits.visitor_hour.check(&key));
        rate.map_err(|wait| Problem::too_fast("too many messages", wait))?;
        if self.conversation.is_none() {
            let rate = limits.conversations.check(&self.address);
            rate.map_err(|wait| Problem::too_fast("too many new conversations from here", wait))?;
        }
        Ok(())
    }

    async fn receive(&self, client_id: &str, wish: Wish) -> Result<Done, Problem> {
        let arrival = Arrival {
            inbox: self.inbox.clone(),
            contact: self.contact,
            language: self.visit.language.clone(),
            origin: self.visit.origin.clone(),
            wish,
            provider_id: Some(self.provider_id(client_id)),
        };
        Ok(self.app.desk.receive(arrival).await?)
    }

    fn provider_id(&self, client_id: &str) -> String {
        format!("{}:{client_id}", self.contact)
    }

    /// Acknowledges what is on disk; a refusal says when to try again where only time is wanting.
    async fn answer(&mut self, client_id: &str, done: Result<Done, Problem>) -> Result<(), Closed> {
        match done {
            Ok(done) => {
                let seq = done.written().unwrap_or(done.state.seq);
                let message_id = done.facts.iter().find_map(|fact| match &fact.event {
                    Event::MessagePosted { message, .. } => Some(message.id),
                    _ => None,
                });
                self.outgoing.send(&Ack { op: "ack", client_id, seq, message_id })?;
                self.news(done.state.id, &done.facts).await
            }
            Err(problem) => {
                let (code, detail) = (problem.code(), problem.detail());
                let mut frame = json!({"op": "refused", "client_id": client_id, "code": code, "detail": detail});
                if let Some(wait) = problem.wait() {
                    frame["retry_after_ms"] = json!(wait.as_millis() + 1);
                }
                self.outgoing.send(&frame)
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

    async fn change(&mut self, change: &Change) -> Result<(), Closed> {
        let state = &change.row.conversation;
        // Ids of conversations grow: something that is still done in an older one is no news to this page.
        if state.inbox != self.inbox || self.conversation.is_some_and(|current| state.id < current) {
            return Ok(());
        }
        self.news(state.id, &change.facts).await?;
        if matches!(state.control.holder, Holder::Queue { .. }) {
            let place = self.place(state).await;
            self.outgoing.send(&json!({"op": "queue", "position": place["position"]}))?;
        }
        Ok(())
    }

    /// Tells facts of the visitor's conversation. What does not follow on what was told is read from the store.
    async fn news(&mut self, id: ConversationId, facts: &[Envelope]) -> Result<(), Closed> {
        if self.conversation != Some(id) {
            // Begun just now, in another tab, or anew after a long time.
            self.enter(id);
            self.told = 0;
        }
        match facts.first() {
            Some(first) if first.seq <= self.told + 1 => self.tell(facts),
            Some(_) => self.catch_up().await,
            None => Ok(()),
        }
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
            self.tell(&facts)?;
            if facts.len() < BATCH {
                return Ok(());
            }
            self.outgoing.room().await?;
        }
    }

    /// Tells what is new in facts that follow on what was told, as far as visitors may see it.
    fn tell(&mut self, facts: &[Envelope]) -> Result<(), Closed> {
        let new = facts.iter().filter(|fact| fact.seq > self.told);
        let name = |who: &Who| name_of(&self.app, who);
        let items: Vec<_> = new.filter_map(for_visitor).map(|item| wire::VisitorItem::new(&item, &name)).collect();
        self.told = facts.last().map_or(self.told, |last| last.seq.max(self.told));
        if items.is_empty() { Ok(()) } else { self.outgoing.send(&Items { op: "items", items }) }
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
        let before = self.app.desk.store().waiting_before(&self.inbox, since).await;
        before.map_or(Value::Null, |before| json!({"position": before + 1}))
    }
}

/// The next hint, once there is a conversation.
async fn hint(hints: &mut Option<Following<ConversationId, Signal>>) -> Result<Signal, RecvError> {
    match hints {
        Some(hints) => hints.recv().await,
        None => std::future::pending().await,
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
