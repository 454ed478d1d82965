//! Socket tickets: a socket is opened with a secret that works once and for half a minute, never with a session token in
//! an address that ends up in logs.

use relevo::domain::id::{AgentId, ContactId, InboxId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a ticket works.
pub const LIFE: Duration = Duration::from_secs(30);

/// Who may open a socket.
#[derive(Debug, Clone)]
pub enum Principal {
    /// An agent.
    Agent {
        /// Who.
        agent: AgentId,
        /// The hash of the session's token: the socket ends with that session.
        session: String,
    },
    /// A visitor.
    Visitor {
        /// Who.
        contact: ContactId,
        /// In which inbox.
        inbox: InboxId,
        /// How their page describes itself, for a conversation that begins.
        visit: Box<Visit>,
    },
}

/// How a visitor got here.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// Their language.
    pub language: Option<String>,
    /// The page and what led to it.
    pub origin: relevo::domain::event::Origin,
}

/// The tickets that are out.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<String, (Instant, Principal)>>);

impl Tickets {
    /// A new ticket.
    pub fn issue(&self, principal: Principal) -> String {
        let ticket = crate::sign_in::token();
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        out.retain(|_, (issued, _)| now.duration_since(*issued) < LIFE);
        out.insert(ticket.clone(), (now, principal));
        ticket
    }

    /// Whoever holds a ticket; it is used up by asking.
    pub fn redeem(&self, ticket: &str) -> Option<Principal> {
        self.redeem_at(ticket, Instant::now())
    }

    fn redeem_at(&self, ticket: &str, now: Instant) -> Option<Principal> {
        let (issued, principal) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(ticket)?;
        (now.duration_since(issued) < LIFE).then_some(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_works_once_and_for_half_a_minute() {
        let tickets = Tickets::default();
        let agent = || Principal::Agent { agent: AgentId(uuid::Uuid::nil()), session: String::new() };
        let ticket = tickets.issue(agent());
        assert!(tickets.redeem(&ticket).is_some());
        assert!(tickets.redeem(&ticket).is_none(), "used twice");
        let late = tickets.issue(agent());
        assert!(tickets.redeem_at(&late, Instant::now() + LIFE).is_none(), "used late");
    }
}
