//! Old stored shapes to today's. A stored fact is a JSON object with the format's version in `v`; today's is 1 and
//! nothing older exists, so there is nothing to lift yet. A fact from a newer Relevo is refused, never guessed at.

use crate::event::Event;
use serde::{Deserialize, Serialize};

/// The version that [`store`] writes.
pub const VERSION: u32 = 1;

/// A stored fact could not be read.
#[derive(Debug, thiserror::Error)]
pub enum UpcastError {
    /// Written by a newer Relevo.
    #[error("a stored fact has format {0}, this program reads up to {VERSION}: start the newer Relevo that wrote it")]
    Newer(u32),
    /// Not a fact at all.
    #[error("a stored fact is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Writing<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// A fact as it is stored.
pub fn store(event: &Event) -> String {
    serde_json::to_string(&Writing { v: VERSION, event }).expect("facts are maps with text keys")
}

/// A stored fact as today's.
pub fn load(json: &str) -> Result<Event, UpcastError> {
    let Version { v } = serde_json::from_str(json)?;
    if v > VERSION {
        return Err(UpcastError::Newer(v));
    }
    Ok(serde_json::from_str(json)?)
}
