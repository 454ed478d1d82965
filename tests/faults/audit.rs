//! The whole log, read after the server has ended, and the questions that every bar asks of it.

use anyhow::Result;
use relevo::domain::control::Holder;
use relevo::domain::event::{Envelope, Event};
use relevo::domain::id::{ConversationId, MessageId};
use relevo::domain::message::Actor;
use relevo::store::Log;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub struct Audit {
    conversations: BTreeMap<ConversationId, Vec<Envelope>>,
    unordered: usize,
}

impl Audit {
    pub async fn read(log: &dyn Log) -> Result<Self> {
        let mut audit = Self { conversations: BTreeMap::new(), unordered: 0 };
        let mut after = 0;
        loop {
            let batch = log.follow(after, 1_000).await?;
            if batch.is_empty() {
                return Ok(audit);
            }
            for logged in batch {
                audit.unordered += usize::from(logged.position <= after);
                after = logged.position;
                audit.conversations.entry(logged.envelope.conversation).or_default().push(logged.envelope);
            }
        }
    }

    pub fn conversations(&self) -> impl Iterator<Item = &[Envelope]> {
        self.conversations.values().map(Vec::as_slice)
    }

    /// How many facts do not follow the one before them, in the log or in their conversation.
    pub fn gaps(&self) -> usize {
        let gaps = |facts: &Vec<Envelope>| facts.iter().zip(1..).filter(|(fact, seq)| fact.seq != *seq).count();
        self.unordered + self.conversations.values().map(gaps).sum::<usize>()
    }

    /// What visitors said, in the log's order: text, by client id.
    pub fn said_by_visitors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.conversations().flatten().filter_map(|fact| match &fact.event {
            Event::MessagePosted { message, .. } if message.author == Actor::Visitor => {
                Some((message.client_id.as_deref().unwrap_or_default(), message.text.as_str()))
            }
            _ => None,
        })
    }

    /// How many facts satisfy `is`.
    pub fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.conversations().flatten().filter(|fact| is(&fact.event)).count()
    }

    /// How many of a bot's deliveries were claimed while a person held the conversation.
    pub fn claimed_under_a_human(&self) -> usize {
        self.conversations().map(claimed_under_a_human).sum()
    }

    /// How many messages went out more than once.
    pub fn delivered_twice(&self) -> usize {
        let mut claimed: HashMap<MessageId, usize> = HashMap::new();
        for fact in self.conversations().flatten() {
            if let Event::DeliveryClaimed { message, .. } = &fact.event {
                *claimed.entry(message.id).or_default() += 1;
            }
        }
        claimed.values().filter(|&&times| times > 1).count()
    }

    /// The messages to visitors that neither went out nor were withheld.
    pub fn undelivered(&self) -> usize {
        let mut waiting = BTreeSet::new();
        for fact in self.conversations().flatten() {
            match &fact.event {
                Event::MessagePosted { message, .. } if message.author != Actor::Visitor => {
                    waiting.insert(message.id.0);
                }
                Event::DeliveryClaimed { message, .. } => {
                    waiting.remove(&message.id.0);
                }
                Event::Suppressed { what: relevo::domain::event::Withheld::Message { message }, .. } => {
                    waiting.remove(&message.id.0);
                }
                _ => {}
            }
        }
        waiting.len()
    }
}

fn claimed_under_a_human(facts: &[Envelope]) -> usize {
    let mut held = false;
    let mut claimed = 0;
    for fact in facts {
        match &fact.event {
            Event::TakenOver { control, .. }
            | Event::Transferred { control, .. }
            | Event::HandedBack { control, .. }
            | Event::HandoffRequested { control, .. }
            | Event::Reopened { control, .. } => held = matches!(control.holder, Holder::Human { .. }),
            Event::DeliveryClaimed { message, .. } if held && matches!(message.author, Actor::Bot { .. }) => {
                claimed += 1;
            }
            _ => {}
        }
    }
    claimed
}
