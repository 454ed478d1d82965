//! The hand-over machine, enumerated: whatever a visitor with three messages, a bot, two agents and their supervisor can
//! do, in any order and as often as they like, until nothing new comes. What must hold is judged from the facts alone,
//! never from epochs, so that the fence is not its own witness; and for each thing that a turn can try, a machine whose
//! fence lets that through must be caught.

use super::{Decision, admitted, decide};
use crate::command::{Command, Facts, Handoff, Rejection};
use crate::control::Turn;
use crate::conversation::Conversation;
use crate::event::{Envelope, Event, Failure, FenceCheck, TransferTarget};
use crate::id::{TeamId, TurnId};
use crate::message::{Actor, DeliveryState};
use crate::testing::{Desk, agent, bot_inbox, facts, message_id, say, supervisor, words};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;

/// A fence with a hole.
#[derive(Clone, Copy, Debug)]
struct Sabotage {
    /// For commands of this step.
    step: Step,
    hole: Hole,
}

#[derive(Clone, Copy, Debug)]
enum Hole {
    /// Nothing is asked.
    Open,
    /// It is enough that some bot holds the conversation, in whatever epoch.
    AnyEpoch,
}

/// Steps of a turn name it by the visitor's message that it answers, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    VisitorWrites,
    VisitorAsksForPerson,
    BotSays(usize),
    BotHandsOff(usize),
    BotCaptures(usize),
    BotFails(usize),
    /// The deadline of an answer that was promised.
    BotIsDue(usize),
    Claim(u128),
    TakeOver(u128),
    TransferToAgent(u128),
    TransferToTeam,
    TransferToNobody,
    HandBack,
    Close,
    Reopen(u128),
}

impl Step {
    fn turn(self) -> Option<usize> {
        match self {
            Self::BotSays(n) | Self::BotHandsOff(n) | Self::BotCaptures(n) | Self::BotFails(n) | Self::BotIsDue(n) => {
                Some(n)
            }
            _ => None,
        }
    }
}

/// One way that things may have gone, and what a witness who only hears facts knows.
#[derive(Clone)]
struct World {
    state: Conversation,
    turns: Vec<Turn>,
    /// Turns that may do nothing any more.
    ended: BTreeSet<TurnId>,
    /// Turns of which nothing may arrive any more either.
    over: BTreeSet<TurnId>,
    /// Turns that said something or captured data.
    answered: BTreeSet<TurnId>,
    said: BTreeMap<u128, TurnId>,
}

struct Outcome {
    worlds: usize,
    violations: Vec<String>,
}

fn explore(sabotage: Option<Sabotage>) -> Outcome {
    let world = World {
        state: Desk::start(bot_inbox()).state().clone(),
        turns: Vec::new(),
        ended: BTreeSet::new(),
        over: BTreeSet::new(),
        answered: BTreeSet::new(),
        said: BTreeMap::new(),
    };
    let mut seen = HashSet::new();
    let mut open = vec![world];
    let mut violations = Vec::new();
    while let Some(world) = open.pop() {
        if violations.len() > 3 {
            break;
        }
        for step in steps(&world) {
            if let Some(next) = take(&world, step, sabotage, &mut violations)
                && seen.insert(key(&next))
            {
                open.push(next);
            }
        }
    }
    Outcome { worlds: seen.len(), violations }
}

/// What may happen next. Only the visitor's messages and what a turn says are counted.
fn steps(world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    if world.state.counts.visitor < 3 {
        steps.push(Step::VisitorWrites);
    }
    steps.push(Step::VisitorAsksForPerson);
    for n in 0..world.turns.len() {
        if !world.said.contains_key(&words_of(n)) {
            steps.push(Step::BotSays(n));
        }
        steps.extend([Step::BotHandsOff(n), Step::BotCaptures(n), Step::BotFails(n), Step::BotIsDue(n)]);
    }
    steps.extend(world.state.outgoing.keys().map(|id| Step::Claim(id.0.as_u128())));
    steps.extend([1, 2].map(Step::TakeOver));
    steps.extend([1, 2].map(Step::TransferToAgent));
    steps.extend([Step::TransferToTeam, Step::TransferToNobody, Step::HandBack, Step::Close, Step::Reopen(2)]);
    steps
}

