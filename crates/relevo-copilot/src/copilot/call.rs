//! A call to the model as every task makes it: mask, pack, render, wait for its turn, stream, clean, restore.

use std::collections::HashMap;
use std::sync::Arc;

use relevo::store::MakeFailure;
use relevo_llm::{ChatModel, Error, Finish, Reason, Request, Usage};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::screen::Screen;
use super::{Copilot, Input, MakeError, Masking, Progress};
use crate::checks::{Known, Secrets};
use crate::envelope;
use crate::redact::{Masks, PLACEHOLDER, Restoring};
use crate::text::Language;
use crate::transcript::{Line, Notes, Who, pack};

/// A task's question to the model.
pub(crate) struct Call {
    /// The task's prompt.
    pub(crate) task: &'static str,
    /// The language that is written in: it may have a prompt of its own.
    pub(crate) language: Language,
    /// What the task adds to the prompt's values, masked already.
    pub(crate) context: Value,
    /// May notes be read?
    pub(crate) notes: Notes,
    /// Only messages after this one; 0 for all, [`NO_MESSAGE`] for none.
    pub(crate) after: u64,
    /// The masks of this call.
    pub(crate) masks: Masks,
    /// Texts besides the conversation whose addresses may stand in the answer.
    pub(crate) given: Vec<String>,
    /// Ends what is streamed to the screen; the rest is for the machine.
    pub(crate) stop_showing_at: Option<&'static str>,
}

/// For a task that needs no message of the conversation.
pub(crate) const NO_MESSAGE: u64 = u64::MAX;

/// What came back.
pub(crate) enum Outcome {
    /// A whole answer, personal data restored.
    Answered { text: String, model: String, version: String, usage: Usage },
    /// The model did not answer; why, and what it cost all the same.
    Failed { reason: MakeFailure, usage: Option<Usage> },
}

impl Outcome {
    fn failed(reason: MakeFailure) -> Self {
        Self::Failed { reason, usage: None }
    }
}

/// A model's failure as it is told to people.
fn failure(error: &Error) -> MakeFailure {
    if matches!(error, Error::TooLong { .. }) {
        return MakeFailure::TooLong;
    }
    match error.reason() {
        Some(Reason::Unreachable) => MakeFailure::Unreachable,
        Some(Reason::NoAnswer) => MakeFailure::NoAnswer,
        Some(Reason::BrokenOff) => MakeFailure::BrokenOff,
        Some(Reason::Resting) => MakeFailure::Resting,
        Some(Reason::Filtered) => MakeFailure::Filtered,
        Some(Reason::NotUnderstood) => MakeFailure::NotUnderstood,
        Some(Reason::Status { status, said }) => {
            let (status, said) = (*status, said.clone());
            match status {
                401 | 403 => MakeFailure::KeyRefused { status, said },
                429 => MakeFailure::TooMany { said },
                _ => MakeFailure::HttpStatus { status, said },
            }
        }
        Some(Reason::Other(_)) | None => MakeFailure::Other { text: error.to_string() },
    }
}

/// A request that is ready to be sent.
pub(crate) struct Ready {
    pub(crate) request: Request,
    pub(crate) version: String,
}

#[derive(Serialize)]
struct Row<'a> {
    n: u64,
    who: &'static str,
    text: &'a str,
}

/// A line as it would be sent, and what it costs.
struct Counted {
    row: String,
    tokens: u64,
    /// It holds a placeholder.
    masked: bool,
}

impl Copilot {
    /// The text as it may leave: with placeholders, unless the inbox masks nothing.
    pub(crate) fn mask(&self, input: &Input, masks: &mut Masks, text: &str) -> String {
        match self.settings.masking_of(input.inbox()) {
            Masking::Mask | Masking::Block => masks.hide(text),
            Masking::Off => text.to_owned(),
        }
    }

    fn counted(&self, input: &Input, masks: &mut Masks, line: &Line) -> Counted {
        let text = self.mask(input, masks, &line.text);
        let row = envelope::row(&Row { n: line.seq, who: speaker(line.who), text: &text });
        // One more for the line's end.
        Counted { tokens: self.counter.count(&row) + 1, masked: PLACEHOLDER.is_match(&text), row }
    }

