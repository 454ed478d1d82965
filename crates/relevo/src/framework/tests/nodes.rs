//! Several processes on one store, whose buses do not reach each other: every signal of one is lost to the others.
//! Everything still happens, and once, only later. Time is the runtime's paused time: it passes where nobody can act.

use super::{PausedClock, agent, fact, outbound};
use crate::bot::{Bot, BotError, LiveTurn, TurnEnd, bot_fn, said_id};
use crate::bus::LocalBus;
use crate::channel::{Channel, Sending, Sent};
use crate::desk::{Arrival, Desk, DeskError, REOPEN_WITHIN, Wish};
use crate::directory::{Directory, HumanPhrases, Inbox, PluggedBot};
use crate::framework::{BOT_DEADLINE, Framework, Running};
use crate::memory::MemoryStore;
use crate::store::{Contact, DedupeKey, Job, Lane};
use async_trait::async_trait;
use relevo_domain::command::{Command, Inbound, InboxPolicy, Rejection};
use relevo_domain::event::{Envelope, Event, HandoffReason, Origin, Status};
use relevo_domain::id::{BotId, ContactId, ConversationId, InboxId, MessageId};
use relevo_domain::message::DeliveryState;
use relevo_domain::window::WindowPolicy;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use uuid::Uuid;

/// How long it may take until a process sees what its bus did not tell: it looks at the log every second, and at its
/// jobs every five.
const SOON: Duration = Duration::from_secs(6);

/// One store, and a process that only serves sockets: it has no workers.
struct Deployment {
    store: Arc<MemoryStore>,
    clock: Arc<PausedClock>,
    directory: Directory,
    front: Desk,
}

impl Deployment {
    /// With an inbox on each of two channels, both answered by this bot.
    fn new(bot: Arc<dyn Bot>) -> Self {
        let id = BotId::new("demo").unwrap();
        let policy = InboxPolicy { bot: Some(id.clone()), window: WindowPolicy::Unlimited };
        let mut directory = Directory::default();
        for channel in ["web", "phone"] {
            let (name, channel) = (channel.to_owned(), channel.to_owned());
            let inbox = Inbox { name, channel, policy: policy.clone(), phrases: HumanPhrases::default() };
            directory.inboxes.insert(InboxId::new(&inbox.name).unwrap(), inbox);
        }
        directory.bots.insert(id, PluggedBot { name: "Demo".into(), bot, deadline: BOT_DEADLINE });
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(PausedClock::default()));
        let bus = Arc::new(LocalBus::default());
        let front = Desk::new(store.clone(), bus, clock.clone(), Arc::new(directory.clone()));
        Self { store, clock, directory, front }
    }

    /// A process with workers and a bus of its own.
    async fn node(&self, phone: &Arc<Phone>) -> Running {
        let bus = Arc::new(LocalBus::default());
        let node = Framework::new(self.store.clone(), bus, self.clock.clone()).directory(self.directory.clone());
        node.channel("phone", phone.clone()).start().await.unwrap()
    }

    /// The `n`th contact says something at the process without workers.
    async fn says(&self, n: u128, inbox: &str, text: &str) -> ConversationId {
        self.says_at(&self.front, n, inbox, text).await
    }

    async fn says_at(&self, desk: &Desk, n: u128, inbox: &str, text: &str) -> ConversationId {
        let id = ContactId(Uuid::from_u128(n));
        if self.front.store().contact(id).await.unwrap().is_none() {
            let contact = Contact {
                id,
                name: None,
                email: None,
                phone: None,
                verified: false,
                external_id: None,
                attributes: BTreeMap::new(),
                created_at: self.front.clock().now(),
            };
            self.front.store().create_contact(&contact).await.unwrap();
        }
        let arrival = Arrival {
            inbox: InboxId::new(inbox).unwrap(),
            contact: id,
            language: None,
            origin: Origin::default(),
            wish: Wish::Say(Inbound {
                id: MessageId(self.front.clock().id()),
                text: text.into(),
                attachments: Vec::new(),
                payload: None,
                client_id: None,
                asks_for_human: None,
            }),
            provider_id: None,
        };
        desk.receive(arrival).await.unwrap().state.id
    }

    /// A process claims everything of a lane, and dies.
    async fn dies_with(&self, lane: Lane, lease: Duration) -> Vec<Job> {
        let now = self.front.clock().now();
        self.front.store().claim(lane, now, now.after(lease), 100).await.unwrap()
    }

    async fn log(&self, id: ConversationId) -> Vec<Envelope> {
        self.front.store().read(id, 0, 1_000).await.unwrap()
    }

    /// Waits until no lane has anything to do any more; how long that took.
    async fn rests(&self) -> Duration {
        let began = Instant::now();
        for lane in Lane::ALL {
            while self.front.store().next_due(lane).await.unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(100)).await;
                assert!(began.elapsed() < Duration::from_hours(1), "it never rests");
            }
        }
        began.elapsed()
    }
}

