//! The only place where time and ids come from.

use relevo_domain::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Gives instants and ids. Everything else takes them as arguments, so that tests decide what time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// A fresh id; later ones sort after earlier ones.
    fn id(&self) -> Uuid;
}

/// The machine's clock and random ids (UUID version 7).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the ban points to")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the source of ids that the ban points to")]
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
