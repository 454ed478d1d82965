//! The Copilot against a scripted model, seen from outside: what is sent and what is shown.

mod behaviours;
mod injection;
mod masking;

use std::sync::{Arc, Mutex};

use relevo_copilot::knowledge::article;
use relevo_copilot::transcript::{Line, Who};
use relevo_copilot::{Copilot, Draft, Input, Progress, Task};
use relevo_llm::scripted::Scripted;
use relevo_llm::tokens::Counter;
use tokio_util::sync::CancellationToken;

const NONCE: &str = "9f3c1b7a5e2d4f60";

/// Keeps what an agent would have seen while it was written.
#[derive(Default)]
struct Screen(Mutex<String>);

impl Progress for Screen {
    fn step(&self, _: &str) {}
    fn text(&self, piece: &str) {
        self.0.lock().unwrap().push_str(piece);
    }
}

/// A Copilot that knows one article, with a model that always says this, word by word.
async fn copilot(answer: &str) -> (Copilot, Arc<Scripted>) {
    let model = Arc::new(Scripted::saying(answer.split_inclusive(' ')));
    let copilot = Copilot::offline().with_model(model.clone(), Counter::upper());
    let returns = "# Devoluciones\n\nPuedes devolver un pedido en 30 días.\n";
    copilot.knowledge().sync("articles", article("devoluciones.md", returns), |_, _| ()).await.unwrap();
    (copilot, model)
}

fn input(lines: Vec<Line>) -> Input {
    let mut input = Input::new(lines);
    input.nonce = NONCE.into();
    input
}

/// Runs a task; its draft and everything that was streamed.
async fn make(copilot: &Copilot, task: &Task, input: &Input) -> (Draft, String) {
    let screen = Screen::default();
    let draft = copilot.make(task, input, &screen, &CancellationToken::new()).await.unwrap();
    (draft, screen.0.into_inner().unwrap())
}

fn said(n: u64, text: &str) -> Line {
    Line::new(n, Who::Visitor, text)
}
