//! The rules one by one: given facts, when a command, then facts.

use super::propose_outcome;
use crate::card::{View, Visibility, may_see};
use crate::command::{AgentFacts, Command, Handoff, Inbound, InboxPolicy, Rejection};
use crate::control::{Holder, Turn};
use crate::conversation::{Conversation, MAX_RECEIPTS};
use crate::event::{Event, Failure, FenceCheck, HandoffReason, Outcome, Priority, Status, TransferTarget, Withheld};
use crate::id::{BotId, StageId, TeamId};
use crate::message::{Actor, DeliveryState};
use crate::testing::{Desk, agent, bot, bot_inbox, message_id, say, supervisor, words};
use crate::time::Timestamp;
use crate::timeline::{self, VisitorKind, Who};
use crate::window::WindowPolicy;
use std::collections::BTreeMap;
use std::time::Duration;

fn claim(n: u128) -> Command {
    Command::ClaimDelivery { message: message_id(n), state: DeliveryState::Sent }
}

fn names(facts: &[Event]) -> Vec<&'static str> {
    facts.iter().map(Event::name).collect()
}

// covers: H07
#[test]
fn late_bot_reply_is_withheld_after_takeover_and_kept_for_agents() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let facts = desk.run(Command::Say { turn, message: words(9, "too late") }).unwrap();
    let Event::Suppressed { at: FenceCheck::Accepted, what: Withheld::Message { message }, .. } = &facts[0] else {
        panic!("{facts:?}")
    };
    assert_eq!(message.text, "too late");
    assert!(desk.log().iter().filter_map(timeline::for_visitor).all(|item| !format!("{item:?}").contains("too late")));
}

// covers: H07
#[test]
fn a_reply_accepted_before_the_takeover_but_not_yet_claimed_is_withheld_too() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    desk.run(Command::Say { turn, message: words(9, "in flight") }).unwrap();
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let facts = desk.run(claim(9)).unwrap();
    assert!(matches!(&facts[0], Event::Suppressed { at: FenceCheck::Delivery, .. }), "{facts:?}");
    assert_eq!(desk.run(claim(9)).unwrap(), Vec::new(), "claimed twice");
}

// covers: H04 H07
#[test]
fn what_a_bot_says_before_its_own_handoff_still_goes_out_unless_a_person_is_faster() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    for n in [8, 9] {
        desk.run(Command::Say { turn: turn.clone(), message: words(n, "one moment") }).unwrap();
    }
    let handoff = Handoff { reason: Some("refund".into()), note: Some("second time".into()), ..Handoff::default() };
    desk.run(Command::HandOff { turn, handoff }).unwrap();
    assert_eq!(names(&desk.run(claim(8)).unwrap()), ["delivery_claimed"]);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert_eq!(names(&desk.run(claim(9)).unwrap()), ["suppressed"]);
}

#[test]
fn a_providers_words_lead_to_the_same_state_in_whatever_order_they_come() {
    use DeliveryState::{Delivered, Failed, Queued, Read, Sending, Sent, Unknown};
    let all = [Sent, Unknown, Failed, Delivered, Read];
    let record = |state| Command::RecordDelivery { message: message_id(7), state, reason: None };
    for n in 0..all.len().pow(3) {
        let mut desk = Desk::start(bot_inbox());
        desk.run(say("hola")).unwrap();
        assert_eq!(desk.run(record(Sent)).unwrap(), Vec::new(), "nobody was asked to send it");
        desk.run(Command::Reply { agent: agent(1), message: words(7, "hello") }).unwrap();
        desk.run(Command::ClaimDelivery { message: message_id(7), state: Sending }).unwrap();
        assert_eq!(names(&desk.run(record(Queued)).unwrap()), ["delivery_updated"], "it waits again");
        assert_eq!(desk.run(record(Queued)).unwrap(), Vec::new());
        desk.run(Command::ClaimDelivery { message: message_id(7), state: Sending }).unwrap();
        let told = [n % 5, n / 5 % 5, n / 25].map(|n| all[n]);
        let mut furthest = Sending;
        for state in told {
            let news = desk.run(record(state)).unwrap();
            assert_eq!(news.len(), usize::from(furthest.may_become(state)), "{told:?}");
            furthest = if furthest.may_become(state) { state } else { furthest };
        }
        assert!(desk.state().outgoing.is_empty());
        let order = [Unknown, Sent, Failed, Delivered, Read];
        let last = order.iter().rev().find(|state| told.contains(state)).unwrap();
        assert_eq!(desk.state().receipts[&message_id(7)], *last, "{told:?}");
        assert_eq!(desk.run(record(Queued)).unwrap(), Vec::new(), "it is never sent again");
    }
}

