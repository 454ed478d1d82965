//! How long the house may answer freely. Outside the window only notes (and, on channels that have them, approved
//! templates) are possible.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An inbox's rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WindowPolicy {
    /// No limit (WhatsApp Lite).
    #[default]
    Unlimited,
    /// Each visitor message opens it anew (WhatsApp API: 24 hours).
    SinceLast {
        /// Its length.
        hours: u32,
    },
    /// The first visitor message opens it, later ones do not prolong it (web, Instagram, Facebook: 24 hours).
    SinceFirst {
        /// Its length.
        hours: u32,
    },
}

impl WindowPolicy {
    /// The end that a visitor message at `now` sets; none where it moves nothing.
    pub fn on_visitor_message(self, current: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let hours = |h: u32| Some(now.after(Duration::from_secs(u64::from(h) * 3_600)));
        match self {
            Self::Unlimited => None,
            Self::SinceLast { hours: h } => hours(h),
            Self::SinceFirst { hours: h } => match current {
                Some(end) if end > now => None,
                _ => hours(h),
            },
        }
    }
}

/// Whether the house may answer at `now`.
pub fn is_open(ends_at: Option<Timestamp>, now: Timestamp) -> bool {
    ends_at.is_none_or(|end| now < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn first_message_opens_the_web_window_and_later_ones_do_not_prolong_it() {
        let policy = WindowPolicy::SinceFirst { hours: 24 };
        let end = policy.on_visitor_message(None, Timestamp(0));
        assert_eq!(end, Some(Timestamp(24 * HOUR)));
        assert_eq!(policy.on_visitor_message(end, Timestamp(HOUR)), None);
        assert_eq!(policy.on_visitor_message(end, Timestamp(24 * HOUR)), Some(Timestamp(48 * HOUR)));
    }

    #[test]
    fn each_message_prolongs_the_whatsapp_window() {
        let policy = WindowPolicy::SinceLast { hours: 24 };
        let end = policy.on_visitor_message(None, Timestamp(0));
        assert_eq!(policy.on_visitor_message(end, Timestamp(HOUR)), Some(Timestamp(25 * HOUR)));
    }

    #[test]
    fn a_window_is_shut_at_its_very_end() {
        assert!(is_open(None, Timestamp(i64::MAX)));
        assert!(is_open(Some(Timestamp(10)), Timestamp(9)));
        assert!(!is_open(Some(Timestamp(10)), Timestamp(10)));
    }
}
