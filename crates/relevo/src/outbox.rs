//! The outbox: what facts cause, and the workers that see to it. Jobs are written with their facts, claimed for a time,
//! and done at least once; the desk makes doing them twice harmless.

use crate::bot_runner::BotRunner;
use crate::channel::{Channels, WEB};
use crate::desk::{Desk, DeskError};
use crate::feed::{Change, Feed};
use crate::store::{Job, JobKind, Lane, NewJob};
use relevo_domain::command::Command;
use relevo_domain::control::Turn;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::{Envelope, Event, Status};
use relevo_domain::id::TurnId;
use relevo_domain::message::Actor;
use relevo_domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How long a claimed send or timer is nobody else's. A worker that dies in the middle is replaced after this.
pub(crate) const LEASE: Duration = Duration::from_mins(1);
/// How soon something that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// The jobs that facts cause, given the state after them.
pub fn jobs(state: &Conversation, facts: &[Envelope], now: Timestamp) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    for envelope in facts {
        match &envelope.event {
            Event::MessagePosted { message, window_ends_at, .. } => {
                if let Some(ended_at) = *window_ends_at {
                    jobs.push(NewJob { kind: JobKind::EndWindow { ended_at }, due: ended_at });
                }
                match &message.author {
                    Actor::Visitor => {
                        // The turn's epoch is the one after all facts of this append: a message that also asked for a
                        // person gives the bot no turn.
                        if let Some(bot) = state.control.bot() {
                            let turn = Turn { id: TurnId(message.id.0), bot: bot.clone(), epoch: state.control.epoch };
                            jobs.push(NewJob { kind: JobKind::BotTurn { turn }, due: now });
                        }
                    }
                    Actor::Bot { .. } | Actor::Agent { .. } | Actor::System => {
                        let message = message.id;
                        let on_the_web = state.channel == WEB;
                        let kind = if on_the_web { JobKind::Deliver { message } } else { JobKind::Send { message } };
                        jobs.push(NewJob { kind, due: now });
                    }
                    Actor::External { .. } => {}
                }
            }
            Event::StatusChanged { status: Status::Snoozed { until: Some(until) }, .. } => {
                jobs.push(NewJob { kind: JobKind::Wake { until: *until }, due: *until });
            }
            _ => {}
        }
    }
    jobs
}

/// The workers of one process.
pub struct Outbox {
    desk: Desk,
    feed: Feed,
    runner: Arc<BotRunner>,
    channels: Arc<Channels>,
}

impl Outbox {
    /// Workers that send through `channels` and let `runner` run bots.
    pub fn new(desk: Desk, feed: Feed, runner: Arc<BotRunner>, channels: Arc<Channels>) -> Arc<Self> {
        Arc::new(Self { desk, feed, runner, channels })
    }

    /// Starts the workers on `tracker`; they finish what they hold when `stop` is cancelled.
    pub fn start(self: &Arc<Self>, tracker: &TaskTracker, stop: &CancellationToken) {
        for lane in Lane::ALL {
            let in_flight = match lane {
                Lane::Deliver | Lane::Send | Lane::Turn => 64,
                Lane::Timer => 8,
            };
            let (this, stop, at_work) = (Arc::clone(self), stop.clone(), tracker.clone());
            tracker.spawn(async move { this.work(lane, in_flight, &at_work, stop).await });
        }
    }

