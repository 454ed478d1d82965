//! What this process wrote last, so that the next command need not read it. It may be old news by now, since other
//! processes write too: the append refuses whatever was decided on old news, and nobody is refused anything, or told
//! that something is so already, on its word.

use relevo_domain::conversation::Conversation;
use relevo_domain::id::{ContactId, ConversationId, InboxId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many conversations that changed last are kept, and as many before them: some 20 MB in all.
const KEPT: usize = 4_096;

type Thread = (InboxId, ContactId);

#[derive(Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    states: Generations<ConversationId, Arc<Conversation>>,
    threads: Generations<Thread, ConversationId>,
}

impl Recent {
    /// A conversation's state, if it is kept.
    pub(super) fn state(&self, conversation: ConversationId) -> Option<Arc<Conversation>> {
        self.kept().states.get(&conversation)
    }

    /// The conversation of a contact's thread, if it is kept.
    pub(super) fn thread(&self, inbox: &InboxId, contact: ContactId) -> Option<ConversationId> {
        self.kept().threads.get(&(inbox.clone(), contact))
    }

    /// Keeps what was appended. Of two appends that are told in the wrong order, the newer one stays.
    pub(super) fn saw(&self, state: &Conversation, thread: Option<Thread>) {
        let copy = Arc::new(state.clone());
        let mut kept = self.kept();
        if kept.states.get(&state.id).is_none_or(|known| known.seq < state.seq) {
            kept.states.put(state.id, copy);
        }
        if let Some(thread) = thread {
            kept.threads.put(thread, state.id);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was used last, roughly: whatever is not used while the young fill up is forgotten with the old.
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Generations<K, V> {
    fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.put(key.clone(), value.clone());
        Some(value)
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() == KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::bot_fn;
    use crate::framework::Framework;
    use crate::testing::corpus::{says, started};

    #[test]
    fn what_is_used_stays_and_there_is_never_too_much() {
        let mut kept = Generations::default();
        for n in 0..10 * KEPT {
            kept.put(n, n);
            assert_eq!(kept.get(&0), Some(0), "it is asked for all the time");
            assert!(kept.young.len() + kept.old.len() <= 2 * KEPT);
        }
        assert_eq!(kept.get(&1), None, "nobody asked for it");
        assert_eq!(kept.get(&(10 * KEPT - 1)), Some(10 * KEPT - 1));
    }

    #[test]
    fn of_two_appends_told_in_the_wrong_order_the_newer_state_stays() {
        let recent = Recent::default();
        let first = started(1).state;
        let second = says(&first, "hola").state;
        let thread = (first.inbox.clone(), first.contact);
        recent.saw(&second, Some(thread.clone()));
        recent.saw(&first, Some(thread));
        assert_eq!(recent.state(first.id).map(|kept| kept.seq), Some(second.seq));
        assert_eq!(recent.thread(&first.inbox, first.contact), Some(first.id));
    }

    #[tokio::test]
    async fn the_desk_keeps_what_it_appended_and_whose_thread_that_is() {
        let relevo = Framework::in_memory().inbox_with_bot("shop", "mute", bot_fn(|_| async { Ok(()) })).start().await;
        let relevo = relevo.unwrap();
        let state = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state;
        let recent = &relevo.desk().recent;
        assert!(recent.state(state.id).is_some_and(|kept| kept.seq >= state.seq));
        assert_eq!(recent.thread(&state.inbox, state.contact), Some(state.id));
        relevo.stop().await;
    }
}
