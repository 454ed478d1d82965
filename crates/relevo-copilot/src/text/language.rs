//! Which of the three languages a text is in.

use serde::{Deserialize, Serialize};

use super::words;

/// A language that the offline Copilot writes and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Spanish, the default.
    #[default]
    Es,
    /// Portuguese.
    Pt,
    /// English.
    En,
}

impl Language {
    /// The language of a tag such as `pt-BR`; `None` where it is another one.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "es" => Some(Self::Es),
            "pt" => Some(Self::Pt),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The tag as the API writes it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::Pt => "pt",
            Self::En => "en",
        }
    }

    /// The text in this language.
    pub(crate) fn pick<T>(self, es: T, pt: T, en: T) -> T {
        match self {
            Self::Es => es,
            Self::Pt => pt,
            Self::En => en,
        }
    }

    /// The language's English name, for prompts.
    pub fn english_name(self) -> &'static str {
        match self {
            Self::Es => "Spanish",
            Self::Pt => "Portuguese",
            Self::En => "English",
        }
    }
}

/// Frequent words that the other two languages do not have (folded).
const ES: &[&str] = &[
    "el", "los", "las", "una", "del", "al", "y", "en", "con", "mi", "su", "por", "pero", "muy", "esta", "hola",
    "gracias", "quiero", "tengo", "puedo", "donde", "cuando", "usted", "ustedes", "hay", "lo", "le", "es", "fue", "he",
    "ha", "buenos", "buenas", "dias", "tardes", "ayuda", "necesito", "cual", "quien", "cuanto", "pedido",
];
const PT: &[&str] = &[
    "o", "os", "um", "uma", "do", "da", "dos", "das", "na", "nas", "ao", "em", "com", "meu", "minha", "seu", "sua",
    "mas", "nao", "muito", "isso", "ola", "oi", "obrigado", "obrigada", "quero", "tenho", "posso", "onde", "quando",
    "voce", "voces", "tem", "foi", "bom", "boa", "ajuda", "preciso", "qual", "quem", "quanto", "e", "ja", "pelo",
    "pela",
];
const EN: &[&str] = &[
    "the", "an", "and", "of", "to", "in", "is", "are", "was", "i", "my", "you", "your", "it", "for", "with", "not",
    "have", "has", "can", "could", "would", "please", "hello", "hi", "thanks", "thank", "want", "need", "where",
    "when", "what", "how", "this", "that", "on", "at", "be", "do", "does", "which", "who", "many", "by", "from",
    "were", "did",
];

/// The language with the most of its own frequent words; `None` when there is no sign of any.
pub fn detect(text: &str) -> Option<Language> {
    let (mut es, mut pt, mut en) = (0_u32, 0_u32, 0_u32);
    // `example.com` is no Portuguese.
    let spoken =
        text.split_whitespace().filter(|part| !["@", "://", ".com", "www."].iter().any(|sign| part.contains(sign)));
    for word in spoken.flat_map(words) {
        let word = word.as_str();
        es += u32::from(ES.contains(&word));
        pt += u32::from(PT.contains(&word));
        en += u32::from(EN.contains(&word));
    }
    // Letters that only one of them writes.
    for c in text.chars() {
        match c {
            'ñ' | '¿' | '¡' | 'Ñ' => es += 2,
            'ã' | 'õ' | 'ç' | 'Ã' | 'Õ' | 'Ç' | 'ê' | 'ô' => pt += 2,
            _ => {}
        }
    }
    let most = es.max(pt).max(en);
    if most == 0 {
        return None;
    }
    Some(if most == es && es > pt {
        Language::Es
    } else if most == pt {
        Language::Pt
    } else if most == en {
        Language::En
    } else {
        Language::Es
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_support_texts_are_told_apart() {
        assert_eq!(detect("Hola, no me llegó el pedido y quiero cancelarlo"), Some(Language::Es));
        assert_eq!(detect("Olá, não recebi o pedido e quero cancelar"), Some(Language::Pt));
        assert_eq!(detect("Hi, my order has not arrived"), Some(Language::En));
        assert_eq!(detect("48213"), None);
    }

    #[test]
    fn what_several_of_them_write_alike_tells_nothing() {
        for text in
            ["no funciona", "ana@example.com", "son 42,50 a ana@example.com", "llega tarde este dia", "https://a.com"]
        {
            assert_eq!(detect(text), None, "{text}");
        }
        assert_eq!(detect("quiero ir a Canarias y no puedo"), Some(Language::Es));
        assert_eq!(detect("não recebi nada no meu e-mail ana@example.com"), Some(Language::Pt));
        assert_eq!(detect("it does not work, no idea"), Some(Language::En));
    }
}
