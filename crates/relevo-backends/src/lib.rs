//! The stores of Relevo's port (`relevo::store`) that outlive a process, and the bus that reaches further.
//!
//! - [`sqlite`]: one file, one server, nothing to install. The default.
//! - [`postgres`]: one database that several servers share.
//! - [`nats`]: the bus between servers.
//! - [`import`]: from one file to that database.
//! - [`look`]: what they hold, without opening them.
//! - [`files`]: the files of messages, in a folder.
//!
//! Each keeps the same contract (`relevo::testing::contract`), which `tests/contract.rs` runs on all of them.

mod batch;
mod counts;
pub mod files;
pub mod import;
pub mod look;
pub mod nats;
pub mod postgres;
mod search;
pub mod sqlite;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