#[test]
fn news_are_heard_of_the_newest_messages_only_so_that_a_state_stays_small() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    // Ids say nothing about their order: those of bots are made from their turns.
    for n in (0..=MAX_RECEIPTS as u128).rev() {
        desk.run(Command::Reply { agent: agent(1), message: words(n, "hello") }).unwrap();
        desk.run(Command::ClaimDelivery { message: message_id(n), state: DeliveryState::Sending }).unwrap();
        let (state, reason) = (DeliveryState::Sent, None);
        desk.run(Command::RecordDelivery { message: message_id(n), state, reason }).unwrap();
    }
    let heard = |n| Command::RecordDelivery { message: message_id(n), state: DeliveryState::Read, reason: None };
    assert_eq!(desk.state().receipts.len(), MAX_RECEIPTS);
    assert_eq!(desk.run(heard(MAX_RECEIPTS as u128)).unwrap(), Vec::new(), "the oldest");
    for n in 0..MAX_RECEIPTS as u128 {
        assert_eq!(names(&desk.run(heard(n)).unwrap()), ["delivery_updated"], "{n}");
    }
}

// covers: H07
#[test]
fn a_late_handoff_cannot_evict_the_person_and_its_data_do_not_land() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let data = [("order".to_owned(), "7".to_owned())].into();
    let handoff = Handoff { captured: [("order".to_owned(), "7".to_owned())].into(), ..Handoff::default() };
    assert_eq!(names(&desk.run(Command::HandOff { turn: turn.clone(), handoff }).unwrap()), ["suppressed"]);
    assert_eq!(names(&desk.run(Command::Capture { turn: turn.clone(), data }).unwrap()), ["suppressed"]);
    let failed = Command::FailTurn { turn, failure: Failure::Crashed };
    assert_eq!(desk.run(failed).unwrap(), Vec::new());
    assert_eq!(desk.state().control.agent(), Some(agent(1).id));
    assert!(desk.state().captured.is_empty());
}

// covers: H01 H02
#[test]
fn writing_takes_over_and_joining_steals_nothing() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let reply = |n| Command::Reply { agent: agent(n), message: words(n, "hello") };
    assert_eq!(names(&desk.run(reply(1)).unwrap()), ["taken_over", "message_posted"]);
    assert_eq!(desk.run(reply(2)), Err(Rejection::HeldByOther { by: agent(1).id }));
    desk.run(Command::Join { agent: agent(2) }).unwrap();
    assert_eq!(names(&desk.run(reply(2)).unwrap()), ["message_posted"]);
    assert_eq!(desk.state().control.agent(), Some(agent(1).id));
}

