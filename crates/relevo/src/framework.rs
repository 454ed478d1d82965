//! Everything put together: a store, a bus, a clock and a deployment become a running desk with its workers. The server
//! composes itself out of this, and so does a program that embeds Relevo.

mod visitor;

pub use visitor::LocalVisitor;

use crate::bot::Bot;
use crate::bot_runner::BotRunner;
use crate::bus::{Bus, LocalBus};
use crate::channel::{Channel, Channels, TheLog, WEB};
use crate::clock::{Clock, SystemClock};
use crate::desk::Desk;
use crate::directory::{Directory, HumanPhrases, Inbox, PluggedBot};
use crate::feed::Feed;
use crate::memory::MemoryStore;
use crate::outbox::Outbox;
use crate::store::{Store, StoreError};
use relevo_domain::command::InboxPolicy;
use relevo_domain::id::{BadSlug, BotId, InboxId};
use relevo_domain::window::WindowPolicy;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a bot's turn may take where nothing else is said.
pub const BOT_DEADLINE: Duration = Duration::from_secs(30);

/// A deployment that is not running yet.
pub struct Framework {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    channels: Channels,
    directory: Directory,
    workers: bool,
    bad: Option<BadSlug>,
}

/// Why a deployment cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An id is not one.
    #[error(transparent)]
    BadId(#[from] BadSlug),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Framework {
    /// Over these ports.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, clock: Arc<dyn Clock>) -> Self {
        let channels = Channels::new().with(WEB, Arc::new(TheLog));
        Self { store, bus, clock, channels, directory: Directory::default(), workers: true, bad: None }
    }

    /// In this process's memory: gone when it ends.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryStore::default()), Arc::new(LocalBus::default()), Arc::new(SystemClock))
    }

    /// With this deployment instead of what was said so far.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = directory;
        self
    }

    /// With a kind of channel besides the web.
    #[must_use]
    pub fn channel(mut self, kind: &str, channel: Arc<dyn Channel>) -> Self {
        self.channels = self.channels.with(kind, channel);
        self
    }

    /// Whether this process sends, runs bots and watches timers. Where it does not, another on the same store must.
    #[must_use]
    pub fn workers(mut self, workers: bool) -> Self {
        self.workers = workers;
        self
    }

    /// With a web inbox that this bot answers first.
    #[must_use]
    pub fn inbox_with_bot(mut self, inbox: &str, name: &str, bot: Arc<dyn Bot>) -> Self {
        match (InboxId::new(inbox), BotId::new(name)) {
            (Ok(inbox_id), Ok(bot_id)) => {
                let policy = InboxPolicy { bot: Some(bot_id.clone()), window: WindowPolicy::Unlimited };
                let phrases = HumanPhrases::default();
                let inbox = Inbox { name: inbox.to_owned(), channel: WEB.to_owned(), policy, phrases };
                self.directory.inboxes.insert(inbox_id, inbox);
                let plugged = PluggedBot { name: name.to_owned(), bot, deadline: BOT_DEADLINE };
                self.directory.bots.insert(bot_id, plugged);
            }
            (Err(bad), _) | (_, Err(bad)) => self.bad = Some(bad),
        }
        self
    }

    /// Starts the workers.
    pub async fn start(self) -> Result<Running, StartError> {
        if let Some(bad) = self.bad {
            return Err(bad.into());
        }
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let directory = Arc::new(self.directory);
        let longest = directory.bots.values().map(|bot| bot.deadline).max().unwrap_or(BOT_DEADLINE);
        let feed = Feed::start(Arc::clone(&self.store), Arc::clone(&self.bus), stop.clone()).await?;
        let desk = Desk::new(self.store, self.bus, self.clock, directory);
        if self.workers {
            let runner = BotRunner::new(longest);
            tracker.spawn(Arc::clone(&runner).watch(feed.clone(), desk.clone(), stop.clone()));
            Outbox::new(desk.clone(), feed.clone(), runner, Arc::new(self.channels)).start(&tracker, &stop);
        }
        Ok(Running { desk, feed, stop, tracker })
    }
}

/// A running deployment.
pub struct Running {
    desk: Desk,
    feed: Feed,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Running {
    /// The one way in.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What happens.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Cancelled when the deployment stops: for workers of your own.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Where workers of your own are joined at the end.
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Lets the workers finish what they hold, and returns when they have.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests;
