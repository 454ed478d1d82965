//! Replies by retrieval: what was answered in moments like this, ready shortcuts, the passage of an
//! article that answers. Nothing where nothing fits: silence is better than an invented policy.

use super::{Citable, MOST, Suggestion, found, question};
use crate::copilot::{Copilot, Input, SourceRef};
use crate::extractive::clauses::sentences;
use crate::knowledge::{Audience, Found, Kind};
use crate::sparse::Sparse;
use crate::text::{first_words, terms};

/// A passage that shares less than this with the question is about something else.
pub(crate) const WEAK: f32 = 0.12;
/// A shortcut is short, so that one shared word already weighs much: it must share more. Of the shortcuts that ship with
/// Relevo, those that answered a question shared 0.19 and more of it, those that did not up to 0.16.
const WEAK_SHORTCUT: f32 = 0.18;
/// The most words of an article that make a reply.
const QUOTED: usize = 60;

/// Whether a passage shares enough with the question.
pub(crate) fn fits(found: &Found) -> bool {
    let weak = match found.passage.kind {
        Kind::Shortcut => WEAK_SHORTCUT,
        Kind::Article => WEAK,
    };
    found.likeness >= weak
}

/// Up to three suggestions and the sources that stand behind them.
pub(super) async fn suggest(copilot: &Copilot, input: &Input) -> (Vec<Suggestion>, Vec<Citable>) {
    let mut candidates: Vec<(f32, String, SourceRef, bool)> = Vec::new();
    for earlier in copilot.replies(|replies| replies.suggest(&input.lines, MOST, |of| input.cites(of))) {
        // What several agents have said in such a moment counts for more than shared words; the less likely stand behind.
        let weight = if earlier.is_sure() { earlier.confidence + 0.5 } else { earlier.confidence };
        let reference = SourceRef::conversation(0, &earlier.conversation, earlier.seq);
        candidates.push((weight, earlier.text, reference, false));
    }
    let question = question(input);
    for found in found(copilot, &question, &input.filter(), MOST).await {
        if !fits(&found) {
            continue;
        }
        let internal = found.passage.audience == Audience::Internal;
        let Some(reading) = input.reading(&found.passage) else { continue };
        let text = match found.passage.kind {
            Kind::Shortcut => reading.to_owned(),
            Kind::Article => quote(&found, &question, input),
        };
        candidates.push((found.likeness, text, SourceRef::passage(0, &found.passage), internal));
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut suggestions: Vec<Suggestion> = Vec::new();
    let mut sources: Vec<Citable> = Vec::new();
    for (_, text, reference, internal) in candidates {
        if suggestions.len() == MOST || text.is_empty() || suggestions.iter().any(|other| other.text == text) {
            continue;
        }
        let n = sources.len() + 1;
        sources.push(Citable { reference: SourceRef { n, ..reference }, internal, text: text.clone(), passage: None });
        suggestions.push(Suggestion { text, sources: vec![n], grounded: true, internal });
    }
    (suggestions, sources)
}

/// The sentences of a passage that answer the question, in their order.
fn quote(found: &Found, question: &str, input: &Input) -> String {
    let text = &found.passage.text;
    let ranges = sentences(text);
    let mut index = Sparse::default();
    for range in &ranges {
        index.add(terms(&text[range.clone()], input.customer_language).into_iter().map(|term| (term, 1.0)));
    }
    let hits =
        index.fused(&terms(question, input.customer_language).into_iter().map(|term| (term, 1.0)).collect::<Vec<_>>());
    let start = hits.first().map_or(0, |hit| hit.doc as usize);
    let from = ranges.get(start).map_or(0, |range| range.start);
    first_words(text[from..].trim(), QUOTED).to_owned()
}

/// The best suggestion that customers may read, for a brief: it goes into the reply without a warning.
pub(crate) async fn first(copilot: &Copilot, input: &Input) -> Option<String> {
    let suggestions = suggest(copilot, input).await.0;
    suggestions.into_iter().find(|suggestion| !suggestion.internal).map(|suggestion| suggestion.text)
}
