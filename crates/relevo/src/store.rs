//! The store port: the log, and what is kept beside it.
//!
//! # How to write one
//! Implement the six small traits for one type; [`Store`] then comes by itself. Run `relevo::testing::contract` (feature
//! `testing`) on it: what that suite does not ask, no caller relies on. Three things carry the promises:
//! 1. [`Log::append`] is one transaction (facts, state, dedupe keys, jobs, thread) and returns only once it would
//!    survive the loss of power.
//! 2. It refuses an append whose `expected` is not the conversation's last sequence number.
//! 3. Positions become visible in order: whoever has seen position `n` will never later find a new fact before it.

mod accounts;
mod artifacts;
mod cards;
mod contacts;
mod jobs;
mod log;
mod words;

pub use accounts::{Accounts, Agent, Draft, DraftMode, Presence, Session};
pub use artifacts::{Artifact, ArtifactKind, ArtifactStatus, Artifacts, Cost, Covers, MakeFailure, Tokens};
pub use cards::{Cards, Counts, Groups, LABELS, LOOKED_AT, Labelled, Page, Query, Row, Sort};
pub use contacts::{Contact, ContactEdit, Contacts, Visitor};
pub use jobs::{Job, JobKind, Jobs, Lane, NewJob};
pub use log::{Append, AppendError, DedupeKey, Log, Logged, Position, ThreadClaim};
pub use words::{contact_words, fold, query_words, said, words};

/// All of it. Implemented for whatever implements the parts.
pub trait Store: Log + Jobs + Cards + Contacts + Artifacts + Accounts {}

impl<T: Log + Jobs + Cards + Contacts + Artifacts + Accounts> Store for T {}

/// Something went wrong in a store. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Trying again may help: the disk is full, the database is away. HTTP answers 503.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Damaged(String),
}
