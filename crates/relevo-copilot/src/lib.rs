//! The Copilot: it reads a conversation and writes for the agent. It never speaks to the customer.
//!
//! [`Copilot::make`] runs one task. With a model it renders a prompt, streams the answer and holds it
//! against what was given ([`checks`]); without one, or when the model is away, the [`extractive`]
//! model answers at once and is labelled `offline`. What comes out is a [`Draft`] that knows what it
//! covers and where its statements come from. The [`worker`] follows the log, has the brief ready at
//! a hand-over and stores every artifact beside the log.
//!
//! ```
//! use relevo_copilot::{Copilot, Input, Silent, Task};
//! use relevo_copilot::transcript::{Line, Who};
//! use tokio_util::sync::CancellationToken;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let copilot = Copilot::offline();
//! let input = Input::new(vec![
//!     Line::new(1, Who::Visitor, "Hola, mi pedido 48213 no ha llegado."),
//!     Line::new(2, Who::Bot, "¿A qué nombre está?"),
//!     Line::new(3, Who::Visitor, "Ana Pérez"),
//! ]);
//! let draft = copilot.make(&Task::Summary, &input, &Silent, &CancellationToken::new()).await.unwrap();
//! assert!(draft.offline);
//! assert_eq!(draft.body["collected"][0]["value"], "48213");
//! # });
//! ```

mod copilot;

pub mod ask;
pub mod feedback;
pub mod reply;
pub mod rewrite;
pub mod summary;
pub mod tab;
pub mod transcript;
pub mod worker;

pub mod checks;
pub mod envelope;
pub mod prompt;
pub mod redact;

pub mod extractive;
pub mod knowledge;
pub mod sparse;
pub mod text;

pub mod eval;

mod front;

pub use copilot::{
    Asked, Copilot, Draft, Earlier, Handoff, Input, MakeError, Masking, NothingSent, Preview, Price, Prices, Progress,
    Settings, Silent, SourceRef, Task,
};

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
