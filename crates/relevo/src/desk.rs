//! The desk: the one way in. A command is decided at the conversation's present version, its facts are appended
//! durably, and the bus is told; on a conflict it is decided again.

mod recent;

use crate::bus::{Bus, Signal};
use crate::clock::Clock;
use crate::directory::{Directory, Inbox};
use crate::outbox;
use crate::store::{Append, AppendError, DedupeKey, Position, Store, StoreError, ThreadClaim};
use recent::Recent;
use relevo_domain::command::{Command, Facts, Inbound, InboxPolicy, Rejection, Start};
use relevo_domain::conversation::Conversation;
use relevo_domain::decide::{Decided, decide, start};
use relevo_domain::event::{Envelope, Event, Origin};
use relevo_domain::id::{BotId, ContactId, ConversationId, InboxId, Seq};
use relevo_domain::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// A conversation on which this many others have acted between our look and our append is left to the caller. Group
/// commit makes each round a fresh look, so even fifty agents at once stay far below.
const ROUNDS: usize = 64;

/// How long after its end a closed conversation is reopened by the visitor; later, a new one begins.
pub const REOPEN_WITHIN: Duration = Duration::from_hours(168);

/// The front door. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    directory: Arc<Directory>,
    bots: Arc<BTreeSet<BotId>>,
    recent: Arc<Recent>,
}

/// What a command led to.
#[derive(Debug, Clone)]
pub struct Done {
    /// The facts, in order; none when it was so already.
    pub facts: Vec<Envelope>,
    /// The state after them.
    pub state: Conversation,
    /// Whether a repeated call found that it had happened before. `facts` is then what happened that time.
    pub repeated: bool,
}

impl Done {
    /// The sequence number of the message or note that was written, if one was.
    pub fn written(&self) -> Option<Seq> {
        let is_writing = |e: &&Envelope| matches!(e.event, Event::MessagePosted { .. } | Event::NoteAdded { .. });
        self.facts.iter().find(is_writing).map(|e| e.seq)
    }

    /// Whether something was withheld by the fence.
    pub fn suppressed(&self) -> bool {
        self.facts.iter().any(|e| matches!(e.event, Event::Suppressed { .. }))
    }
}

/// Why a command led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is no such conversation.
    #[error("there is no such conversation")]
    NotFound,
    /// There is no such inbox.
    #[error("there is no inbox `{0}`")]
    NoInbox(InboxId),
    /// Too many others acted on it at the same time. Try again.
    #[error("the conversation changed too often meanwhile: try again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a visitor brings.
#[derive(Debug, Clone)]
pub enum Wish {
    /// To say something.
    Say(Inbound),
    /// To talk to a person.
    Human,
}

/// A visitor's wish that comes in from a channel.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// To which inbox.
    pub inbox: InboxId,
    /// From whom.
    pub contact: ContactId,
    /// In which language they are, where known.
    pub language: Option<String>,
    /// How they got here.
    pub origin: Origin,
    /// What they want.
    pub wish: Wish,
    /// The provider's id for it, unique in the inbox.
    pub provider_id: Option<String>,
}