// covers: H11
#[test]
fn the_assignee_calls_for_help_until_a_colleague_joins_or_it_changes_hands() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let ask = |n: u128, note: &str| Command::AskForHelp {
        agent: agent(n),
        note: Some(note.into()),
        skill: Some("returns".into()),
    };
    assert!(matches!(desk.run(ask(1, "hm")), Err(Rejection::NotAllowed(_))), "nobody's yet");
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert_eq!(desk.run(ask(2, "hm")), Err(Rejection::HeldByOther { by: agent(1).id }));
    let helped = |desk: &Desk| View::NeedsHelp.holds(desk.state(), agent(9).id);

    assert_eq!(names(&desk.run(ask(1, "Which form?")).unwrap()), ["help_requested"]);
    assert_eq!(desk.run(ask(1, "Which form?")), Ok(Vec::new()), "asked twice");
    assert!(helped(&desk));
    let told = desk.log().last().and_then(timeline::for_visitor);
    assert_eq!(told, None, "it is nothing of the visitor's");
    desk.run(Command::Join { agent: agent(2) }).unwrap();
    assert!(!helped(&desk));
    let told = desk.log().last().and_then(timeline::for_visitor).expect("the visitor is told who joined");
    assert_eq!(told.kind, VisitorKind::State(Who::Human(agent(2).id)));

    desk.run(ask(1, "And now?")).unwrap();
    assert!(matches!(desk.run(Command::WithdrawHelp { agent: agent(3) }), Err(Rejection::NotAllowed(_))));
    assert_eq!(names(&desk.run(Command::WithdrawHelp { agent: supervisor(3) }).unwrap()), ["help_withdrawn"]);
    assert!(!helped(&desk));

    desk.run(ask(1, "Once more")).unwrap();
    desk.run(Command::SetStatus { agent: agent(1), status: Status::Snoozed { until: None } }).unwrap();
    assert!(!helped(&desk), "nobody looks at it now");
    desk.run(Command::SetStatus { agent: agent(1), status: Status::Open }).unwrap();
    assert!(helped(&desk));
    let to = TransferTarget::Agent { agent: agent(4).id };
    desk.run(Command::Transfer { agent: agent(1), to, note: None }).unwrap();
    assert!(!helped(&desk), "whoever has it now has not called");
    desk.run(ask(4, "I too")).unwrap();
    desk.run(Command::Close { agent: agent(4), outcome: None }).unwrap();
    assert!(!helped(&desk));
    assert_eq!(desk.run(ask(4, "too late")), Err(Rejection::Closed));
}

// covers: H10 H11
#[test]
fn a_call_for_help_shows_it_to_those_who_could_have_taken_it() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let team = TeamId::new("billing").unwrap();
    desk.run(Command::SetTeam { agent: agent(1), team: Some(team.clone()) }).unwrap();
    let of_the_team = AgentFacts { teams: vec![team], ..agent(2) };
    let sees = |desk: &Desk, agent: &AgentFacts| may_see(agent, desk.state(), Visibility::Assigned);
    assert!(!sees(&desk, &of_the_team));
    desk.run(Command::AskForHelp { agent: agent(1), note: None, skill: None }).unwrap();
    assert!(sees(&desk, &of_the_team));
    assert!(!sees(&desk, &agent(3)), "of another team");
    desk.run(Command::Join { agent: of_the_team.clone() }).unwrap();
    assert!(sees(&desk, &of_the_team), "who joined stays");
    desk.run(Command::Leave { agent: of_the_team.clone() }).unwrap();
    assert!(!sees(&desk, &of_the_team));
}

// covers: T10
#[test]
fn what_was_written_before_a_take_over_is_read_when_the_assignee_reads_it() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let up_to = desk.state().last_visitor_seq;
    let read = |n: u128| Command::AgentRead { agent: agent(n), up_to };
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert_eq!(desk.run(read(2)), Ok(Vec::new()), "nobody's to tell but the assignee's");
    desk.run(Command::Reply { agent: agent(1), message: words(1, "hello") }).unwrap();
    let facts = desk.run(read(1)).unwrap();
    assert_eq!(names(&facts), ["read"]);
    assert_eq!(desk.run(read(1)), Ok(Vec::new()), "once");
}

// covers: F01
#[test]
fn unattended_is_what_waits_for_peoples_answer() {
    let mut desk = Desk::start(bot_inbox());
    let unattended = |desk: &Desk| View::Unattended.holds(desk.state(), agent(9).id);
    desk.run(say("hola")).unwrap();
    assert!(!unattended(&desk), "the bot answers");
    desk.run(Command::RequestHuman).unwrap();
    assert!(unattended(&desk), "nobody has taken it");
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert!(unattended(&desk), "nobody has answered it");
    desk.run(Command::Reply { agent: agent(1), message: words(1, "hello") }).unwrap();
    assert!(!unattended(&desk));
    desk.run(say("una cosa más")).unwrap();
    assert!(unattended(&desk));
    desk.run(Command::SetStatus { agent: agent(1), status: Status::Pending }).unwrap();
    assert!(!unattended(&desk), "the customer is waited for");
}

