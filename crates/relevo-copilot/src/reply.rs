//! Suggested replies: drafts for the agent with numbered sources, never sent by themselves.

pub(crate) mod offline;
mod parse;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::copilot::{Ask, Asked, Copilot, Draft, Input, MakeError, Progress, SourceRef};
use crate::envelope;
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
    /// Whether one of its sources is for the team only: inserting it warns first.
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
    let mut fallback = None;
    // Without any source there is nothing to base an answer on, and a call would only invent one.
    if !citable.is_empty() {
        let mut masks = Masks::default();
        let context = context(copilot, input, &citable, &mut masks);
        let ask = Ask { task: "reply", context, notes: Notes::Excluded, after: 0, masks, stop_showing_at: None };
        match copilot.ask(ask, input, progress, cancel).await? {
            Some(Asked::Answered { text, model, version, usage }) => {
                progress.step("checking");
                let still = standing(copilot, &citable).await;
                let (suggestions, dropped) = parse::parse(&text, input, &still);
                if !suggestions.is_empty() {
                    let mut draft = draft(input, &suggestions, &still);
                    draft.body["dropped"] = json!(dropped);
                    (draft.model, draft.offline, draft.prompt_version, draft.tokens) =
                        (model, false, version, Some(usage));
                    return Ok(draft);
                }
                fallback = Some("the model's answer holds no usable draft".to_owned());
            }
            Some(Asked::Failed(reason)) => {
                tracing::warn!(task = "reply", reason, "the model did not answer, the offline Copilot does");
                fallback = Some(reason);
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
    draft.fallback = fallback;
    Ok(draft)
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

/// The sources that may be cited: passages that the agent may see, and earlier answers.
async fn citable(copilot: &Copilot, input: &Input) -> Vec<Citable> {
    let found = found(copilot, &question(input), &input.filter(), SOURCES).await;
    let passages = found.into_iter().filter(offline::fits).filter_map(|found| {
        let text = input.reading(&found.passage)?.to_owned();
        let passage = found.passage;
        Some((SourceRef::passage(0, &passage), passage.audience == Audience::Internal, text, Some(passage)))
    });
    let earlier = copilot.replies(|replies| replies.suggest(&input.lines, 2));
    let earlier = earlier
        .into_iter()
        .filter(|earlier| earlier.confidence >= offline::UNSURE)
        .map(|earlier| (SourceRef::conversation(0, &earlier.conversation, earlier.seq), false, earlier.text, None));
    (1..)
        .zip(passages.chain(earlier))
        .map(|(n, (reference, internal, text, passage))| Citable {
            reference: SourceRef { n, ..reference },
            internal,
            text,
            passage,
        })
        .collect()
}

/// The sources that still stand: an article may have been unpublished while the model was writing. What an index that
/// cannot answer gave is not cited: nobody knows whether it still stands.
async fn standing(copilot: &Copilot, citable: &[Citable]) -> Vec<Citable> {
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
        .map(|source| json!({"source": source.reference.n, "title": source.reference.title, "text": copilot.mask(masks, &source.text)}))
        .collect();
    json!({
        "language": input.customer_language.english_name(),
        "sources": envelope::wrap(&input.nonce, "sources", &rows),
    })
}

#[cfg(test)]
mod tests;
