//! The framework over the in-memory store: what its parts promise together.

mod nodes;

use super::{Framework, Running};
use crate::bot::{BotError, Handoff, LiveTurn, TurnEnd, bot_fn};
use crate::bus::{LocalBus, Signal, Typist};
use crate::clock::{Clock, SystemClock};
use crate::desk::{Arrival, DeskError, Wish};
use crate::memory::MemoryStore;
use crate::store::{DedupeKey, Lane};
use relevo_domain::command::{AgentFacts, Command, Inbound, Outbound, Rejection, Role};
use relevo_domain::control::{Epoch, Holder};
use relevo_domain::event::{Event, HandoffReason, Origin, Priority};
use relevo_domain::id::{AgentId, BotId, ConversationId, InboxId, MessageId};
use relevo_domain::time::Timestamp;
use relevo_domain::timeline::{VisitorKind, Who};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use uuid::Uuid;

/// Follows the runtime's paused time, which passes by itself where nothing else can happen.
struct PausedClock(Instant);

impl Default for PausedClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000).after(self.0.elapsed())
    }

    fn id(&self) -> Uuid {
        SystemClock.id()
    }
}

fn agent(n: u128) -> AgentFacts {
    AgentFacts { id: AgentId(Uuid::from_u128(n)), role: Role::Agent, teams: Vec::new() }
}

fn outbound(n: u128, text: &str) -> Outbound {
    let id = MessageId(Uuid::from_u128(n));
    Outbound { id, text: text.into(), attachments: Vec::new(), buttons: Vec::new(), reply_to: None, client_id: None }
}

/// Reads the log until a fact matches; every fact is a step towards it, so this ends or the test hangs and is killed.
async fn fact(relevo: &Running, id: ConversationId, matches: impl Fn(&Event) -> bool) -> Event {
    let mut changes = relevo.feed().subscribe();
    loop {
        let facts = relevo.desk().store().read(id, 0, 1_000).await.unwrap();
        if let Some(found) = facts.into_iter().find(|fact| matches(&fact.event)) {
            return found.event;
        }
        let _ = changes.recv().await;
    }
}

// covers: H01 H07
#[tokio::test]
async fn a_takeover_ends_the_turn_at_once_and_what_it_still_says_is_withheld() {
    let began = Arc::new(Notify::new());
    let (told, mut hears) = mpsc::unbounded_channel();
    let bot = {
        let began = Arc::clone(&began);
        bot_fn(move |turn: LiveTurn| {
            let (began, told) = (Arc::clone(&began), told.clone());
            async move {
                began.notify_one();
                turn.cancelled().await;
                let late = turn.say("I was too slow").await;
                told.send(matches!(late, Err(BotError::Over(_)))).unwrap();
                late
            }
        })
    };
    let relevo = Framework::in_memory().inbox_with_bot("shop", "slow", bot).start().await.unwrap();
    let visitor = relevo.visitor("shop").await.unwrap();
    let id = visitor.write("hola").await.unwrap().state.id;
    began.notified().await;
    relevo.desk().run(id, Command::TakeOver { agent: agent(1) }).await.unwrap();
    assert_eq!(hears.recv().await, Some(true), "the bot is told that its turn is over");
    fact(&relevo, id, |event| matches!(event, Event::Suppressed { .. })).await;
    assert_eq!(visitor.next_item().await.unwrap().seq, 2, "their own words");
    let state = visitor.next_item().await.unwrap();
    assert_eq!(state.kind, VisitorKind::State(Who::Human(agent(1).id)));
    relevo.desk().run(id, Command::Reply { agent: agent(1), message: outbound(7, "I'm here") }).await.unwrap();
    assert_eq!(visitor.next_reply().await.unwrap(), "I'm here");
    relevo.stop().await;
}

