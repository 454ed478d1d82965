//! When a failed request is sent again: only before its first text, and only if that can help.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Error;

/// How often to try and how long to wait between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub tries: u32,
    /// The first wait; it doubles with each attempt, plus up to as much again by chance.
    pub pause: Duration,
    /// A longer wait, asked for or computed, ends the trying: an agent is waiting too.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: 3, pause: Duration::from_millis(300), longest: Duration::from_secs(10) }
    }
}

impl Retry {
    /// The wait after failed attempt number `attempt` (from 1), or `None` to give up.
    fn wait(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let Error::Transient { retry_after, .. } = error else { return None };
        if attempt >= self.tries {
            return None;
        }
        let backoff = self.pause.saturating_mul(1 << (attempt - 1).min(16));
        let jitter = backoff.mul_f64(chance());
        // Never sooner than asked; the chance on top keeps many clients from coming back together.
        let wait = retry_after.unwrap_or(backoff).saturating_add(jitter);
        (wait <= self.longest).then_some(wait)
    }
}

/// A number in 0..1. The standard library seeds its hasher from the system, which is random enough
/// to spread retries and needs no dependency.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// Runs `attempt` until it succeeds, fails for good, or patience ends.
pub(super) async fn retrying<T, F>(
    retry: &Retry,
    cancel: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut number = 1;
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(wait) = retry.wait(number, &error) else { return Err(error) };
        if cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Err(Error::Cancelled);
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // behaviour 17
    #[test]
    fn waits_are_never_shorter_than_asked_and_grow_with_chance() {
        let retry = Retry { tries: 4, pause: Duration::from_millis(100), longest: Duration::from_secs(10) };
        let asked = Error::Transient { reason: "429".into(), retry_after: Some(Duration::from_secs(2)) };
        let waits: Vec<_> = (0..20).map(|_| retry.wait(1, &asked).unwrap()).collect();
        assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(2)));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "jitter");
        let plain = Error::transient("500");
        assert!(retry.wait(3, &plain).unwrap() >= Duration::from_millis(400));
        assert_eq!(retry.wait(4, &plain), None);
        assert_eq!(retry.wait(1, &Error::permanent("401")), None);
    }

    #[test]
    fn a_wait_longer_than_an_agent_would_is_not_waited() {
        let asked = Error::Transient { reason: "429".into(), retry_after: Some(Duration::from_mins(10)) };
        assert_eq!(Retry::default().wait(1, &asked), None);
    }
}