    async fn work(self: Arc<Self>, lane: Lane, in_flight: usize, tracker: &TaskTracker, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(in_flight));
        let (freed, mut frees) = tokio::sync::mpsc::channel::<()>(1);
        let mut changes = self.feed.subscribe();
        loop {
            let free = places.available_permits();
            let mut claimed = 0;
            if free > 0 {
                let now = self.desk.clock().now();
                let lease = if lane == Lane::Turn { self.runner.lease() } else { LEASE };
                match self.desk.store().claim(lane, now, now.after(lease), free).await {
                    Ok(jobs) => {
                        claimed = jobs.len();
                        for job in jobs {
                            let permit = Arc::clone(&places).acquire_owned().await.expect("never closed");
                            let (this, freed, stop) = (Arc::clone(&self), freed.clone(), stop.clone());
                            tracker.spawn(async move {
                                let span = tracing::debug_span!("job", lane = lane.as_str(), conversation.id = %job.conversation, job.id = job.id, attempt = job.attempt);
                                this.see_to(job, &stop).instrument(span).await;
                                drop(permit);
                                // Full means that the worker is already told.
                                let _ = freed.try_send(());
                            });
                        }
                    }
                    Err(error) => tracing::warn!(lane = lane.as_str(), %error, "the outbox could not be read"),
                }
            }
            // Without a free place there is nothing to wait for but one.
            let next = if claimed == free { AGAIN } else { self.pause(lane).await };
            let until = self.desk.clock().now().after(next);
            tokio::select! {
                () = stop.cancelled() => return,
                _ = frees.recv() => {}
                () = caused(&mut changes, lane, until), if claimed < free => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// How long until something is due, at most a few seconds: another node's worker may have died.
    async fn pause(&self, lane: Lane) -> Duration {
        let due = self.desk.store().next_due(lane).await.ok().flatten();
        let wait = due.map_or(AGAIN, |due| due.since(self.desk.clock().now()));
        wait.clamp(Duration::from_millis(20), AGAIN)
    }

    async fn see_to(&self, job: Job, stop: &CancellationToken) {
        let id = job.id;
        crate::crash_point!("after_claim");
        let outcome = match &job.kind {
            JobKind::Deliver { message } | JobKind::Send { message } => {
                let began = tokio::time::Instant::now();
                let delivered = self.channels.deliver(&self.desk, &job, *message).await;
                metrics::histogram!("relevo_deliver_seconds").record(began.elapsed().as_secs_f64());
                delivered
            }
            JobKind::BotTurn { turn } => self.runner.run(&self.desk, &job, turn, stop).await,
            JobKind::EndTurn { turn } => self.command(&job, Command::EndTurn { turn: turn.clone() }).await,
            JobKind::Wake { until } => self.command(&job, Command::Wake { until: *until }).await,
            JobKind::EndWindow { ended_at } => self.command(&job, Command::EndWindow { ended_at: *ended_at }).await,
        };
        crate::crash_point!("before_finish");
        let store = self.desk.store();
        let recorded = match outcome {
            Ok(Outcome::Finished) => store.finish(id).await,
            Ok(Outcome::Again(after)) if crate::sabotaged!("overtaking") => {
                let due = self.desk.clock().now().after(after);
                match store.enqueue(job.conversation, NewJob { kind: job.kind, due }).await {
                    Ok(()) => store.finish(id).await,
                    Err(error) => Err(error),
                }
            }
            Ok(Outcome::Again(after)) => store.postpone(&job, self.desk.clock().now().after(after)).await,
            Err(error) => {
                metrics::counter!("relevo_jobs_failed_total", "lane" => job.kind.lane().as_str()).increment(1);
                tracing::warn!(conversation.id = %job.conversation, job.id = id, %error, "a job failed, trying again");
                store.postpone(&job, self.desk.clock().now().after(AGAIN)).await
            }
        };
        if let Err(error) = recorded {
            // The lease ends by itself and somebody does it again.
            tracing::warn!(job.id = id, %error, "a job's end could not be recorded");
        }
    }

    async fn command(&self, job: &Job, command: Command) -> Result<Outcome, DeskError> {
        match self.desk.run(job.conversation, command).await {
            Ok(_) | Err(DeskError::NotFound | DeskError::Rejected(_)) => Ok(Outcome::Finished),
            Err(error) => Err(error),
        }
    }
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or no longer needed.
    Finished,
    /// To be done again after a while.
    Again(Duration),
}

/// Waits for facts that cause work of a lane before `until`; those that were missed may be such facts. Claiming is a
/// write, even where it finds nothing, and so not every fact is worth one.
async fn caused(changes: &mut broadcast::Receiver<Change>, lane: Lane, until: Timestamp) {
    loop {
        match changes.recv().await {
            Ok(Change { facts, row, .. }) => {
                // The state may know of later facts. What they made pointless is found at the next look, and early
                // enough: it will do nothing.
                let jobs = facts.last().map(|last| jobs(&row.conversation, &facts, last.at));
                if jobs.is_some_and(|jobs| jobs.iter().any(|job| job.kind.lane() == lane && job.due < until)) {
                    break;
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => break,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
    // The store is asked once for all that came by then.
    *changes = changes.resubscribe();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::{LiveTurn, bot_fn};
    use crate::framework::Framework;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_lane_is_woken_by_its_own_work_and_by_what_it_missed() {
        let silent = bot_fn(|_: LiveTurn| async move { Ok(()) });
        let relevo = Framework::in_memory().inbox_with_bot("shop", "silent", silent).start().await.unwrap();
        let mut changes = relevo.feed().subscribe();
        relevo.visitor("shop").await.unwrap().write("hello").await.unwrap();
        let change = changes.recv().await.unwrap();
        let (news, mut heard) = broadcast::channel(1);
        let at = change.facts[0].at;
        let mut woken = |lane, until| {
            news.send(change.clone()).unwrap();
            caused(&mut heard, lane, until).now_or_never().is_some()
        };
        assert!(woken(Lane::Turn, at.after(AGAIN)), "the bot has a turn");
        assert!(!woken(Lane::Turn, at), "it will look by then anyway");
        assert!(!woken(Lane::Deliver, at.after(AGAIN)), "nothing is to be sent");
        news.send(change.clone()).unwrap();
        news.send(change.clone()).unwrap();
        assert!(caused(&mut heard, Lane::Deliver, at).now_or_never().is_some(), "one was missed");
        relevo.stop().await;
    }
}
