//! Any history: a store and its model, which is the in-memory store, are told the same random things one after the
//! other, and must answer the same. `RELEVO_TEST_SEED` repeats a run.

use super::Fresh;
use super::views::agent;
use crate::memory::MemoryStore;
use crate::store::{
    Append, Cards, ContactEdit, Contacts, DedupeKey, Job, JobKind, Jobs, Lane, Log, Logged, NewJob, Position, Query,
    Row, Sort, ThreadClaim,
};
use crate::testing::corpus::{Palette, contact, conversation, inbox, key, message, next, notes, posted, started, turn};
use crate::testing::dice::Dice;
use relevo_domain::card::{View, Visibility};
use relevo_domain::command::{AgentFacts, Role};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Event, FenceCheck, Withheld};
use relevo_domain::id::{ConversationId, MessageId};
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

const STEPS: usize = 600;
const CONTACTS: u128 = 6;
const KEYS: u64 = 20;
const WORDS: [&str; 12] =
    ["pedido", "PEDIDO", "Pédidos", "café", "ﬁn", "A-12", "漢字", "50%", "it's", "\"odd\"", "José", "600"];

/// 600 random steps, then a look at everything.
pub async fn any_history_is_answered_as_the_model_answers(store: &Fresh) {
    let mut pair = Pair::new(store, Dice::new()).await;
    for _ in 0..STEPS {
        pair.step().await;
    }
    pair.look_at_everything().await;
}

/// A store and its model. Numbers are the model's; a store's own positions and job ids are only known to grow.
struct Pair<'a> {
    store: &'a Fresh,
    model: MemoryStore,
    dice: Dice,
    palette: Palette,
    now: i64,
    conversations: u128,
    /// Every state that ever was: the newest of each conversation is in the model.
    past: Vec<Conversation>,
    /// The store's positions; the model's are the indexes, from 1.
    positions: Vec<Position>,
    /// The model's and the store's numbers of the jobs that were ever claimed.
    jobs: BTreeMap<i64, i64>,
    /// Every claim that ever was, with the model's number.
    claims: Vec<Job>,
}

/// Asks both, and compares what they say.
macro_rules! both {
    ($pair:ident, $port:ident :: $call:ident($($argument:expr),*)) => {{
        let real = $port::$call($pair.store.as_ref(), $($argument),*).await.expect("the store answers");
        let ideal = $port::$call(&$pair.model, $($argument),*).await.expect("the model answers");
        assert_eq!(real, ideal, "{}{:?}", stringify!($call), ($(&$argument,)*));
        ideal
    }};
}

impl<'a> Pair<'a> {
    async fn new(store: &'a Fresh, dice: Dice) -> Self {
        let model = MemoryStore::new();
        for n in 1..=CONTACTS {
            let mut new = contact(n);
            new.phone = Some(format!("+34 600 00{n}"));
            store.create_contact(&new).await.expect("the store answers");
            model.create_contact(&new).await.expect("the model answers");
        }
        let palette = Palette::new();
        let (past, positions, jobs, claims) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
        Self { store, model, dice, palette, now: 0, conversations: 0, past, positions, jobs, claims }
    }

    async fn step(&mut self) {
        self.now += i64::try_from(self.dice.below(4)).expect("a small number");
        match self.dice.below(40) {
            0..=14 => self.append().await,
            15..=20 => self.claim().await,
            21..=26 => self.give_back().await,
            27..=28 => self.enqueue().await,
            29..=30 => self.edit_contact().await,
            31..=34 => self.list().await,
            35..=36 => self.read().await,
            37..=38 => self.look_up().await,
            _ => self.finish_everything().await,
        }
    }

    /// Both write it, or refuse it for the same reason.
    async fn append(&mut self) {
        let append = self.any_append().await;
        let real = self.store.append(append.clone()).await;
        let ideal = self.model.append(append.clone()).await;
        match (real, ideal) {
            (Ok(position), Ok(_)) => {
                self.past.push(append.state);
                self.follow(position).await;
            }
            (Err(real), Err(ideal)) => assert_eq!(format!("{real:?}"), format!("{ideal:?}"), "{append:?}"),
            (real, ideal) => panic!("the store says {real:?}, the model {ideal:?}: {append:?}"),
        }
    }

