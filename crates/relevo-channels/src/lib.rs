//! Channels with a provider: whatever is between the visitor and Relevo. The web has none: there visitors read the log
//! (`relevo::channel::TheLog`).

pub mod api;
