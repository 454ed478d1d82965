//! The rules, all of them: state and command in, facts or a rejection out. Synchronous and pure, so that a version
//! conflict is simply decided again.

mod fence;
mod handoff;
mod reply;

mod delivery;
mod note;
mod workflow;

pub use workflow::propose_outcome;

use crate::command::{AgentFacts, Command, FIRST_EPOCH, Facts, Rejection, Start};
use crate::control::{Control, Holder};
use crate::conversation::Conversation;
use crate::event::{Event, HandoffReason};
use crate::message::Actor;
use std::collections::BTreeMap;

/// A fact that was decided and who caused it.
pub type Decided = (Actor, Event);

/// What a command leads to.
pub type Decision = Result<Vec<Decided>, Rejection>;

/// The facts that begin a conversation: held by the inbox's bot, or waiting for people where it has none.
pub fn start(start: Start, facts: &Facts) -> Vec<Decided> {
    let holder = match &facts.policy.bot {
        Some(bot) => Holder::Bot { bot: bot.clone() },
        None => Holder::Queue { team: None, skill: None, since: facts.now },
    };
    let Start { inbox, channel, contact, language, origin } = start;
    let control = Control { holder, epoch: FIRST_EPOCH };
    vec![(Actor::Visitor, Event::Started { inbox, channel, contact, language, origin, control })]
}

/// What `command` leads to in `state`. An empty list means: it is so already.
pub fn decide(state: &Conversation, command: &Command, facts: &Facts) -> Decision {
    match fence::check(state, command)? {
        Some(withheld) => Ok(withheld),
        None => admitted(state, command, facts),
    }
}

/// What a command leads to that the fence has let through.
fn admitted(state: &Conversation, command: &Command, facts: &Facts) -> Decision {
    match command {
        Command::Receive(inbound) => reply::receive(state, inbound, facts),
        Command::Reply { agent, message } => reply::reply(state, agent, message, facts),
        Command::Say { turn, message } => reply::say(state, turn, message, facts),

        Command::RequestHuman => Ok(reply::call_human(state, facts)),
        Command::HandOff { turn, handoff } => handoff::hand_off(state, turn, handoff, facts),
        Command::Capture { turn, data } => handoff::capture(state, turn, data),
        Command::FailTurn { turn, failure } => Ok(handoff::fail_turn(state, turn, failure, facts)),
        Command::EndTurn { turn } => Ok(handoff::end_turn(state, turn, facts)),
        Command::TakeOver { agent } => handoff::take_over(state, agent),
        Command::Join { agent } => handoff::join(state, agent),
        Command::Leave { agent } => Ok(handoff::leave(state, agent)),
        Command::AskForHelp { agent, note, skill } => {
            handoff::ask_for_help(state, agent, note.as_deref(), skill.as_deref())
        }
        Command::WithdrawHelp { agent } => handoff::withdraw_help(state, agent),
        Command::Transfer { agent, to, note } => handoff::transfer(state, agent, to, note.as_deref(), facts),
        Command::HandBack { agent, bot, note } => {
            handoff::hand_back(state, agent, bot.as_ref(), note.as_deref(), facts)
        }

        Command::Close { agent, outcome } => workflow::close(state, agent, *outcome),
        Command::Reopen { agent } => workflow::reopen(state, agent, facts),
        Command::SetStatus { agent, status } => workflow::set_status(state, agent, *status, facts),
        Command::SetPriority { agent, priority } => Ok(workflow::set_priority(state, agent, *priority)),
        Command::SetLabels { agent, labels } => workflow::set_labels(state, agent, labels),
        Command::ChangeLabels { agent, add, remove } => {
            let kept = state.labels.iter().filter(|label| !remove.contains(label));
            workflow::set_labels(state, agent, &kept.chain(add).cloned().collect::<Vec<_>>())
        }
        Command::SetTeam { agent, team } => Ok(workflow::set_team(state, agent, team.as_ref())),
        Command::SetStage { agent, stage } => Ok(workflow::set_stage(state, agent, stage.as_ref())),
        Command::RunMacro { agent, name, steps } => workflow::run_macro(state, agent, name, steps, facts),
        Command::RecordContact { agent } => {
            Ok(vec![(agent.as_ref().map_or(Actor::Visitor, by), Event::ContactUpdated { contact: state.contact })])
        }
        Command::Wake { until } => Ok(workflow::wake(state, *until)),
        Command::EndWindow { ended_at } => Ok(workflow::end_window(state, *ended_at, facts)),

        Command::AddNote { agent, note, text, mentions, client_id } => {
            note::add(agent, *note, text, mentions, client_id.as_deref())
        }
        Command::RemoveMessage { agent, message, posted, author } => note::remove(agent, *message, *posted, author),
        Command::VisitPage { url, title } => note::visit_page(url, title),

        Command::ClaimDelivery { message, state: claimed } => Ok(delivery::claim(state, *message, *claimed)),
        Command::RecordDelivery { message, state: reached, reason } => {
            Ok(delivery::record(state, *message, *reached, reason.as_deref()))
        }
        Command::MarkReceived { up_to } => Ok(delivery::received(state, *up_to)),
        Command::MarkRead { up_to } => Ok(delivery::read(state, *up_to)),
        Command::AgentRead { agent, up_to } => Ok(delivery::agent_read(state, agent, *up_to)),
    }
}

fn by(agent: &AgentFacts) -> Actor {
    Actor::Agent { agent: agent.id }
}

/// The plain request for people that most hand-overs are.
fn handoff_requested(reason: HandoffReason, detail: Option<String>, control: Control) -> Event {
    Event::HandoffRequested { reason, detail, failure: None, note: None, captured: BTreeMap::new(), control }
}

#[cfg(test)]
mod machine;
#[cfg(test)]
mod rules;
