//! A visitor inside the process: for programs that embed Relevo, for examples and tests.

use super::Running;
use crate::desk::{Arrival, Desk, DeskError, Done, Wish};
use crate::feed::{Change, Feed};
use crate::store::Contact;
use relevo_domain::command::Inbound;
use relevo_domain::event::Origin;
use relevo_domain::id::{BadSlug, ContactId, InboxId, MessageId};
use relevo_domain::message::Actor;
use relevo_domain::timeline::{VisitorItem, VisitorKind, for_visitor};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::{Mutex, broadcast};

/// A visitor inside the process. Sees exactly what a browser would.
pub struct LocalVisitor {
    desk: Desk,
    inbox: InboxId,
    contact: ContactId,
    view: Mutex<View>,
}

struct View {
    changes: broadcast::Receiver<Change>,
    seen: u64,
    waiting: VecDeque<VisitorItem>,
}

impl Running {
    /// A new, anonymous visitor of an inbox.
    pub async fn visitor(&self, inbox: &str) -> Result<LocalVisitor, DeskError> {
        let bad = |bad: BadSlug| {
            DeskError::Rejected(relevo_domain::command::Rejection::Invalid { field: "inbox", problem: bad.to_string() })
        };
        let inbox = InboxId::new(inbox).map_err(bad)?;
        let (desk, feed): (Desk, &Feed) = (self.desk().clone(), self.feed());
        let contact = Contact {
            id: ContactId(desk.clock().id()),
            name: None,
            email: None,
            phone: None,
            verified: false,
            external_id: None,
            attributes: BTreeMap::new(),
            created_at: desk.clock().now(),
        };
        desk.store().create_contact(&contact).await?;
        let view = View { changes: feed.subscribe(), seen: 0, waiting: VecDeque::new() };
        Ok(LocalVisitor { desk, inbox, contact: contact.id, view: Mutex::new(view) })
    }
}

impl LocalVisitor {
    /// Who they are.
    pub fn contact(&self) -> ContactId {
        self.contact
    }

    /// Writes; returns once it is stored durably.
    pub async fn write(&self, text: &str) -> Result<Done, DeskError> {
        let id = MessageId(self.desk.clock().id());
        self.desk
            .receive(Arrival {
                inbox: self.inbox.clone(),
                contact: self.contact,
                language: None,
                origin: Origin::default(),
                wish: Wish::Say(Inbound {
                    id,
                    text: text.to_owned(),
                    attachments: Vec::new(),
                    payload: None,
                    client_id: None,
                    asks_for_human: None,
                }),
                provider_id: None,
            })
            .await
    }

    /// The next thing that appears on this visitor's screen.
    pub async fn next_item(&self) -> Result<VisitorItem, DeskError> {
        let mut view = self.view.lock().await;
        loop {
            if let Some(item) = view.waiting.pop_front() {
                return Ok(item);
            }
            let Some(id) = self.desk.store().thread(&self.inbox, self.contact).await? else {
                self.wait(&mut view).await;
                continue;
            };
            let facts = self.desk.store().read(id, view.seen, 500).await?;
            let Some(last) = facts.last() else {
                self.wait(&mut view).await;
                continue;
            };
            view.seen = last.seq;
            view.waiting.extend(facts.iter().filter_map(for_visitor));
        }
    }

    /// The next words that are not the visitor's own.
    pub async fn next_reply(&self) -> Result<String, DeskError> {
        loop {
            if let VisitorKind::Message(message) = self.next_item().await?.kind
                && message.author != Actor::Visitor
            {
                return Ok(message.text);
            }
        }
    }

    async fn wait(&self, view: &mut View) {
        // Lagging is news like any other: the log is read next in any case.
        let _ = view.changes.recv().await;
    }
}
