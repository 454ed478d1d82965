//! The framework: plug in a bot, and people can take its conversations over.
//!
//! A command goes down to one pure decision (`relevo_domain::decide`), becomes facts in one append, and everything
//! else follows the log. Reading order: [`desk`] (the one way in), [`store`] (the record), [`feed`] (how the rest hears
//! of it), [`outbox`] (what must happen because of it), [`bot_runner`] (bots, ended the moment they are overtaken).
//!
//! ```
//! use relevo::bot::{LiveTurn, bot_fn};
//! use relevo::framework::Framework;
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let echo = bot_fn(|turn: LiveTurn| async move { turn.say(format!("You said {}", turn.text())).await });
//! let relevo = Framework::in_memory().inbox_with_bot("shop", "echo", echo).start().await?;
//!
//! // A visitor writes; the bot's answer is on the visitor's timeline once its delivery was claimed.
//! let visitor = relevo.visitor("shop").await?;
//! visitor.write("hello").await?;
//! assert_eq!(visitor.next_reply().await?, "You said hello");
//! relevo.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod desk;

pub mod bot;
pub mod bus;
pub mod channel;
pub mod clock;
pub mod store;
pub mod topics;

pub mod bot_runner;
pub mod directory;
pub mod feed;
pub mod outbox;

pub mod framework;
#[cfg(feature = "hook")]
pub mod hook;
pub mod webhook;

pub mod memory;

pub mod faults;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use relevo_domain as domain;