/// A provider that counts, and that answers or never does.
#[derive(Default)]
struct Phone {
    sent: AtomicUsize,
    silent: bool,
}

#[async_trait]
impl Channel for Phone {
    async fn send(&self, _: Sending<'_>) -> Sent {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if self.silent {
            std::future::pending::<()>().await;
        }
        Sent::Accepted
    }
}

fn mute() -> Arc<dyn Bot> {
    bot_fn(|_| async { Ok(()) })
}

fn delivered(log: &[Envelope]) -> Vec<&str> {
    log.iter()
        .filter_map(|fact| match &fact.event {
            Event::DeliveryClaimed { message, .. } => Some(message.text.as_str()),
            _ => None,
        })
        .collect()
}

// covers: H01
#[tokio::test(start_paused = true)]
async fn every_message_is_answered_once_by_one_of_two_processes_that_hear_nothing_of_it() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let bot = bot_fn(move |turn: LiveTurn| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { turn.say(format!("re {}", turn.text())).await }
    });
    let deployment = Deployment::new(bot);
    let phone = Arc::new(Phone::default());
    let nodes = [deployment.node(&phone).await, deployment.node(&phone).await];
    for text in ["one", "two", "three"] {
        for n in 1..=20 {
            let inbox = if n % 2 == 0 { "web" } else { "phone" };
            deployment.says(n, inbox, text).await;
        }
    }
    let took = deployment.rests().await;
    assert!(took < SOON, "{took:?}");
    assert_eq!(ran.load(Ordering::Relaxed), 60, "each turn ran once");
    assert_eq!(phone.sent.load(Ordering::Relaxed), 30, "each send was made once");
    for row in deployment.front.store().changed(0, 100).await.unwrap() {
        let log = deployment.log(row.conversation.id).await;
        assert_eq!(delivered(&log), ["re one", "re two", "re three"]);
        assert!(row.conversation.outgoing.is_empty() && row.conversation.unanswered.is_empty());
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_process_remembers_of_a_conversation_is_never_its_last_word() {
    let deployment = Deployment::new(mute());
    let here = &deployment.front;
    let elsewhere = Desk::new(
        deployment.store.clone(),
        Arc::new(LocalBus::default()),
        deployment.clock.clone(),
        Arc::new(deployment.directory.clone()),
    );
    let first = deployment.says(1, "web", "hello").await;
    elsewhere.run(first, Command::TakeOver { agent: agent(1) }).await.unwrap();
    let late = here.run(first, Command::TakeOver { agent: agent(2) }).await;
    let won = agent(1).id;
    assert!(matches!(late, Err(DeskError::Rejected(Rejection::AlreadyTaken { by })) if by == won), "{late:?}");
    // Refused by what is remembered here, and allowed by what is so.
    here.run(first, Command::Close { agent: agent(1), outcome: None }).await.unwrap();
    elsewhere.run(first, Command::Reopen { agent: agent(1) }).await.unwrap();
    here.run(first, Command::Close { agent: agent(1), outcome: None }).await.expect("it was open again");
    // Remembered as closed a moment ago, and open since then.
    elsewhere.run(first, Command::Reopen { agent: agent(1) }).await.unwrap();
    tokio::time::advance(REOPEN_WITHIN * 2).await;
    assert_eq!(deployment.says(1, "web", "still here").await, first);
    // Remembered as open, and closed long ago.
    elsewhere.run(first, Command::Close { agent: agent(1), outcome: None }).await.unwrap();
    tokio::time::advance(REOPEN_WITHIN * 2).await;
    let second = deployment.says(1, "web", "again").await;
    assert_ne!(second, first);
    // Remembered as the contact's newest, and no longer that.
    elsewhere.run(second, Command::Close { agent: agent(1), outcome: None }).await.unwrap();
    tokio::time::advance(REOPEN_WITHIN * 2).await;
    let third = deployment.says_at(&elsewhere, 1, "web", "and again").await;
    elsewhere.run(second, Command::Reopen { agent: agent(1) }).await.unwrap();
    assert_eq!(deployment.says(1, "web", "to the newest").await, third);
    assert_eq!(here.store().changed(0, 100).await.unwrap().len(), 3);
}

// covers: H01 H07
#[tokio::test(start_paused = true)]
async fn a_takeover_elsewhere_ends_the_turn_within_seconds() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let bot = bot_fn(move |turn: LiveTurn| {
        let told = told.clone();
        async move {
            told.send("began").unwrap();
            turn.cancelled().await;
            told.send("cancelled").unwrap();
            turn.say("too late").await
        }
    });
    let deployment = Deployment::new(bot);
    let phone = Arc::new(Phone::default());
    let nodes = [deployment.node(&phone).await, deployment.node(&phone).await];
    let id = deployment.says(1, "web", "hola").await;
    assert_eq!(hears.recv().await, Some("began"));
    let began = Instant::now();
    deployment.front.run(id, Command::TakeOver { agent: agent(1) }).await.unwrap();
    assert_eq!(hears.recv().await, Some("cancelled"));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    deployment.rests().await;
    assert!(delivered(&deployment.log(id).await).is_empty());
    for node in nodes {
        node.stop().await;
    }
}

