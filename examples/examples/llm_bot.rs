//! A bot whose words a language model writes, streamed while the visitor watches. The model asks for a person itself.
//!
//! Without a key a scripted model answers, so that it runs anywhere:
//!
//! ```text
//! cargo run -p relevo-examples --example llm_bot
//! LLM_URL=https://llm.example.com/v1 LLM_KEY=… LLM_MODEL=… cargo run -p relevo-examples --example llm_bot
//! ```

use relevo::bot::{Bot, BotError, Handoff, LiveTurn, bot_fn};
use relevo::domain::message::Actor;
use relevo_llm::openai::{Endpoint, Key, OpenAi};
use relevo_llm::scripted::Scripted;
use relevo_llm::{ChatModel, Piece, Request};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const INSTRUCTIONS: &str = "You answer the customers of a small shop, briefly and in their language. Where they want a \
    person, are angry, or you do not know, answer only `HANDOFF:` and the reason.";
/// How the model asks for a person.
const HANDOFF: &str = "HANDOFF:";

fn llm_bot(model: Arc<dyn ChatModel>) -> Arc<dyn Bot> {
    bot_fn(move |turn| answer(Arc::clone(&model), turn))
}

async fn answer(model: Arc<dyn ChatModel>, turn: LiveTurn) -> Result<(), BotError> {
    let mut request = Request::new("bot", INSTRUCTIONS).max_tokens(400);
    for line in turn.transcript() {
        request = match line.who {
            Actor::Visitor => request.user(&line.text),
            _ => request.assistant(&line.text),
        };
    }
    let cancel = CancellationToken::new();
    // An error here hands over to people, with its text as the reason.
    let failed = |error: relevo_llm::Error| BotError::Failed(error.to_string());
    let mut answer = model.stream(&request.user(turn.text()), &cancel).await.map_err(failed)?;
    let (mut reply, mut text, mut shown) = (turn.stream(), String::new(), 0);
    while let Some(piece) = answer.next().await {
        let Piece::Text(piece) = piece.map_err(failed)? else { continue };
        text.push_str(&piece);
        // Nothing is shown that may still become the marker. After a take-over `push` ends the turn.
        if !HANDOFF.starts_with(&text) && !text.starts_with(HANDOFF) {
            reply.push(&text[shown..])?;
            shown = text.len();
        }
    }
    if let Some(reason) = text.strip_prefix(HANDOFF) {
        return turn.handoff(Handoff::because(reason.trim())).await;
    }
    reply.push(&text[shown..])?;
    reply.finish(Vec::new()).await
}

/// The model that the environment names, else a script.
fn model() -> anyhow::Result<Arc<dyn ChatModel>> {
    let Ok(url) = std::env::var("LLM_URL") else {
        let hello = ["Hi! ", "I am a script ", "in a model's place. ", "Write again and I get a person."];
        let script = Scripted::saying(hello).then_saying(["HANDOFF: the script has no more lines"]);
        return Ok(Arc::new(script.paced(Duration::from_millis(150))));
    };
    let (key, name) = (std::env::var("LLM_KEY").unwrap_or_default(), std::env::var("LLM_MODEL")?);
    Ok(Arc::new(OpenAi::new(Endpoint::new(url, Key::new(key), name))?))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    relevo_server::Relevo::embedded().bot("llm", llm_bot(model()?)).serve().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::framework::Framework;

    // covers: B01
    #[tokio::test]
    async fn the_models_words_are_said_and_its_wish_for_a_person_is_no_text_but_a_handover() {
        let model = Arc::new(Scripted::saying(["Wir öffnen ", "um 9."]).then_saying(["HAND", "OFF: wants a refund"]));
        let bot = llm_bot(model.clone());
        let running = Framework::in_memory().inbox_with_bot("shop", "llm", bot).start().await.unwrap();
        let visitor = running.visitor("shop").await.unwrap();
        visitor.write("When do you open?").await.unwrap();
        assert_eq!(visitor.next_reply().await.unwrap(), "Wir öffnen um 9.");
        let done = visitor.write("I want my money back").await.unwrap();
        let mut changes = running.feed().subscribe();
        let id = done.state.id;
        let handed_over = loop {
            let state = running.desk().store().load(id).await.unwrap().unwrap();
            if state.control.bot().is_none() {
                break state;
            }
            changes.recv().await.unwrap();
        };
        assert!(handed_over.control.agent().is_none(), "it waits for people");
        let asked = model.requests();
        assert_eq!(asked[1].turns.len(), 3, "what was said before, and the question");
        let facts = running.desk().store().read(id, 0, 100).await.unwrap();
        assert!(!format!("{facts:?}").contains("HANDOFF"), "{facts:?}");
        running.stop().await;
    }
}