/// The id of what the `n`th turn says.
fn words_of(n: usize) -> u128 {
    100 + n as u128
}

fn command(world: &World, step: Step) -> Command {
    let turn = |n: usize| world.turns[n].clone();
    let transfer = |to| Command::Transfer { agent: supervisor(9), to, note: None };
    match step {
        Step::VisitorWrites => say(&format!("message {}", world.state.counts.visitor)),
        Step::VisitorAsksForPerson => Command::RequestHuman,
        Step::BotSays(n) => Command::Say { turn: turn(n), message: words(words_of(n), "bot") },
        Step::BotHandsOff(n) => Command::HandOff { turn: turn(n), handoff: Handoff::default() },
        // Always something new, so that it is a fact whenever it is let through.
        Step::BotCaptures(n) => {
            Command::Capture { turn: turn(n), data: BTreeMap::from([(world.state.seq.to_string(), "x".to_owned())]) }
        }
        Step::BotFails(n) => {
            Command::FailTurn { turn: turn(n), failure: Failure::Other { text: "no database".to_owned() } }
        }
        Step::BotIsDue(n) => Command::EndTurn { turn: turn(n) },
        Step::Claim(id) => Command::ClaimDelivery { message: message_id(id), state: DeliveryState::Sent },
        Step::TakeOver(n) => Command::TakeOver { agent: agent(n) },
        Step::TransferToAgent(n) => transfer(TransferTarget::Agent { agent: agent(n).id }),
        Step::TransferToTeam => transfer(TransferTarget::Team { team: TeamId::new("billing").expect("a slug") }),
        Step::TransferToNobody => transfer(TransferTarget::Nobody),
        Step::HandBack => Command::HandBack { agent: supervisor(9), bot: None, note: None },
        Step::Close => Command::Close { agent: supervisor(9), outcome: None },
        Step::Reopen(n) => Command::Reopen { agent: agent(n) },
    }
}

fn decide_with(
    sabotage: Option<Sabotage>,
    state: &Conversation,
    step: Step,
    command: &Command,
    now: &Facts,
) -> Decision {
    let let_through = sabotage.is_some_and(|Sabotage { step: of, hole }| {
        discriminant(&of) == discriminant(&step)
            && match hole {
                Hole::Open => true,
                Hole::AnyEpoch => state.control.bot().is_some(),
            }
    });
    if let_through { admitted(state, command, now) } else { decide(state, command, now) }
}

