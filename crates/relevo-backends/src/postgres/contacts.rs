use super::PostgresStore;
use super::fault::fault;
use super::text::{get, get_id, get_json, get_slug, json, plain};
use async_trait::async_trait;
use relevo::store::{Contact, ContactEdit, Contacts, StoreError, Visitor, contact_words};
use relevo_domain::id::{ContactId, InboxId};
use relevo_domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Executor, Postgres};

#[async_trait]
impl Contacts for PostgresStore {
    async fn create_contact(&self, contact: &Contact) -> Result<(), StoreError> {
        put(&self.pool, contact).await.map_err(fault)
    }

    async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let query = sqlx::query("SELECT * FROM contacts WHERE id = $1").bind(id.0);
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| contact(&row)).transpose().map_err(fault)
    }

    async fn edit_contact(&self, id: ContactId, edit: &ContactEdit) -> Result<Option<Contact>, StoreError> {
        let edited = async {
            let mut transaction = self.pool.begin().await?;
            let query = sqlx::query("SELECT * FROM contacts WHERE id = $1 FOR UPDATE").bind(id.0);
            let row = query.fetch_optional(&mut *transaction).await?;
            let Some(mut contact) = row.map(|row| contact(&row)).transpose()? else { return Ok(None) };
            edit.apply(&mut contact);
            put(&mut *transaction, &contact).await?;
            transaction.commit().await?;
            Ok(Some(contact))
        };
        edited.await.map_err(fault)
    }

    async fn contact_by_external_id(&self, inbox: &InboxId, id: &str) -> Result<Option<Contact>, StoreError> {
        let sql = "SELECT * FROM contacts AS contact WHERE external_id = $1
            AND EXISTS (SELECT 1 FROM visitors WHERE visitors.contact = contact.id AND inbox = $2)
            ORDER BY created_at, id LIMIT 1";
        let query = sqlx::query(sql).bind(plain(id)).bind(inbox.as_str());
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| contact(&row)).transpose().map_err(fault)
    }

    async fn put_visitor(&self, token_hash: &str, visitor: &Visitor) -> Result<(), StoreError> {
        let sql = "INSERT INTO visitors (token_hash, contact, inbox) VALUES ($1, $2, $3)
            ON CONFLICT (token_hash) DO UPDATE SET contact = excluded.contact, inbox = excluded.inbox";
        let query = sqlx::query(sql).bind(token_hash).bind(visitor.contact.0).bind(visitor.inbox.as_str());
        query.execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    async fn visitor(&self, token_hash: &str) -> Result<Option<Visitor>, StoreError> {
        let query = sqlx::query("SELECT contact, inbox FROM visitors WHERE token_hash = $1").bind(token_hash);
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        let visitor = |row| Ok(Visitor { contact: get_id(&row, "contact")?, inbox: get_slug(&row, "inbox")? });
        row.map(visitor).transpose().map_err(fault)
    }
}

async fn put(to: impl Executor<'_, Database = Postgres>, contact: &Contact) -> sqlx::Result<()> {
    let sql = "INSERT INTO contacts (id, name, email, phone, verified, external_id, attributes, created_at, words)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, array_to_tsvector($9))
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
            verified = excluded.verified, external_id = excluded.external_id, attributes = excluded.attributes,
            created_at = excluded.created_at, words = excluded.words";
    let query = sqlx::query(sql)
        .bind(contact.id.0)
        .bind(contact.name.as_deref().map(plain))
        .bind(contact.email.as_deref().map(plain))
        .bind(contact.phone.as_deref().map(plain))
        .bind(contact.verified)
        .bind(contact.external_id.as_deref().map(plain))
        .bind(json(&contact.attributes))
        .bind(contact.created_at.0)
        .bind(contact_words(contact));
    query.execute(to).await?;
    Ok(())
}

pub(super) fn contact(row: &PgRow) -> sqlx::Result<Contact> {
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