// covers: H03
#[tokio::test]
async fn of_fifty_agents_at_once_one_wins_and_all_others_learn_who() {
    let relevo = Framework::in_memory().inbox_with_bot("shop", "mute", bot_fn(|_| async { Ok(()) })).start().await;
    let relevo = relevo.unwrap();
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let races = (1..=50).map(|n| {
        let desk = relevo.desk().clone();
        tokio::spawn(async move { (agent(n).id, desk.run(id, Command::TakeOver { agent: agent(n) }).await) })
    });
    let (mut winners, mut told) = (Vec::new(), Vec::new());
    for race in futures::future::join_all(races).await {
        match race.unwrap() {
            (agent, Ok(_)) => winners.push(agent),
            (_, Err(DeskError::Rejected(Rejection::AlreadyTaken { by }))) => told.push(by),
            (_, Err(other)) => panic!("{other}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(told, vec![winners[0]; 49]);
    relevo.stop().await;
}

#[tokio::test]
async fn simultaneous_first_messages_make_one_conversation_and_a_repeat_changes_nothing() {
    let relevo = Framework::in_memory().inbox_with_bot("shop", "mute", bot_fn(|_| async { Ok(()) })).start().await;
    let relevo = relevo.unwrap();
    let contact = relevo.visitor("shop").await.unwrap().contact();
    let arrival = |n: u128| Arrival {
        inbox: InboxId::new("shop").unwrap(),
        contact,
        language: None,
        origin: Origin::default(),
        wish: Wish::Say(Inbound {
            id: MessageId(Uuid::from_u128(1_000 + n)),
            text: format!("first {}", n / 2),
            attachments: Vec::new(),
            payload: None,
            client_id: None,
            asks_for_human: None,
        }),
        // Every message is sent twice under the same provider id.
        provider_id: Some(format!("wamid.{}", n / 2)),
    };
    let arrivals = (0..20).map(|n| {
        let (desk, arrival) = (relevo.desk().clone(), arrival(n));
        tokio::spawn(async move { desk.receive(arrival).await.unwrap() })
    });
    let done: Vec<_> = futures::future::join_all(arrivals).await.into_iter().map(Result::unwrap).collect();
    assert!(done.iter().all(|d| d.state.id == done[0].state.id));
    assert_eq!(done.iter().filter(|d| d.repeated).count(), 10);
    let log = relevo.desk().store().read(done[0].state.id, 0, 1_000).await.unwrap();
    assert!(log.iter().map(|fact| fact.seq).eq(1..=log.len() as u64), "gap-free");
    assert_eq!(log.iter().filter(|fact| matches!(fact.event, Event::MessagePosted { .. })).count(), 10);
    relevo.stop().await;
}

// covers: H20
#[tokio::test]
async fn a_bot_that_fails_crashes_or_is_missing_leaves_the_conversation_with_people() {
    let bot = bot_fn(|turn: LiveTurn| async move {
        match turn.text() {
            "fail" => Err(BotError::Failed("no database".into())),
            "crash" => panic!("on purpose"),
            _ => Ok(()),
        }
    });
    let relevo = Framework::in_memory().inbox_with_bot("shop", "frail", bot).start().await.unwrap();
    for (text, detail) in [("fail", "no database"), ("crash", "the bot crashed")] {
        let id = relevo.visitor("shop").await.unwrap().write(text).await.unwrap().state.id;
        let wanted = fact(&relevo, id, |event| matches!(event, Event::HandoffRequested { .. })).await;
        let Event::HandoffRequested { reason: HandoffReason::BotError, detail: Some(why), control, .. } = wanted else {
            panic!("{wanted:?}")
        };
        assert_eq!(why, detail);
        assert!(matches!(control.holder, Holder::Queue { .. }));
    }
    relevo.stop().await;
}

// covers: H04
#[tokio::test]
async fn a_bots_farewell_reaches_the_visitor_before_the_queue_does() {
    let bot = bot_fn(|turn: LiveTurn| async move {
        turn.say("I'll get a colleague.").await?;
        turn.handoff(Handoff::because("refund").note("kind person").captured("order", "A-7")).await
    });
    let relevo = Framework::in_memory().inbox_with_bot("shop", "polite", bot).start().await.unwrap();
    let visitor = relevo.visitor("shop").await.unwrap();
    let id = visitor.write("refund").await.unwrap().state.id;
    assert_eq!(visitor.next_reply().await.unwrap(), "I'll get a colleague.");
    fact(&relevo, id, |event| matches!(event, Event::HandoffRequested { .. })).await;
    let state = relevo.desk().store().load(id).await.unwrap().unwrap();
    assert_eq!(state.captured["order"], "A-7");
    relevo.stop().await;
}

// covers: H08
#[tokio::test]
async fn after_handing_back_the_bot_hears_what_the_humans_said_and_no_notes() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let bot = bot_fn(move |turn: LiveTurn| {
        let told = told.clone();
        async move {
            told.send(turn.transcript().iter().map(|line| line.text.clone()).collect::<Vec<_>>()).unwrap();
            Ok(())
        }
    });
    let relevo = Framework::in_memory().inbox_with_bot("shop", "listener", bot).start().await.unwrap();
    let visitor = relevo.visitor("shop").await.unwrap();
    let id = visitor.write("hola").await.unwrap().state.id;
    assert_eq!(hears.recv().await.unwrap(), Vec::<String>::new());
    let desk = relevo.desk();
    desk.run(id, Command::Reply { agent: agent(1), message: outbound(7, "It ships on Monday") }).await.unwrap();
    let note = relevo_domain::id::NoteId(Uuid::from_u128(8));
    let text = "CANARY".to_owned();
    desk.run(id, Command::AddNote { agent: agent(1), note, text, mentions: vec![], client_id: None }).await.unwrap();
    assert_eq!(visitor.next_reply().await.unwrap(), "It ships on Monday");
    desk.run(id, Command::HandBack { agent: agent(1), bot: None, note: None }).await.unwrap();
    visitor.write("thanks").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), ["hola", "It ships on Monday"]);
    relevo.stop().await;
}

