//! For tests of what is built on Relevo, and of what it is built on (feature `testing`).

pub mod contract;
pub mod corpus;
mod dice;
