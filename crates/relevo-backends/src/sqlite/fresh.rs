//! What was committed last, for whoever follows the log closely: nobody else writes the file, so that need not be read
//! back from it. Facts are kept until they are followed, and never many; what is not here is read from the file.

use relevo::store::{Contact, Logged, Position, Row};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Envelope;
use relevo_domain::id::{ContactId, ConversationId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many facts are kept for a follower that lags behind, or for none.
const FACTS: usize = 4_096;
/// So many contacts are kept.
const CONTACTS: usize = 8_192;

/// What was committed last.
#[derive(Debug)]
pub(super) struct Fresh(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    /// The last position that was committed.
    head: Position,
    /// The last facts, without a gap up to `head`.
    facts: VecDeque<Logged>,
    /// The conversations of these facts, after the last of them.
    states: HashMap<ConversationId, (Position, Conversation)>,
    contacts: HashMap<ContactId, Contact>,
    /// How often contacts were written.
    edits: u64,
}

impl Fresh {
    /// Nothing yet, after `head`.
    pub(super) fn new(head: Position) -> Self {
        let (facts, states, contacts) = (VecDeque::new(), HashMap::new(), HashMap::new());
        Self(Mutex::new(Kept { head, facts, states, contacts, edits: 0 }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was committed just now.
    pub(super) fn committed(
        &self,
        facts: Vec<(Position, Envelope)>,
        states: HashMap<ConversationId, (Position, Conversation)>,
    ) {
        let mut kept = self.kept();
        let Some((last, _)) = facts.last() else { return };
        kept.head = *last;
        // A fact that removes a message changed older ones.
        let removes = facts.iter().any(|(_, fact)| fact.event.removed().is_some());
        if removes || kept.facts.len() + facts.len() > FACTS {
            kept.facts.clear();
            kept.states.clear();
        }
        if !removes && facts.len() <= FACTS {
            kept.facts.extend(facts.into_iter().map(|(position, envelope)| Logged { position, envelope }));
            kept.states.extend(states);
        }
    }

    /// What follows on `after`; none where that has to be read. What was followed is forgotten.
    pub(super) fn follow(&self, after: Position, limit: usize) -> Option<Vec<Logged>> {
        let mut kept = self.kept();
        if kept.facts.front().is_some_and(|first| first.position > after + 1) || kept.facts.is_empty() {
            return (after >= kept.head).then(Vec::new);
        }
        let followed = kept.facts.partition_point(|fact| fact.position <= after);
        kept.facts.drain(..followed);
        kept.states.retain(|_, (position, _)| *position > after);
        Some(kept.facts.iter().take(limit).cloned().collect())
    }

    /// The rows of these conversations; none where one of them has to be read.
    pub(super) fn rows(&self, conversations: &[ConversationId]) -> Option<Vec<Row>> {
        let kept = self.kept();
        let row = |id| {
            let (position, state) = kept.states.get(id)?;
            let contact = kept.contacts.get(&state.contact)?.clone();
            Some(Row { position: *position, conversation: state.clone(), contact })
        };
        conversations.iter().map(row).collect()
    }

    /// How often contacts were written so far: whoever reads one says it when it is to be kept.
    pub(super) fn edits(&self) -> u64 {
        self.kept().edits
    }

    /// Keeps contacts that were read, unless one was written since.
    pub(super) fn read<'a>(&self, contacts: impl Iterator<Item = &'a Contact>, edits: u64) {
        let mut kept = self.kept();
        if kept.edits != edits {
            return;
        }
        for contact in contacts {
            if kept.contacts.len() >= CONTACTS {
                kept.contacts.clear();
            }
            kept.contacts.insert(contact.id, contact.clone());
        }
    }

    /// A contact was written: what was read of it before is old.
    pub(super) fn wrote(&self, contact: ContactId) {
        let mut kept = self.kept();
        kept.edits += 1;
        kept.contacts.remove(&contact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{SqliteOptions, SqliteStore};
    use relevo::store::{Append, Cards, ContactEdit, Contacts, Log};
    use relevo::testing::corpus::{contact, says, started};
    use std::time::Duration;

    async fn store(folder: &tempfile::TempDir) -> SqliteStore {
        SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_kept_is_what_the_file_holds_and_is_forgotten_once_it_was_followed() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut last: Vec<Append> = Vec::new();
        for n in 1..=3 {
            store.create_contact(&contact(n)).await.unwrap();
            store.append(started(n)).await.unwrap();
            last.push(started(n));
        }
        for append in &last {
            store.append(says(&append.state, "hola")).await.unwrap();
        }
        let ids: Vec<_> = last.iter().map(|append| append.conversation).collect();
        let read = store.rows(&ids).await.unwrap();
        assert!(store.fresh().rows(&ids).is_some(), "their contacts are kept by now");
        assert_eq!(by_position(store.rows(&ids).await.unwrap()), by_position(read));
        let head = store.head().await.unwrap();
        for (after, limit) in [(0, 100), (0, 2), (2, 100), (head, 100)] {
            let kept = store.fresh().follow(after, limit);
            assert_eq!(kept.as_deref().unwrap(), store.follow_file(after, limit).await.unwrap(), "after {after}");
        }
        assert_eq!(store.fresh().rows(&ids), None, "everything was followed");
        assert_eq!(store.fresh().follow(0, 100), None, "it is in the file");
        assert_eq!(store.follow(0, 100).await.unwrap().len() as u64, head);
        store.close().await;
    }

    #[tokio::test]
    async fn a_contact_that_was_written_is_not_remembered_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        store.create_contact(&contact(1)).await.unwrap();
        let first = started(1);
        store.append(first.clone()).await.unwrap();
        let name = async || store.rows(&[first.conversation]).await.unwrap().remove(0).contact.name;
        assert_eq!(name().await, contact(1).name);
        let edit = ContactEdit { name: Some(Some("Ada".into())), ..ContactEdit::default() };
        let before = store.fresh().edits();
        store.edit_contact(contact(1).id, &edit).await.unwrap();
        // Somebody read it just before.
        store.fresh().read([&contact(1)].into_iter(), before);
        assert_eq!(name().await.as_deref(), Some("Ada"));
        // Whoever writes may go away before it is written.
        let edit = ContactEdit { name: Some(Some("Eva".into())), ..ContactEdit::default() };
        let writes = store.edit_contact(contact(1).id, &edit);
        assert!(futures::poll!(std::pin::pin!(writes)).is_pending());
        let is_told = async {
            while name().await.as_deref() != Some("Eva") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), is_told).await.expect("what was read before is forgotten");
        store.close().await;
    }

    #[tokio::test]
    async fn nobody_has_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        store.create_contact(&contact(1)).await.unwrap();
        let mut append = started(1);
        store.append(append.clone()).await.unwrap();
        for _ in 0..3 * FACTS / 250 {
            let mut many = says(&append.state, "hola");
            for _ in 0..250 {
                let next = says(&many.state, "hola");
                many.envelopes.extend(next.envelopes);
                many.state = next.state;
            }
            store.append(many.clone()).await.unwrap();
            append = many;
            assert!(store.fresh().kept().facts.len() <= FACTS);
        }
        let head = store.head().await.unwrap();
        assert_eq!(store.follow(0, usize::MAX).await.unwrap().len() as u64, head);
        store.close().await;
    }

    fn by_position(mut rows: Vec<Row>) -> Vec<Row> {
        rows.sort_by_key(|row| row.position);
        rows
    }
}
