//! Status, priority, labels, team, stage, and the end of a conversation.

use super::handoff::check_length;
use super::reply::after;
use super::{Decided, Decision, by, decide};
use crate::command::{AgentFacts, Command, Facts, Rejection};
use crate::control::Holder;
use crate::conversation::Conversation;
use crate::event::{Event, MacroStep, Outcome, Priority, ReopenReason, Status, StatusReason};
use crate::id::{StageId, TeamId};
use crate::message::Actor;
use crate::time::Timestamp;
use std::collections::BTreeSet;

const MAX_LABELS: usize = 50;
const MAX_LABEL_CHARS: usize = 40;

/// Finish. The epoch moves, so that a bot's turn under way is fenced.
pub(super) fn close(state: &Conversation, agent: &AgentFacts, outcome: Option<Outcome>) -> Decision {
    if state.is_closed() {
        return Ok(Vec::new());
    }
    if let Some(holder) = state.control.agent()
        && holder != agent.id
        && !state.participants.contains(&agent.id)
        && !agent.leads()
    {
        return Err(Rejection::HeldByOther { by: holder });
    }
    Ok(vec![closed(state, by(agent), outcome)])
}

fn closed(state: &Conversation, actor: Actor, outcome: Option<Outcome>) -> Decided {
    let control = state.control.pass_to(state.control.holder.clone());
    let (outcome, proposed) = match outcome {
        Some(outcome) => (outcome, false),
        None => (propose_outcome(state), true),
    };
    (actor, Event::Closed { outcome, proposed, control })
}

/// Each step is decided in the state that the ones before it lead to; one that is refused refuses them all.
pub(super) fn run_macro(
    state: &Conversation,
    agent: &AgentFacts,
    name: &str,
    steps: &[(String, Command)],
    facts: &Facts,
) -> Decision {
    let mut decided = Vec::new();
    let mut report = Vec::new();
    for (action, command) in steps {
        let step = decide(&after(state, &decided, facts), command, facts)?;
        let result = if step.is_empty() { "unchanged" } else { "done" };
        report.push(MacroStep { action: action.clone(), result: result.to_owned() });
        decided.extend(step);
    }
    decided.push((by(agent), Event::MacroRan { name: name.to_owned(), steps: report }));
    Ok(decided)
}

/// The outcome that the conversation's course suggests. Agents may choose another.
pub fn propose_outcome(state: &Conversation) -> Outcome {
    match &state.control.holder {
        Holder::Queue { .. } if state.counts.agent == 0 => Outcome::NobodyAvailable,
        Holder::Human { .. } if state.counts.agent == 0 => Outcome::NeverAnswered,
        _ if state.counts.transfers > 0 => Outcome::Escalated,
        _ => Outcome::Success,
    }
}

/// Take up again what is closed: the agent then holds it.
pub(super) fn reopen(state: &Conversation, agent: &AgentFacts, _facts: &Facts) -> Decision {
    if !state.is_closed() {
        return Err(Rejection::NotClosed);
    }
    if let Some(holder) = state.control.agent()
        && holder != agent.id
        && !agent.leads()
    {
        return Err(Rejection::HeldByOther { by: holder });
    }
    let control = state.control.pass_to(Holder::Human { agent: agent.id });
    Ok(vec![(by(agent), Event::Reopened { reason: ReopenReason::AgentWrote, control })])
}

pub(super) fn set_status(state: &Conversation, agent: &AgentFacts, status: Status, facts: &Facts) -> Decision {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    match status {
        Status::Closed => {
            let problem = "`closed` is not set like this: close the conversation with an outcome".into();
            return Err(Rejection::Invalid { field: "status", problem });
        }
        Status::Snoozed { until: Some(until) } if until <= facts.now => {
            let problem = "is in the past: choose a later time".into();
            return Err(Rejection::Invalid { field: "snoozed_until", problem });
        }
        Status::Open | Status::Pending | Status::Snoozed { .. } => {}
    }
    if state.status == status {
        return Ok(Vec::new());
    }
    Ok(vec![(by(agent), Event::StatusChanged { status, reason: None })])
}

pub(super) fn set_priority(state: &Conversation, agent: &AgentFacts, priority: Priority) -> Vec<Decided> {
    if state.priority == priority {
        return Vec::new();
    }
    vec![(by(agent), Event::PriorityChanged { priority })]
}

pub(super) fn set_labels(state: &Conversation, agent: &AgentFacts, labels: &[String]) -> Decision {
    let wanted: BTreeSet<String> = labels.iter().map(|label| label.trim().to_owned()).collect();
    if wanted.len() > MAX_LABELS {
        let problem = format!("has {} labels, the limit is {MAX_LABELS}", wanted.len());
        return Err(Rejection::Invalid { field: "labels", problem });
    }
    for label in &wanted {
        if label.is_empty() {
            return Err(Rejection::Invalid { field: "labels", problem: "a label is empty: give it a name".into() });
        }
        check_length("labels", label, MAX_LABEL_CHARS)?;
    }
    if wanted == state.labels {
        return Ok(Vec::new());
    }
    let added = wanted.difference(&state.labels).cloned().collect();
    let removed = state.labels.difference(&wanted).cloned().collect();
    Ok(vec![(by(agent), Event::LabelsChanged { added, removed })])
}

pub(super) fn set_team(state: &Conversation, agent: &AgentFacts, team: Option<&TeamId>) -> Vec<Decided> {
    if state.team.as_ref() == team {
        return Vec::new();
    }
    vec![(by(agent), Event::TeamChanged { team: team.cloned() })]
}

pub(super) fn set_stage(state: &Conversation, agent: &AgentFacts, stage: Option<&StageId>) -> Vec<Decided> {
    if state.stage.as_ref() == stage {
        return Vec::new();
    }
    vec![(by(agent), Event::StageChanged { stage: stage.cloned() })]
}

/// The end of a snooze, if it is still the one that was set.
pub(super) fn wake(state: &Conversation, until: Timestamp) -> Vec<Decided> {
    if state.status != (Status::Snoozed { until: Some(until) }) {
        return Vec::new();
    }
    let reason = Some(StatusReason::SnoozeEnded);
    vec![(Actor::System, Event::StatusChanged { status: Status::Open, reason })]
}

/// The end of the window, if it was not moved since.
pub(super) fn end_window(state: &Conversation, ended_at: Timestamp, facts: &Facts) -> Vec<Decided> {
    if state.is_closed() || state.window_ends_at != Some(ended_at) || facts.now < ended_at {
        return Vec::new();
    }
    vec![closed(state, Actor::System, None)]
}
