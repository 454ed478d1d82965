//! A timeline as the text that a model reads.

use serde::{Deserialize, Serialize};

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The customer.
    Visitor,
    /// The bot.
    Bot,
    /// A human agent.
    Agent,
    /// Somebody writing through the channel's own app or another tool.
    External,
    /// An internal note: never part of anything meant for the customer.
    Note,
    /// A fact of the product, such as a handoff and its reason.
    System,
}

impl Who {
    /// Speaks to the customer on the business's side.
    pub fn answers(self) -> bool {
        matches!(self, Self::Bot | Self::Agent | Self::External)
    }
}

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The number of the fact in its conversation.
    pub seq: u64,
    /// Who wrote it.
    pub who: Who,
    /// What was written.
    pub text: String,
    /// When, as RFC 3339.
    #[serde(default)]
    pub at: String,
}

impl Line {
    /// A line without a time.
    pub fn new(seq: u64, who: Who, text: impl Into<String>) -> Self {
        Self { seq, who, text: text.into(), at: String::new() }
    }
}

/// What of a conversation fits into a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed<'a> {
    /// The lines that fit, in order.
    pub lines: Vec<&'a Line>,
    /// How many did not.
    pub left_out: usize,
}

/// Whether notes may be read: they may in a summary for agents where the deployment says so, never in
/// anything meant for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notes {
    /// Notes are part of the text.
    Included,
    /// Notes are left out.
    Excluded,
}

/// Packs lines into `budget` tokens. Lines are taken whole. The newest customer message is always in,
/// however long; then come the newest lines, and with what is left the first one, which usually says
/// what it is all about.
pub fn pack<'a>(lines: &[&'a Line], notes: Notes, budget: u64, mut count: impl FnMut(&Line) -> u64) -> Packed<'a> {
    let readable: Vec<&Line> =
        lines.iter().copied().filter(|line| line.who != Who::Note || notes == Notes::Included).collect();
    let newest = readable.iter().rposition(|line| line.who == Who::Visitor);
    let first = readable.iter().position(|line| line.who == Who::Visitor);
    let mut left = budget;
    let mut taken = vec![false; readable.len()];
    let mut take = |n: usize, must: bool| {
        if taken[n] {
            return true;
        }
        let cost = count(readable[n]);
        if cost > left && !must {
            return false;
        }
        left = left.saturating_sub(cost);
        taken[n] = true;
        true
    };
    if let Some(newest) = newest {
        take(newest, true);
    }
    if let Some(first) = first {
        take(first, false);
    }
    for n in (0..readable.len()).rev() {
        if !take(n, false) {
            break;
        }
    }
    let lines: Vec<&Line> = readable.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(line, _)| *line).collect();
    let left_out = readable.len() - lines.len();
    Packed { lines, left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: A06; behaviour 5
    #[test]
    fn the_newest_customer_message_is_whole_and_cuts_fall_between_lines() {
        let lines: Vec<Line> = (1..=100)
            .map(|n| Line::new(n, if n % 2 == 1 { Who::Visitor } else { Who::Agent }, "word ".repeat(10)))
            .collect();
        let lines: Vec<&Line> = lines.iter().collect();
        let packed = pack(&lines, Notes::Excluded, 120, |line| line.text.len() as u64 / 2);
        assert_eq!(packed.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 98, 99, 100]);
        assert_eq!(packed.left_out, 96);
        let tight = pack(&lines, Notes::Excluded, 1, |line| line.text.len() as u64 / 2);
        assert_eq!(tight.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [99]);
    }

    // behaviour 6
    #[test]
    fn notes_are_read_only_when_asked_for() {
        let lines = [Line::new(1, Who::Visitor, "hola"), Line::new(2, Who::Note, "CANARY-NOTE")];
        let lines: Vec<&Line> = lines.iter().collect();
        assert_eq!(pack(&lines, Notes::Excluded, 999, |_| 1).lines.len(), 1);
        assert_eq!(pack(&lines, Notes::Included, 999, |_| 1).lines.len(), 2);
    }
}