impl Desk {
    /// A desk over a store, a bus, a clock and a deployment.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, clock: Arc<dyn Clock>, directory: Arc<Directory>) -> Self {
        let bots = Arc::new(directory.bots.keys().cloned().collect());
        Self { store, bus, clock, directory, bots, recent: Arc::default() }
    }

    /// The store, for look-ups. Whoever changes facts goes through [`Desk::run`].
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The bus.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The deployment.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Runs one command.
    pub async fn run(&self, conversation: ConversationId, command: Command) -> Result<Done, DeskError> {
        self.run_all(conversation, &[command], None).await
    }

    /// Runs one command once under a name: a repeat changes nothing and finds what happened the first time.
    pub async fn run_once(
        &self,
        conversation: ConversationId,
        command: Command,
        key: DedupeKey,
    ) -> Result<Done, DeskError> {
        self.run_all(conversation, &[command], Some(key)).await
    }

    /// Runs commands one after the other, all or nothing, in one append: each is decided in the state that the ones
    /// before it lead to.
    pub async fn run_all(
        &self,
        conversation: ConversationId,
        commands: &[Command],
        key: Option<DedupeKey>,
    ) -> Result<Done, DeskError> {
        // Only a thread can move, and none was named.
        self.run_in(conversation, commands, key, None).await?.ok_or(DeskError::Busy)
    }

    /// None when it is no longer the conversation of the thread that `of` names: that has moved to another one, or this
    /// one ended long ago.
    async fn run_in(
        &self,
        conversation: ConversationId,
        commands: &[Command],
        key: Option<DedupeKey>,
        of: Option<ThreadClaim>,
    ) -> Result<Option<Done>, DeskError> {
        let mut first = None;
        let mut recent = self.recent.state(conversation);
        for _ in 0..ROUNDS {
            let is_recent = recent.is_some();
            let mut state = match recent.take() {
                Some(state) => state,
                None => Arc::new(self.store.load(conversation).await?.ok_or(DeskError::NotFound)?),
            };
            if of.is_some() && state.is_closed() && self.clock.now().since(state.updated_at) > REOPEN_WITHIN {
                if is_recent {
                    continue;
                }
                return Ok(None);
            }
            if crate::sabotaged!("stale_decisions") {
                let seq = state.seq;
                state = Arc::new(Conversation { seq, ..Conversation::clone(first.get_or_insert(state)) });
            }
            let facts = self.facts_for(&state.inbox);
            let plan = match plan(&state, commands, &facts) {
                // What is remembered may be old news: whoever is refused, or told that it is so already, is told so of
                // the state in the store.
                Err(_) if is_recent => continue,
                Ok(plan) if is_recent && plan.envelopes.is_empty() => continue,
                Ok(plan) => plan,
                // A repeat of something that is no longer possible must still find its first answer.
                Err(rejection) => match self.earlier(key.as_ref()).await? {
                    Some(done) => return Ok(Some(done)),
                    None => return Err(rejection.into()),
                },
            };
            if plan.envelopes.is_empty() {
                let so_already = || Done { facts: Vec::new(), state: Conversation::clone(&state), repeated: false };
                return Ok(Some(self.earlier(key.as_ref()).await?.unwrap_or_else(so_already)));
            }
            match self.append(plan, state.seq, key.clone(), of.clone(), facts.now).await {
                Ok(done) => return Ok(Some(done)),
                Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::Duplicate { .. }) => {
                    return self.earlier(key.as_ref()).await?.ok_or(DeskError::Busy).map(Some);
                }
                Err(AppendError::ThreadTaken { .. }) => return Ok(None),
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
        Err(DeskError::Busy)
    }

    /// What came of something that arrived under this provider id, if it did.
    pub async fn received(&self, inbox: &InboxId, provider_id: &str) -> Result<Option<Done>, DeskError> {
        self.earlier(Some(&arrival_key(inbox, provider_id.to_owned()))).await
    }

    /// Takes in a visitor's wish: into the contact's conversation, or into a new one where there is none or the last
    /// one ended long ago. Simultaneous first messages make one conversation; a repeated provider id changes nothing.
    pub async fn receive(&self, arrival: Arrival) -> Result<Done, DeskError> {
        let Arrival { inbox: inbox_id, contact, wish, provider_id, .. } = arrival.clone();
        let inbox = self.inbox(&inbox_id)?;
        let key = provider_id.map(|id| arrival_key(&inbox_id, id));
        let command = [match wish {
            Wish::Say(mut inbound) => {
                inbound.asks_for_human = inbox.phrases.find(&inbound.text).map(str::to_owned);
                Command::Receive(inbound)
            }
            Wish::Human => Command::RequestHuman,
        }];
        let mut recent = self.recent.thread(&inbox_id, contact);
        for _ in 0..ROUNDS {
            let current = match recent.take() {
                Some(id) => Some(id),
                None => self.store.thread(&inbox_id, contact).await?,
            };
            if let Some(id) = current {
                let of = ThreadClaim { inbox: inbox_id.clone(), contact, replaces: current };
                match self.run_in(id, &command, key.clone(), Some(of)).await {
                    Ok(Some(done)) => return Ok(done),
                    // A new one is begun. Where the thread has moved, that is refused, and the thread is looked at.
                    Ok(None) | Err(DeskError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            let facts = self.facts_for(&inbox_id);
            let id = ConversationId(self.clock.id());
            let opening = start(
                Start {
                    inbox: inbox_id.clone(),
                    channel: inbox.channel.clone(),
                    contact,
                    language: arrival.language.clone(),
                    origin: arrival.origin.clone(),
                },
                &facts,
            );
            let mut envelopes = number(id, 0, facts.now, opening);
            let begun = Conversation::replay(&envelopes).expect("`start` begins with the fact that starts");
            let planned = match plan(&begun, &command, &facts) {
                Ok(planned) => planned,
                Err(rejection) => return self.earlier(key.as_ref()).await?.ok_or_else(|| rejection.into()),
            };
            envelopes.extend(planned.envelopes);
            let plan = Plan { envelopes, state: planned.state };
            let thread = ThreadClaim { inbox: inbox_id.clone(), contact, replaces: current };
            match self.append(plan, 0, key.clone(), Some(thread), facts.now).await {
                Ok(done) => return Ok(done),
                // Another first message was faster: this one joins its conversation.
                Err(AppendError::ThreadTaken { .. } | AppendError::Conflict { .. }) => {}
                Err(AppendError::Duplicate { .. }) => return self.earlier(key.as_ref()).await?.ok_or(DeskError::Busy),
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
        Err(DeskError::Busy)
    }

    fn inbox(&self, id: &InboxId) -> Result<&Inbox, DeskError> {
        self.directory.inboxes.get(id).ok_or_else(|| DeskError::NoInbox(id.clone()))
    }

    /// A conversation whose inbox was taken out of the configuration can still be worked on, under the mildest policy.
    fn facts_for(&self, inbox: &InboxId) -> Facts {
        let policy = self.directory.inboxes.get(inbox).map_or_else(InboxPolicy::default, |inbox| inbox.policy.clone());
        Facts { now: self.clock.now(), policy, bots: Arc::clone(&self.bots) }
    }

    async fn append(
        &self,
        plan: Plan,
        expected: Seq,
        dedupe: Option<DedupeKey>,
        thread: Option<ThreadClaim>,
        now: Timestamp,
    ) -> Result<Done, AppendError> {
        let Plan { envelopes, state } = plan;
        let dedupe = dedupe.filter(|_| !crate::sabotaged!("no_dedupe"));
        let jobs = outbox::jobs(&state, &envelopes, now);
        let conversation = state.id;
        let whose = thread.as_ref().map(|of| (of.inbox.clone(), of.contact));
        let append =
            Append { conversation, expected, envelopes: envelopes.clone(), state: state.clone(), dedupe, jobs, thread };
        let span = tracing::debug_span!("append", conversation.id = %conversation, facts = envelopes.len());
        let position: Position = self.store.append(append).instrument(span).await?;
        self.recent.saw(&state, whose);
        self.bus.publish(Signal::Appended { position });
        for envelope in &envelopes {
            let kind = envelope.event.name();
            metrics::counter!("relevo_facts_total", "kind" => kind).increment(1);
        }
        tracing::debug!(conversation.id = %conversation, seq = state.seq, facts = envelopes.len(), "appended");
        Ok(Done { facts: envelopes, state, repeated: false })
    }

    /// What happened under a name, if something did.
    async fn earlier(&self, key: Option<&DedupeKey>) -> Result<Option<Done>, DeskError> {
        let Some(key) = key.filter(|_| !crate::sabotaged!("no_dedupe")) else { return Ok(None) };
        let Some((conversation, seq)) = self.store.find(key).await? else { return Ok(None) };
        let state = self.store.load(conversation).await?.ok_or(DeskError::NotFound)?;
        // The append ended at `seq`; its facts share one instant, and a hand-over may follow the message.
        let near = self.store.read_back(conversation, seq + 1, 8).await?;
        let at = near.last().map(|last| last.at);
        let facts = near.into_iter().filter(|envelope| Some(envelope.at) == at).collect();
        Ok(Some(Done { facts, state, repeated: true }))
    }
}

/// The name of something that arrives: the provider's id for it is unique in the inbox.
fn arrival_key(inbox: &InboxId, provider_id: String) -> DedupeKey {
    DedupeKey { scope: format!("inbox:{inbox}"), key: provider_id }
}

struct Plan {
    envelopes: Vec<Envelope>,
    state: Conversation,
}

fn plan(state: &Conversation, commands: &[Command], facts: &Facts) -> Result<Plan, Rejection> {
    let mut state = state.clone();
    let mut envelopes = Vec::new();
    for command in commands {
        let decided = decide(&state, command, facts)?;
        for envelope in number(state.id, state.seq, facts.now, decided) {
            state.evolve(&envelope);
            envelopes.push(envelope);
        }
    }
    Ok(Plan { envelopes, state })
}

fn number(conversation: ConversationId, after: Seq, at: Timestamp, decided: Vec<Decided>) -> Vec<Envelope> {
    let numbered = decided.into_iter().zip(after + 1..);
    numbered.map(|((actor, event), seq)| Envelope { conversation, seq, at, actor, event }).collect()
}
