//! An agent's question about a conversation and what the team knows, answered with citations or not at all.

mod offline;
mod parse;

use relevo::store::MakeFailure;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::copilot::{Asked, Call, Copilot, Draft, Input, MakeError, Outcome, Progress, SourceRef};
use crate::envelope;
use crate::redact::Masks;
use crate::reply::{self, Citable};
use crate::transcript::{Notes, Who};

/// The longest question, in characters.
pub const LONGEST: usize = 1_000;
/// How many earlier questions are told.
pub(crate) const THREAD: usize = 3;

/// What was found out.
#[derive(Default)]
pub(crate) struct Answer {
    text: String,
    sources: Vec<SourceRef>,
    dropped: usize,
    /// Whether it rests on something that customers may not read.
    internal: bool,
}

/// Answers.
pub(crate) async fn make(
    copilot: &Copilot,
    input: &Input,
    question: &str,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Draft, MakeError> {
    progress.step("searching");
    let citable = citable(copilot, input, question).await;
    let (reason, spent) = match copilot.call(call(copilot, input, question, &citable), input, progress, cancel).await? {
        Some(Outcome::Answered { text, model, version, usage }) => {
            progress.step("checking");
            let still = reply::standing(copilot, &citable).await;
            let answer = parse::parse(&text, input, question, &still);
            if !answer.text.is_empty() {
                // What it had read it may tell in other words, whatever it cites.
                let answer = Answer { internal: reads_internal(copilot, input, &citable), ..answer };
                let tokens = Some(usage);
                let made = draft(input, question, answer);
                return Ok(Draft { model, offline: false, prompt_version: version, tokens, ..made });
            }
            (Some(MakeFailure::NothingUsable), Some(usage))
        }
        Some(Outcome::Failed { reason, usage }) => {
            tracing::warn!(task = "ask", %reason, "the model did not answer, the offline Copilot does");
            (Some(reason), usage)
        }
        None => (None, None),
    };
    progress.restart();
    let answer = offline::answer(copilot, input, question, &citable);
    progress.text(&answer.text);
    Ok(Draft { fallback: reason, tokens: spent, ..draft(input, question, answer) })
}

/// Whether a request holds something that customers may not read.
fn reads_internal(copilot: &Copilot, input: &Input, citable: &[Citable]) -> bool {
    let notes = || copilot.settings.notes == Notes::Included && input.lines.iter().any(|line| line.who == Who::Note);
    citable.iter().any(|source| source.internal) || told(input).iter().any(|earlier| earlier.internal) || notes()
}

/// The earlier questions that are told.
fn told(input: &Input) -> &[Asked] {
    &input.thread[input.thread.len().saturating_sub(THREAD)..]
}

/// The question to the model.
pub(crate) fn call(copilot: &Copilot, input: &Input, question: &str, citable: &[Citable]) -> Call {
    let mut masks = Masks::default();
    let rows: Vec<Value> = citable
        .iter()
        .map(|source| {
            let text = copilot.mask(input, &mut masks, &source.text);
            json!({"source": source.reference.n, "title": source.reference.title, "text": text})
        })
        .collect();
    let before: Vec<Value> = told(input)
        .iter()
        .map(|earlier| {
            let question = copilot.mask(input, &mut masks, &earlier.question);
            json!({"question": question, "answer": copilot.mask(input, &mut masks, &earlier.answer)})
        })
        .collect();
    let wrapped = |kind: &str, rows: &[Value]| (!rows.is_empty()).then(|| envelope::wrap(&input.nonce, kind, rows));
    let context = json!({
        "language": input.agent_language.english_name(),
        "question": envelope::row(&copilot.mask(input, &mut masks, question)),
        "sources": wrapped("sources", &rows),
        "thread": wrapped("earlier questions", &before),
    });
    Call {
        task: "ask",
        language: input.agent_language,
        context,
        notes: copilot.settings.notes,
        after: 0,
        masks,
        given: citable.iter().map(|source| source.text.clone()).chain([question.to_owned()]).collect(),
        stop_showing_at: None,
    }
}

/// The passages that may be cited, numbered.
pub(crate) async fn citable(copilot: &Copilot, input: &Input, question: &str) -> Vec<Citable> {
    reply::passages(copilot, input, question).await
}

fn draft(input: &Input, question: &str, answer: Answer) -> Draft {
    let grounded = !answer.sources.is_empty();
    Draft {
        body: json!({"question": question, "text": answer.text, "grounded": grounded, "dropped": answer.dropped,
            "internal": answer.internal}),
        sources: answer.sources,
        covers: input.covers(),
        model: "offline".into(),
        offline: true,
        prompt_version: String::new(),
        tokens: None,
        language: input.agent_language,
        fallback: None,
    }
}

#[cfg(test)]
mod tests;
