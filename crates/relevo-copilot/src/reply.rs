//! Suggested replies: drafts for the agent with numbered sources, never sent by themselves.

pub(crate) mod offline;
mod parse;
pub(crate) mod personal;

use std::collections::BTreeSet;

use relevo::store::MakeFailure;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::copilot::{Call, Copilot, Draft, Input, MakeError, Outcome, Progress, SourceRef};
use crate::envelope;
use crate::extractive::replies::Suggestion as Earlier;
use crate::knowledge::{Audience, Cited, Filter, Found, Passage};
use crate::redact::Masks;
use crate::transcript::{Notes, Who};

/// The most drafts.
pub const MOST: usize = 3;
/// The most sources that a model is given.
const SOURCES: usize = 6;
/// The most customer messages that the search looks for.
const ASKED: usize = 3;

/// One draft.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The text, ready to be edited.
    pub text: String,
    /// Its sources' numbers.
    pub sources: Vec<usize>,
    /// Whether a source stands behind it.
    pub grounded: bool,
    /// Whether it may rest on something for the team only: one of its sources is, or whoever wrote it had read such a
    /// text, whatever it cites. Inserting it warns first.
    pub internal: bool,
}

/// A source that may be cited, as it was when the task began.
#[derive(Debug, Clone)]
pub(crate) struct Citable {
    pub(crate) reference: SourceRef,
    pub(crate) internal: bool,
    pub(crate) text: String,
    passage: Option<Passage>,
}

/// Makes suggestions.
pub(crate) async fn make(
    copilot: &Copilot,
    input: &Input,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Draft, MakeError> {
    progress.step("searching");
    let citable = citable(copilot, input).await;
    let internal = citable.iter().any(|source| source.internal);
    let (mut fallback, mut spent) = (None, None);
    // Without any source there is nothing to base an answer on, and a call would only invent one.
    if let Some(call) = call(copilot, input, &citable) {
        let answer = copilot.call(call, input, progress, cancel).await;
        match answer.map_err(|stopped| stopped.having_read(internal))? {
            Some(Outcome::Answered { text, model, version, usage }) => {
                progress.step("checking");
                let still = standing(copilot, &citable).await;
                let (suggestions, dropped) = parse::parse(&text, input, &still, internal);
                spent = Some(usage);
                if !suggestions.is_empty() {
                    let mut draft = draft(input, &suggestions, &still);
                    draft.body["dropped"] = json!(dropped);
                    (draft.model, draft.offline, draft.prompt_version, draft.tokens) = (model, false, version, spent);
                    return Ok(draft);
                }
                fallback = Some(MakeFailure::NothingUsable);
            }
            Some(Outcome::Failed { reason, usage }) => {
                tracing::warn!(task = "reply", %reason, "the model did not answer, the offline Copilot does");
                (fallback, spent) = (Some(reason), usage);
            }
            None => {}
        }
    }
    progress.restart();
    progress.step("searching");
    let (suggestions, citable) = offline::suggest(copilot, input).await;
    for suggestion in &suggestions {
        progress.text(&suggestion.text);
        progress.text("\n");
    }
    let mut draft = draft(input, &suggestions, &citable);
    (draft.fallback, draft.tokens) = (fallback, spent);
    Ok(draft)
}

/// The question to the model; none without a source.
pub(crate) fn call(copilot: &Copilot, input: &Input, citable: &[Citable]) -> Option<Call> {
    if citable.is_empty() {
        return None;
    }
    let mut masks = Masks::default();
    let context = context(copilot, input, citable, &mut masks);
    let given = citable.iter().map(|source| source.text.clone()).collect();
    let language = input.customer_language;
    let notes = Notes::Excluded;
    Some(Call { task: "reply", language, context, notes, after: 0, masks, given, stop_showing_at: None })
}

fn draft(input: &Input, suggestions: &[Suggestion], citable: &[Citable]) -> Draft {
    let cited = |n: usize| suggestions.iter().any(|suggestion| suggestion.sources.contains(&n));
    let sources =
        citable.iter().filter(|source| cited(source.reference.n)).map(|source| source.reference.clone()).collect();
    Draft {
        body: json!({"suggestions": suggestions}),
        sources,
        covers: input.covers(),
        model: "offline".into(),
        offline: true,
        prompt_version: String::new(),
        tokens: None,
        language: input.customer_language,
        fallback: None,
    }
}

/// What the customer asks, for the search: what they wrote last, twice where nobody has answered it yet, so that it
/// weighs more than what was talked about before.
pub(crate) fn question(input: &Input) -> String {
    let spoken = || input.lines.iter().rev().filter(|line| line.who != Who::Note);
    let unanswered = spoken().skip_while(|line| line.who != Who::Visitor).take_while(|line| line.who == Who::Visitor);
    let asked = spoken().filter(|line| line.who == Who::Visitor).take(ASKED);
    let mut said: Vec<&str> = unanswered.take(ASKED).chain(asked).map(|line| line.text.as_str()).collect();
    said.reverse();
    said.join(" ")
}

/// Passages that the agent may see. An index that cannot answer finds nothing: the task goes on without it.
pub(crate) async fn found(copilot: &Copilot, question: &str, filter: &Filter, limit: usize) -> Vec<Found> {
    copilot.knowledge().search(question, filter, limit).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing can be looked up");
        Vec::new()
    })
}

