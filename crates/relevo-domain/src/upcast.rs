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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// One line per stored shape that ever left a release. Lines are added, never changed.
    const GOLDEN: &str = include_str!("upcast/golden.jsonl");

    #[test]
    fn every_stored_shape_is_still_read_and_written_the_same() {
        for line in GOLDEN.lines() {
            let event = load(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(store(&event), line);
        }
    }

    #[test]
    fn every_fact_has_a_golden_shape() {
        let source = include_str!("event.rs");
        let names: BTreeSet<&str> =
            source.split("=> \"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name).collect();
        let golden: BTreeSet<&str> = GOLDEN.lines().map(|line| load(line).expect("read above").name()).collect();
        assert!(names.len() > 20, "the list of names has moved: {names:?}");
        assert_eq!(names, golden);
    }

    #[test]
    fn a_fact_from_a_newer_program_is_refused_by_its_version() {
        let error = load(r#"{"v":2,"type":"teleported"}"#).unwrap_err();
        assert!(error.to_string().contains("format 2"), "{error}");
    }
}
