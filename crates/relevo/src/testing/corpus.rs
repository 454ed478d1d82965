//! Conversations for stores: small ones that follow from their facts, and random ones for the lists. A store does not
//! ask whether a state follows from its facts, and so random states reach corners that few real ones do.

use super::dice::Dice;
use crate::store::{Agent, Append, Contact, DedupeKey, JobKind, NewJob, Presence, ThreadClaim};
use relevo_domain::command::Role;
use relevo_domain::control::{Control, Epoch, Holder, Turn};
use relevo_domain::conversation::{Conversation, Help};
use relevo_domain::event::{Envelope, Event, Origin, Status};
use relevo_domain::id::{
    AgentId, BotId, ContactId, ConversationId, InboxId, MessageId, NoteId, StageId, TeamId, TurnId,
};
use relevo_domain::message::{Actor, Message};
use relevo_domain::time::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) fn inbox(name: &str) -> InboxId {
    InboxId::new(name).expect("a slug")
}

pub(super) fn team(name: &str) -> TeamId {
    TeamId::new(name).expect("a slug")
}

pub(super) fn stage(name: &str) -> StageId {
    StageId::new(name).expect("a slug")
}

/// Conversation `n`.
pub fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n))
}

/// Agent `n`.
pub fn agent_id(n: u128) -> AgentId {
    AgentId(Uuid::from_u128(n))
}

pub(super) fn turn(n: u128) -> Turn {
    Turn { id: TurnId(Uuid::from_u128(n)), bot: BotId::new("demo").expect("a slug"), epoch: Epoch(1) }
}

/// Contact `n`.
pub fn contact(n: u128) -> Contact {
    Contact {
        id: ContactId(Uuid::from_u128(n)),
        name: Some(format!("Contact {n}")),
        email: None,
        phone: None,
        verified: false,
        external_id: None,
        attributes: BTreeMap::from([("plan".into(), "pro".into())]),
        created_at: Timestamp(1),
    }
}

/// The account of agent `n`.
pub fn account(n: u128, email: &str) -> Agent {
    Agent {
        id: agent_id(n),
        name: format!("Agent {n}"),
        email: email.into(),
        password_hash: "$argon2id$…".into(),
        role: Role::Agent,
        teams: vec![team("sales")],
        skills: vec!["billing".into()],
        languages: vec!["es".into(), "en".into()],
        presence: Presence::Offline,
    }
}

/// The first append of conversation `n`, with contact `n`, in the inbox `shop`, at instant `n`.
pub fn started(n: u128) -> Append {
    let control = Control { holder: Holder::Bot { bot: turn(1).bot }, epoch: Epoch(1) };
    let event = Event::Started {
        inbox: inbox("shop"),
        channel: "web".into(),
        contact: contact(n).id,
        language: Some("es".into()),
        origin: Origin { page: Some("https://shop.example/ñandú?a=\"b\"".into()), ..Origin::default() },
        control,
    };
    let at = Timestamp(i64::try_from(n).expect("a small number"));
    let first = Envelope { conversation: conversation(n), seq: 1, at, actor: Actor::Visitor, event };
    let state = Conversation::begin(&first).expect("it starts");
    append(0, vec![first], state)
}

/// The first append of conversation `n`, which takes over a thread.
pub(super) fn claiming(n: u128, whose: ContactId, replaces: Option<ConversationId>) -> Append {
    Append { thread: Some(ThreadClaim { inbox: inbox("shop"), contact: whose, replaces }), ..started(n) }
}

/// The next facts of a conversation, a microsecond later.
pub(super) fn next(state: &Conversation, events: Vec<(Actor, Event)>) -> Append {
    let mut after = state.clone();
    let at = Timestamp(state.updated_at.0 + 1);
    let numbered = events.into_iter().zip(state.seq + 1..);
    let envelopes: Vec<Envelope> =
        numbered.map(|((actor, event), seq)| Envelope { conversation: state.id, seq, at, actor, event }).collect();
    for envelope in &envelopes {
        after.evolve(envelope);
    }
    append(state.seq, envelopes, after)
}

/// The visitor says something.
pub fn says(state: &Conversation, text: &str) -> Append {
    next(state, vec![(Actor::Visitor, posted(state, text))])
}