    /// To a new conversation or to one that is there; at its version, at one that it had, or at one that it never had.
    async fn any_append(&mut self) -> Append {
        let mut append = if self.past.is_empty() || self.dice.once_in(6) {
            self.any_beginning().await
        } else {
            let mut state = self.dice.pick(&self.past);
            if !self.dice.once_in(5) {
                state = self.model.load(state.id).await.expect("the model answers").expect("it began");
            } else if self.dice.once_in(3) {
                state = notes(&state, "never written").state;
            }
            let events = (0..=self.dice.below(3)).map(|_| self.any_event(&state)).collect();
            next(&state, events)
        };
        if self.dice.once_in(2) {
            let (whose, palette) = (append.state.contact, &self.palette);
            palette.shuffle(&mut self.dice, &mut append.state);
            append.state.contact = whose;
        }
        if self.dice.once_in(6) {
            append.state.participants.clear();
            append.state.mentions.clear();
            append.state.labels.clear();
        }
        append.dedupe = self.dice.once_in(2).then(|| self.any_key());
        append.jobs = (0..self.dice.below(3)).map(|_| self.any_job()).collect();
        append
    }

    async fn any_beginning(&mut self) -> Append {
        // Now and then one that began already.
        if !self.dice.once_in(6) {
            self.conversations += 1;
        }
        let mut append = started(self.conversations.max(1));
        let whose = contact(1 + append.state.id.0.as_u128() % CONTACTS).id;
        append.state.contact = whose;
        let inbox = self.dice.pick(&[inbox("shop"), inbox("help")]);
        let newest = self.model.thread(&inbox, whose).await.expect("the model answers");
        let replaces = if self.dice.once_in(4) { Some(self.any_conversation()) } else { newest };
        append.thread = (!self.dice.once_in(4)).then_some(ThreadClaim { inbox, contact: whose, replaces });
        append
    }

    fn any_event(&mut self, state: &Conversation) -> (Actor, Event) {
        let text = self.any_text();
        match self.dice.below(4) {
            0 => {
                let noted = notes(state, &text).envelopes.remove(0);
                (noted.actor, noted.event)
            }
            1 => {
                let what = Withheld::Message { message: message(state, &text) };
                let turn = turn(1);
                (Actor::System, Event::Suppressed { epoch: turn.epoch, turn, at: FenceCheck::Accepted, what })
            }
            _ => (Actor::Visitor, posted(state, &text)),
        }
    }

    fn any_text(&mut self) -> String {
        let words = (0..=self.dice.below(4)).map(|_| self.dice.pick(&WORDS)).collect::<Vec<_>>();
        words.join(self.dice.pick(&[" ", " … ", "-", "\n"]))
    }

    fn any_key(&mut self) -> DedupeKey {
        let scope = self.dice.pick(&["inbox:shop", "inbox:help"]).to_owned();
        DedupeKey { scope, ..key(&self.dice.below(KEYS).to_string()) }
    }

    fn any_job(&mut self) -> NewJob {
        let due = Timestamp(self.now + i64::try_from(self.dice.below(30)).expect("a small number") - 5);
        let n = u128::from(self.dice.below(1_000));
        let kind = match self.dice.below(4) {
            0 => JobKind::Deliver { message: MessageId(Uuid::from_u128(n)) },
            1 => JobKind::BotTurn { turn: turn(n) },
            2 => JobKind::EndTurn { turn: turn(n) },
            _ => JobKind::Wake { until: due },
        };
        NewJob { kind, due }
    }

    /// One that began, or one that never will.
    fn any_conversation(&mut self) -> ConversationId {
        let began = u64::try_from(self.conversations).expect("a small number");
        conversation(u128::from(self.dice.below(began + 2)))
    }

    /// What is new in the log, and its place.
    async fn follow(&mut self, position: Position) {
        let known = self.positions.last().copied().unwrap_or(0);
        let real = self.store.follow(known, 100).await.expect("the store answers");
        let ideal = self.model.follow(self.positions.len() as Position, 100).await.expect("the model answers");
        let envelopes = |all: &[Logged]| all.iter().map(|logged| logged.envelope.clone()).collect::<Vec<_>>();
        assert_eq!(envelopes(&real), envelopes(&ideal), "what follows {known}");
        self.positions.extend(real.iter().map(|logged| logged.position));
        assert!(self.positions.is_sorted_by(|a, b| a < b), "positions grow");
        assert_eq!(self.positions.last(), Some(&position), "an append tells the position of its last fact");
        assert_eq!(self.store.head().await.expect("the store answers"), position);
    }