// covers: H03
#[test]
fn the_second_takeover_is_told_who_was_first() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert_eq!(desk.run(Command::TakeOver { agent: agent(2) }), Err(Rejection::AlreadyTaken { by: agent(1).id }));
    assert_eq!(desk.run(Command::TakeOver { agent: agent(1) }), Ok(Vec::new()), "one's own take-over again");
}

// covers: H05
#[test]
fn asking_for_a_person_in_words_queues_after_the_message() {
    let mut desk = Desk::start(bot_inbox());
    let inbound = Inbound {
        id: message_id(5),
        text: "quiero hablar con una persona".into(),
        attachments: Vec::new(),
        payload: None,
        client_id: None,
        asks_for_human: Some("hablar con una persona".into()),
    };
    assert_eq!(names(&desk.run(Command::Receive(inbound)).unwrap()), ["message_posted", "handoff_requested"]);
    assert!(matches!(desk.state().control.holder, Holder::Queue { .. }));
    assert_eq!(desk.run(Command::RequestHuman), Ok(Vec::new()), "asked twice");
}

// covers: H05
#[test]
fn asking_for_a_person_in_a_closed_conversation_opens_it_and_queues() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    desk.run(Command::Close { agent: agent(1), outcome: None }).unwrap();
    assert_eq!(names(&desk.run(Command::RequestHuman).unwrap()), ["reopened", "handoff_requested"]);
    assert!(!desk.state().is_closed());
    assert!(matches!(desk.state().control.holder, Holder::Queue { .. }));
}

// covers: H09
#[test]
fn only_the_assignee_or_a_leader_transfers_and_a_closed_conversation_stays_closed() {
    let mut desk = Desk::start(bot_inbox());
    let to = TransferTarget::Agent { agent: agent(2).id };
    let transfer = |by| Command::Transfer { agent: by, to: to.clone(), note: Some("please".into()) };
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    assert!(matches!(desk.run(transfer(agent(3))), Err(Rejection::NotAllowed(_))));
    desk.run(Command::Close { agent: agent(1), outcome: Some(Outcome::Success) }).unwrap();
    desk.run(transfer(supervisor(4))).unwrap();
    assert_eq!(desk.state().control.agent(), Some(agent(2).id));
    assert!(desk.state().is_closed());
    // covers: H16
    let reply = Command::Reply { agent: agent(1), message: words(1, "one more thing") };
    assert_eq!(desk.run(reply), Err(Rejection::HeldByOther { by: agent(2).id }), "the former agent");
}

#[test]
fn transfer_to_a_team_waits_in_its_queue() {
    let mut desk = Desk::start(bot_inbox());
    let team = TeamId::new("billing").unwrap();
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let to = TransferTarget::Team { team: team.clone() };
    desk.run(Command::Transfer { agent: agent(1), to, note: None }).unwrap();
    assert!(matches!(&desk.state().control.holder, Holder::Queue { team: Some(t), .. } if *t == team));
}

// covers: H08
#[test]
fn handing_back_gives_the_bot_a_new_epoch_and_old_turns_stay_dead() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let old = desk.turn(1);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    desk.run(Command::HandBack { agent: agent(1), bot: None, note: Some("solved".into()) }).unwrap();
    assert_eq!(desk.state().control.bot(), Some(&bot()));
    assert_eq!(names(&desk.run(Command::Say { turn: old, message: words(1, "old") }).unwrap()), ["suppressed"]);
    let new = desk.turn(2);
    assert_eq!(names(&desk.run(Command::Say { turn: new, message: words(2, "new") }).unwrap()), ["message_posted"]);
}

