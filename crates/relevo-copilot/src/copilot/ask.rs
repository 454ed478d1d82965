//! A call to the model as every task makes it: mask, pack, render, stream, restore.

use relevo_llm::{Error, Finish, Request, Usage};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Copilot, Input, MakeError, Masking, Progress};
use crate::envelope;
use crate::redact::{Masks, Restoring};
use crate::transcript::{Line, Notes, Packed, Who, pack};

/// A task's question to the model.
pub(crate) struct Ask<'a> {
    /// The task's prompt.
    pub(crate) task: &'static str,
    /// What the task adds to the prompt's values, masked already.
    pub(crate) context: Value,
    /// May notes be read?
    pub(crate) notes: Notes,
    /// Only messages after this one; 0 for all.
    pub(crate) after: u64,
    /// The masks of this call.
    pub(crate) masks: Masks,
    /// Ends what is streamed to the screen; the rest is for the machine.
    pub(crate) stop_showing_at: Option<&'a str>,
}

/// What came back.
pub(crate) enum Asked {
    /// A whole answer, personal data restored.
    Answered { text: String, model: String, version: String, usage: Usage },
    /// The model did not answer; why.
    Failed(String),
}

#[derive(Serialize)]
struct Row<'a> {
    n: u64,
    who: &'static str,
    text: &'a str,
}

impl<'a> Row<'a> {
    fn of(line: &'a Line) -> Self {
        Self { n: line.seq, who: speaker(line.who), text: &line.text }
    }
}

impl Copilot {
    pub(crate) fn mask(&self, masks: &mut Masks, text: &str) -> String {
        match self.settings.masking {
            Masking::On => masks.hide(text),
            Masking::Off => text.to_owned(),
        }
    }

    /// Asks the model; `None` when there is none.
    pub(crate) async fn ask(
        &self,
        mut ask: Ask<'_>,
        input: &Input,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Option<Asked>, MakeError> {
        let Some(model) = &self.model else { return Ok(None) };
        let mut budget = self.settings.max_prompt_tokens;
        // A model whose context is smaller than configured gets half, once.
        for _ in 0..2 {
            let (request, version) = match self.request(&mut ask, input, budget) {
                Ok(rendered) => rendered,
                Err(error) => return Ok(Some(Asked::Failed(error))),
            };
            progress.step("writing");
            match model.stream(&request, cancel).await {
                Ok(answer) => return read(answer, &ask, version, progress).await.map(Some),
                Err(Error::Cancelled) => return Err(MakeError::Cancelled { usage: None }),
                Err(Error::TooLong { .. }) => budget /= 2,
                Err(error) => return Ok(Some(Asked::Failed(error.to_string()))),
            }
        }
        Ok(Some(Asked::Failed("the conversation does not fit into the model's context".into())))
    }

    fn request(&self, ask: &mut Ask<'_>, input: &Input, budget: u64) -> Result<(Request, String), String> {
        let prompts = self.prompts();
        // The frame without the conversation says how much room is left for it.
        let frame = render(&prompts, ask, input, &Packed { lines: Vec::new(), left_out: input.lines.len() })?;
        let room = budget.saturating_sub(self.counter.count_request(&frame.0));
        let lines: Vec<Line> = input
            .lines
            .iter()
            .filter(|line| line.seq > ask.after && line.who != Who::System)
            .map(|line| Line { text: self.mask(&mut ask.masks, &line.text), ..line.clone() })
            .collect();
        let cost = |line: &Line| self.counter.count(&envelope::row(&Row::of(line))) + 1;
        let packed = pack(&lines, ask.notes, room, cost);
        render(&prompts, ask, input, &packed)
    }
}

fn render(
    prompts: &crate::prompt::Prompts,
    ask: &Ask<'_>,
    input: &Input,
    packed: &Packed<'_>,
) -> Result<(Request, String), String> {
    let rows: Vec<Row<'_>> = packed.lines.iter().map(|line| Row::of(line)).collect();
    let mut context = ask.context.clone();
    context["conversation"] = json!(envelope::wrap(&input.nonce, "conversation", &rows));
    context["left_out"] = if packed.left_out > 0 { json!(packed.left_out.to_string()) } else { Value::Null };
    let rendered = prompts.render(ask.task, &context).map_err(|error| error.to_string())?;
    let mut request = Request::new(ask.task, rendered.system).user(rendered.user);
    request.max_tokens = rendered.hints.max_tokens;
    request.temperature = rendered.hints.temperature;
    Ok((request, rendered.version))
}

async fn read(
    answer: relevo_llm::Answer,
    ask: &Ask<'_>,
    version: String,
    progress: &dyn Progress,
) -> Result<Asked, MakeError> {
    let mut restoring = Restoring::default();
    let mut screen = Screen { stop: ask.stop_showing_at, held: String::new(), stopped: false };
    let read = answer.collect(|piece| screen.show(&restoring.push(&ask.masks, piece), progress)).await;
    screen.show(&restoring.finish(&ask.masks), progress);
    screen.finish(progress);
    match read {
        Ok(done) if done.finish != Finish::Length => {
            let text = ask.masks.restore(&done.text);
            Ok(Asked::Answered { text, model: done.model, version, usage: done.usage })
        }
        Ok(_) => Ok(Asked::Failed("the answer was cut by its token limit".into())),
        Err(broken) if broken.error == Error::Cancelled => Err(MakeError::Cancelled { usage: Some(broken.usage) }),
        Err(broken) => Ok(Asked::Failed(broken.error.to_string())),
    }
}

fn speaker(who: Who) -> &'static str {
    match who {
        Who::Visitor => "customer",
        Who::Bot => "bot",
        Who::Agent | Who::External => "agent",
        Who::Note => "internal note",
        Who::System => "system",
    }
}

/// Passes text on until the mark, which may arrive in pieces.
struct Screen<'a> {
    stop: Option<&'a str>,
    held: String,
    stopped: bool,
}

impl Screen<'_> {
    fn show(&mut self, piece: &str, progress: &dyn Progress) {
        if self.stopped || piece.is_empty() {
            return;
        }
        let Some(stop) = self.stop else { return progress.text(piece) };
        self.held.push_str(piece);
        if let Some(at) = self.held.find(stop) {
            self.stopped = true;
            self.held.truncate(at);
            return;
        }
        // What could still become the mark waits for the next piece.
        let keep =
            (1..stop.len()).rev().find(|n| stop.is_char_boundary(*n) && self.held.ends_with(&stop[..*n])).unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        let ready = std::mem::replace(&mut self.held, rest);
        if !ready.is_empty() {
            progress.text(&ready);
        }
    }

    fn finish(&mut self, progress: &dyn Progress) {
        let rest = std::mem::take(&mut self.held);
        if !rest.is_empty() {
            progress.text(&rest);
        }
    }
}
