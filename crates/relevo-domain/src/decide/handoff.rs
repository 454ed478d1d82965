//! Who holds the conversation, and everything that moves it. Turns that are over do not come this far ([`super::fence`]).

use super::{Decided, Decision, by, handoff_requested};
use crate::command::{AgentFacts, Facts, Handoff, Rejection};
use crate::control::{Holder, Turn};
use crate::conversation::Conversation;
use crate::event::{Event, Failure, HandoffReason, Status, TransferTarget};
use crate::id::{BotId, TeamId};
use crate::message::Actor;
use std::collections::BTreeMap;

const MAX_NOTE_CHARS: usize = 4_000;
const MAX_CAPTURED: usize = 64;
const MAX_SKILL_CHARS: usize = 60;

/// The visitor wants a person. Changes nothing where people are already asked for.
pub(super) fn request_human(state: &Conversation, phrase: Option<&str>, facts: &Facts) -> Vec<Decided> {
    if state.control.bot().is_none() || state.is_closed() {
        return Vec::new();
    }
    let control = state.control.pass_to(queue(state, None, None, facts));
    vec![(Actor::Visitor, handoff_requested(HandoffReason::VisitorAsked, phrase.map(str::to_owned), control))]
}

/// A bot asks for a person.
pub(super) fn hand_off(state: &Conversation, turn: &Turn, handoff: &Handoff, facts: &Facts) -> Decision {
    check_handoff(handoff)?;
    let control = state.control.pass_to(queue(state, handoff.team.clone(), handoff.skill.clone(), facts));
    Ok(vec![(
        Actor::Bot { bot: turn.bot.clone() },
        Event::HandoffRequested {
            reason: HandoffReason::BotAsked,
            detail: handoff.reason.clone(),
            failure: None,
            note: handoff.note.clone(),
            captured: handoff.captured.clone(),
            control,
        },
    )])
}

/// A bot records data. A promised answer may be nothing else, and so it is a fact even where it brings nothing new.
pub(super) fn capture(state: &Conversation, turn: &Turn, data: &BTreeMap<String, String>) -> Decision {
    check_captured(data)?;
    let known = data.iter().all(|(key, value)| state.captured.get(key) == Some(value));
    if known && !state.unanswered.contains(&turn.id) {
        return Ok(Vec::new());
    }
    let captured = Event::Captured { data: data.clone(), turn: Some(turn.id) };
    Ok(vec![(Actor::Bot { bot: turn.bot.clone() }, captured)])
}

/// A turn went wrong: fails open to people.
pub(super) fn fail_turn(state: &Conversation, turn: &Turn, failure: &Failure, facts: &Facts) -> Vec<Decided> {
    let control = state.control.pass_to(queue(state, None, None, facts));
    let bot = Actor::Bot { bot: turn.bot.clone() };
    let (reason, detail) = (failure.reason(), failure.to_string());
    let requested = Event::HandoffRequested {
        reason,
        detail: Some(detail.clone()),
        failure: Some(failure.clone()),
        note: None,
        captured: BTreeMap::new(),
        control,
    };
    vec![
        (Actor::System, Event::TurnFailed { turn: turn.id, reason, detail, failure: Some(failure.clone()) }),
        // The bot is named as the cause, so that what it said before it failed still goes out.
        (bot, requested),
    ]
}

/// The deadline of a turn that was to be answered later.
pub(super) fn end_turn(state: &Conversation, turn: &Turn, facts: &Facts) -> Vec<Decided> {
    if !state.unanswered.contains(&turn.id) {
        return Vec::new();
    }
    fail_turn(state, turn, &Failure::NoLateAnswer, facts)
}

/// An agent wants it. Decided at the conversation's version, so of any number of agents exactly one gets here while
/// nobody holds it.
pub(super) fn take_over(state: &Conversation, agent: &AgentFacts) -> Decision {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    match state.control.agent() {
        Some(holder) if holder == agent.id => Ok(Vec::new()),
        Some(by) => Err(Rejection::AlreadyTaken { by }),
        None => Ok(taken_over(state, agent)),
    }
}

/// The facts of a take-over that is allowed.
pub(super) fn taken_over(state: &Conversation, agent: &AgentFacts) -> Vec<Decided> {
    let control = state.control.pass_to(Holder::Human { agent: agent.id });
    let mut facts = vec![(by(agent), Event::TakenOver { agent: agent.id, control })];
    if matches!(state.status, Status::Snoozed { .. }) {
        facts.push((by(agent), Event::StatusChanged { status: Status::Open, reason: None }));
    }
    facts
}

/// An agent helps beside the assignee and steals nothing.
pub(super) fn join(state: &Conversation, agent: &AgentFacts) -> Decision {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    match state.control.agent() {
        None => Err(Rejection::NotAllowed("nobody holds this conversation: take it over instead of joining")),
        Some(holder) if holder == agent.id || state.participants.contains(&agent.id) => Ok(Vec::new()),
        Some(_) => Ok(vec![(by(agent), Event::Joined { agent: agent.id })]),
    }
}

/// A participant leaves.
pub(super) fn leave(state: &Conversation, agent: &AgentFacts) -> Vec<Decided> {
    if state.participants.contains(&agent.id) { vec![(by(agent), Event::Left { agent: agent.id })] } else { Vec::new() }
}

