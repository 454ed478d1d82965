//! A contact.

use super::Time;
use relevo::domain::id::ContactId;
use relevo::store;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The person who is served, and all that is known of them.
#[derive(Serialize, ToSchema)]
pub struct Contact {
    #[schema(value_type = String)]
    id: ContactId,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// Whether the site vouches for them.
    verified: bool,
    /// The site's own id for them.
    external_id: Option<String>,
    attributes: BTreeMap<String, String>,
    created_at: Time,
}

impl From<store::Contact> for Contact {
    fn from(contact: store::Contact) -> Self {
        let store::Contact { id, name, email, phone, verified, external_id, attributes, created_at } = contact;
        Self { id, name, email, phone, verified, external_id, attributes, created_at: Time(created_at) }
    }
}
