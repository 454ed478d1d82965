use super::MemoryStore;
use crate::store::{Contact, ContactEdit, Contacts, StoreError, Visitor};
use async_trait::async_trait;
use relevo_domain::id::{ContactId, InboxId};

#[async_trait]
impl Contacts for MemoryStore {
    async fn create_contact(&self, contact: &Contact) -> Result<(), StoreError> {
        self.data().contacts.insert(contact.id, contact.clone());
        Ok(())
    }

    async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.data().contacts.get(&id).cloned())
    }

    async fn edit_contact(&self, id: ContactId, edit: &ContactEdit) -> Result<Option<Contact>, StoreError> {
        let mut data = self.data();
        let Some(contact) = data.contacts.get_mut(&id) else { return Ok(None) };
        edit.apply(contact);
        Ok(Some(contact.clone()))
    }

    async fn contact_by_external_id(&self, inbox: &InboxId, id: &str) -> Result<Option<Contact>, StoreError> {
        let data = self.data();
        let came_here =
            |contact: &&Contact| data.visitors.values().any(|v| v.contact == contact.id && v.inbox == *inbox);
        let known = data.contacts.values().filter(|contact| contact.external_id.as_deref() == Some(id));
        Ok(known.filter(came_here).min_by_key(|contact| (contact.created_at, contact.id)).cloned())
    }

    async fn put_visitor(&self, token_hash: &str, visitor: &Visitor) -> Result<(), StoreError> {
        self.data().visitors.insert(token_hash.to_owned(), visitor.clone());
        Ok(())
    }

    async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StoreError> {
        Ok(self.data().visitors.get(token_hash).cloned())
    }
}
