//! An agent's draft in other words. Whatever it becomes, its values survive, or the agent is warned.

pub mod keeps;
mod offline;
mod words;

use relevo::store::MakeFailure;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::checks::cleaned;
use crate::copilot::{Call, Copilot, Draft, Input, MakeError, NO_MESSAGE, Outcome, Progress};
use crate::envelope;
use crate::redact::Masks;
use crate::text::{Language, detect};
use crate::transcript::Notes;
use keeps::Wording;

/// The longest draft, in characters.
pub const LONGEST: usize = 8_000;

/// How a draft should read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Easier to understand.
    Clearer,
    /// In fewer words.
    Shorter,
    /// In more words.
    Longer,
    /// Warmer.
    Friendlier,
    /// More formal.
    Formal,
    /// Without mistakes of spelling, grammar and punctuation.
    Corrected,
    /// In another language.
    Translated,
}

impl Style {
    /// All of them, in the order of the screen.
    pub const ALL: [Self; 7] =
        [Self::Clearer, Self::Shorter, Self::Longer, Self::Friendlier, Self::Formal, Self::Corrected, Self::Translated];

    /// As a prompt says it.
    fn told(self) -> &'static str {
        match self {
            Self::Clearer => "clearer: plain words, short sentences, one thing after the other",
            Self::Shorter => "shorter: the same content in as few words as possible",
            Self::Longer => "longer: the same content in more complete sentences, without any new statement",
            Self::Friendlier => "friendlier: warm and personal, not effusive",
            Self::Formal => "more formal: polite and professional, without contractions or slang",
            Self::Corrected => "correct: mistakes of spelling, grammar and punctuation mended, all else as it is",
            Self::Translated => "translated into the language named here",
        }
    }
}

impl Input {
    /// The language that a rewriting of `draft` is in: its own, or the customer's when it is translated.
    pub(crate) fn rewritten_in(&self, draft: &str, style: Style) -> Language {
        match style {
            Style::Translated => self.customer_language,
            _ => detect(draft).unwrap_or(self.customer_language),
        }
    }
}

/// Rewrites.
pub(crate) async fn make(
    copilot: &Copilot,
    input: &Input,
    draft: &str,
    style: Style,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Draft, MakeError> {
    let made = |text: &str| made(input, draft, style, text);
    let (reason, spent) = match copilot.call(call(copilot, input, draft, style), input, progress, cancel).await? {
        Some(Outcome::Answered { text, model, version, usage }) => {
            progress.step("checking");
            let text = cleaned(&text, [draft]);
            if !text.is_empty() {
                let tokens = Some(usage);
                return Ok(Draft { model, offline: false, prompt_version: version, tokens, ..made(&text) });
            }
            (Some(MakeFailure::NothingUsable), Some(usage))
        }
        Some(Outcome::Failed { reason, usage }) => {
            tracing::warn!(task = "rewrite", %reason, "the model did not answer, the offline Copilot does what it can");
            (Some(reason), usage)
        }
        None => (None, None),
    };
    progress.restart();
    let Some(text) = offline(input, draft, style) else {
        return Err(MakeError::NeedsModel { reason, usage: spent });
    };
    progress.text(&text);
    Ok(Draft { fallback: reason, tokens: spent, ..made(&text) })
}

/// What rules make of a draft; none where only a model can.
pub(crate) fn offline(input: &Input, draft: &str, style: Style) -> Option<String> {
    let answered = input.lines.iter().any(|line| line.who == crate::transcript::Who::Agent);
    let text = offline::rewrite(draft, style, input.rewritten_in(draft, style), answered)?;
    // A rule that touches a value is no rule for this draft.
    keeps::changes(draft, &text, Wording::SameLanguage).is_empty().then_some(text)
}

/// The question to the model. It reads the draft alone: the conversation has nothing to add to it.
pub(crate) fn call(copilot: &Copilot, input: &Input, draft: &str, style: Style) -> Call {
    let mut masks = Masks::default();
    let language = input.rewritten_in(draft, style);
    let row = json!({"text": copilot.mask(input, &mut masks, draft)});
    let context = json!({
        "language": language.english_name(),
        "style": style.told(),
        "draft": envelope::wrap(&input.nonce, "draft", &[row]),
    });
    let given = vec![draft.to_owned()];
    let notes = Notes::Excluded;
    Call { task: "rewrite", language, context, notes, after: NO_MESSAGE, masks, given, stop_showing_at: None }
}

fn made(input: &Input, draft: &str, style: Style, text: &str) -> Draft {
    let wording = if style == Style::Translated { Wording::OtherLanguage } else { Wording::SameLanguage };
    let warnings = keeps::changes(draft, text, wording);
    Draft {
        body: json!({"draft": draft, "style": style, "text": text, "changed": text != draft, "warnings": warnings}),
        sources: Vec::new(),
        covers: input.covers(),
        model: "offline".into(),
        offline: true,
        prompt_version: String::new(),
        tokens: None,
        language: input.rewritten_in(draft, style),
        fallback: None,
    }
}

#[cfg(test)]
mod tests;
