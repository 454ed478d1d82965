//! A conversation's facts as what a task reads.

use std::collections::HashSet;

use relevo::store::{Covers, Log, StoreError};
use relevo_domain::event::{Envelope, Event};
use relevo_domain::id::{ConversationId, MessageId, Seq, TeamId};
use relevo_domain::message::Actor;

use crate::copilot::{Handoff, Input};
use crate::text::Language;
use crate::transcript::{Line, Who};

const BATCH: usize = 1_000;

/// What was found of a conversation.
pub(super) struct Found {
    pub(super) input: Input,
    /// The team that it is of.
    pub(super) team: Option<TeamId>,
    /// The last fact that was read.
    pub(super) read_up_to: Seq,
    /// The facts that removed messages.
    pub(super) removals: Vec<Envelope>,
}

/// Reads a conversation; `None` when it does not exist.
pub(super) async fn input<L: Log + ?Sized>(log: &L, conversation: ConversationId) -> Result<Option<Found>, StoreError> {
    let Some(state) = log.load(conversation).await? else { return Ok(None) };
    let facts = facts(log, conversation).await?;
    let mut input = Input::new(lines(&facts));
    input.inbox = Some(state.inbox.to_string());
    input.captured = state.captured;
    input.handoff = handoff(&facts);
    input.team = state.team.as_ref().map(ToString::to_string).unwrap_or_default();
    // What the customer wrote says more about their language than the browser does; it is the hint
    // for a conversation that holds only a number or a name so far.
    let said = input
        .lines
        .iter()
        .filter(|line| line.who == Who::Visitor)
        .map(|line| line.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    if crate::text::detect(&said).is_none() {
        input.customer_language = state.language.as_deref().and_then(Language::from_tag).unwrap_or_default();
    }
    let read_up_to = facts.last().map_or(0, |fact| fact.seq);
    let removals = facts.into_iter().filter(|fact| fact.event.removed().is_some()).collect();
    Ok(Some(Found { input, team: state.team, read_up_to, removals }))
}

/// Whether something was removed from what an artifact covers, by one of these facts.
pub(super) fn withdrawn(covers: Covers, facts: &[Envelope]) -> bool {
    facts.iter().any(|fact| match fact.event {
        Event::MessageRemoved { posted, .. } => (covers.first..=covers.last).contains(&posted),
        _ => false,
    })
}

pub(super) async fn facts<L: Log + ?Sized>(log: &L, conversation: ConversationId) -> Result<Vec<Envelope>, StoreError> {
    facts_after(log, conversation, 0).await
}

pub(super) async fn facts_after<L: Log + ?Sized>(
    log: &L,
    conversation: ConversationId,
    begin: Seq,
) -> Result<Vec<Envelope>, StoreError> {
    let mut facts: Vec<Envelope> = Vec::new();
    loop {
        let after = facts.last().map_or(begin, |fact| fact.seq);
        let batch = log.read(conversation, after, BATCH).await?;
        let last = batch.len() < BATCH;
        facts.extend(batch);
        if last {
            return Ok(facts);
        }
    }
}

/// What was said. A message of the house counts once its delivery was claimed: until then it may
/// still be withheld, and nobody has read it.
pub(super) fn lines(facts: &[Envelope]) -> Vec<Line> {
    let out: HashSet<MessageId> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            Event::DeliveryClaimed { message, .. } => Some(message.id),
            _ => None,
        })
        .collect();
    facts.iter().filter_map(|fact| line(fact, &out)).collect()
}

fn line(fact: &Envelope, out: &HashSet<MessageId>) -> Option<Line> {
    let (who, text) = match &fact.event {
        Event::MessagePosted { message, .. } if message.is_removed() => return None,
        Event::MessagePosted { message, .. } => {
            let who = match message.author {
                Actor::Visitor => Who::Visitor,
                Actor::External { .. } => Who::External,
                Actor::Bot { .. } if out.contains(&message.id) => Who::Bot,
                Actor::Agent { .. } if out.contains(&message.id) => Who::Agent,
                Actor::Bot { .. } | Actor::Agent { .. } | Actor::System => return None,
            };
            (who, message.in_words().into_owned())
        }
        Event::NoteAdded { text, .. } => (Who::Note, text.clone()),
        _ => return None,
    };
    Some(Line { seq: fact.seq, who, text, at: fact.at.to_rfc3339() })
}

fn handoff(facts: &[Envelope]) -> Option<Handoff> {
    facts.iter().rev().find_map(|fact| match &fact.event {
        Event::HandoffRequested { reason, detail, note, .. } => {
            let reason = serde_json::to_value(reason).ok()?.as_str()?.to_owned();
            Some(Handoff { reason, detail: detail.clone(), note: note.clone() })
        }
        _ => None,
    })
}
