//! The framework: plug in a bot, and people can take its conversations over.

pub mod clock;

pub mod store;