/// The assignee calls colleagues. Asked again with other words, it is the newer words that count.
pub(super) fn ask_for_help(
    state: &Conversation,
    agent: &AgentFacts,
    note: Option<&str>,
    skill: Option<&str>,
) -> Decision {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    match state.control.agent() {
        None => return Err(Rejection::NotAllowed("nobody holds this conversation: take it over to call for help")),
        Some(by) if by != agent.id => return Err(Rejection::HeldByOther { by }),
        Some(_) => {}
    }
    for (field, value, limit) in [("note", note, MAX_NOTE_CHARS), ("skill", skill, MAX_SKILL_CHARS)] {
        if let Some(value) = value {
            check_length(field, value, limit)?;
        }
    }
    let (note, skill) = (note.map(str::to_owned), skill.map(str::to_owned));
    if state.help.as_ref().is_some_and(|help| help.note == note && help.skill == skill) {
        return Ok(Vec::new());
    }
    Ok(vec![(by(agent), Event::HelpRequested { agent: agent.id, note, skill })])
}

/// The assignee, or somebody who leads, takes the call back.
pub(super) fn withdraw_help(state: &Conversation, agent: &AgentFacts) -> Decision {
    let Some(help) = &state.help else { return Ok(Vec::new()) };
    if help.by != agent.id && !agent.leads() {
        return Err(Rejection::NotAllowed("only the assignee, a supervisor or an admin may take the call back"));
    }
    Ok(vec![(by(agent), Event::HelpWithdrawn)])
}

/// To another agent or team. A closed conversation stays closed.
pub(super) fn transfer(
    state: &Conversation,
    agent: &AgentFacts,
    to: &TransferTarget,
    note: Option<&str>,
    facts: &Facts,
) -> Decision {
    if let Some(note) = note {
        check_length("note", note, MAX_NOTE_CHARS)?;
    }
    if state.control.agent() != Some(agent.id) && !agent.leads() {
        return Err(Rejection::NotAllowed("only the assignee, a supervisor or an admin may transfer a conversation"));
    }
    let holder = match to {
        TransferTarget::Agent { agent: target } if state.control.agent() == Some(*target) => return Ok(Vec::new()),
        TransferTarget::Agent { agent: target } => Holder::Human { agent: *target },
        TransferTarget::Team { team } => queue(state, Some(team.clone()), None, facts),
        TransferTarget::Nobody => queue(state, None, None, facts),
    };
    Ok(vec![(
        by(agent),
        Event::Transferred {
            from: state.control.agent(),
            to: to.clone(),
            note: note.map(str::to_owned),
            control: state.control.pass_to(holder),
        },
    )])
}

/// Back to a bot.
pub(super) fn hand_back(
    state: &Conversation,
    agent: &AgentFacts,
    bot: Option<&BotId>,
    note: Option<&str>,
    facts: &Facts,
) -> Decision {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    if let Some(note) = note {
        check_length("note", note, MAX_NOTE_CHARS)?;
    }
    if let Some(holder) = state.control.agent()
        && holder != agent.id
        && !agent.leads()
    {
        return Err(Rejection::HeldByOther { by: holder });
    }
    let bot = bot.or(facts.policy.bot.as_ref()).ok_or(Rejection::NoBot)?;
    if !facts.bots.contains(bot) {
        let problem = format!("`{bot}` does not exist: name one that is set up, or none for the inbox's own");
        return Err(Rejection::Invalid { field: "bot", problem });
    }
    if state.control.bot() == Some(bot) {
        return Ok(Vec::new());
    }
    let control = state.control.pass_to(Holder::Bot { bot: bot.clone() });
    let note = note.map(str::to_owned);
    Ok(vec![(by(agent), Event::HandedBack { bot: bot.clone(), agent: agent.id, note, control })])
}

pub(super) fn queue(state: &Conversation, team: Option<TeamId>, skill: Option<String>, facts: &Facts) -> Holder {
    Holder::Queue { team: team.or_else(|| state.team.clone()), skill, since: facts.now }
}

pub(super) fn check_length(field: &'static str, value: &str, limit: usize) -> Result<(), Rejection> {
    let length = value.chars().count();
    if length > limit {
        let problem = format!("has {length} characters, the limit is {limit}: shorten it");
        return Err(Rejection::Invalid { field, problem });
    }
    Ok(())
}

pub(super) fn check_handoff(handoff: &Handoff) -> Result<(), Rejection> {
    for (field, value) in [("reason", &handoff.reason), ("note", &handoff.note)] {
        if let Some(value) = value {
            check_length(field, value, MAX_NOTE_CHARS)?;
        }
    }
    check_captured(&handoff.captured)
}

pub(super) fn check_captured(data: &BTreeMap<String, String>) -> Result<(), Rejection> {
    if data.len() > MAX_CAPTURED {
        let problem = format!("has {} entries, the limit is {MAX_CAPTURED}: send fewer", data.len());
        return Err(Rejection::Invalid { field: "captured", problem });
    }
    for (key, value) in data {
        check_length("captured", key, 64)?;
        check_length("captured", value, 2_000)?;
    }
    Ok(())
}
