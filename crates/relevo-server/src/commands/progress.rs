//! How far a command has come, for whoever waits: a bar on a terminal, elsewhere a line now and then.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where nothing begins and nothing ends, there is a line this often.
const EVERY: Duration = Duration::from_secs(10);

pub(crate) struct Progress {
    bar: ProgressBar,
    /// Where there is no terminal to draw on.
    lines: Option<Mutex<Lines>>,
}

impl Progress {
    pub(crate) fn begin() -> Result<Self> {
        let bar = ProgressBar::new(0);
        bar.set_style(ProgressStyle::with_template("{msg:24} {bar:40} {pos}/{len}")?);
        let lines = bar.is_hidden().then(Mutex::default);
        Ok(Self { bar, lines })
    }

    pub(crate) fn tell(&self, doing: &str, done: u64, of: u64) {
        if let Some(lines) = &self.lines {
            let line = lines.lock().unwrap_or_else(PoisonError::into_inner).next(doing, done, of, Instant::now());
            if let Some(line) = line {
                eprintln!("{line}");
            }
            return;
        }
        // Without this each call would be a copy of it.
        if self.bar.message() != doing {
            self.bar.set_message(doing.to_owned());
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// What was told last.
#[derive(Default)]
struct Lines {
    doing: String,
    line: String,
    at: Option<Instant>,
}

impl Lines {
    /// What there is to say: that something begins, that it is done, or how far it has come since the last line.
    fn next(&mut self, doing: &str, done: u64, of: u64, now: Instant) -> Option<String> {
        let due = self.at.is_none_or(|at| now.duration_since(at) >= EVERY);
        if self.doing == doing && done < of && !due {
            return None;
        }
        let line = format!("{doing}: {done} of {of}");
        if self.line == line {
            return None;
        }
        *self = Self { doing: doing.to_owned(), line: line.clone(), at: Some(now) };
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_each_part_is_told_when_it_begins_ends_and_now_and_then() {
        let mut lines = Lines::default();
        let began = Instant::now();
        let mut told = |doing, done, seconds| lines.next(doing, done, 900, began + Duration::from_secs(seconds));
        assert_eq!(told("log", 100, 0).as_deref(), Some("log: 100 of 900"), "it begins");
        assert_eq!(told("log", 200, 1), None);
        assert_eq!(told("log", 300, 9), None);
        assert_eq!(told("log", 400, 10).as_deref(), Some("log: 400 of 900"), "it goes on");
        assert_eq!(told("log", 500, 19), None);
        assert_eq!(told("log", 900, 19).as_deref(), Some("log: 900 of 900"), "it ends");
        assert_eq!(told("log", 900, 60), None, "nothing is told twice");
        assert_eq!(told("marks", 900, 60).as_deref(), Some("marks: 900 of 900"));
    }
}