#[tokio::test]
async fn the_same_client_id_again_finds_its_first_answer_even_when_writing_is_no_longer_possible() {
    let relevo = Framework::in_memory().inbox_with_bot("shop", "mute", bot_fn(|_| async { Ok(()) })).start().await;
    let relevo = relevo.unwrap();
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let desk = relevo.desk();
    let key = || DedupeKey { scope: "agent:1".into(), key: "c1".into() };
    let reply = |n| Command::Reply { agent: agent(1), message: outbound(n, "hello") };
    let first = desk.run_once(id, reply(1), key()).await.unwrap();
    let again = desk.run_once(id, reply(2), key()).await.unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(again.written(), first.written());
    desk.run(
        id,
        Command::Transfer {
            agent: AgentFacts { role: Role::Admin, ..agent(9) },
            to: relevo_domain::event::TransferTarget::Agent { agent: agent(2).id },
            note: None,
        },
    )
    .await
    .unwrap();
    assert_eq!(desk.run_once(id, reply(3), key()).await.unwrap().written(), first.written());
    relevo.stop().await;
}

// covers: H20
#[tokio::test(start_paused = true)]
async fn an_answer_promised_for_later_that_never_comes_calls_people() {
    struct Promises;
    #[async_trait::async_trait]
    impl crate::bot::Bot for Promises {
        async fn turn(&self, _: LiveTurn) -> Result<TurnEnd, BotError> {
            Ok(TurnEnd::Later(Duration::from_millis(1)))
        }
    }
    let relevo = Framework::in_memory().inbox_with_bot("shop", "later", Arc::new(Promises)).start().await.unwrap();
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let failed = fact(&relevo, id, |event| matches!(event, Event::TurnFailed { .. })).await;
    assert!(matches!(failed, Event::TurnFailed { reason: HandoffReason::BotTimeout, .. }));
    relevo.stop().await;
}

// covers: H07
#[tokio::test]
async fn a_turn_that_is_over_can_only_tell_that_it_does_not_type() {
    let (give, mut given) = mpsc::unbounded_channel();
    let bot = bot_fn(move |turn: LiveTurn| {
        let give = give.clone();
        async move {
            give.send(turn).unwrap();
            Ok(())
        }
    });
    let relevo = Framework::in_memory().inbox_with_bot("shop", "leaver", bot).start().await.unwrap();
    relevo.visitor("shop").await.unwrap().write("hola").await.unwrap();
    let kept = given.recv().await.unwrap();
    kept.cancelled().await;
    let mut signals = relevo.desk().bus().subscribe();
    kept.typing(true);
    kept.typing(false);
    let heard = signals.try_recv().unwrap();
    assert!(matches!(heard, Signal::Typing { on: false, who: Typist::Bot { epoch: Epoch(1), .. }, .. }), "{heard:?}");
    relevo.stop().await;
}

