//! The bot port: what a bot is given and what it may do.
//!
//! # How to write one
//! A closure is enough ([`bot_fn`]). Everything that a turn does can answer [`TurnOver`]: a person holds the
//! conversation by now, or the deadline has passed; return then. Long work should race [`LiveTurn::cancelled`].
//!
//! ```
//! use relevo::bot::{BotError, Handoff, LiveTurn, bot_fn};
//!
//! let bot = bot_fn(|turn: LiveTurn| async move {
//!     match turn.text() {
//!         text if text.contains("refund") => {
//!             turn.say("I'll get somebody who can do that.").await?;
//!             turn.handoff(Handoff::because("wants a refund").note("Be kind, second time.").team("billing")).await?;
//!         }
//!         text => turn.say(format!("You said: {text}")).await?,
//!     }
//!     Ok(())
//! });
//! # let _ = bot;
//! ```

mod answer;

pub use answer::{Answer, Said};

use crate::bus::{Signal, Typist};
use crate::desk::{Desk, DeskError, Done};
use crate::store::{Contact, DedupeKey};
use async_trait::async_trait;
use relevo_domain::command::{Command, Outbound, Rejection};
use relevo_domain::control::Turn;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Failure;
use relevo_domain::id::{BadSlug, ConversationId, MessageId, TeamId};
use relevo_domain::message::{Button, Message};
use relevo_domain::timeline::Line;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A bot.
#[async_trait]
pub trait Bot: Send + Sync + 'static {
    /// Answers one visitor message. An error hands the conversation to people, with the error as the reason.
    async fn turn(&self, turn: LiveTurn) -> Result<TurnEnd, BotError>;
}

/// How a turn ends well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// Everything is said.
    Done,
    /// The answer comes later, with the turn's token. If none comes in time, people are called.
    Later(Duration),
}

/// How a turn ends badly.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    /// It is somebody else's conversation by now. Nothing is wrong.
    #[error(transparent)]
    Over(#[from] TurnOver),
    /// It cannot be talked to as it should.
    #[error(transparent)]
    Broken(#[from] Failure),
    /// Anything else; people read this.
    #[error("{0}")]
    Failed(String),
}

/// The turn is over: the conversation has changed hands, or the deadline has passed. What was tried is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this turn is over: the conversation has changed hands")]
pub struct TurnOver;

impl From<DeskError> for BotError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Rejected(Rejection::Invalid { field, problem }) => Self::Failed(format!("{field} {problem}")),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A bot made of a function.
pub fn bot_fn<F, R>(f: F) -> Arc<dyn Bot>
where
    F: Fn(LiveTurn) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), BotError>> + Send + 'static,
{
    struct Closure<F>(F);

    #[async_trait]
    impl<F, R> Bot for Closure<F>
    where
        F: Fn(LiveTurn) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BotError>> + Send + 'static,
    {
        async fn turn(&self, turn: LiveTurn) -> Result<TurnEnd, BotError> {
            (self.0)(turn).await.map(|()| TurnEnd::Done)
        }
    }

    Arc::new(Closure(f))
}

/// What a bot hands over with.
#[derive(Debug, Clone, Default)]
pub struct Handoff(relevo_domain::command::Handoff, Option<BadSlug>);

impl Handoff {
    /// A hand-over for this reason, in words for the agent.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(relevo_domain::command::Handoff { reason: Some(reason.into()), ..Default::default() }, None)
    }

    /// A note for the agent.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.note = Some(note.into());
        self
    }

    /// The team that should take it.
    #[must_use]
    pub fn team(mut self, team: &str) -> Self {
        match TeamId::new(team) {
            Ok(team) => self.0.team = Some(team),
            Err(bad) => self.1 = Some(bad),
        }
        self
    }

    /// The skill that it needs.
    #[must_use]
    pub fn skill(mut self, skill: impl Into<String>) -> Self {
        self.0.skill = Some(skill.into());
        self
    }

    /// Something that the bot has learnt.
    #[must_use]
    pub fn captured(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.captured.insert(key.into(), value.into());
        self
    }
}

/// One turn under way: what the visitor wrote, what is known, and the means to answer. Cheap to clone.
#[derive(Clone)]
pub struct LiveTurn {
    inner: Arc<Inner>,
}

struct Inner {
    desk: Desk,
    right: Turn,
    message: Message,
    conversation: Conversation,
    contact: Contact,
    transcript: Vec<Line>,
    cancel: CancellationToken,
    said: AtomicU32,
}

impl LiveTurn {
    pub(crate) fn new(
        desk: Desk,
        right: Turn,
        message: Message,
        (conversation, contact): (Conversation, Contact),
        transcript: Vec<Line>,
        cancel: CancellationToken,
    ) -> Self {
        let said = AtomicU32::new(0);
        Self { inner: Arc::new(Inner { desk, right, message, conversation, contact, transcript, cancel, said }) }
    }

    /// What the visitor wrote.
    pub fn text(&self) -> &str {
        &self.inner.message.text
    }

    /// The payload of the button that was pressed, else the text: what a bot should branch on.
    pub fn payload(&self) -> &str {
        self.inner.message.payload.as_deref().unwrap_or(&self.inner.message.text)
    }

    /// The visitor's message.
    pub fn message(&self) -> &Message {
        &self.inner.message
    }

    /// The conversation as it was when the turn began.
    pub fn conversation(&self) -> &Conversation {
        &self.inner.conversation
    }

    /// Whom it is with.
    pub fn contact(&self) -> &Contact {
        &self.inner.contact
    }

    /// The visitor's language, where known (`es`).
    pub fn language(&self) -> Option<&str> {
        self.inner.conversation.language.as_deref()
    }

    /// What was said before, humans included: the last 40 lines, oldest first, without this message. No notes.
    pub fn transcript(&self) -> &[Line] {
        &self.inner.transcript
    }

