//! How many tokens a text costs.
//!
//! The tokenizer of a known model counts exactly. For any other model the count is an upper bound:
//! half the bytes, which no tokenizer in use exceeds on prose of Latin script (they need a token for
//! three to four bytes), and never less than one token for each word or sign.

use tiktoken_rs::CoreBPE;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

use crate::Request;

/// Tokens that the protocol adds around each message (role, separators).
const PER_MESSAGE: u64 = 4;

/// Counts tokens for one model.
#[derive(Clone, Copy)]
pub struct Counter {
    bpe: Option<&'static CoreBPE>,
}

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counter").field("exact", &self.is_exact()).finish()
    }
}

impl Counter {
    /// The counter of `model`. The first one of an encoding loads its table (some hundred
    /// milliseconds): make it where blocking is allowed, and keep it.
    pub fn for_model(model: &str) -> Self {
        // `vendor/model` is how gateways name models; the tokenizer knows the last part.
        let name = model.rsplit('/').next().unwrap_or(model);
        let bpe = match get_tokenizer(name) {
            Some(Tokenizer::O200kHarmony) => Some(tiktoken_rs::o200k_harmony_singleton()),
            Some(Tokenizer::O200kBase) => Some(tiktoken_rs::o200k_base_singleton()),
            Some(Tokenizer::Cl100kBase) => Some(tiktoken_rs::cl100k_base_singleton()),
            _ => None,
        };
        Self { bpe }
    }

    /// A counter that only knows the upper bound and loads nothing.
    pub fn upper() -> Self {
        Self { bpe: None }
    }

    /// Whether counts are the model's own rather than the upper bound.
    pub fn is_exact(&self) -> bool {
        self.bpe.is_some()
    }

    /// Tokens of `text`.
    pub fn count(&self, text: &str) -> u64 {
        self.bpe.map_or_else(|| upper_bound(text), |bpe| bpe.count_ordinary(text) as u64)
    }

    /// Tokens of a whole request, with what the protocol adds.
    pub fn count_request(&self, request: &Request) -> u64 {
        let turns: u64 = request.turns.iter().map(|turn| self.count(&turn.text) + PER_MESSAGE).sum();
        self.count(&request.system) + PER_MESSAGE + turns
    }
}

/// The bound used where the tokenizer is unknown: half the bytes, and at least a token for every
/// sign that no tokenizer merges with its neighbours.
pub fn upper_bound(text: &str) -> u64 {
    let half = text.len().div_ceil(2);
    let lonely = text.chars().filter(|c| !c.is_alphanumeric() && !c.is_whitespace()).count();
    let words = text.split_whitespace().count();
    half.max(lonely + words) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_models_are_counted_exactly_and_never_above_the_bound() {
        let exact = Counter::for_model("gpt-4o-mini");
        assert!(exact.is_exact());
        for text in [
            "Where is my order 48213? It should have been here on Monday.",
            "¿Dónde está mi pedido? Debía llegar el lunes y todavía no aparece.",
            "Não recebi a confirmação do pagamento no cartão terminado em 4242.",
            "!!! ??? ... ;;; --- ===",
        ] {
            assert!(exact.count(text) <= upper_bound(text), "{text}");
            assert!(exact.count(text) > 3);
        }
    }

    #[test]
    fn an_unknown_model_gets_the_stated_upper_bound() {
        let counter = Counter::for_model("acme/llama-house-special");
        assert!(!counter.is_exact());
        assert_eq!(counter.count("abcdefgh"), 4);
        assert_eq!(counter.count_request(&Request::new("t", "abcd").user("abcdef")), 2 + 3 + 8);
    }
}
