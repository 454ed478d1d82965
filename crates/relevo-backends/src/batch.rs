//! The appends of one group, decided in memory. A store reads what the checks must know ([`Asked`] says of whom), each
//! append is admitted or refused in the order of arrival, as if the ones before it were written already, and the store
//! then writes everything that was admitted. A refused append takes nothing from the others.

use relevo::store::{Append, AppendError, DedupeKey, NewJob, Position, StoreError, ThreadClaim, said, words};
use relevo_domain::control::Holder;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Status};
use relevo_domain::id::{AgentId, ContactId, ConversationId, InboxId, MessageId, Seq};
use relevo_domain::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// "Never", where an order wants a number.
const NEVER: i64 = i64::MAX;

/// What a group asks about.
pub(crate) struct Asked<'a> {
    pub(crate) conversations: Vec<ConversationId>,
    pub(crate) keys: Vec<&'a DedupeKey>,
    pub(crate) claims: Vec<&'a ThreadClaim>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(appends: &'a [Append]) -> Self {
        Self {
            conversations: appends.iter().map(|append| append.conversation).collect(),
            keys: appends.iter().filter_map(|append| append.dedupe.as_ref()).collect(),
            claims: appends.iter().filter_map(|append| append.thread.as_ref()).collect(),
        }
    }
}

/// What a store knows of that.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) taken: HashMap<DedupeKey, (ConversationId, Seq)>,
    pub(crate) threads: HashMap<(InboxId, ContactId), ConversationId>,
    pub(crate) versions: HashMap<ConversationId, Seq>,
    /// The marks of each conversation before this group, as [`Card::marks`] wrote them.
    pub(crate) marks: HashMap<ConversationId, String>,
}

/// What was admitted, and is to be written.
pub(crate) struct Batch {
    known: Known,
    /// The last position.
    pub(crate) head: Position,
    pub(crate) facts: Vec<(Position, Envelope)>,
    pub(crate) jobs: Vec<(ConversationId, NewJob)>,
    pub(crate) states: HashMap<ConversationId, (Position, Conversation)>,
    new_keys: Vec<DedupeKey>,
    new_threads: HashSet<(InboxId, ContactId)>,
}

impl Batch {
    /// Admits or refuses each append. Nothing is written yet.
    pub(crate) fn admit(
        head: Position,
        known: Known,
        appends: Vec<Append>,
    ) -> (Self, Vec<Result<Position, AppendError>>) {
        let mut batch = Self {
            known,
            head,
            facts: Vec::new(),
            jobs: Vec::new(),
            states: HashMap::new(),
            new_keys: Vec::new(),
            new_threads: HashSet::new(),
        };
        let admit = |append: Append| batch.check(&append).map(|()| batch.take(append));
        let answers = appends.into_iter().map(admit).collect();
        (batch, answers)
    }

    fn check(&self, append: &Append) -> Result<(), AppendError> {
        if let Some(&(conversation, seq)) = append.dedupe.as_ref().and_then(|key| self.known.taken.get(key)) {
            return Err(AppendError::Duplicate { conversation, seq });
        }
        if let Some(claim) = &append.thread {
            let newest = self.known.threads.get(&(claim.inbox.clone(), claim.contact)).copied();
            if newest != claim.replaces {
                let by = newest.or(claim.replaces).expect("two different options are not both none");
                return Err(AppendError::ThreadTaken { by });
            }
        }
        let actual = self.known.versions.get(&append.conversation).copied().unwrap_or(0);
        if actual == append.expected { Ok(()) } else { Err(AppendError::Conflict { actual }) }
    }

    fn take(&mut self, append: Append) -> Position {
        let Append { conversation, envelopes, state, dedupe, jobs, thread, .. } = append;
        let last = state.seq;
        if let Some(key) = dedupe {
            self.known.taken.insert(key.clone(), (conversation, last));
            self.new_keys.push(key);
        }
        if let Some(claim) = thread {
            let of = (claim.inbox, claim.contact);
            if self.known.threads.insert(of.clone(), conversation) != Some(conversation) {
                self.new_threads.insert(of);
            }
        }
        self.jobs.extend(jobs.into_iter().map(|job| (conversation, job)));
        for envelope in envelopes {
            self.head += 1;
            self.facts.push((self.head, envelope));
        }
        self.known.versions.insert(conversation, last);
        self.states.insert(conversation, (self.head, state));
        self.head
    }