    /// The right to speak that this turn is.
    pub fn right(&self) -> &Turn {
        &self.inner.right
    }

    /// The conversation's id.
    pub fn conversation_id(&self) -> ConversationId {
        self.inner.conversation.id
    }

    /// Resolves as soon as the turn is over.
    pub async fn cancelled(&self) {
        self.inner.cancel.cancelled().await;
    }

    /// Whether the turn is over.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancel.is_cancelled()
    }

    /// Says something.
    pub async fn say(&self, text: impl Into<String>) -> Result<(), BotError> {
        self.say_with(text, Vec::new()).await
    }

    /// Says something with buttons under it.
    pub async fn say_with(&self, text: impl Into<String>, buttons: Vec<Button>) -> Result<(), BotError> {
        let nth = self.inner.said.fetch_add(1, Ordering::Relaxed);
        self.say_nth(nth, text.into(), buttons).await
    }

    /// Says, records and hands over in one piece: all of it happens, or nothing.
    pub async fn answer(&self, answer: Answer) -> Result<(), BotError> {
        self.done(answer.give(&self.inner.desk, self.conversation_id(), &self.inner.right).await)
    }

    /// Begins a reply that grows while the visitor watches.
    pub fn stream(&self) -> Stream {
        let nth = self.inner.said.fetch_add(1, Ordering::Relaxed);
        Stream { turn: self.clone(), nth, text: String::new(), shown: None, ended: false }
    }

    /// Gives the conversation to people. The turn is over after that.
    pub async fn handoff(&self, handoff: Handoff) -> Result<(), BotError> {
        if let Some(bad) = handoff.1 {
            return Err(BotError::Failed(format!("team: {bad}")));
        }
        let command = Command::HandOff { turn: self.inner.right.clone(), handoff: handoff.0 };
        self.done(self.once("handoff", command).await)
    }

    /// Records something that the bot has learnt.
    pub async fn capture(&self, key: impl Into<String>, value: impl Into<String>) -> Result<(), BotError> {
        self.capture_all(BTreeMap::from([(key.into(), value.into())])).await
    }

    /// Records several things at once.
    pub async fn capture_all(&self, data: BTreeMap<String, String>) -> Result<(), BotError> {
        if self.is_cancelled() {
            tracing::debug!("a turn that is over records data: it will be withheld");
        }
        let command = Command::Capture { turn: self.inner.right.clone(), data };
        self.done(self.inner.desk.run(self.conversation_id(), command).await)
    }

    /// Tells the visitor that an answer is being written. Once the turn is over, only that none is.
    pub fn typing(&self, on: bool) {
        if on && self.is_cancelled() {
            return;
        }
        let Turn { bot, epoch, .. } = self.inner.right.clone();
        let (conversation, who) = (self.conversation_id(), Typist::Bot { bot, epoch });
        self.inner.desk.bus().publish(Signal::Typing { conversation, who, on });
    }

    async fn say_nth(&self, nth: u32, text: String, buttons: Vec<Button>) -> Result<(), BotError> {
        let message = Outbound {
            id: said_id(&self.inner.right, nth),
            text,
            attachments: Vec::new(),
            buttons,
            reply_to: None,
            client_id: None,
        };
        let command = Command::Say { turn: self.inner.right.clone(), message };
        self.done(self.once(&nth.to_string(), command).await)
    }

    /// A turn that is run again after a crash says nothing twice.
    async fn once(&self, what: &str, command: Command) -> Result<Done, DeskError> {
        let key = DedupeKey { scope: format!("turn:{}", self.inner.right.id), key: what.to_owned() };
        self.inner.desk.run_once(self.conversation_id(), command, key).await
    }

    fn done(&self, result: Result<Done, DeskError>) -> Result<(), BotError> {
        let done = result?;
        if done.suppressed() {
            self.inner.cancel.cancel();
            return Err(TurnOver.into());
        }
        Ok(())
    }
}

/// The id of the `nth` thing that a turn says: the same when the turn is run again.
pub(crate) fn said_id(turn: &Turn, nth: u32) -> MessageId {
    MessageId(Uuid::new_v5(&turn.id.0, &nth.to_be_bytes()))
}

/// A reply that grows while the visitor watches. Dropped without [`Stream::finish`], it is withdrawn.
pub struct Stream {
    turn: LiveTurn,
    nth: u32,
    text: String,
    shown: Option<tokio::time::Instant>,
    ended: bool,
}

/// Growing text is shown at most this often.
const FLUSH: Duration = Duration::from_millis(50);

impl Stream {
    /// Adds text.
    pub fn push(&mut self, text: &str) -> Result<(), BotError> {
        if self.turn.is_cancelled() {
            return Err(TurnOver.into());
        }
        self.text.push_str(text);
        let now = tokio::time::Instant::now();
        if self.shown.is_none_or(|shown| now.duration_since(shown) >= FLUSH) {
            self.shown = Some(now);
            self.show(Some(self.text.clone()));
        }
        Ok(())
    }

    /// Says what was written, with buttons under it. Nothing written is nothing said.
    pub async fn finish(mut self, buttons: Vec<Button>) -> Result<(), BotError> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return Ok(());
        }
        // A withheld reply's growing text is withdrawn on drop; a posted one's is replaced by the message itself.
        self.turn.say_nth(self.nth, text, buttons).await?;
        self.ended = true;
        Ok(())
    }

    fn show(&self, text: Option<String>) {
        let right = self.turn.right();
        let conversation = self.turn.conversation_id();
        self.turn.inner.desk.bus().publish(Signal::Partial { conversation, turn: right.id, epoch: right.epoch, text });
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.ended && self.shown.is_some() {
            self.show(None);
        }
    }
}
