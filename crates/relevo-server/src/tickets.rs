//! Socket tickets: a socket is opened with a secret that works once and for half a minute, never with a session token in
//! an address that ends up in logs.

use crate::sign_in::{hash, token};
use relevo::desk::Desk;
use relevo::domain::id::{AgentId, ContactId, InboxId};
use relevo::store::StoreError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a ticket works.
pub const LIFE: Duration = Duration::from_secs(30);

/// Who may open a socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Visit {
    /// Their language.
    pub language: Option<String>,
    /// The page and what led to it.
    pub origin: relevo::domain::event::Origin,
}

/// A new ticket. It is kept in the store: any server of the deployment honours it.
pub async fn issue(desk: &Desk, principal: &Principal) -> Result<String, StoreError> {
    let ticket = token();
    let holder = serde_json::to_string(principal).expect("words and texts");
    desk.store().put_ticket(&hash(&ticket), &holder, desk.clock().now().after(LIFE)).await?;
    Ok(ticket)
}

/// Whoever holds a ticket; it is used up by asking.
pub async fn redeem(desk: &Desk, ticket: &str) -> Result<Option<Principal>, StoreError> {
    let holder = desk.store().take_ticket(&hash(ticket), desk.clock().now()).await?;
    // One that a server of another version wrote is none: the page asks for a new one.
    Ok(holder.and_then(|holder| serde_json::from_str(&holder).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::framework::Framework;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_ticket_works_once_and_says_who_holds_it() {
        let running = Framework::in_memory().start().await.unwrap();
        let visit = Visit { language: Some("es".into()), ..Visit::default() };
        let (contact, inbox) = (ContactId(Uuid::nil()), InboxId::new("shop").unwrap());
        let principal = Principal::Visitor { contact, inbox, visit: Box::new(visit) };
        let ticket = issue(running.desk(), &principal).await.unwrap();
        let redeemed = redeem(running.desk(), &ticket).await.unwrap();
        assert!(matches!(redeemed, Some(Principal::Visitor { visit, .. }) if visit.language.as_deref() == Some("es")));
        assert!(redeem(running.desk(), &ticket).await.unwrap().is_none(), "used twice");
    }
}