#[test]
fn handing_back_to_a_bot_that_does_not_exist_says_so_and_changes_nothing() {
    let gone = BotId::new("gone").unwrap();
    let mut desk = Desk::start(InboxPolicy { bot: Some(gone.clone()), ..bot_inbox() });
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    for bot in [Some(gone), None] {
        let back = Command::HandBack { agent: agent(1), bot, note: None };
        let Err(Rejection::Invalid { field: "bot", problem }) = desk.run(back) else { panic!("it was handed over") };
        assert!(problem.starts_with("`gone` does not exist"), "{problem}");
    }
    assert_eq!(desk.state().control.agent(), Some(agent(1).id));
}

#[test]
fn handing_back_where_no_bot_is_says_so() {
    let mut desk = Desk::start(InboxPolicy::default());
    let back = Command::HandBack { agent: agent(1), bot: None, note: None };
    assert_eq!(desk.run(back), Err(Rejection::NoBot));
}

// covers: H15
#[test]
fn the_proposed_outcome_follows_the_course() {
    let course = |commands: Vec<Command>| {
        let mut desk = Desk::start(bot_inbox());
        for command in commands {
            desk.run(command).unwrap();
        }
        propose_outcome(desk.state())
    };
    let taken = || vec![say("hola"), Command::TakeOver { agent: agent(1) }];
    assert_eq!(course(vec![say("hola"), Command::RequestHuman]), Outcome::NobodyAvailable);
    assert_eq!(course(taken()), Outcome::NeverAnswered);
    let answered = Command::Reply { agent: agent(1), message: words(1, "hello") };
    assert_eq!(course([taken(), vec![answered.clone()]].concat()), Outcome::Success);
    let to = TransferTarget::Agent { agent: agent(2).id };
    let transfer = Command::Transfer { agent: agent(1), to, note: None };
    assert_eq!(course([taken(), vec![answered, transfer]].concat()), Outcome::Escalated);
}

// covers: C01 H16
#[test]
fn the_customers_words_wake_and_reopen() {
    for status in [Status::Pending, Status::Snoozed { until: None }] {
        let mut desk = Desk::start(bot_inbox());
        desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
        desk.run(Command::SetStatus { agent: agent(1), status }).unwrap();
        assert_eq!(names(&desk.run(say("again")).unwrap()), ["status_changed", "message_posted"]);
        assert_eq!(desk.state().control.agent(), Some(agent(1).id), "the assignee keeps it");
    }
    let mut desk = Desk::start(bot_inbox());
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    desk.run(Command::Close { agent: agent(1), outcome: None }).unwrap();
    assert_eq!(names(&desk.run(say("again")).unwrap()), ["reopened", "message_posted"]);
    assert_eq!(desk.state().control.bot(), Some(&bot()));
}

#[test]
fn a_snooze_ends_only_if_it_is_still_the_same() {
    let mut desk = Desk::start(bot_inbox());
    let (first, second) = (Timestamp(100_000_000), Timestamp(200_000_000));
    for until in [first, second] {
        let status = Status::Snoozed { until: Some(until) };
        desk.run(Command::SetStatus { agent: agent(1), status }).unwrap();
    }
    assert_eq!(desk.run(Command::Wake { until: first }), Ok(Vec::new()));
    assert_eq!(names(&desk.run(Command::Wake { until: second }).unwrap()), ["status_changed"]);
}

// covers: H12
#[test]
fn after_the_window_only_notes_are_accepted_and_the_conversation_closes() {
    let policy = InboxPolicy { window: WindowPolicy::SinceFirst { hours: 24 }, ..bot_inbox() };
    let mut desk = Desk::start(policy);
    desk.run(say("hola")).unwrap();
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let ended_at = desk.state().window_ends_at.unwrap();
    desk.wait(Duration::from_hours(24));
    let reply = Command::Reply { agent: agent(1), message: words(1, "late") };
    assert_eq!(desk.run(reply), Err(Rejection::WindowClosed { ended_at }));
    assert_eq!(names(&desk.run(Command::EndWindow { ended_at }).unwrap()), ["closed"]);
    let note = Command::AddNote {
        agent: agent(1),
        note: crate::id::NoteId(uuid::Uuid::from_u128(1)),
        text: "for the record".into(),
        mentions: vec![],
        client_id: None,
    };
    assert_eq!(names(&desk.run(note).unwrap()), ["note_added"]);
}

