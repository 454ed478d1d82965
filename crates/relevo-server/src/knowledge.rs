//! Where the Copilot's articles come from, kept in the data folder.
//!
//! `data/knowledge/sources/ID.json` says what a source is, `data/knowledge/articles/ID.json` what was read from it last.
//! Both the server and the command line write these files, each as a whole and under a name of its own before it takes
//! its place; the running server follows the folder. So `relevo knowledge` works the same whether a server runs or not,
//! needs no token, and what was read from a page is there after a restart without asking for it again. The index is made
//! from these files and from nothing else.

mod keeper;
mod reading;
mod source;
mod web;

pub use keeper::{BUILT_IN, Keeper, Overview};
pub use reading::{LONGEST_NAME, Read, check, read};
pub use source::{Origin, Problem, Reading, Shelf, ShelfError, Source, WrittenIn};
pub use web::Web;

/// What is wrong with a question in which there is nothing to look for.
pub const NO_WORD: &str = "has no word to look for: write a question";
