//! Contacts, and the browsers that are theirs.

use super::StoreError;
use async_trait::async_trait;
use relevo_domain::id::{ContactId, InboxId};
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A person on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Name, where known.
    pub name: Option<String>,
    /// E-mail, where known.
    pub email: Option<String>,
    /// Phone, where known.
    pub phone: Option<String>,
    /// Whether the site vouched for the identity with a signature.
    pub verified: bool,
    /// The site's own id for the person, when it vouched.
    pub external_id: Option<String>,
    /// Anything else.
    pub attributes: BTreeMap<String, String>,
    /// First seen.
    pub created_at: Timestamp,
}

/// Changes to a contact: outer none leaves a field, inner none empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactEdit {
    /// Name.
    pub name: Option<Option<String>>,
    /// E-mail.
    pub email: Option<Option<String>>,
    /// Phone.
    pub phone: Option<Option<String>>,
    /// The signed identity (the site's own id); sets `verified`.
    pub external_id: Option<String>,
}

impl ContactEdit {
    /// Changes `contact` accordingly.
    pub fn apply(&self, contact: &mut Contact) {
        let Self { name, email, phone, external_id } = self;
        if let Some(name) = name {
            contact.name.clone_from(name);
        }
        if let Some(email) = email {
            contact.email.clone_from(email);
        }
        if let Some(phone) = phone {
            contact.phone.clone_from(phone);
        }
        if external_id.is_some() {
            contact.external_id.clone_from(external_id);
            contact.verified = true;
        }
    }
}

/// A visitor's browser in one inbox. The token itself is never stored, only its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Whose browser.
    pub contact: ContactId,
    /// In which inbox.
    pub inbox: InboxId,
}

/// Contacts.
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Writes a new contact.
    async fn create_contact(&self, contact: &Contact) -> Result<(), StoreError>;

    /// One contact.
    async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError>;

    /// Changes a contact; none when it does not exist.
    async fn edit_contact(&self, id: ContactId, edit: &ContactEdit) -> Result<Option<Contact>, StoreError>;

    /// The contact whom a site vouched for under this id in this inbox.
    async fn contact_by_external_id(&self, inbox: &InboxId, id: &str) -> Result<Option<Contact>, StoreError>;

    /// Remembers a browser by the hash of its token.
    async fn put_visitor(&self, token_hash: &str, visitor: &Visitor) -> Result<(), StoreError>;

    /// The browser with this token hash.
    async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StoreError>;
}