#[tokio::test]
async fn of_several_commands_none_happens_when_one_names_a_bot_that_does_not_exist() {
    let relevo = Framework::in_memory().inbox_with_bot("shop", "mute", bot_fn(|_| async { Ok(()) })).start().await;
    let relevo = relevo.unwrap();
    let id = relevo.visitor("shop").await.unwrap().write("hola").await.unwrap().state.id;
    let back = |bot: &str| Command::HandBack { agent: agent(1), bot: Some(BotId::new(bot).unwrap()), note: None };
    let before = relevo.desk().run(id, Command::TakeOver { agent: agent(1) }).await.unwrap().state;
    let commands = [Command::SetPriority { agent: agent(1), priority: Priority::High }, back("nobody")];
    let refused = relevo.desk().run_all(id, &commands, None).await;
    assert!(matches!(refused, Err(DeskError::Rejected(Rejection::Invalid { field: "bot", .. }))), "{refused:?}");
    assert_eq!(relevo.desk().store().load(id).await.unwrap(), Some(before));
    relevo.desk().run(id, back("mute")).await.unwrap();
    relevo.stop().await;
}

// covers: H20
#[tokio::test(start_paused = true)]
async fn promised_answers_that_all_came_leave_the_conversation_with_the_bot() {
    struct Promises(mpsc::UnboundedSender<LiveTurn>);
    #[async_trait::async_trait]
    impl crate::bot::Bot for Promises {
        async fn turn(&self, turn: LiveTurn) -> Result<TurnEnd, BotError> {
            self.0.send(turn).unwrap();
            Ok(TurnEnd::Later(Duration::from_mins(1)))
        }
    }
    let (give, mut given) = mpsc::unbounded_channel();
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(LocalBus::default()));
    let relevo = Framework::new(store, bus, Arc::new(PausedClock::default()));
    let relevo = relevo.inbox_with_bot("shop", "later", Arc::new(Promises(give))).start().await.unwrap();
    let visitor = relevo.visitor("shop").await.unwrap();
    for text in ["one", "two"] {
        let id = visitor.write(text).await.unwrap().state.id;
        let turn = given.recv().await.unwrap().right().clone();
        let message = outbound(turn.id.0.as_u128() + 1, text);
        relevo.desk().run(id, Command::Say { turn, message }).await.unwrap();
        assert_eq!(visitor.next_reply().await.unwrap(), text);
    }
    let store = relevo.desk().store();
    // The paused time passes where nothing else can happen: until both deadlines were looked at.
    while store.next_due(Lane::Timer).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let id = store.thread(&InboxId::new("shop").unwrap(), visitor.contact()).await.unwrap().unwrap();
    assert!(store.load(id).await.unwrap().unwrap().control.bot().is_some());
    relevo.stop().await;
}

// covers: B01
#[tokio::test]
async fn a_streamed_reply_is_shown_growing_and_then_said_once() {
    let bot = bot_fn(|turn: LiveTurn| async move {
        let mut stream = turn.stream();
        stream.push("Hello ")?;
        stream.push("there")?;
        stream.finish(Vec::new()).await
    });
    let relevo = Framework::in_memory().inbox_with_bot("shop", "streamer", bot).start().await.unwrap();
    let mut signals = relevo.desk().bus().subscribe();
    let visitor = relevo.visitor("shop").await.unwrap();
    visitor.write("hola").await.unwrap();
    assert_eq!(visitor.next_reply().await.unwrap(), "Hello there");
    let mut shown = Vec::new();
    while let Ok(signal) = signals.try_recv() {
        if let Signal::Partial { text, .. } = signal {
            shown.push(text);
        }
    }
    assert_eq!(shown.first(), Some(&Some("Hello ".to_owned())));
    assert!(!shown.contains(&None), "a finished stream is not withdrawn");
    relevo.stop().await;
}
