use super::SqliteStore;
use super::fault::fault;
use super::text::{get, get_id, get_json, json};
use super::writer::{Making, closed};
use async_trait::async_trait;
use relevo::store::{Contact, ContactEdit, Contacts, StoreError, Visitor, contact_words};
use relevo_domain::id::{ContactId, InboxId};
use relevo_domain::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

const BY_ID: &str = "SELECT * FROM contacts WHERE id = ?1";

#[async_trait]
impl Contacts for SqliteStore {
    async fn create_contact(&self, contact: &Contact) -> Result<(), StoreError> {
        let (id, contact) = (contact.id, contact.clone());
        self.write_contact(id, move |transaction| Box::pin(async move { put(transaction, &contact).await })).await
    }

    async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let query = sqlx::query(BY_ID).bind(id.to_string());
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| contact(&row)).transpose().map_err(fault)
    }

    async fn edit_contact(&self, id: ContactId, edit: &ContactEdit) -> Result<Option<Contact>, StoreError> {
        let edit = edit.clone();
        self.write_contact(id, move |transaction| {
            Box::pin(async move {
                let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&mut *transaction).await?;
                let Some(mut contact) = row.map(|row| contact(&row)).transpose()? else { return Ok(None) };
                edit.apply(&mut contact);
                put(transaction, &contact).await?;
                Ok(Some(contact))
            })
        })
        .await
    }

    async fn contact_by_external_id(&self, inbox: &InboxId, id: &str) -> Result<Option<Contact>, StoreError> {
        let sql = "SELECT * FROM contacts AS contact WHERE external_id = ?1
            AND EXISTS (SELECT 1 FROM visitors WHERE visitors.contact = contact.id AND inbox = ?2)
            ORDER BY created_at, id LIMIT 1";
        let query = sqlx::query(sql).bind(id).bind(inbox.as_str());
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| contact(&row)).transpose().map_err(fault)
    }

    async fn put_visitor(&self, token_hash: &str, visitor: &Visitor) -> Result<(), StoreError> {
        let sql = "INSERT INTO visitors (token_hash, contact, inbox) VALUES (?1, ?2, ?3)
            ON CONFLICT (token_hash) DO UPDATE SET contact = excluded.contact, inbox = excluded.inbox";
        let (token_hash, visitor) = (token_hash.to_owned(), visitor.clone());
        self.write(move |transaction| {
            Box::pin(async move {
                let query = sqlx::query(sql).bind(token_hash).bind(visitor.contact.to_string());
                query.bind(visitor.inbox.to_string()).execute(transaction).await?;
                Ok(())
            })
        })
        .await
    }

    async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StoreError> {
        let query = sqlx::query("SELECT contact, inbox FROM visitors WHERE token_hash = ?1").bind(token_hash);
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        let visitor = |row| Ok(Visitor { contact: get_id(&row, "contact")?, inbox: get_id(&row, "inbox")? });
        row.map(visitor).transpose().map_err(fault)
    }
}

impl SqliteStore {
    /// Writes a contact, and says so to whoever keeps what was read of it; also where the caller goes away meanwhile, as
    /// handlers of requests do.
    async fn write_contact<T, F>(&self, id: ContactId, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Making<'c, T> + Send + 'static,
    {
        let (writer, fresh) = (self.writer.clone(), Arc::clone(&self.fresh));
        let written = tokio::spawn(async move {
            let written = writer.write(work).await;
            fresh.wrote(id);
            written
        });
        written.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// One statement; the tables' triggers keep the searchable words with it.
async fn put(transaction: &mut SqliteConnection, contact: &Contact) -> sqlx::Result<()> {
    let sql = "INSERT INTO contacts (id, name, email, phone, verified, external_id, attributes, created_at, words)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
            verified = excluded.verified, external_id = excluded.external_id, attributes = excluded.attributes,
            created_at = excluded.created_at, words = excluded.words";
    let query = sqlx::query(sql)
        .bind(contact.id.to_string())
        .bind(&contact.name)
        .bind(&contact.email)
        .bind(&contact.phone)
        .bind(contact.verified)
        .bind(&contact.external_id)
        .bind(json(&contact.attributes))
        .bind(contact.created_at.0)
        .bind(contact_words(contact).join(" "));
    query.execute(transaction).await?;
    Ok(())
}

pub(super) fn contact(row: &SqliteRow) -> sqlx::Result<Contact> {
    Ok(Contact {
        id: get_id(row, "id")?,
        name: get(row, "name")?,
        email: get(row, "email")?,
        phone: get(row, "phone")?,
        verified: get(row, "verified")?,
        external_id: get(row, "external_id")?,
        attributes: get_json(row, "attributes")?,
        created_at: Timestamp(get(row, "created_at")?),
    })
}