// covers: H07
#[tokio::test(start_paused = true)]
async fn a_turn_that_outlives_its_claim_leaves_the_one_after_it_within_hearing() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let (ran, end_first) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let let_go = end_first.clone();
    let bot = bot_fn(move |turn: LiveTurn| {
        let (told, let_go, run) = (told.clone(), let_go.clone(), ran.fetch_add(1, Ordering::Relaxed));
        async move {
            told.send("began").unwrap();
            if run == 0 {
                let_go.notified().await;
                return Ok(());
            }
            turn.cancelled().await;
            told.send("cancelled").unwrap();
            Ok(())
        }
    });
    let deployment = Deployment::new(bot);
    let node = deployment.node(&Arc::new(Phone::default())).await;
    let id = deployment.says(1, "web", "hola").await;
    assert_eq!(hears.recv().await, Some("began"));
    // A process whose clock is a minute ahead takes the claim away, and dies at once.
    let now = deployment.front.clock().now();
    let ahead = now.after(Duration::from_mins(1));
    assert_eq!(deployment.front.store().claim(Lane::Turn, ahead, now, 1).await.unwrap().len(), 1);
    assert_eq!(hears.recv().await, Some("began"), "it is run again");
    end_first.notify_one();
    deployment.rests().await;
    let took = Instant::now();
    deployment.front.run(id, Command::TakeOver { agent: agent(1) }).await.unwrap();
    assert_eq!(hears.recv().await, Some("cancelled"));
    assert!(took.elapsed() < SOON, "{:?}", took.elapsed());
    node.stop().await;
}

