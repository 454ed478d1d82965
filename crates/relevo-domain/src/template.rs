//! The gate before the template engine, and the only way to it.
//!
//! Shortcuts, macros and prompts are texts with holes, written in a small part of Handlebars. The engine itself can be
//! brought down by a template: recursion and deep nesting overflow its stack and abort the process, nested loops burn
//! memory or time, `@root`, `lookup` and `log` reach what they should not. So a template is read here first, in one
//! pass over its characters, and only what this module understands and allows ever reaches the engine; what the engine
//! then made of it is compared with the same list once more. Two types keep two trusts apart: [`Template`] (shortcuts
//! and macros, anybody in the team may write them) and [`Prompts`] (they ship with the deployment and may include each
//! other).
//!
//! A customer's words are values. They are never read as a template.
//!
//! ```
//! use relevo_domain::template::{Language, Shape, Source, Template, Vocabulary};
//!
//! let words = Vocabulary::new([("contact.name", Shape::Text)]);
//! let hello = Template::compile(&Source::new("hola.hbs", "Hola, {{contact.name}}."), &words).unwrap();
//! let draft = hello.render(&serde_json::json!({"contact": {"name": "{{Ana}}"}}), Language::Es).unwrap();
//! assert_eq!(draft.text, "Hola, {{Ana}}.");
//!
//! let wrong = Template::compile(&Source::new("hola.hbs", "Hola, {{#if contact.name}}\n"), &words).unwrap_err();
//! assert_eq!(wrong[0].to_string(), "hola.hbs:1:7: the block `{{#if}}` is never closed: add `{{/if}}` where it ends");
//! ```

mod check;
mod helpers;
mod language;
mod name;
mod nearest;
mod prompts;
mod scan;
mod source;
mod tag;
mod text;
mod vocabulary;
mod walk;
mod writer;

pub use language::Language;
pub use prompts::Prompts;
pub use source::{Source, TemplateError};
pub use text::{Draft, Template};
pub use vocabulary::{Shape, Vocabulary};

/// A template's source may have this many bytes.
pub const MAX_SOURCE: usize = 16 * 1024;
/// Blocks, `{{else if}}` links and parentheses inside each other, together.
pub const MAX_DEPTH: usize = 16;
/// `{{…}}` in one template. With [`MAX_SOURCE`] this bounds the time that the engine's own reader takes.
pub const MAX_TAGS: usize = 500;
/// `{{#each}}` inside each other: one, and one nested in it.
pub const MAX_LOOPS: usize = 2;
/// Items of a list or map that a shortcut or macro sees; the rest is left out.
pub const MAX_ITEMS: usize = 100;
/// Characters of one value that a shortcut or macro sees; no channel takes more in a message.
pub const MAX_VALUE: usize = 8_000;
/// A rendered text may have this many bytes.
pub const MAX_OUTPUT: usize = 64 * 1024;
/// Steps that a render of a shortcut or macro may take with every list at [`MAX_ITEMS`].
pub const MAX_STEPS: u64 = 50_000;
/// Steps that a render of a prompt may take with the lists it is given.
pub const MAX_PROMPT_STEPS: u64 = 500_000;
/// Prompts that include each other, one inside the other.
pub const MAX_INCLUDES: usize = 8;

pub(crate) use nearest::nearest;
pub(crate) use source::Fault;
