//! The hand-over machine, enumerated: every interleaving of a visitor with three messages, a bot, two agents, transfer,
//! hand-back, close and reopen. What must hold is judged from the facts alone, never from epochs, so that the fence is
//! not its own witness; and two sabotaged machines, each without one of the two checks, must be caught.

use crate::command::{Command, Facts, Handoff, Rejection};
use crate::control::Turn;
use crate::conversation::Conversation;
use crate::decide::decide;
use crate::event::{Envelope, Event, TransferTarget};
use crate::id::TurnId;
use crate::message::{Actor, DeliveryState};
use crate::testing::{Desk, agent, bot, bot_inbox, message_id, say, words};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Which check is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sabotage {
    Nothing,
    AcceptCheck,
    DeliveryCheck,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    VisitorWrites,
    VisitorAsksForPerson,
    BotSays(usize),
    BotHandsOff(usize),
    BotCaptures(usize),
    Claim(u128),
    TakeOver(u128),
    Transfer,
    HandBack(u128),
    Close(u128),
    Reopen(u128),
}

/// One way that things may have gone, and what a witness who only hears facts knows.
#[derive(Clone)]
struct World {
    state: Conversation,
    turns: Vec<Turn>,
    used: BTreeSet<Step>,
    /// Turns that the facts have ended.
    over: BTreeSet<TurnId>,
    said: BTreeMap<u128, TurnId>,
}

struct Outcome {
    worlds: usize,
    violations: Vec<String>,
}

fn explore(sabotage: Sabotage) -> Outcome {
    let start = Desk::start(bot_inbox()).state().clone();
    let world =
        World { state: start, turns: Vec::new(), used: BTreeSet::new(), over: BTreeSet::new(), said: BTreeMap::new() };
    let mut seen = HashSet::new();
    let mut open = vec![world];
    let mut violations = Vec::new();
    while let Some(world) = open.pop() {
        if violations.len() > 3 {
            break;
        }
        for step in steps(&world) {
            if let Some(next) = take(&world, &step, sabotage, &mut violations)
                && seen.insert(key(&next))
            {
                open.push(next);
            }
        }
    }
    Outcome { worlds: seen.len(), violations }
}

/// What may happen next. Each step at most once, so that the number of worlds stays finite; a claim whenever something
/// waits.
fn steps(world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    if world.state.counts.visitor < 3 {
        steps.push(Step::VisitorWrites);
    }
    steps.push(Step::VisitorAsksForPerson);
    steps.extend((0..world.turns.len()).map(Step::BotSays));
    // The first turn tries everything else: every other turn is as stale or as fresh as it can be.
    if !world.turns.is_empty() {
        steps.extend([Step::BotHandsOff(0), Step::BotCaptures(0)]);
    }
    steps.extend(world.state.outgoing.keys().map(|id| Step::Claim(id.0.as_u128())));
    steps.extend([Step::TakeOver(1), Step::TakeOver(2), Step::Transfer]);
    steps.extend([Step::HandBack(1), Step::Close(1), Step::Reopen(2)]);
    steps.retain(|step| matches!(step, Step::VisitorWrites | Step::Claim(_)) || !world.used.contains(step));
    steps
}

fn take(world: &World, step: &Step, sabotage: Sabotage, violations: &mut Vec<String>) -> Option<World> {
    let mut world = world.clone();
    let command = match step {
        Step::VisitorWrites => say(&format!("message {}", world.state.counts.visitor)),
        Step::VisitorAsksForPerson => Command::RequestHuman,
        Step::BotSays(n) => {
            let turn = world.right(*n, sabotage);
            let id = 100 + *n as u128;
            world.said.insert(id, turn.id);
            Command::Say { turn, message: words(id, "bot") }
        }
        Step::BotHandsOff(n) => Command::HandOff { turn: world.right(*n, sabotage), handoff: Handoff::default() },
        Step::BotCaptures(n) => {
            let data = BTreeMap::from([(format!("by-{n}"), "x".to_owned())]);
            Command::Capture { turn: world.right(*n, sabotage), data }
        }
        Step::Claim(id) => {
            if sabotage == Sabotage::DeliveryCheck
                && let Some(outgoing) = world.state.outgoing.get_mut(&message_id(*id))
            {
                outgoing.fence = None;
            }
            Command::ClaimDelivery { message: message_id(*id), state: DeliveryState::Sent }
        }
        Step::TakeOver(n) => Command::TakeOver { agent: agent(*n) },
        Step::Transfer => {
            Command::Transfer { agent: agent(1), to: TransferTarget::Agent { agent: agent(2).id }, note: None }
        }
        Step::HandBack(n) => Command::HandBack { agent: agent(*n), bot: None, note: None },
        Step::Close(n) => Command::Close { agent: agent(*n), outcome: None },
        Step::Reopen(n) => Command::Reopen { agent: agent(*n) },
    };
    world.used.insert(step.clone());
    // Time stands still: it would only multiply worlds that are otherwise the same.
    let facts = Facts { now: Timestamp(1), policy: bot_inbox() };
    let held_by = world.state.control.agent();
    let decided = match decide(&world.state, &command, &facts) {
        Ok(decided) => decided,
        Err(rejection) => {
            if let (Step::TakeOver(_), Some(by), false) = (step, held_by, world.state.is_closed())
                && rejection != (Rejection::AlreadyTaken { by })
            {
                violations.push(format!("the loser of a take-over was told {rejection:?}"));
            }
            return None;
        }
    };
    for (actor, event) in decided {
        world.judge(&actor, &event, violations);
        let before = world.state.control.epoch;
        let (seq, at) = (world.state.seq + 1, facts.now);
        world.state.evolve(&Envelope { conversation: world.state.id, seq, at, actor, event: event.clone() });
        let moved = world.state.control.epoch.0 - before.0;
        if moved != u64::from(changes_hands(&event)) {
            violations.push(format!("{} moved the epoch by {moved}", event.name()));
        }
        if let Event::MessagePosted { message, .. } = &event
            && message.author == Actor::Visitor
            && let Some(bot) = world.state.control.bot()
        {
            let epoch = world.state.control.epoch;
            world.turns.push(Turn { id: TurnId(message.id.0), bot: bot.clone(), epoch });
        }
    }
    Some(world)
}