// covers: H20
#[tokio::test(start_paused = true)]
async fn a_turn_whose_process_died_is_run_again_and_what_it_had_said_is_said_once() {
    let bot = bot_fn(|turn: LiveTurn| async move {
        turn.say("first").await?;
        turn.say("second").await
    });
    let deployment = Deployment::new(bot);
    let phone = Arc::new(Phone::default());
    let node = deployment.node(&phone).await;
    let id = deployment.says(1, "web", "hola").await;
    let lease = BOT_DEADLINE + Duration::from_secs(15);
    let jobs = deployment.dies_with(Lane::Turn, lease).await;
    let [Job { kind: crate::store::JobKind::BotTurn { turn }, .. }] = &jobs[..] else { panic!("{jobs:?}") };
    let message = outbound(said_id(turn, 0).0.as_u128(), "first");
    let key = DedupeKey { scope: format!("turn:{}", turn.id), key: "0".into() };
    deployment.front.run_once(id, Command::Say { turn: turn.clone(), message }, key).await.unwrap();
    let took = deployment.rests().await;
    assert!(took >= lease && took < lease + SOON, "{took:?}");
    assert_eq!(delivered(&deployment.log(id).await), ["first", "second"]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_send_whose_process_died_is_unknown_and_not_sent_again() {
    let deployment = Deployment::new(mute());
    let phone = Arc::new(Phone::default());
    let id = deployment.says(1, "phone", "hola").await;
    deployment.front.run(id, Command::Reply { agent: agent(1), message: outbound(7, "hello") }).await.unwrap();
    deployment.dies_with(Lane::Send, Duration::from_mins(1)).await;
    let message = MessageId(Uuid::from_u128(7));
    let sending = Command::ClaimDelivery { message, state: DeliveryState::Sending };
    deployment.front.run(id, sending).await.unwrap();
    let node = deployment.node(&phone).await;
    let is_unknown = |event: &Event| matches!(event, Event::DeliveryUpdated { state: DeliveryState::Unknown, .. });
    fact(&node, id, is_unknown).await;
    deployment.rests().await;
    assert_eq!(phone.sent.load(Ordering::Relaxed), 0);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_holds_up_neither_the_conversation_nor_a_place() {
    let deployment = Deployment::new(mute());
    let phone = Arc::new(Phone { silent: true, ..Phone::default() });
    let node = deployment.node(&phone).await;
    let id = deployment.says(1, "phone", "hola").await;
    for n in [7, 8] {
        deployment.front.run(id, Command::Reply { agent: agent(1), message: outbound(n, "hello") }).await.unwrap();
    }
    let took = deployment.rests().await;
    assert!(took < Duration::from_mins(1) + SOON, "{took:?}");
    assert_eq!(phone.sent.load(Ordering::Relaxed), 2, "each was tried once");
    let log = deployment.log(id).await;
    let states = log.iter().filter_map(|fact| match &fact.event {
        Event::DeliveryUpdated { state, .. } => Some(*state),
        _ => None,
    });
    assert_eq!(states.collect::<Vec<_>>(), [DeliveryState::Unknown; 2]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn providers_and_bots_that_hang_take_no_place_from_the_web() {
    let turns = Arc::new(AtomicUsize::new(0));
    let began = turns.clone();
    let hangs = bot_fn(move |_: LiveTurn| {
        began.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    });
    let deployment = Deployment::new(hangs);
    let phone = Arc::new(Phone { silent: true, ..Phone::default() });
    let web = deployment.says(1, "web", "hola").await;
    deployment.front.run(web, Command::TakeOver { agent: agent(1) }).await.unwrap();
    // More than there are places, each in a conversation of its own.
    for n in 2..102 {
        deployment.says(n, "web", "hola").await;
        let id = deployment.says(n, "phone", "hola").await;
        deployment.front.run(id, Command::Reply { agent: agent(1), message: outbound(n, "hello") }).await.unwrap();
    }
    let node = deployment.node(&phone).await;
    let taken = |counted: &AtomicUsize| counted.load(Ordering::Relaxed);
    let hung = Instant::now();
    while taken(&phone.sent) < 64 || taken(&turns) < 64 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(hung.elapsed() < SOON, "{} sends and {} turns", taken(&phone.sent), taken(&turns));
    }
    let asked = Instant::now();
    deployment.front.run(web, Command::Reply { agent: agent(1), message: outbound(200, "here") }).await.unwrap();
    while delivered(&deployment.log(web).await).is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(asked.elapsed() < SOON, "the web waits for them");
    }
    assert_eq!((taken(&phone.sent), taken(&turns)), (64, 64), "all their places are taken");
    node.stop().await;
}

// covers: H20 C01
#[tokio::test(start_paused = true)]
async fn deadlines_outlive_the_process_that_set_them() {
    struct Promises;
    #[async_trait]
    impl Bot for Promises {
        async fn turn(&self, _: LiveTurn) -> Result<TurnEnd, BotError> {
            Ok(TurnEnd::Later(Duration::from_secs(20)))
        }
    }
    let deployment = Deployment::new(Arc::new(Promises));
    let phone = Arc::new(Phone::default());
    let first = deployment.node(&phone).await;
    let promised = deployment.says(1, "web", "hola").await;
    let snoozed = deployment.says(2, "web", "hola").await;
    let began = Instant::now();
    let until = Some(deployment.front.clock().now().after(Duration::from_secs(20)));
    let snooze = Command::SetStatus { agent: agent(1), status: Status::Snoozed { until } };
    deployment.front.run(snoozed, snooze).await.unwrap();
    while deployment.front.store().next_due(Lane::Turn).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    first.stop().await;
    let second = deployment.node(&phone).await;
    deployment.rests().await;
    assert!(began.elapsed() < Duration::from_secs(20) + SOON, "{:?}", began.elapsed());
    let handed =
        |fact: &Envelope| matches!(fact.event, Event::HandoffRequested { reason: HandoffReason::BotTimeout, .. });
    assert_eq!(deployment.log(promised).await.iter().filter(|fact| handed(fact)).count(), 1);
    assert_eq!(deployment.front.store().load(snoozed).await.unwrap().unwrap().status, Status::Open);
    second.stop().await;
}
