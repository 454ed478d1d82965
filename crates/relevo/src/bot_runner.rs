//! Runs a bot's turn, and ends it the moment the conversation changes hands.

use crate::bot::{BotError, LiveTurn, TurnEnd};
use crate::desk::{Desk, DeskError};
use crate::directory::PluggedBot;
use crate::feed::{Change, Feed};
use crate::outbox::Outcome;
use crate::store::{Job, JobKind, NewJob};
use relevo_domain::command::Command;
use relevo_domain::control::{Epoch, Turn};
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Event, Failure};
use relevo_domain::id::ConversationId;
use relevo_domain::message::Message;
use relevo_domain::timeline::{self, Line};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How many earlier lines a turn is given.
const TRANSCRIPT: usize = 40;
/// How many facts are read to find them: most facts are not words.
const FACTS: usize = 400;

/// The turns under way in this process.
#[derive(Default)]
pub struct BotRunner {
    turns: Mutex<Vec<UnderWay>>,
    longest: Duration,
}

/// A turn that was begun. A conversation may have two for a moment: a claim that ran out is claimed again.
struct UnderWay {
    conversation: ConversationId,
    epoch: Epoch,
    cancel: CancellationToken,
}

impl BotRunner {
    /// A runner for bots of which none may take longer than `longest` for a turn.
    pub fn new(longest: Duration) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::default(), longest })
    }

    /// How long a claimed turn is nobody else's.
    pub(crate) fn lease(&self) -> Duration {
        self.longest + Duration::from_secs(15)
    }

    /// Listens for changes of control until `stop` is cancelled, and ends the turns that they overtake.
    pub async fn watch(self: Arc<Self>, feed: Feed, desk: Desk, stop: CancellationToken) {
        let mut changes = feed.subscribe();
        loop {
            let change = tokio::select! {
                () = stop.cancelled() => return,
                change = changes.recv() => change,
            };
            match change {
                Ok(Change { conversation, row, .. }) => self.overtaken(conversation, &row.conversation),
                // Missed some: look at every turn's conversation.
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let under_way: Vec<_> = self.lock().iter().map(|turn| turn.conversation).collect();
                    for conversation in under_way {
                        if let Ok(Some(state)) = desk.store().load(conversation).await {
                            self.overtaken(conversation, &state);
                        }
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn overtaken(&self, conversation: ConversationId, state: &Conversation) {
        for turn in self.lock().iter().filter(|turn| turn.conversation == conversation) {
            if turn.epoch != state.control.epoch {
                turn.cancel.cancel();
            }
        }
    }

    fn begun(&self, conversation: ConversationId, epoch: Epoch) -> CancellationToken {
        let cancel = CancellationToken::new();
        let mut turns = self.lock();
        // Every turn's token is cancelled at its end.
        turns.retain(|turn| !turn.cancel.is_cancelled());
        turns.push(UnderWay { conversation, epoch, cancel: cancel.clone() });
        cancel
    }

    /// Runs one claimed turn.
    pub(crate) async fn run(
        &self,
        desk: &Desk,
        job: &Job,
        turn: &Turn,
        stop: &CancellationToken,
    ) -> Result<Outcome, DeskError> {
        let id = job.conversation;
        let Some(state) = desk.store().load(id).await? else { return Ok(Outcome::Finished) };
        if !state.control.admits(turn) {
            return Ok(Outcome::Finished);
        }
        let Some(plugged) = desk.directory().bots.get(&turn.bot) else {
            return self.fail(desk, id, turn, Failure::NotPluggedIn { bot: turn.bot.clone() }).await;
        };
        let Some(contact) = desk.store().contact(state.contact).await? else { return Ok(Outcome::Finished) };
        let Some((message, transcript)) = words(desk, &state, turn).await? else { return Ok(Outcome::Finished) };
        let cancel = self.begun(id, turn.epoch);
        let under_way = cancel.clone().drop_guard();
        // Control may have moved between the look above and the entry just made; nobody would tell us any more.
        if let Some(now) = desk.store().load(id).await? {
            self.overtaken(id, &now);
        }
        let live = LiveTurn::new(desk.clone(), turn.clone(), message, (state, contact), transcript, cancel.clone());
        live.typing(true);
        let began = tokio::time::Instant::now();
        let span = tracing::debug_span!("bot_turn", conversation.id = %id, bot.id = %turn.bot);
        let ended = bounded(plugged, live.clone(), &cancel, stop).instrument(span).await;
        metrics::histogram!("relevo_bot_turn_seconds", "bot" => turn.bot.to_string())
            .record(began.elapsed().as_secs_f64());
        live.typing(false);
        // Whatever the bot left running can say nothing any more once it asks.
        drop(under_way);
        match ended {
            Ended::Well(TurnEnd::Done) | Ended::Overtaken => Ok(Outcome::Finished),
            Ended::Well(TurnEnd::Later(within)) => {
                let due = desk.clock().now().after(within);
                let kind = JobKind::EndTurn { turn: turn.clone() };
                desk.store().enqueue(id, NewJob { kind, due }).await?;
                Ok(Outcome::Finished)
            }
            Ended::ShuttingDown => Ok(Outcome::Again(Duration::ZERO)),
            Ended::Badly(failure) => self.fail(desk, id, turn, failure).await,
        }
    }

    async fn fail(&self, desk: &Desk, id: ConversationId, turn: &Turn, failure: Failure) -> Result<Outcome, DeskError> {
        tracing::warn!(conversation.id = %id, bot.id = %turn.bot, reason = ?failure.reason(), "a bot's turn failed, people take over");
        metrics::counter!("relevo_bot_turns_failed_total", "bot" => turn.bot.to_string()).increment(1);
        desk.run(id, Command::FailTurn { turn: turn.clone(), failure }).await?;
        Ok(Outcome::Finished)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<UnderWay>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Ended {
    Well(TurnEnd),
    Overtaken,
    ShuttingDown,
    Badly(Failure),
}

/// The bot, its deadline, the change of hands and the shutdown, whichever is first. A bot that panics has failed.
async fn bounded(plugged: &PluggedBot, live: LiveTurn, cancel: &CancellationToken, stop: &CancellationToken) -> Ended {
    let bot = Arc::clone(&plugged.bot);
    let mut task = tokio::spawn(async move { bot.turn(live).await });
    let ended = tokio::select! {
        () = cancel.cancelled() => Ended::Overtaken,
        () = stop.cancelled() => Ended::ShuttingDown,
        () = tokio::time::sleep(plugged.deadline) => {
            Ended::Badly(Failure::NoAnswer { seconds: plugged.deadline.as_secs() })
        }
        result = &mut task => match result {
            Ok(Ok(end)) => Ended::Well(end),
            Ok(Err(BotError::Over(_))) => Ended::Overtaken,
            Ok(Err(BotError::Broken(failure))) => Ended::Badly(failure),
            Ok(Err(BotError::Failed(text))) => Ended::Badly(Failure::Other { text }),
            Err(_) => Ended::Badly(Failure::Crashed),
        },
    };
    // A bot that was told hears it through its token first: it gets a moment to end by itself.
    if !task.is_finished() {
        cancel.cancel();
        if tokio::time::timeout(Duration::from_millis(200), &mut task).await.is_err() {
            task.abort();
        }
    }
    ended
}

/// The message that a turn answers and what was said before it.
async fn words(desk: &Desk, state: &Conversation, turn: &Turn) -> Result<Option<(Message, Vec<Line>)>, DeskError> {
    let facts = desk.store().read_back(state.id, state.seq + 1, FACTS).await?;
    let mut found = None;
    let mut lines = Vec::new();
    for fact in &facts {
        match &fact.event {
            Event::MessagePosted { message, .. } if message.id.0 == turn.id.0 => found = Some(message.clone()),
            _ if found.is_none() => lines.extend(timeline::for_bot(fact)),
            _ => {}
        }
    }
    let tail = lines.split_off(lines.len().saturating_sub(TRANSCRIPT));
    Ok(found.map(|message| (message, tail)))
}
