//! What is said: by the visitor, by a bot, by an agent.

use super::handoff::{check_length, request_human, taken_over};
use super::{Decided, Decision, by};
use crate::command::{AgentFacts, Facts, Inbound, Outbound, Rejection};
use crate::control::{Control, Holder, Turn};
use crate::conversation::Conversation;
use crate::event::{Envelope, Event, ReopenReason, Status, StatusReason};
use crate::message::{Actor, Attachment, MAX_ATTACHMENTS, MAX_BUTTONS, MAX_PAYLOAD_CHARS, MAX_TEXT_CHARS, Message};
use crate::window;

/// The visitor wrote: reopens what is closed, wakes what sleeps, and asks for a person where the words say so.
pub(super) fn receive(state: &Conversation, inbound: &Inbound, facts: &Facts) -> Decision {
    check_said(&inbound.text, &inbound.attachments)?;
    check_length("payload", inbound.payload.as_deref().unwrap_or_default(), MAX_PAYLOAD_CHARS)?;
    let mut decided: Vec<Decided> = Vec::new();
    match state.status {
        Status::Open => {}
        Status::Pending | Status::Snoozed { .. } => decided.push((
            Actor::Visitor,
            Event::StatusChanged { status: Status::Open, reason: Some(StatusReason::VisitorWrote) },
        )),
        Status::Closed => decided.push((
            Actor::Visitor,
            Event::Reopened { reason: ReopenReason::VisitorWrote, control: on_return(state, facts) },
        )),
    }
    decided.push((
        Actor::Visitor,
        Event::MessagePosted {
            message: Message {
                id: inbound.id,
                author: Actor::Visitor,
                text: inbound.text.clone(),
                attachments: inbound.attachments.clone(),
                buttons: Vec::new(),
                payload: inbound.payload.clone(),
                reply_to: None,
                client_id: inbound.client_id.clone(),
            },
            turn: None,
            window_ends_at: facts.policy.window.on_visitor_message(state.window_ends_at, facts.now),
        },
    ));
    if let Some(phrase) = &inbound.asks_for_human {
        let after = after(state, &decided, facts);
        decided.extend(request_human(&after, Some(phrase), facts));
    }
    Ok(decided)
}

/// The visitor presses "talk to a person": a closed conversation lives again for it.
pub(super) fn call_human(state: &Conversation, facts: &Facts) -> Vec<Decided> {
    let mut decided = Vec::new();
    if state.is_closed() {
        let control = on_return(state, facts);
        decided.push((Actor::Visitor, Event::Reopened { reason: ReopenReason::VisitorWrote, control }));
    }
    decided.extend(request_human(&after(state, &decided, facts), None, facts));
    decided
}

/// A bot says something.
pub(super) fn say(state: &Conversation, turn: &Turn, outbound: &Outbound, facts: &Facts) -> Decision {
    check_outbound(outbound)?;
    check_window(state, facts)?;
    let author = Actor::Bot { bot: turn.bot.clone() };
    let message = message(outbound, author.clone());
    Ok(vec![(author, Event::MessagePosted { message, turn: Some(turn.clone()), window_ends_at: None })])
}

/// An agent answers. Writing is taking over where no person holds the conversation.
pub(super) fn reply(state: &Conversation, agent: &AgentFacts, outbound: &Outbound, facts: &Facts) -> Decision {
    check_outbound(outbound)?;
    check_window(state, facts)?;
    let mut decided = Vec::new();
    match (&state.control.holder, state.is_closed()) {
        (Holder::Human { agent: holder }, false) => {
            if *holder != agent.id && !state.participants.contains(&agent.id) {
                return Err(Rejection::HeldByOther { by: *holder });
            }
        }
        (Holder::Bot { .. } | Holder::Queue { .. }, false) => decided = taken_over(state, agent),
        // Whoever closed it may go on; once it was given to somebody else or to a bot, they may not.
        (Holder::Human { agent: holder }, true) if *holder == agent.id => {
            let control = state.control.pass_to(Holder::Human { agent: agent.id });
            decided.push((by(agent), Event::Reopened { reason: ReopenReason::AgentWrote, control }));
        }
        (Holder::Human { agent: holder }, true) => return Err(Rejection::HeldByOther { by: *holder }),
        (Holder::Bot { .. } | Holder::Queue { .. }, true) => return Err(Rejection::Closed),
    }
    let message = message(outbound, by(agent));
    decided.push((by(agent), Event::MessagePosted { message, turn: None, window_ends_at: None }));
    Ok(decided)
}

/// Who holds a closed conversation when the visitor comes back: whoever would hold a new one.
fn on_return(state: &Conversation, facts: &Facts) -> Control {
    state.control.pass_to(match &facts.policy.bot {
        Some(bot) => Holder::Bot { bot: bot.clone() },
        None => Holder::Queue { team: state.team.clone(), skill: None, since: facts.now },
    })
}

/// The state after facts that are decided but not yet numbered by a store.
pub(super) fn after(state: &Conversation, decided: &[Decided], facts: &Facts) -> Conversation {
    let mut state = state.clone();
    for (actor, event) in decided {
        let (actor, event) = (actor.clone(), event.clone());
        let envelope = Envelope { conversation: state.id, seq: state.seq + 1, at: facts.now, actor, event };
        state.evolve(&envelope);
    }
    state
}

pub(super) fn message(outbound: &Outbound, author: Actor) -> Message {
    Message {
        id: outbound.id,
        author,
        text: outbound.text.clone(),
        attachments: outbound.attachments.clone(),
        buttons: outbound.buttons.clone(),
        payload: None,
        reply_to: outbound.reply_to,
        client_id: outbound.client_id.clone(),
    }
}

fn check_window(state: &Conversation, facts: &Facts) -> Result<(), Rejection> {
    match state.window_ends_at {
        Some(ended_at) if !window::is_open(Some(ended_at), facts.now) => Err(Rejection::WindowClosed { ended_at }),
        _ => Ok(()),
    }
}

pub(super) fn check_outbound(outbound: &Outbound) -> Result<(), Rejection> {
    check_said(&outbound.text, &outbound.attachments)?;
    if outbound.buttons.len() > MAX_BUTTONS {
        let problem = format!("has {} buttons, the limit is {MAX_BUTTONS}", outbound.buttons.len());
        return Err(Rejection::Invalid { field: "buttons", problem });
    }
    for button in &outbound.buttons {
        if button.title.trim().is_empty() {
            return Err(Rejection::Invalid { field: "buttons", problem: "a button needs a title".into() });
        }
        check_length("buttons", &button.title, 80)?;
        check_length("buttons", button.payload.as_deref().unwrap_or_default(), MAX_PAYLOAD_CHARS)?;
    }
    Ok(())
}

/// Files may stand for words.
fn check_said(text: &str, attachments: &[Attachment]) -> Result<(), Rejection> {
    if attachments.is_empty() {
        return check_text(text);
    }
    if attachments.len() > MAX_ATTACHMENTS {
        let problem =
            format!("has {} files, the limit is {MAX_ATTACHMENTS}: send the others after it", attachments.len());
        return Err(Rejection::Invalid { field: "attachments", problem });
    }
    check_length("text", text, MAX_TEXT_CHARS)
}

pub(super) fn check_text(text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::Invalid { field: "text", problem: "is empty: write something".into() });
    }
    check_length("text", text, MAX_TEXT_CHARS)
}
