//! The language model behind the Copilot, seen through two small ports.
//!
//! [`ChatModel`] streams text, [`Embedder`] turns text into vectors. Both are object-safe, both take a
//! cancellation token, and both fail with an [`Error`] whose variants say what the caller does next:
//! wait and try again, give up on this model, or send less.
//!
//! [`openai::OpenAi`] speaks to any OpenAI-compatible endpoint. [`chain::Chain`] asks one model after
//! the other. [`scripted::Scripted`] answers from a script and is what tests and example bots use:
//!
//! ```
//! use relevo_llm::{ChatModel, Request, scripted::Scripted};
//! use tokio_util::sync::CancellationToken;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let model = Scripted::saying(["Your parcel ", "left today."]);
//! let request = Request::new("reply", "You help a shop's agents.").user("Where is my parcel?");
//! let answer = model.stream(&request, &CancellationToken::new()).await.unwrap();
//! let done = answer.collect(|piece| print!("{piece}")).await.unwrap();
//! assert_eq!(done.text, "Your parcel left today.");
//! # });
//! ```

pub mod breaker;
pub mod chain;
mod chat;
mod embed;
mod error;
pub mod openai;
pub mod scripted;
pub mod tokens;

pub use chat::{Answer, ChatModel, Completed, Finish, Interrupted, Piece, Request, Role, Turn, Usage};
pub use embed::Embedder;
pub use error::{Error, Reason};
