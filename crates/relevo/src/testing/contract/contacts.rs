//! Contacts and their browsers.

use super::Fresh;
use crate::store::{ContactEdit, Visitor};
use crate::testing::corpus::{contact, inbox};
use relevo_domain::time::Timestamp;

/// Edits change what they name and nothing else; a signed identity verifies.
pub async fn a_contact_is_kept_and_edited(store: &Fresh) {
    let mut known = contact(1);
    known.email = Some("a@ejemplo.es".into());
    store.create_contact(&known).await.unwrap();
    assert_eq!(store.contact(known.id).await.unwrap(), Some(known.clone()));
    assert_eq!(store.contact(contact(2).id).await.unwrap(), None);

    let edit = ContactEdit { name: Some(None), phone: Some(Some("+34 1".into())), ..ContactEdit::default() };
    known.name = None;
    known.phone = Some("+34 1".into());
    assert_eq!(store.edit_contact(known.id, &edit).await.unwrap(), Some(known.clone()));
    let edit = ContactEdit { external_id: Some("u-7".into()), ..ContactEdit::default() };
    known.external_id = Some("u-7".into());
    known.verified = true;
    assert_eq!(store.edit_contact(known.id, &edit).await.unwrap(), Some(known.clone()));
    assert_eq!(store.contact(known.id).await.unwrap(), Some(known));
    assert_eq!(store.edit_contact(contact(2).id, &edit).await.unwrap(), None);
    assert_eq!(store.contact(contact(2).id).await.unwrap(), None);
}

/// A browser can be given to another contact, when it turns out whose it is.
pub async fn a_browser_is_known_by_its_hash(store: &Fresh) {
    for n in [1, 2] {
        store.create_contact(&contact(n)).await.unwrap();
    }
    assert_eq!(store.visitor("hash").await.unwrap(), None);
    let mut visitor = Visitor { contact: contact(1).id, inbox: inbox("shop") };
    store.put_visitor("hash", &visitor).await.unwrap();
    assert_eq!(store.visitor("hash").await.unwrap(), Some(visitor.clone()));
    visitor.contact = contact(2).id;
    store.put_visitor("hash", &visitor).await.unwrap();
    assert_eq!(store.visitor("hash").await.unwrap(), Some(visitor));
    assert_eq!(store.visitor("other").await.unwrap(), None);
}

/// A site's id names somebody in the inboxes in which a browser of theirs is known; the first of several contacts.
pub async fn a_vouched_contact_is_found_in_its_inbox(store: &Fresh) {
    let find = async |place: &str, id: &str| {
        let contact = store.contact_by_external_id(&inbox(place), id).await.unwrap();
        contact.map(|contact| contact.id)
    };
    for n in [1, 2, 3] {
        let mut known = contact(n);
        known.created_at = Timestamp(10 - i64::try_from(n).unwrap());
        known.external_id = Some("u-7".into());
        store.create_contact(&known).await.unwrap();
    }
    assert_eq!(find("shop", "u-7").await, None);
    for (n, place) in [(1, "shop"), (2, "shop"), (3, "help")] {
        let visitor = Visitor { contact: contact(n).id, inbox: inbox(place) };
        store.put_visitor(&format!("hash {n}"), &visitor).await.unwrap();
    }
    assert_eq!(find("shop", "u-7").await, Some(contact(2).id));
    assert_eq!(find("help", "u-7").await, Some(contact(3).id));
    assert_eq!(find("shop", "u-8").await, None);
    assert_eq!(find("nowhere", "u-7").await, None);
}
