//! Channels with a provider: whatever is between the visitor and Relevo. The web has none: there visitors read the log
//! (`relevo::channel::TheLog`).
//!
//! [`api`] is for a provider that you write: one signed request each way, in the shapes of `docs/channels.md`. The way
//! in is a route of the server; here a person of the provider's says something, and what a bot answers goes out:
//!
//! ```
//! use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
//! use relevo::bot::{LiveTurn, bot_fn};
//! use relevo::clock::{Clock, SystemClock};
//! use relevo::directory::{Directory, HumanPhrases, Inbox, PluggedBot};
//! use relevo::domain::{command::InboxPolicy, id::{BotId, InboxId}, window::WindowPolicy};
//! use relevo::framework::Framework;
//! use relevo::hook::{Hook, Settings};
//! use relevo::webhook::Secret;
//! use relevo_channels::api::{ApiChannel, KIND};
//! use std::{collections::BTreeMap, sync::Arc, time::Duration};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The provider. It takes nothing that is not signed with the secret both sides have.
//! let secret = Secret::from_bytes(vec![7; 32])?;
//! let (given, mut taken) = tokio::sync::mpsc::unbounded_channel();
//! let key = secret.clone();
//! let take = move |headers: HeaderMap, body: Bytes| async move {
//!     let header = |name: &str| headers[name].to_str().unwrap_or_default().to_owned();
//!     let (id, at, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
//!     key.verify(&id, &at, &signature, &body, SystemClock.now()).map_err(|_| axum::http::StatusCode::UNAUTHORIZED)?;
//!     let message: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
//!     let _ = given.send(message["message"]["text"].clone());
//!     Ok::<(), axum::http::StatusCode>(())
//! };
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}/", listener.local_addr()?);
//! tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
//!
//! // An inbox whose messages go there, and a bot that answers in it.
//! let (line, echo) = (InboxId::new("line")?, BotId::new("echo")?);
//! let mut directory = Directory::default();
//! let policy = InboxPolicy { bot: Some(echo.clone()), window: WindowPolicy::Unlimited };
//! let inbox = Inbox { name: "Line".into(), channel: KIND.into(), policy, phrases: HumanPhrases::default() };
//! directory.inboxes.insert(line.clone(), inbox);
//! let bot = bot_fn(|turn: LiveTurn| async move { turn.say(format!("You said {}", turn.text())).await });
//! directory.bots.insert(echo, PluggedBot { name: "Echo".into(), bot, deadline: Duration::from_secs(10) });
//! let hook = Hook::new(Settings::new(url, secret).allow_private())?;
//! let channel = ApiChannel::new(BTreeMap::from([(line, hook)]));
//! let relevo = Framework::in_memory().directory(directory).channel(KIND, Arc::new(channel)).start().await?;
//!
//! relevo.visitor("line").await?.write("hola").await?;
//! let taken = tokio::time::timeout(Duration::from_secs(10), taken.recv()).await?;
//! assert_eq!(taken.expect("the provider runs"), "You said hola");
//! relevo.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod api;
