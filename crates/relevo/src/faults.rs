//! Faults on purpose, for the fault bars (`docs/faults.md`): places at which a process dies, and promises that it
//! breaks. They exist in debug builds only; in a release build [`crash_point!`](crate::crash_point) is nothing and
//! [`sabotaged!`](crate::sabotaged) is `false`.

/// The places between which a crash matters, in the order in which a message passes them.
pub const CRASH_POINTS: &[&str] = &[
    // A file is kept, and no message carries it yet.
    "after_keep",
    // A group is written and not committed.
    "before_commit",
    // A group is durable, and none of its callers knows.
    "after_commit",
    // The caller knows, and the client does not.
    "before_ack",
    // A job is claimed, and nothing is done about it.
    "after_claim",
    // A bot has answered, and nothing of it is recorded.
    "after_post",
    // A delivery is claimed, and its job is not finished.
    "after_delivery",
    // A provider has answered, and nothing of it is recorded.
    "after_send",
    // A job is done, and not finished.
    "before_finish",
];

/// Ends the process, as a crash would, at the n-th pass of this place (`RELEVO_CRASH=after_commit:3`).
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::faults::pass($name);
    };
}

/// Whether this process is to break a promise (`RELEVO_SABOTAGE=early_ack`), so that a bar can show that it would notice.
#[macro_export]
macro_rules! sabotaged {
    ($promise:literal) => {{
        #[cfg(debug_assertions)]
        let sabotaged = $crate::faults::is_sabotaged($promise);
        #[cfg(not(debug_assertions))]
        let sabotaged = false;
        sabotaged
    }};
}

#[cfg(debug_assertions)]
mod armed {
    use super::CRASH_POINTS;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{LazyLock, OnceLock};

    static CRASH: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let (name, nth) =
            std::env::var("RELEVO_CRASH").ok()?.split_once(':').map(|(name, nth)| (name.to_owned(), nth.parse()))?;
        assert!(CRASH_POINTS.contains(&name.as_str()), "RELEVO_CRASH: there is no place `{name}`");
        Some((name, nth.expect("RELEVO_CRASH is a place and a number: `after_commit:3`")))
    });
    static PASSES: AtomicU64 = AtomicU64::new(0);
    static SABOTAGE: OnceLock<Option<String>> = OnceLock::new();

    /// Breaks this promise from now on, in a process that runs servers inside it. Whoever asked before keeps the answer.
    pub fn sabotage(promise: &str) {
        tracing::warn!(promise, "this process breaks a promise on purpose");
        let _ = SABOTAGE.set(Some(promise.to_owned()));
    }

    fn asked_for() -> Option<String> {
        let promise = std::env::var("RELEVO_SABOTAGE").ok()?;
        tracing::warn!(promise, "this server breaks a promise on purpose");
        Some(promise)
    }

    #[doc(hidden)]
    pub fn pass(name: &'static str) {
        debug_assert!(CRASH_POINTS.contains(&name), "`{name}` is missing in CRASH_POINTS");
        if let Some((wanted, nth)) = &*CRASH
            && wanted == name
            && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *nth
        {
            std::process::abort();
        }
    }

    #[doc(hidden)]
    pub fn is_sabotaged(promise: &str) -> bool {
        SABOTAGE.get_or_init(asked_for).as_deref() == Some(promise)
    }
}

#[cfg(debug_assertions)]
pub use armed::{is_sabotaged, pass, sabotage};

/// Breaks nothing: a release build keeps its promises.
#[cfg(not(debug_assertions))]
pub fn sabotage(_: &str) {}
