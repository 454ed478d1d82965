//! What every handler and socket shares.

use crate::agents::AgentBook;
use crate::config::Config;
use crate::knowledge::Keeper;
use crate::library::LiveLibrary;
use crate::limits::Limiters;
use crate::presence::PresenceBook;
use crate::sign_in::Links;
use relevo::desk::Desk;
use relevo::domain::id::InboxId;
use relevo::feed::Feed;
use relevo::webhook::Secret;
use relevo_backends::files::Files;
use relevo_copilot::worker::Worker;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The running server, as handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The one way in.
    pub desk: Desk,
    /// What happens.
    pub feed: Feed,
    /// The settings.
    pub config: Arc<Config>,
    /// Shortcuts and macros, as they are on disk now.
    pub library: Arc<LiveLibrary>,
    /// Where the Copilot's articles come from.
    pub knowledge: Arc<Keeper>,
    /// The Copilot.
    pub copilot: Worker,
    /// The files of messages.
    pub files: Arc<Files>,
    /// Single-use sign-in links.
    pub links: Arc<Links>,
    /// Agents by id.
    pub agents: Arc<AgentBook>,
    /// Who is here.
    pub presence: Arc<PresenceBook>,
    /// How much is too much.
    pub limiters: Arc<Limiters>,
    /// The secrets that webhook bots sign with, by bot.
    pub bot_secrets: Arc<HashMap<String, Secret>>,
    /// The secrets that providers of channels sign with, by inbox.
    pub channel_secrets: Arc<HashMap<InboxId, Secret>>,
    /// What `/metrics` shows.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}