    /// Rows with the model's positions.
    fn translated(&self, rows: Vec<Row>) -> Vec<Row> {
        let known = |position| self.positions.binary_search(&position).expect("a position of the log");
        rows.into_iter().map(|row| Row { position: known(row.position) as Position + 1, ..row }).collect()
    }

    async fn claim(&mut self) {
        let until = self.now + 1 + i64::try_from(self.dice.below(20)).expect("a small number");
        let limit = 1 + usize::try_from(self.dice.below(4)).expect("a small number");
        let lane = self.dice.pick(&Lane::ALL);
        self.claim_of(lane, self.now, until, limit).await;
    }

    /// The model's numbers of those that there were.
    async fn claim_of(&mut self, lane: Lane, now: i64, until: i64, limit: usize) -> Vec<i64> {
        let (now, until) = (Timestamp(now), Timestamp(until));
        let real = self.store.claim(lane, now, until, limit).await.expect("the store answers");
        let ideal = self.model.claim(lane, now, until, limit).await.expect("the model answers");
        let without_ids = |jobs: &[Job]| jobs.iter().map(|job| Job { id: 0, ..job.clone() }).collect::<Vec<_>>();
        assert_eq!(without_ids(&real), without_ids(&ideal), "{limit} of {lane:?} at {now:?}");
        for (real, ideal) in real.iter().zip(&ideal) {
            let known = *self.jobs.entry(ideal.id).or_insert(real.id);
            assert_eq!(known, real.id, "a job keeps its number: {real:?}");
        }
        assert!(self.jobs.values().is_sorted_by(|a, b| a < b), "later jobs have greater numbers: {:?}", self.jobs);
        self.claims.extend(ideal.iter().cloned());
        ideal.into_iter().map(|job| job.id).collect()
    }

    /// A job that was claimed once is done, again perhaps, or given up, perhaps by a claimer that was replaced since.
    async fn give_back(&mut self) {
        if self.claims.is_empty() {
            return;
        }
        let ideal = self.dice.pick(&self.claims);
        let real = Job { id: self.jobs[&ideal.id], ..ideal.clone() };
        if self.dice.once_in(3) {
            let due = Timestamp(self.now + i64::try_from(self.dice.below(20)).expect("a small number"));
            self.store.postpone(&real, due).await.expect("the store answers");
            self.model.postpone(&ideal, due).await.expect("the model answers");
        } else {
            self.store.finish(real.id).await.expect("the store answers");
            self.model.finish(ideal.id).await.expect("the model answers");
        }
    }

    async fn enqueue(&mut self) {
        let (id, job) = (self.any_conversation(), self.any_job());
        both!(self, Jobs::enqueue(id, job.clone()));
    }

    async fn edit_contact(&mut self) {
        let id = contact(1 + u128::from(self.dice.below(8))).id;
        let mut field =
            || self.dice.once_in(2).then(|| (!self.dice.once_in(3)).then(|| self.dice.pick(&WORDS).to_owned()));
        let edit = ContactEdit { name: field(), email: field(), phone: field(), external_id: None };
        both!(self, Contacts::edit_contact(id, &edit));
    }

    async fn list(&mut self) {
        let query = self.any_query();
        let real = self.store.list(&query).await.expect("the store answers");
        let ideal = self.model.list(&query).await.expect("the model answers");
        assert_eq!((self.translated(real.rows), real.more), (ideal.rows, ideal.more), "{query:?}");
    }

    fn any_query(&mut self) -> Query {
        let maybe = |dice: &mut Dice| dice.once_in(4);
        Query {
            agent: self.any_agent(),
            visibility: self.dice.pick(&[Visibility::Everyone, Visibility::Team, Visibility::Assigned]),
            view: self.dice.pick(&View::ALL),
            text: self.dice.once_in(2).then(|| self.any_search()),
            inbox: maybe(&mut self.dice).then(|| self.dice.pick(&[inbox("shop"), inbox("help")])),
            team: maybe(&mut self.dice).then(|| self.dice.pick(&self.palette.teams)),
            label: maybe(&mut self.dice).then(|| self.dice.pick(&self.palette.labels)),
            stage: maybe(&mut self.dice).then(|| self.dice.pick(&self.palette.stages)),
            sort: self.dice.pick(&[Sort::Due, Sort::Newest, Sort::Oldest, Sort::Waiting]),
            offset: usize::try_from(self.dice.below(4)).expect("a small number"),
            limit: 1 + usize::try_from(self.dice.below(12)).expect("a small number"),
        }
    }

