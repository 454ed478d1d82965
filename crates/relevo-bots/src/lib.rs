//! Bots that live elsewhere. A bot in this process only implements `relevo::bot::Bot`.
//!
//! ```
//! use relevo::hook::Settings;
//! use relevo::webhook::Secret;
//! use relevo_bots::webhook::WebhookBot;
//!
//! let secret = Secret::from_bytes(vec![7; 32]).unwrap();
//! let local = Settings::new("http://127.0.0.1:9000/", secret.clone());
//! assert!(WebhookBot::new(local.clone()).is_err(), "a private address must be allowed on purpose");
//! assert!(WebhookBot::new(local.allow_private()).is_ok());
//! ```

pub mod webhook;