// covers: C02 C03 C05
#[test]
fn workflow_changes_say_only_what_changed() {
    let mut desk = Desk::start(bot_inbox());
    let labels = |labels: &[&str]| Command::SetLabels {
        agent: agent(1),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
    };
    desk.run(labels(&["vip", "refund"])).unwrap();
    let facts = desk.run(labels(&["vip", "order"])).unwrap();
    assert_eq!(facts, [Event::LabelsChanged { added: vec!["order".into()], removed: vec!["refund".into()] }]);
    assert_eq!(desk.run(labels(&["order", "vip"])), Ok(Vec::new()));
    let urgent = Command::SetPriority { agent: agent(1), priority: Priority::Urgent };
    assert_eq!(names(&desk.run(urgent.clone()).unwrap()), ["priority_changed"]);
    assert_eq!(desk.run(urgent), Ok(Vec::new()));
    let stage =
        |id: Option<&str>| Command::SetStage { agent: agent(1), stage: id.map(|id| StageId::new(id).expect("a slug")) };
    assert_eq!(names(&desk.run(stage(Some("won"))).unwrap()), ["stage_changed"]);
    assert_eq!(desk.run(stage(Some("won"))), Ok(Vec::new()));
    assert_eq!(desk.state().stage.as_ref().map(StageId::as_str), Some("won"));
    desk.run(stage(None)).unwrap();
    assert_eq!(desk.state().stage, None);
}

#[test]
fn too_long_and_empty_texts_name_field_limit_and_mend() {
    let mut desk = Desk::start(bot_inbox());
    let Err(Rejection::Invalid { field: "text", problem }) = desk.run(say(&"x".repeat(8_001))) else { panic!() };
    assert_eq!(problem, "has 8001 characters, the limit is 8000: shorten it");
    assert!(matches!(desk.run(say("  \n")), Err(Rejection::Invalid { field: "text", .. })));
    let Command::Receive(inbound) = say("hola") else { panic!() };
    let pressed = |payload: usize| Command::Receive(Inbound { payload: Some("x".repeat(payload)), ..inbound.clone() });
    let Err(Rejection::Invalid { field: "payload", problem }) = desk.run(pressed(1_001)) else { panic!() };
    assert_eq!(problem, "has 1001 characters, the limit is 1000: shorten it");
    assert_eq!(names(&desk.run(pressed(1_000)).unwrap()), ["message_posted"]);
}

// covers: H20
#[test]
fn a_failed_turn_fails_open_to_the_queue_with_its_reason() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    let failed = Command::FailTurn { turn, failure: Failure::NoAnswer { seconds: 10 } };
    assert_eq!(names(&desk.run(failed).unwrap()), ["turn_failed", "handoff_requested"]);
    assert_eq!(desk.state().handoff_reason, Some(HandoffReason::BotTimeout));
}

/// The visitor says something, and the bot is given its turn.
fn asked(desk: &mut Desk, text: &str) -> Turn {
    let facts = desk.run(say(text)).unwrap();
    let Some(Event::MessagePosted { message, .. }) = facts.last() else { panic!("{facts:?}") };
    desk.turn(message.id.0.as_u128())
}

#[test]
fn a_promised_answer_that_came_needs_nobody() {
    let mut desk = Desk::start(bot_inbox());
    let (first, second) = (asked(&mut desk, "hola"), asked(&mut desk, "otra"));
    desk.run(Command::Say { turn: first.clone(), message: words(1, "here") }).unwrap();
    desk.run(Command::Say { turn: second.clone(), message: words(2, "and here") }).unwrap();
    // The older one's time is over after the newer one was answered.
    assert_eq!(desk.run(Command::EndTurn { turn: first }), Ok(Vec::new()));
    assert_eq!(desk.run(Command::EndTurn { turn: second }), Ok(Vec::new()));
    let silent = asked(&mut desk, "¿hola?");
    assert_eq!(names(&desk.run(Command::EndTurn { turn: silent }).unwrap()), ["turn_failed", "handoff_requested"]);
}