    fn any_agent(&mut self) -> AgentFacts {
        let n = 1 + u128::from(self.dice.below(5));
        let role = self.dice.pick(&[Role::Agent, Role::Agent, Role::Supervisor, Role::Admin]);
        let teams: &[&str] = self.dice.pick(&[&[][..], &["sales"], &["support", "returns"]]);
        agent(n, role, teams)
    }

    /// Words, some of them cut short.
    fn any_search(&mut self) -> String {
        let mut cut = || {
            let word = self.dice.pick(&WORDS);
            let shorter = 1 + usize::try_from(self.dice.below(4)).expect("a small number");
            if self.dice.once_in(2) { word.chars().take(shorter).collect() } else { word.to_owned() }
        };
        let words = [cut(), cut()];
        if self.dice.once_in(2) { words.join(" ") } else { words[0].clone() }
    }

    async fn read(&mut self) {
        let id = self.any_conversation();
        let (number, limit) = (self.dice.below(30), 1 + usize::try_from(self.dice.below(9)).expect("a small number"));
        both!(self, Log::read(id, number, limit));
        both!(self, Log::read_back(id, number, limit));
        if let Some(from) = self.positions.len().checked_sub(1 + usize::try_from(number).expect("a small number")) {
            let real = self.store.changed(self.positions[from], limit).await.expect("the store answers");
            let ideal = self.model.changed(from as Position + 1, limit).await.expect("the model answers");
            assert_eq!(self.translated(real), ideal, "what changed after {from}");
        }
    }

    async fn look_up(&mut self) {
        let (id, dedupe) = (self.any_conversation(), self.any_key());
        both!(self, Log::find(&dedupe));
        self.look_at(id).await;
        for lane in Lane::ALL {
            both!(self, Jobs::next_due(lane));
        }
        let (agent, visibility) = (self.any_agent(), self.dice.pick(&[Visibility::Everyone, Visibility::Assigned]));
        both!(self, Cards::counts(&agent, visibility));
    }

    async fn look_at(&self, id: ConversationId) {
        both!(self, Log::load(id));
        both!(self, Log::read(id, 0, 10_000));
        let real = self.store.row(id).await.expect("the store answers");
        let ideal = self.model.row(id).await.expect("the model answers");
        assert_eq!(self.translated(real.into_iter().collect()), ideal.into_iter().collect::<Vec<_>>());
    }

    /// Everything that can be asked for.
    async fn look_at_everything(&mut self) {
        for n in 0..=self.conversations + 1 {
            self.look_at(conversation(n)).await;
        }
        for n in 0..=CONTACTS + 1 {
            let whose = contact(n).id;
            both!(self, Contacts::contact(whose));
            for name in ["shop", "help"] {
                both!(self, Log::thread(&inbox(name), whose));
            }
            let real = self.store.of_contact(whose).await.expect("the store answers");
            assert_eq!(self.translated(real), self.model.of_contact(whose).await.expect("the model answers"));
        }
        for n in 0..KEYS {
            for scope in ["inbox:shop", "inbox:help"] {
                both!(self, Log::find(&DedupeKey { scope: scope.into(), ..key(&n.to_string()) }));
            }
        }
        self.finish_everything().await;
    }

    /// Every job, due or not, until none is left.
    async fn finish_everything(&mut self) {
        for lane in Lane::ALL {
            loop {
                let claimed = self.claim_of(lane, self.now + 1_000, self.now + 2_000, 50).await;
                if claimed.is_empty() {
                    break;
                }
                for ideal in claimed {
                    self.store.finish(self.jobs[&ideal]).await.expect("the store answers");
                    self.model.finish(ideal).await.expect("the model answers");
                }
            }
            assert_eq!(self.store.next_due(lane).await.expect("the store answers"), None);
        }
    }
}