/// The passages that may be cited for a question.
pub(crate) async fn passages(copilot: &Copilot, input: &Input, question: &str) -> Vec<Citable> {
    let found = found(copilot, question, &input.filter(), SOURCES).await.into_iter().filter(offline::fits);
    let read = found.filter_map(|found| {
        let text = input.reading(&found.passage)?.to_owned();
        Some((found.passage, text))
    });
    (1..)
        .zip(read)
        .map(|(n, (passage, text))| Citable {
            reference: SourceRef::passage(n, &passage),
            internal: passage.audience == Audience::Internal,
            text,
            passage: Some(passage),
        })
        .collect()
}

/// The sources that may be cited: passages that the agent may see, and earlier answers.
pub(crate) async fn citable(copilot: &Copilot, input: &Input) -> Vec<Citable> {
    let mut citable = passages(copilot, input, &question(input)).await;
    let earlier = copilot.replies(|replies| replies.suggest(&input.lines, 2, |of| input.cites(of)));
    let next = citable.len() + 1;
    let sure = earlier.into_iter().filter(Earlier::is_sure);
    citable.extend((next..).zip(sure).map(|(n, earlier)| Citable {
        reference: SourceRef::conversation(n, &earlier.conversation, earlier.seq),
        internal: false,
        text: earlier.text,
        passage: None,
    }));
    citable
}

/// The sources that still stand: an article may have been unpublished while the model was writing. What an index that
/// cannot answer gave is not cited: nobody knows whether it still stands.
pub(crate) async fn standing(copilot: &Copilot, citable: &[Citable]) -> Vec<Citable> {
    let named = |passage: &Passage| Cited { document: passage.document.clone(), version: passage.version.clone() };
    let cited: Vec<Cited> = citable.iter().filter_map(|source| source.passage.as_ref()).map(named).collect();
    let standing = copilot.knowledge().standing(&cited).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no article is cited");
        BTreeSet::new()
    });
    let stands = |source: &&Citable| source.passage.as_ref().is_none_or(|passage| standing.contains(&named(passage)));
    citable.iter().filter(stands).cloned().collect()
}

fn context(copilot: &Copilot, input: &Input, citable: &[Citable], masks: &mut Masks) -> serde_json::Value {
    let rows: Vec<_> = citable
        .iter()
        .map(|source| json!({"source": source.reference.n, "title": source.reference.title, "text": copilot.mask(input, masks, &source.text)}))
        .collect();
    json!({
        "language": input.customer_language.english_name(),
        "sources": envelope::wrap(&input.nonce, "sources", &rows),
    })
}

#[cfg(test)]
mod tests;