fn changes_hands(event: &Event) -> bool {
    matches!(
        event,
        Event::HandoffRequested { .. }
            | Event::TakenOver { .. }
            | Event::Transferred { .. }
            | Event::HandedBack { .. }
            | Event::Closed { .. }
            | Event::Reopened { .. }
    )
}

impl World {
    /// The right of the `n`th turn; with the first check sabotaged it is always the present one.
    fn right(&self, n: usize, sabotage: Sabotage) -> Turn {
        let turn = self.turns[n].clone();
        let control = &self.state.control;
        match (sabotage, control.bot()) {
            (Sabotage::AcceptCheck, Some(bot)) => Turn { bot: bot.clone(), epoch: control.epoch, ..turn },
            _ => turn,
        }
    }

    /// The witness: hears a fact, knows which turns earlier facts have ended, and objects.
    fn judge(&mut self, actor: &Actor, event: &Event, violations: &mut Vec<String>) {
        let is_bot = matches!(actor, Actor::Bot { .. });
        match event {
            Event::MessagePosted { message, turn: Some(turn), .. } => {
                if self.over.contains(&turn.id) {
                    violations.push(format!("turn {} spoke after it was over", turn.id));
                }
                if self.state.control.agent().is_some() {
                    violations.push(format!("the bot spoke while a person held: {}", message.id));
                }
            }
            Event::DeliveryClaimed { message, .. } => {
                let turn = self.said.get(&message.id.0.as_u128());
                // Its own hand-over does not end what a turn has said; a person does.
                if turn.is_some_and(|turn| self.over.contains(turn)) {
                    violations.push(format!("{} was delivered after its turn was over", message.id));
                }
            }
            Event::Captured { .. } if self.state.control.bot() != Some(&bot()) => {
                violations.push("data of a stale turn landed".to_owned());
            }
            Event::HandoffRequested { .. } if self.state.control.agent().is_some() => {
                violations.push("a hand-over evicted a person".to_owned());
            }
            _ => {}
        }
        // A bot's own hand-over ends its right to speak, yet what it said before still goes out: `over` is about the
        // latter. Every other change of hands ends both.
        if changes_hands(event) && !(is_bot && matches!(event, Event::HandoffRequested { .. })) {
            self.over.extend(self.turns.iter().map(|turn| turn.id));
        }
    }
}

/// What the future can depend on. Epochs matter only by whether they are the present one, so worlds that differ in
/// their numbers alone are one.
fn key(world: &World) -> impl std::hash::Hash + Eq + use<> {
    let state = &world.state;
    let present = state.control.epoch;
    let turns: Vec<_> = world.turns.iter().map(|turn| (turn.epoch == present, world.over.contains(&turn.id))).collect();
    let waiting: Vec<_> = state
        .outgoing
        .iter()
        .map(|(id, outgoing)| (*id, outgoing.fence.as_ref().map(|fence| fence.epoch == present)))
        .collect();
    (
        format!("{:?}{}", state.control.holder, state.is_closed()),
        state.counts.visitor,
        turns,
        waiting,
        world.used.clone(),
    )
}

// covers: H01 H03 H07 H08 H09
#[test]
fn no_interleaving_lets_a_stale_turn_speak_deliver_record_or_evict() {
    let outcome = explore(Sabotage::Nothing);
    assert_eq!(outcome.violations, Vec::<String>::new());
    assert!(outcome.worlds > 10_000, "only {} worlds were looked at", outcome.worlds);
}

#[test]
fn without_the_check_at_acceptance_the_enumeration_objects() {
    assert_ne!(explore(Sabotage::AcceptCheck).violations, Vec::<String>::new());
}

#[test]
fn without_the_check_at_delivery_the_enumeration_objects() {
    let found = explore(Sabotage::DeliveryCheck).violations;
    assert!(found.iter().any(|violation| violation.contains("delivered after")), "{found:?}");
}