/// An agent notes something.
pub(super) fn notes(state: &Conversation, text: &str) -> Append {
    let note = NoteId(Uuid::from_u128(u128::from(state.seq)));
    let event = Event::NoteAdded { note, text: text.into(), mentions: vec![agent_id(9)], client_id: None };
    next(state, vec![(Actor::Agent { agent: agent_id(1) }, event)])
}

pub(super) fn posted(state: &Conversation, text: &str) -> Event {
    Event::MessagePosted { message: message(state, text), turn: None, window_ends_at: None }
}

pub(super) fn message(state: &Conversation, text: &str) -> Message {
    let id = MessageId(Uuid::from_u64_pair(state.id.0.as_u64_pair().1, state.seq + 1));
    let author = Actor::Visitor;
    Message {
        id,
        author,
        text: text.into(),
        attachments: Vec::new(),
        buttons: Vec::new(),
        payload: None,
        reply_to: None,
        client_id: None,
    }
}

/// A job of the deliver lane, told apart by `n`.
pub(super) fn deliver(n: u128, due: i64) -> NewJob {
    NewJob { kind: JobKind::Deliver { message: MessageId(Uuid::from_u128(n)) }, due: Timestamp(due) }
}

/// A job of the timer lane.
pub(super) fn wake(until: i64) -> NewJob {
    NewJob { kind: JobKind::Wake { until: Timestamp(until) }, due: Timestamp(until) }
}

pub(super) fn key(name: &str) -> DedupeKey {
    DedupeKey { scope: "inbox:shop".into(), key: name.into() }
}

fn append(expected: u64, envelopes: Vec<Envelope>, state: Conversation) -> Append {
    let conversation = state.id;
    Append { conversation, expected, envelopes, state, dedupe: None, jobs: Vec::new(), thread: None }
}

/// What random states are made of.
pub(super) struct Palette {
    pub(super) agents: Vec<AgentId>,
    pub(super) teams: Vec<TeamId>,
    pub(super) labels: Vec<String>,
    pub(super) stages: Vec<StageId>,
}

impl Palette {
    pub(super) fn new() -> Self {
        Self {
            agents: (1..=4).map(agent_id).collect(),
            teams: ["sales", "support", "returns"].map(team).to_vec(),
            labels: ["vip", "niño", "it's \"odd\" [1]"].map(str::to_owned).to_vec(),
            stages: ["new", "won"].map(stage).to_vec(),
        }
    }

    /// Moves a state to anywhere.
    pub(super) fn shuffle(&self, dice: &mut Dice, state: &mut Conversation) {
        let until = Some(Timestamp(50));
        state.inbox = dice.pick(&[inbox("shop"), inbox("help")]);
        state.status = dice.pick(&[
            Status::Open,
            Status::Open,
            Status::Pending,
            Status::Snoozed { until },
            Status::Snoozed { until: None },
            Status::Closed,
        ]);
        state.control.holder = match dice.below(3) {
            0 => Holder::Bot { bot: turn(1).bot },
            1 => Holder::Queue { team: self.team(dice), skill: None, since: Timestamp(1) },
            _ => Holder::Human { agent: dice.pick(&self.agents) },
        };
        state.team = self.team(dice);
        state.help = state.control.agent().filter(|_| dice.once_in(2)).map(|by| Help {
            by,
            since: Timestamp(1),
            note: None,
            skill: dice.once_in(2).then(|| "returns".into()),
        });
        state.participants = dice.some(&self.agents);
        state.mentions = dice.some(&self.agents);
        state.labels = dice.some(&self.labels);
        state.stage = dice.once_in(2).then(|| dice.pick(&self.stages));
        // Few different instants, so that orders must break ties.
        state.waiting_since = (!dice.once_in(3)).then(|| Timestamp(instant(dice)));
        state.window_ends_at = (!dice.once_in(3)).then(|| Timestamp(100 + instant(dice)));
    }

    fn team(&self, dice: &mut Dice) -> Option<TeamId> {
        (!dice.once_in(3)).then(|| dice.pick(&self.teams))
    }
}

fn instant(dice: &mut Dice) -> i64 {
    i64::try_from(dice.below(5)).expect("a small number")
}
