//! **The fence.** A bot's turn was given the epoch in which it began; whatever it tries in a later one is withheld.
//! Both checks are here, before any rule: when a bot's command is accepted, and once more when a delivery is claimed.

use super::Decided;
use super::handoff::{check_captured, check_handoff};
use super::reply::{check_outbound, message};
use crate::command::{Command, Rejection};
use crate::conversation::Conversation;
use crate::event::{Event, FenceCheck, HandoffReason, Withheld};
use crate::id::MessageId;
use crate::message::{Actor, DeliveryState};

/// What becomes of a command that comes too late; none where it is in time, and for what no turn does.
pub(super) fn check(state: &Conversation, command: &Command) -> Result<Option<Vec<Decided>>, Rejection> {
    if let Command::ClaimDelivery { message, .. } = command {
        return Ok(at_delivery(state, *message));
    }
    let Some(turn) = command.turn() else { return Ok(None) };
    if state.control.admits(turn) {
        return Ok(None);
    }
    let bot = Actor::Bot { bot: turn.bot.clone() };
    // What is withheld is kept for agents, and so it has its limits too.
    let what = match command {
        Command::Say { message: said, .. } => {
            check_outbound(said)?;
            Withheld::Message { message: message(said, bot.clone()) }
        }
        Command::HandOff { handoff, .. } => {
            check_handoff(handoff)?;
            Withheld::Handoff { reason: HandoffReason::BotAsked, note: handoff.note.clone() }
        }
        Command::Capture { data, .. } => {
            check_captured(data)?;
            Withheld::Captured { data: data.clone() }
        }
        // How it ended concerns nobody any more.
        _ => return Ok(Some(Vec::new())),
    };
    let (turn, epoch, at) = (turn.clone(), state.control.epoch, FenceCheck::Accepted);
    Ok(Some(vec![(bot, Event::Suppressed { turn, epoch, at, what })]))
}

/// The outbox wants to send a message that was accepted in time.
fn at_delivery(state: &Conversation, message: MessageId) -> Option<Vec<Decided>> {
    let outgoing = state.outgoing.get(&message)?;
    let fence = outgoing.fence.as_ref()?;
    if outgoing.state != DeliveryState::Queued || fence.epoch == state.control.epoch {
        return None;
    }
    let what = Withheld::Message { message: outgoing.message.clone() };
    let (turn, epoch, at) = (fence.turn.clone(), state.control.epoch, FenceCheck::Delivery);
    Some(vec![(outgoing.message.author.clone(), Event::Suppressed { turn, epoch, at, what })])
}