#[test]
fn one_answer_to_several_messages_keeps_the_promises_of_all_up_to_its_own() {
    let mut desk = Desk::start(bot_inbox());
    let [first, second, third] = ["hola", "una cosa", "¿y otra?"].map(|text| asked(&mut desk, text));
    desk.run(Command::Say { turn: second, message: words(1, "both") }).unwrap();
    assert_eq!(desk.run(Command::EndTurn { turn: first }), Ok(Vec::new()));
    assert_eq!(names(&desk.run(Command::EndTurn { turn: third }).unwrap()), ["turn_failed", "handoff_requested"]);
}

#[test]
fn a_promised_answer_may_be_data_alone_even_data_that_are_known() {
    let mut desk = Desk::start(bot_inbox());
    let data = || BTreeMap::from([("order".to_owned(), "7".to_owned())]);
    for text in ["es el 7", "he dicho el 7"] {
        let turn = asked(&mut desk, text);
        desk.run(Command::Capture { turn: turn.clone(), data: data() }).unwrap();
        assert_eq!(desk.run(Command::EndTurn { turn: turn.clone() }), Ok(Vec::new()), "{text}");
        assert_eq!(desk.run(Command::Capture { turn, data: data() }), Ok(Vec::new()), "nothing new, and answered");
    }
}

#[test]
fn of_a_bot_that_never_answers_only_so_many_turns_are_remembered() {
    let mut desk = Desk::start(bot_inbox());
    let turns: Vec<Turn> = (0..100).map(|n| asked(&mut desk, &n.to_string())).collect();
    assert_eq!(desk.state().unanswered.len(), 32);
    assert_eq!(desk.run(Command::EndTurn { turn: turns[67].clone() }), Ok(Vec::new()));
    assert_ne!(desk.run(Command::EndTurn { turn: turns[68].clone() }), Ok(Vec::new()));
    assert_eq!(desk.state().unanswered, [], "people have it now");
}

// covers: H07
#[test]
fn a_turn_that_was_never_given_is_withheld_though_its_epoch_is_the_present_one() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let other = Turn { bot: BotId::new("other").unwrap(), ..desk.turn(1) };
    assert_eq!(names(&desk.run(Command::Say { turn: other, message: words(1, "mine") }).unwrap()), ["suppressed"]);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    // A bot knows the secret that signs its late answers, and epochs are easily guessed.
    let guessed = desk.turn(1);
    let handoff = Command::HandOff { turn: guessed.clone(), handoff: Handoff::default() };
    assert_eq!(names(&desk.run(handoff).unwrap()), ["suppressed"]);
    assert_eq!(names(&desk.run(Command::Say { turn: guessed, message: words(2, "I") }).unwrap()), ["suppressed"]);
}

#[test]
fn what_is_withheld_has_the_limits_of_what_is_said() {
    let mut desk = Desk::start(bot_inbox());
    let turn = desk.turn(1);
    desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
    let long = Command::Say { turn: turn.clone(), message: words(1, &"x".repeat(8_001)) };
    assert!(matches!(desk.run(long), Err(Rejection::Invalid { field: "text", .. })));
    let note = Some("x".repeat(4_001));
    let handoff = Handoff { note, ..Handoff::default() };
    assert!(matches!(
        desk.run(Command::HandOff { turn: turn.clone(), handoff }),
        Err(Rejection::Invalid { field: "note", .. })
    ));
    let data = BTreeMap::from([("k".repeat(65), String::new())]);
    assert!(matches!(desk.run(Command::Capture { turn, data }), Err(Rejection::Invalid { field: "captured", .. })));
}

