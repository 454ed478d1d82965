//! How much is too much: rates by key, and sockets that are open at once.

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use relevo::domain::id::InboxId;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// All rates.
pub struct Limiters {
    /// Sign-ins of one address: 5 in 5 minutes.
    pub sign_in_address: Rate<IpAddr>,
    /// Sign-ins to one e-mail: 10 in 15 minutes.
    pub sign_in_email: Rate<String>,
    /// Requests of one session.
    pub api: Rate<String>,
    /// Messages of one visitor in 10 seconds.
    pub visitor_burst: Rate<String>,
    /// Messages of one visitor in an hour.
    pub visitor_hour: Rate<String>,
    /// New conversations of one address.
    pub conversations: Rate<IpAddr>,
    /// New visitors from one address.
    pub visitors: Rate<IpAddr>,
    /// Pages of one visitor that are written down: 120 an hour.
    pub pages: Rate<String>,
    /// Requests of one inbox's provider.
    pub channel: Rate<InboxId>,
    /// Files from one address.
    pub uploads: Rate<IpAddr>,
    /// Sockets that are open.
    pub sockets: Arc<Sockets>,
}

impl Limiters {
    /// By the settings.
    pub fn new(limits: &crate::config::Limits) -> Self {
        Self {
            sign_in_address: Rate::new(5, Duration::from_mins(5)),
            sign_in_email: Rate::new(10, Duration::from_mins(15)),
            api: Rate::new(limits.api_per_minute, Duration::from_mins(1)),
            visitor_burst: Rate::new(limits.messages_per_10_seconds, Duration::from_secs(10)),
            visitor_hour: Rate::new(limits.messages_per_hour, Duration::from_hours(1)),
            conversations: Rate::new(limits.conversations_per_hour, Duration::from_hours(1)),
            visitors: Rate::new(limits.visitors_per_hour, Duration::from_hours(1)),
            pages: Rate::new(120, Duration::from_hours(1)),
            channel: Rate::new(limits.channel_per_minute, Duration::from_mins(1)),
            uploads: Rate::new(limits.uploads_per_hour, Duration::from_hours(1)),
            sockets: Arc::default(),
        }
    }

    /// Forgets whoever could start afresh anyway.
    pub fn forget(&self) {
        self.sign_in_address.forget();
        self.sign_in_email.forget();
        self.api.forget();
        self.visitor_burst.forget();
        self.visitor_hour.forget();
        self.conversations.forget();
        self.visitors.forget();
        self.pages.forget();
        self.channel.forget();
        self.uploads.forget();
    }
}

/// So many in such a time, by key.
pub struct Rate<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Rate<K> {
    /// `count` in `period`, at once or spread.
    pub fn new(count: u32, period: Duration) -> Self {
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period / count.get()).expect("a period").allow_burst(count);
        Self(RateLimiter::keyed(quota))
    }

    /// Counts one more; how long to wait if that is too many.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.0
            .check_key(key)
            .map_err(|not_until| not_until.wait_time_from(governor::clock::DefaultClock::default().now()))
    }

    /// Forgets keys that have all of their rate again.
    fn forget(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// Sockets that are open, by whose they are.
#[derive(Default)]
pub struct Sockets {
    open: Mutex<HashMap<String, usize>>,
    closed: Notify,
}

impl Sockets {
    /// Counts one more of `key`; none when `most` are open.
    pub fn open(self: &Arc<Self>, key: String, most: usize) -> Option<OpenSocket> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(OpenSocket { sockets: Arc::clone(self), key })
    }

    /// Returns when none is open.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            tokio::pin!(closed);
            // Listening before looking, so that the last one cannot close in between.
            closed.as_mut().enable();
            if self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
            closed.await;
        }
    }
}

/// One open socket; it counts until it is dropped.
pub struct OpenSocket {
    sockets: Arc<Sockets>,
    key: String,
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut open = self.sockets.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
        drop(open);
        self.sockets.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_sign_in_is_told_how_long_to_wait_and_others_are_not_touched() {
        let rate = Rate::new(5, Duration::from_mins(5));
        assert!((0..5).all(|_| rate.check(&1).is_ok()));
        assert!(rate.check(&1).is_err_and(|wait| wait > Duration::from_secs(50) && wait <= Duration::from_mins(1)));
        assert!(rate.check(&2).is_ok());
    }

    #[test]
    fn a_socket_counts_until_it_is_dropped() {
        let sockets = Arc::<Sockets>::default();
        let first = sockets.open("a".into(), 1).unwrap();
        assert!(sockets.open("a".into(), 1).is_none());
        assert!(sockets.open("b".into(), 1).is_some());
        drop(first);
        assert!(sockets.open("a".into(), 1).is_some());
    }
}
