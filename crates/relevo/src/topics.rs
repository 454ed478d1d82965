//! News by subject: whoever follows one subject is woken by that alone. Thousands of sockets that all woke up for
//! everybody's news would be most of a server's work.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

type Subjects<K, V> = Arc<Mutex<HashMap<K, broadcast::Sender<V>>>>;

/// All subjects that somebody follows.
#[derive(Debug)]
pub(crate) struct Topics<K, V> {
    subjects: Subjects<K, V>,
    /// So much news of a subject may wait for whoever follows it.
    waiting: usize,
}

impl<K, V> Clone for Topics<K, V> {
    fn clone(&self) -> Self {
        Self { subjects: Arc::clone(&self.subjects), waiting: self.waiting }
    }
}

impl<K: Eq + Hash + Copy, V: Clone> Topics<K, V> {
    pub(crate) fn new(waiting: usize) -> Self {
        Self { subjects: Arc::default(), waiting }
    }

    /// News of a subject from now on.
    pub(crate) fn follow(&self, subject: K) -> Following<K, V> {
        let mut subjects = locked(&self.subjects);
        let news = subjects.entry(subject).or_insert_with(|| broadcast::channel(self.waiting).0).subscribe();
        Following { subject, news, subjects: Arc::clone(&self.subjects) }
    }

    /// Tells those who follow a subject, if there are any.
    pub(crate) fn tell(&self, subject: K, news: &V) {
        if let Some(followers) = locked(&self.subjects).get(&subject) {
            // An error only says that nobody listens.
            let _ = followers.send(news.clone());
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        locked(&self.subjects).len()
    }
}

/// The news of one subject. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Following<K: Eq + Hash, V> {
    subject: K,
    news: broadcast::Receiver<V>,
    subjects: Subjects<K, V>,
}

impl<K: Eq + Hash, V: Clone> Following<K, V> {
    /// The next news. Whoever lags behind is told so.
    pub async fn recv(&mut self) -> Result<V, broadcast::error::RecvError> {
        self.news.recv().await
    }
}

impl<K: Eq + Hash, V> Drop for Following<K, V> {
    fn drop(&mut self) {
        let mut subjects = locked(&self.subjects);
        // This one is still counted.
        if subjects.get(&self.subject).is_some_and(|followers| followers.receiver_count() <= 1) {
            subjects.remove(&self.subject);
        }
    }
}

fn locked<K, V>(subjects: &Subjects<K, V>) -> MutexGuard<'_, HashMap<K, broadcast::Sender<V>>> {
    subjects.lock().unwrap_or_else(PoisonError::into_inner)
}