#[test]
fn replaying_the_log_gives_the_same_state() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    let turn = desk.turn(1);
    desk.run(Command::Say { turn, message: words(1, "hi") }).unwrap();
    desk.run(claim(1)).unwrap();
    desk.run(Command::MarkRead { up_to: 99 }).unwrap();
    desk.run(Command::Reply { agent: agent(1), message: words(2, "hello") }).unwrap();
    desk.run(Command::Close { agent: agent(1), outcome: None }).unwrap();
    assert_eq!(Conversation::replay(desk.log()).as_ref(), Some(desk.state()));
}

#[test]
fn marks_move_forward_only_and_never_past_the_end() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    desk.run(Command::MarkRead { up_to: 99 }).unwrap();
    assert_eq!(desk.state().visitor_read, 2);
    assert_eq!(desk.run(Command::MarkRead { up_to: 1 }), Ok(Vec::new()));
}

// covers: T02
#[test]
fn notes_and_workflow_are_invisible_to_visitor_and_bot() {
    let mut desk = Desk::start(bot_inbox());
    desk.run(say("hola")).unwrap();
    desk.run(Command::AddNote {
        agent: agent(1),
        note: crate::id::NoteId(uuid::Uuid::from_u128(1)),
        text: "CANARY".into(),
        mentions: vec![agent(2).id],
        client_id: None,
    })
    .unwrap();
    let seen = format!("{:?}", desk.log().iter().filter_map(timeline::for_visitor).collect::<Vec<_>>());
    let told = format!("{:?}", desk.log().iter().filter_map(timeline::for_bot).collect::<Vec<_>>());
    assert!(!seen.contains("CANARY") && !told.contains("CANARY"));
    assert!(desk.state().mentions.contains(&agent(2).id));
    assert!(matches!(desk.log().last().unwrap().actor, Actor::Agent { .. }));
}

fn remove(agent: crate::command::AgentFacts, facts: &[Event], posted: u64) -> Command {
    let Some(Event::MessagePosted { message, .. }) = facts.last() else { panic!("{facts:?}") };
    Command::RemoveMessage { agent, message: message.id, posted, author: message.author.clone() }
}

#[test]
fn an_agent_removes_what_they_wrote_and_whoever_leads_what_anybody_wrote() {
    let mut desk = Desk::start(bot_inbox());
    let asked = desk.run(say("mi clave es 77")).unwrap();
    let seq = desk.state().seq;
    assert!(matches!(desk.run(remove(agent(1), &asked, seq)), Err(Rejection::NotAllowed(_))));
    assert_eq!(names(&desk.run(remove(supervisor(2), &asked, seq)).unwrap()), ["message_removed"]);
    let last = desk.state().last.clone().unwrap();
    assert_eq!((last.preview.as_str(), last.kind), ("", crate::conversation::LastKind::Removed));
    let said = desk.run(Command::Reply { agent: agent(1), message: words(9, "la 77") }).unwrap();
    let seq = desk.state().seq;
    assert!(matches!(desk.run(remove(agent(2), &said, seq)), Err(Rejection::NotAllowed(_))));
    assert_eq!(names(&desk.run(remove(agent(1), &said, seq)).unwrap()), ["message_removed"]);
    assert_eq!(desk.run(claim(9)).unwrap(), Vec::new(), "what was not out yet never goes");
    let told = desk.log().iter().filter_map(timeline::for_visitor);
    let removed = told.filter(|item| matches!(item.kind, timeline::VisitorKind::Removed(_)));
    assert_eq!(removed.count(), 2);
}

#[test]
fn an_erased_message_is_there_without_what_it_said_and_bots_do_not_read_it() {
    let mut desk = Desk::start(bot_inbox());
    let facts = desk.run(say("mi clave es 77")).unwrap();
    let Some(Event::MessagePosted { message, .. }) = facts.last() else { panic!("{facts:?}") };
    let mut posted = desk.log().last().unwrap().clone();
    assert!(!posted.event.erase(message_id(1)), "another's");
    assert!(timeline::for_bot(&posted).is_some());
    assert!(posted.event.erase(message.id));
    assert!(!format!("{posted:?}").contains("77") && timeline::for_bot(&posted).is_none());
    assert!(timeline::for_visitor(&posted).is_some(), "that somebody wrote stays");
}
