//! The brief at a hand-over and the summary on request: what an agent must know, and where it was said.

mod offline;
mod parse;
mod words;

use std::collections::BTreeMap;

use relevo::store::MakeFailure;
use relevo_llm::Usage;
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::copilot::{Call, Copilot, Draft, Input, MakeError, Outcome, Progress, SourceRef};
use crate::redact::Masks;
use crate::transcript::Who;

/// The most words of a summary's text.
pub const LONGEST: usize = 100;

/// The body of a brief or summary, as the wire contract shapes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The whole, as a paragraph.
    pub text: String,
    /// What the customer wants.
    pub issue: String,
    /// Values with their messages.
    pub collected: Vec<Value>,
    /// What was done or answered.
    pub tried: Option<String>,
    /// The open point and next step.
    pub next: Option<String>,
    /// Why it was handed to a person.
    pub reason: Option<String>,
    /// The customer's mood and the message that shows it; only with evidence.
    pub sentiment: Option<Value>,
    /// How many statements of the model were left out because nobody said them.
    pub dropped: usize,
    /// A first reply.
    pub suggested_reply: Option<String>,
}

/// Makes a summary.
pub(crate) async fn make(
    copilot: &Copilot,
    input: &Input,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Draft, MakeError> {
    let (fallback, spent) = match copilot.call(call(copilot, input), input, progress, cancel).await? {
        Some(Outcome::Answered { text, model, version, usage }) => {
            progress.step("checking");
            let summary = parse::parse(&text, input);
            if !summary.text.is_empty() {
                return Ok(draft(copilot, input, summary, Made::ByModel { model, version, usage }).await);
            }
            (Some(MakeFailure::NothingUsable), Some(usage))
        }
        Some(Outcome::Failed { reason, usage }) => {
            tracing::warn!(task = "summary", %reason, "the model did not answer, the offline Copilot does");
            (Some(reason), usage)
        }
        None => (None, None),
    };
    progress.restart();
    let summary = offline::summarise(input, copilot.settings.summary_words);
    progress.text(&summary.text);
    Ok(draft(copilot, input, summary, Made::Offline { fallback, spent }).await)
}

/// The question to the model.
pub(crate) fn call(copilot: &Copilot, input: &Input) -> Call {
    let mut masks = Masks::default();
    let context = context(copilot, input, &mut masks);
    Call {
        task: "summary",
        language: input.agent_language,
        context,
        notes: copilot.settings.notes,
        after: input.earlier.as_ref().map_or(0, |earlier| earlier.covers),
        masks,
        given: Vec::new(),
        stop_showing_at: Some("\n---"),
    }
}

enum Made {
    ByModel { model: String, version: String, usage: Usage },
    Offline { fallback: Option<MakeFailure>, spent: Option<Usage> },
}

async fn draft(copilot: &Copilot, input: &Input, mut summary: Summary, made: Made) -> Draft {
    // It is for whoever answers first; who comes later asks for replies to what was said since.
    if !input.lines.iter().any(|line| line.who == Who::Agent) {
        summary.suggested_reply = crate::reply::offline::first(copilot, input).await;
    }
    let sources = summary.collected.iter().filter_map(|value| value["seq"].as_u64());
    let sources = sources.chain(summary.sentiment.iter().filter_map(|sentiment| sentiment["seq"].as_u64()));
    let mut seqs: Vec<u64> = sources.collect();
    seqs.sort_unstable();
    seqs.dedup();
    let sources = (1..).zip(seqs).map(|(n, seq)| SourceRef::message(n, seq)).collect();
    let body = json!(summary);
    let (first, last) = input.covers();
    let (model, offline, prompt_version, tokens, fallback) = match made {
        Made::ByModel { model, version, usage } => (model, false, version, Some(usage), None),
        Made::Offline { fallback, spent } => ("offline".to_owned(), true, String::new(), spent, fallback),
    };
    Draft {
        body,
        sources,
        covers: (first, last),
        model,
        offline,
        prompt_version,
        tokens,
        language: input.agent_language,
        fallback,
    }
}

fn context(copilot: &Copilot, input: &Input, masks: &mut Masks) -> Value {
    let mut facts: BTreeMap<&str, String> = BTreeMap::new();
    for (key, value) in &input.captured {
        facts.insert(key, copilot.mask(input, masks, value));
    }
    let mut rows: Vec<Value> = facts.into_iter().map(|(key, value)| json!({"captured": key, "value": value})).collect();
    if let Some(handoff) = &input.handoff {
        let told =
            |text: &Option<String>, masks: &mut Masks| text.as_ref().map(|text| copilot.mask(input, masks, text));
        let (detail, note) = (told(&handoff.detail, masks), told(&handoff.note, masks));
        rows.push(json!({"handed_to_a_person_because": handoff.reason, "detail": detail, "note_of_the_bot": note}));
    }
    let facts = (!rows.is_empty()).then(|| crate::envelope::wrap(&input.nonce, "facts", &rows));
    let earlier = input.earlier.as_ref().map(|earlier| {
        let row = json!({"text": copilot.mask(input, masks, &earlier.text)});
        crate::envelope::wrap(&input.nonce, "earlier summary", &[row])
    });
    let covered = input.earlier.as_ref().map(|earlier| earlier.covers.to_string());
    json!({"language": input.agent_language.english_name(), "facts": facts, "earlier": earlier, "covered": covered})
}

/// The text of an offline summary of exactly this input in at most `budget` words.
pub(crate) fn offline_text(input: &Input, budget: usize) -> String {
    offline::summarise(input, budget).text
}

#[cfg(test)]
mod tests;
