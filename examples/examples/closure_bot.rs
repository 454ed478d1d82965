//! A bot in a closure, with a human behind it.
//!
//! ```text
//! visitor  hello
//! bot      You said: hello
//! visitor  refund
//! ·        the bot asks for a person: wants a refund
//! ```
//!
//! `cargo run -p relevo-examples --example closure_bot`, then open the two addresses that it prints.

use relevo::bot::{Handoff, LiveTurn, bot_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bot = bot_fn(|turn: LiveTurn| async move {
        match turn.text() {
            "refund" => turn.handoff(Handoff::because("wants a refund")).await,
            text => turn.say(format!("You said: {text}")).await,
        }
    });
    relevo_server::Relevo::embedded().bot("echo", bot).serve().await
}
