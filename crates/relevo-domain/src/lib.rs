//! The pure heart of Relevo: what a conversation is, who controls it, and what each command does to it.
//!
//! Nothing here waits, reads a clock, rolls a die or touches a disk. A command and the present state go into
//! [`decide::decide`], facts come out, [`conversation::Conversation::evolve`] folds them into the next state.
//! Reading order: [`event`] (what can be true), [`control`] (who may speak), [`conversation`] (the folded state),
//! [`decide`] (the rules), [`timeline`] (who sees what).
//!
//! ```
//! use relevo_domain::testing::{self, agent, bot_inbox, say};
//! use relevo_domain::{control::Holder, decide::decide, command::Command};
//!
//! // A visitor writes, a bot holds the conversation, an agent takes over: the epoch grows and the bot is out.
//! let mut desk = testing::Desk::start(bot_inbox());
//! desk.run(say("hola")).unwrap();
//! let before = desk.state().control.epoch;
//! desk.run(Command::TakeOver { agent: agent(1) }).unwrap();
//! assert_eq!(desk.state().control.holder, Holder::Human { agent: agent(1).id });
//! assert!(desk.state().control.epoch > before);
//! ```

pub mod id;
pub mod time;

pub mod message;

pub mod control;
pub mod event;
pub mod upcast;

pub mod conversation;
pub mod window;

pub mod command;
pub mod decide;

pub mod card;
pub mod timeline;

pub mod template;

pub mod shortcut;

pub mod macros;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
