//! Whole stories over the real surfaces: see `story/`, which Node runs in a real browser, `faults/`, the fault bars, and
//! `bench/`, which measures.
//! Here: what they share (the program as a process of its own, and people who use it), and what holds for the workspace
//! as a whole.

pub mod deployment;
pub mod people;

#[cfg(test)]
mod documents;
