//! The circuit breaker: after repeated failures, stop asking for a while.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// When a circuit opens and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one trial call.
    pub rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 3, rest: Duration::from_secs(30) }
    }
}

/// One endpoint's circuit.
#[derive(Debug)]
pub struct Breaker {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// A closed circuit.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// May a call go out now? Otherwise how long to wait. When the rest is over one caller gets
    /// through; the others wait for its result as long as another rest.
    pub fn admit(&self) -> Result<(), Duration> {
        let mut state = self.lock();
        let Some(until) = state.open_until else { return Ok(()) };
        let now = Instant::now();
        if now < until {
            return Err(until - now);
        }
        state.open_until = Some(now + self.limits.rest);
        Ok(())
    }

    /// A call went well: the circuit closes.
    pub fn succeeded(&self) {
        *self.lock() = State::default();
    }

    /// A call failed in a way that another attempt soon would repeat.
    pub fn failed(&self) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.limits.failures {
            state.open_until = Some(Instant::now() + self.limits.rest);
        }
    }

    /// Whether calls are refused at the moment.
    pub fn is_open(&self) -> bool {
        self.lock().open_until.is_some_and(|until| Instant::now() < until)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // behaviour 18: the circuit opens, and later closes.
    #[tokio::test(start_paused = true)]
    async fn a_circuit_opens_after_failures_and_closes_after_a_good_trial() {
        let breaker = Breaker::new(Limits { failures: 2, rest: Duration::from_secs(30) });
        breaker.failed();
        assert!(breaker.admit().is_ok());
        breaker.failed();
        assert!(breaker.is_open());
        assert!(breaker.admit().is_err());
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(breaker.admit().is_ok(), "one trial is let through");
        assert!(breaker.admit().is_err(), "a second one is not");
        breaker.succeeded();
        assert!(breaker.admit().is_ok());
        assert!(!breaker.is_open());
    }
}
