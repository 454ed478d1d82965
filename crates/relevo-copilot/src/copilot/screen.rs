//! What is shown while a model is still writing: clean from the first word on.

use super::Progress;
use crate::checks::{Known, Secrets};

/// A picture or link that goes on for longer than this is none.
const LONGEST_HELD: usize = 600;

/// Passes text on word by word until a mark, which may arrive in pieces, without what an answer must not carry.
pub(super) struct Screen<'a> {
    stop: Option<&'a str>,
    known: Known,
    secrets: &'a Secrets,
    held: String,
    said: String,
    stopped: bool,
}

impl<'a> Screen<'a> {
    pub(super) fn new(stop: Option<&'a str>, known: Known, secrets: &'a Secrets) -> Self {
        Self { stop, known, secrets, held: String::new(), said: String::new(), stopped: false }
    }

    pub(super) fn show(&mut self, piece: &str, progress: &dyn Progress) {
        if self.stopped || piece.is_empty() {
            return;
        }
        self.held.push_str(piece);
        if let Some(at) = self.stop.and_then(|stop| self.held.find(stop)) {
            self.held.truncate(at);
            self.finish(progress);
            return;
        }
        let rest = self.held.split_off(self.ready());
        let ready = std::mem::replace(&mut self.held, rest);
        self.pass(&ready, progress);
    }

    pub(super) fn finish(&mut self, progress: &dyn Progress) {
        let rest = std::mem::take(&mut self.held);
        self.pass(&rest, progress);
        self.stopped = true;
    }

    /// How much of what is held can be judged already: whole words, outside of anything that was opened.
    fn ready(&self) -> usize {
        let held = &self.held;
        let word = held.rfind(char::is_whitespace).unwrap_or(0);
        // A mark begins with a line break: what could still become it waits.
        let mark = self.stop.map_or(held.len(), |stop| {
            let could = |n: &usize| stop.is_char_boundary(*n) && held.ends_with(&stop[..*n]);
            held.len() - (1..stop.len()).rev().find(could).unwrap_or(0)
        });
        let cut = word.min(mark);
        let closed = |at: usize| {
            let tail = &held[at..];
            if let Some(tag) = tail.strip_prefix('<') {
                let opens = tag.starts_with(|c: char| c.is_alphabetic() || "/!".contains(c));
                return !opens || (tail[..cut - at].contains('>') && !Known::hides_what_follows(tail));
            }
            tail.find(']').is_some_and(|end| !tail[end..].starts_with("](") || tail[end..].contains(')'))
        };
        let mut openings = held[..cut].match_indices(['<', '[']).map(|(at, _)| at);
        let opened = openings.find(|at| !closed(*at) && held.len() - at < LONGEST_HELD);
        match opened {
            Some(at) if held[..at].ends_with('!') => at - 1,
            Some(at) => at,
            None => cut,
        }
    }

    fn pass(&mut self, text: &str, progress: &dyn Progress) {
        if self.stopped || text.is_empty() {
            return;
        }
        let text = self.secrets.without_nonce(&self.known.neutral(text));
        self.said.push_str(&text);
        // The whole is looked through once more at its end; nothing more of it is shown here.
        if self.secrets.discloses(last_words(&self.said)) {
            self.stopped = true;
        } else if !text.is_empty() {
            progress.text(&text);
        }
    }
}

/// Enough of a text's end to see what its last words repeat.
fn last_words(text: &str) -> &str {
    let from = (0..=text.len().saturating_sub(400)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[from..]
}