    /// Asks the model; `None` when there is none. Whatever it takes, it ends within the deadline.
    pub(crate) async fn call(
        &self,
        call: Call,
        input: &Input,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Option<Outcome>, MakeError> {
        let Some(model) = &self.model else { return Ok(None) };
        if let Some(reason) = &input.no_model {
            return Ok(Some(Outcome::failed(reason.clone())));
        }
        let limit = cancel.child_token();
        let mut asked = std::pin::pin!(self.ask(model, call, input, progress, &limit));
        let within = self.settings.deadline;
        let ended = tokio::select! {
            biased;
            ended = &mut asked => ended,
            () = tokio::time::sleep(within) => {
                limit.cancel();
                asked.await
            }
        };
        match ended {
            Err(MakeError::Cancelled { usage, .. }) if !cancel.is_cancelled() => {
                let reason = MakeFailure::TooSlow { seconds: within.as_secs() };
                Ok(Some(Outcome::Failed { reason, usage }))
            }
            ended => ended.map(Some),
        }
    }

    async fn ask(
        &self,
        model: &Arc<dyn ChatModel>,
        mut call: Call,
        input: &Input,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Outcome, MakeError> {
        let gate = self.gate(&input.team);
        let Some(turn) = cancel.run_until_cancelled(gate.acquire()).await else {
            return Err(MakeError::Cancelled { usage: None, internal: false });
        };
        let _turn = turn.expect("a team's gate is never closed");
        let mut budget = self.settings.max_prompt_tokens;
        // A model whose context is smaller than configured gets half, once.
        for _ in 0..2 {
            let ready = match self.ready(&mut call, input, budget) {
                Ok(ready) => ready,
                Err(reason) => return Ok(Outcome::failed(reason)),
            };
            progress.step("writing");
            match model.stream(&ready.request, cancel).await {
                Ok(answer) => return read(answer, &call, ready, input, progress).await,
                Err(Error::Cancelled) => {
                    // It was read already, whoever stopped it.
                    let prompt = self.counter.count_request(&ready.request);
                    let usage = Some(Usage { prompt, completion: 0, estimated: true });
                    return Err(MakeError::Cancelled { usage, internal: false });
                }
                Err(Error::TooLong { .. }) => budget /= 2,
                Err(error) => return Ok(Outcome::failed(failure(&error))),
            }
        }
        Ok(Outcome::failed(MakeFailure::TooLong))
    }

    /// What would be sent for a call.
    pub(crate) fn ready(&self, call: &mut Call, input: &Input, budget: u64) -> Result<Ready, MakeFailure> {
        let prompts = self.prompts();
        // The frame without the conversation says how much room is left for it.
        let frame = render(&prompts, call, input, &[], input.lines.len())?;
        let mut room = budget.saturating_sub(self.counter.count_request(&frame.request));
        let lines: Vec<&Line> =
            input.lines.iter().filter(|line| line.seq > call.after && line.who != Who::System).collect();
        let before = call.masks.clone();
        let (rows, left_out) = loop {
            // Only what may fit is masked and counted, the newest first.
            let mut tried = before.clone();
            let mut counted: HashMap<u64, Counted> = HashMap::new();
            let cost =
                |line: &Line| counted.entry(line.seq).or_insert_with(|| self.counted(input, &mut tried, line)).tokens;
            let packed = pack(&lines, call.notes, room, cost);
            call.masks = before.clone();
            let rows: Vec<Counted> = packed
                .lines
                .iter()
                .map(|line| match counted.remove(&line.seq) {
                    Some(counted) if !counted.masked => counted,
                    // Placeholders are numbered in the order in which they are read.
                    _ => self.counted(input, &mut call.masks, line),
                })
                .collect();
            let over = rows.iter().map(|row| row.tokens).sum::<u64>().saturating_sub(room);
            // Their numbers may have made it a little longer.
            if over == 0 || rows.len() < 2 {
                break (rows, packed.left_out);
            }
            room = room.saturating_sub(over);
        };
        let ready = render(&prompts, call, input, &rows, left_out)?;
        if self.settings.masking_of(input.inbox()) == Masking::Block && !call.masks.is_empty() {
            return Err(MakeFailure::PersonalData);
        }
        if rows.is_empty() && self.counter.count_request(&ready.request) > budget {
            return Err(MakeFailure::TooLong);
        }
        Ok(ready)
    }
}

fn render(
    prompts: &crate::prompt::Prompts,
    call: &Call,
    input: &Input,
    rows: &[Counted],
    left_out: usize,
) -> Result<Ready, MakeFailure> {
    let rows = rows.iter().map(|row| &row.row);
    let mut context = call.context.clone();
    context["conversation"] = json!(envelope::block(&input.nonce, "conversation", rows));
    context["left_out"] = if left_out > 0 { json!(left_out.to_string()) } else { Value::Null };
    let rendered = prompts.render(call.task, input.inbox(), call.language, &context);
    let rendered = rendered.map_err(|error| MakeFailure::Other { text: error.to_string() })?;
    let mut request = Request::new(call.task, rendered.system).user(rendered.user);
    request.max_tokens = rendered.hints.max_tokens;
    request.temperature = rendered.hints.temperature;
    request.model = rendered.hints.model;
    Ok(Ready { request, version: rendered.version })
}

async fn read(
    answer: relevo_llm::Answer,
    call: &Call,
    ready: Ready,
    input: &Input,
    progress: &dyn Progress,
) -> Result<Outcome, MakeError> {
    let mut restoring = Restoring::default();
    let texts = input.lines.iter().map(|line| line.text.as_str()).chain(call.given.iter().map(String::as_str));
    let secrets = Secrets::new(&ready.request.system, &input.nonce);
    let mut screen = Screen::new(call.stop_showing_at, Known::of(texts), &secrets);
    let read = answer.collect(|piece| screen.show(&restoring.push(&call.masks, piece), progress)).await;
    screen.show(&restoring.finish(&call.masks), progress);
    screen.finish(progress);
    match read {
        Ok(done) if done.finish != Finish::Length => {
            let text = secrets.kept(&call.masks.restore(&done.text));
            Ok(Outcome::Answered { text, model: done.model, version: ready.version, usage: done.usage })
        }
        Ok(done) => Ok(Outcome::Failed { reason: MakeFailure::Cut, usage: Some(done.usage) }),
        Err(broken) if broken.error == Error::Cancelled => {
            Err(MakeError::Cancelled { usage: Some(broken.usage), internal: false })
        }
        Err(broken) => Ok(Outcome::Failed { reason: failure(&broken.error), usage: Some(broken.usage) }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_s_failure_is_told_apart_for_people() {
        let status = |status| Error::permanent(Reason::Status { status, said: "no".into() });
        let said = || "no".to_owned();
        for (error, wanted) in [
            (Error::transient(Reason::Unreachable), MakeFailure::Unreachable),
            (Error::transient(Reason::NoAnswer), MakeFailure::NoAnswer),
            (Error::transient(Reason::BrokenOff), MakeFailure::BrokenOff),
            (Error::transient(Reason::Resting), MakeFailure::Resting),
            (Error::permanent(Reason::Filtered), MakeFailure::Filtered),
            (Error::permanent(Reason::NotUnderstood), MakeFailure::NotUnderstood),
            (status(401), MakeFailure::KeyRefused { status: 401, said: said() }),
            (status(403), MakeFailure::KeyRefused { status: 403, said: said() }),
            (status(429), MakeFailure::TooMany { said: said() }),
            (status(404), MakeFailure::HttpStatus { status: 404, said: said() }),
            (Error::TooLong { reason: Reason::Status { status: 413, said: said() } }, MakeFailure::TooLong),
        ] {
            assert_eq!(failure(&error), wanted);
        }
        let other = failure(&Error::permanent("no such header"));
        assert!(matches!(&other, MakeFailure::Other { text } if text.ends_with("no such header")), "{other:?}");
    }
}
