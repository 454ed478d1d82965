//! Contacts.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, SignedIn};
use crate::wire::Contact;
use axum::extract::State;
use relevo::domain::card::may_see;
use relevo::domain::command::Command;
use relevo::domain::id::ContactId;
use relevo::store::ContactEdit;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(edit))
}

const MAX_CHARS: usize = 200;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Null empties it; left out, it stays.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
}

fn present<'de, D: Deserializer<'de>>(field: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    let value = Option::<String>::deserialize(field)?;
    Ok(Some(value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())))
}

/// Changes a contact's data; its conversations get a milestone.
#[utoipa::path(patch, path = "/api/contacts/{id}", tag = "conversations", params(("id" = String, Path)),
    request_body = Edit, responses((status = 200, description = "The contact", body = Contact)))]
async fn edit(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<ContactId>,
    Json(edit): Json<Edit>,
) -> Result<axum::Json<Contact>> {
    let store = app.desk.store();
    let visibility = app.desk.directory().visibility;
    let rows = store.of_contact(id).await?;
    let mine: Vec<_> = rows.iter().filter(|row| may_see(&agent.facts(), &row.conversation, visibility)).collect();
    if mine.is_empty() {
        return Err(Problem::not_found("contact"));
    }
    for (field, value) in [("name", &edit.name), ("email", &edit.email), ("phone", &edit.phone)] {
        let Some(Some(value)) = value else { continue };
        if value.chars().count() > MAX_CHARS {
            return Err(Problem::invalid(field, format!("the limit is {MAX_CHARS} characters: shorten it")));
        }
        if field == "email" && !value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        {
            return Err(Problem::invalid(field, "is not an e-mail address"));
        }
    }
    let change = ContactEdit { name: edit.name, email: edit.email, phone: edit.phone, external_id: None };
    let contact = store.edit_contact(id, &change).await?.ok_or_else(|| Problem::not_found("contact"))?;
    for row in rows {
        app.desk.run(row.conversation.id, Command::RecordContact { agent: Some(agent.facts()) }).await?;
    }
    Ok(axum::Json(contact.into()))
}
