//! The server: it composes the framework with a store, pages and the Copilot, and speaks HTTP and WebSocket.
//!
//! ```no_run
//! use relevo::bot::{Handoff, LiveTurn, bot_fn};
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     let bot = bot_fn(|turn: LiveTurn| async move {
//!         match turn.text() {
//!             "refund" => turn.handoff(Handoff::because("wants a refund")).await,
//!             text => turn.say(format!("You said: {text}")).await,
//!         }
//!     });
//!     relevo_server::Relevo::embedded().bot("echo", bot).serve().await
//! }
//! ```

pub mod embedded;

pub mod config;

pub mod compose;

pub mod app;
pub mod edge;
pub mod error;
pub mod extract;
pub mod openapi;
pub mod routes;
pub mod serve;
pub mod wire;
pub mod ws;

mod country;

pub mod agents;
pub mod backup;
pub mod doctor;
pub mod housekeeping;
pub mod knowledge;
pub mod library;
pub mod limits;
pub mod pages;
pub mod presence;
mod shortcuts;
pub mod sign_in;
pub mod telemetry;
pub mod tickets;

pub mod demo;
pub mod users;

pub use embedded::Relevo;