    /// The dedupe keys that are taken now, and by what.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&DedupeKey, (ConversationId, Seq))> {
        self.new_keys.iter().map(|key| (key, self.known.taken[key]))
    }

    /// The threads that point elsewhere now.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (&InboxId, ContactId, ConversationId)> {
        self.new_threads.iter().map(|of| (&of.0, of.1, self.known.threads[of]))
    }

    /// The messages that are removed, and where.
    pub(crate) fn removed(&self) -> impl Iterator<Item = (ConversationId, MessageId)> {
        self.facts.iter().filter_map(|(_, fact)| Some((fact.conversation, fact.event.removed()?)))
    }

    /// What was said, by position and conversation, as words.
    pub(crate) fn said(&self) -> impl Iterator<Item = (Position, ConversationId, Vec<String>)> {
        self.facts
            .iter()
            .filter_map(|(position, envelope)| Some((*position, envelope.conversation, words(&said(&envelope.event)?))))
    }

    /// The rows of the lists, as they are now.
    pub(crate) fn cards(&self) -> Vec<Card<'_>> {
        self.states.iter().map(|(id, (position, state))| Card::of(*position, state, self.known.marks.get(id))).collect()
    }
}

/// A row of `conversations`.
pub(crate) struct Card<'a> {
    pub(crate) position: Position,
    pub(crate) status: &'static str,
    pub(crate) holder: &'static str,
    pub(crate) agent: Option<AgentId>,
    pub(crate) answer_by: i64,
    pub(crate) waiting_since: i64,
    /// Since when it waits in the queue, if it does.
    pub(crate) queued_since: Option<i64>,
    /// Everything that it is marked with, as `[[kind, value], …]`.
    pub(crate) marks: String,
    /// Whether that is something else than before.
    pub(crate) marked: bool,
    pub(crate) state: &'a Conversation,
}

impl<'a> Card<'a> {
    fn of(position: Position, state: &'a Conversation, before: Option<&String>) -> Self {
        let never = |at: Option<Timestamp>| at.map_or(NEVER, |at| at.0);
        let marks = serde_json::to_string(&marks(state)).expect("words and texts");
        Self {
            position,
            status: match state.status {
                Status::Open => "open",
                Status::Pending => "pending",
                Status::Snoozed { .. } => "snoozed",
                Status::Closed => "closed",
            },
            holder: match state.control.holder {
                Holder::Bot { .. } => "bot",
                Holder::Queue { .. } => "queue",
                Holder::Human { .. } => "human",
            },
            agent: state.control.agent(),
            answer_by: state.waiting_since.map_or(NEVER, |_| never(state.window_ends_at)),
            waiting_since: never(state.waiting_since),
            queued_since: match state.control.holder {
                Holder::Queue { since, .. } if matches!(state.status, Status::Open | Status::Pending) => Some(since.0),
                _ => None,
            },
            marked: marks != before.map_or("[]", String::as_str),
            marks,
            state,
        }
    }
}

/// Everything that a conversation is marked with: kind and value.
pub(crate) fn marks(state: &Conversation) -> Vec<(&'static str, String)> {
    let participants = state.participants.iter().map(|agent| ("participant", agent.to_string()));
    let mentions = state.mentions.iter().map(|agent| ("mention", agent.to_string()));
    let labels = state.labels.iter().map(|label| ("label", label.clone()));
    let stage = state.stage.iter().map(|stage| ("stage", stage.to_string()));
    let help = state.help.iter().map(|help| ("help", help.skill.clone().unwrap_or_default()));
    participants.chain(mentions).chain(labels).chain(stage).chain(help).collect()
}

/// What the port asks of callers. Whoever breaks it must not fail others in the same group.
pub(crate) fn numbered(append: &Append) -> Result<(), StoreError> {
    let Append { conversation, expected, envelopes, state, .. } = append;
    let mut follow = envelopes.iter().zip(expected + 1..);
    let good = state.id == *conversation
        && envelopes.last().is_some_and(|last| last.seq == state.seq)
        && follow.all(|(envelope, seq)| envelope.conversation == *conversation && envelope.seq == seq);
    if good { Ok(()) } else { Err(StoreError::Damaged("the facts of an append do not follow its `expected`".into())) }
}
