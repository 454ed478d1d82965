//! The offline model: extraction and retrieval, no network, no key.
//!
//! It copies what was really said and never composes new facts, so a number that the customer did not
//! write cannot appear. Whatever it makes is labelled `offline`.

pub mod clauses;
pub mod entities;
pub mod facts;
pub mod labels;
pub mod replies;