fn take(world: &World, step: Step, sabotage: Option<Sabotage>, violations: &mut Vec<String>) -> Option<World> {
    let mut world = world.clone();
    let command = command(&world, step);
    // Time stands still: it would only multiply worlds that are otherwise the same.
    let facts = facts(Timestamp(1), bot_inbox());
    let decided = match decide_with(sabotage, &world.state, step, &command, &facts) {
        Ok(decided) => decided,
        Err(rejection) => {
            if let (Step::TakeOver(_), Some(by), false) = (step, world.state.control.agent(), world.state.is_closed())
                && rejection != (Rejection::AlreadyTaken { by })
            {
                violations.push(format!("the loser of a take-over was told {rejection:?}"));
            }
            return None;
        }
    };
    if let Step::BotSays(n) = step {
        world.said.insert(words_of(n), world.turns[n].id);
    }
    if let Step::BotIsDue(n) = step {
        world.judge_deadline(n, decided.is_empty(), violations);
    }
    let by = step.turn().map(|n| world.turns[n].id);
    // What ends a turn ends it for what comes after its own append.
    let ended = world.ended.clone();
    for (actor, event) in decided {
        world.judge(by.filter(|turn| ended.contains(turn)), by, &event, violations);
        world.remember(&actor, by, &event);
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
    /// The witness: hears a fact and objects. `stale` is the turn that caused it, if earlier facts have ended that.
    fn judge(&self, stale: Option<TurnId>, by: Option<TurnId>, event: &Event, violations: &mut Vec<String>) {
        let withheld = matches!(event, Event::Suppressed { at: FenceCheck::Accepted, .. });
        if stale.is_some() != withheld && by.is_some() {
            let when = if withheld { "in time" } else { "after its end" };
            violations.push(format!("what a turn tried {when} became {}", event.name()));
        }
        let speaks = matches!(event, Event::MessagePosted { turn: Some(_), .. });
        if speaks && self.state.control.agent().is_some() {
            violations.push("the bot spoke while a person held".to_owned());
        }
        // Its own hand-over does not end what a turn has said; anybody else's act does.
        let is_over = |id: u128| self.said.get(&id).is_some_and(|turn| self.over.contains(turn));
        match event {
            Event::DeliveryClaimed { message, .. } if is_over(message.id.0.as_u128()) => {
                violations.push(format!("{} was delivered after its turn was over", message.id));
            }
            Event::Suppressed { at: FenceCheck::Delivery, turn, .. } if !self.over.contains(&turn.id) => {
                violations.push("something was withheld at delivery though its turn was not over".to_owned());
            }
            _ => {}
        }
    }

    /// People are called exactly where neither this turn nor a later one answered, and the bot still holds.
    fn judge_deadline(&self, n: usize, silent: bool, violations: &mut Vec<String>) {
        let answered = self.turns[n..].iter().any(|turn| self.answered.contains(&turn.id));
        let over = self.ended.contains(&self.turns[n].id);
        if silent != (answered || over) {
            violations.push(format!("a deadline: answered {answered}, over {over}, people called {}", !silent));
        }
    }

    fn remember(&mut self, actor: &Actor, by: Option<TurnId>, event: &Event) {
        if matches!(event, Event::MessagePosted { .. } | Event::Captured { .. }) {
            self.answered.extend(by);
        }
        if changes_hands(event) {
            let all = || self.turns.iter().map(|turn| turn.id);
            self.ended.extend(all());
            if !(matches!(actor, Actor::Bot { .. }) && matches!(event, Event::HandoffRequested { .. })) {
                self.over.extend(all());
            }
        }
    }
}

/// What the future can depend on. Epochs matter only by whether they are the present one, so worlds that differ in
/// their numbers alone are one.
fn key(world: &World) -> impl std::hash::Hash + Eq + use<> {
    let state = &world.state;
    let present = state.control.epoch;
    let of_turn = |turn: &Turn| {
        let [ended, over, answered] =
            [&world.ended, &world.over, &world.answered].map(|turns| turns.contains(&turn.id));
        (turn.epoch == present, state.unanswered.contains(&turn.id), ended, over, answered)
    };
    let fence_stands = |outgoing: &crate::conversation::Outgoing| outgoing.fence.as_ref().map(|f| f.epoch == present);
    let waiting: Vec<_> = state.outgoing.iter().map(|(id, outgoing)| (*id, fence_stands(outgoing))).collect();
    (
        format!("{:?}{}", state.control.holder, state.is_closed()),
        state.counts.visitor,
        world.turns.iter().map(of_turn).collect::<Vec<_>>(),
        waiting,
        world.said.keys().copied().collect::<Vec<_>>(),
    )
}

// covers: H01 H03 H07 H08 H09
#[test]
fn no_interleaving_lets_a_stale_turn_do_anything_or_withholds_what_is_in_time() {
    let outcome = explore(None);
    assert_eq!(outcome.violations, Vec::<String>::new());
    assert!(outcome.worlds > 2_500, "only {} worlds were looked at", outcome.worlds);
}

/// A deadline is not among them: a change of hands forgets what was owed, and so nothing is left to let through.
#[test]
fn a_fence_with_any_hole_is_caught() {
    let tries = [Step::BotSays(0), Step::BotHandsOff(0), Step::BotCaptures(0), Step::BotFails(0), Step::Claim(0)];
    for step in tries {
        for hole in [Hole::Open, Hole::AnyEpoch] {
            let sabotage = Sabotage { step, hole };
            let found = explore(Some(sabotage)).violations;
            let late = if matches!(step, Step::Claim(_)) { "delivered after" } else { "after its end" };
            assert!(found.iter().any(|violation| violation.contains(late)), "{sabotage:?}: {found:?}");
        }
    }
}
