//! How text becomes words that can be searched. Every store uses this one, so that all of them find the same.

use super::Contact;
use relevo_domain::event::Event;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Of a query, this many words count; nobody types more, and a store need not plan for more.
const MAX_QUERY_WORDS: usize = 12;
/// Of a word, so many characters count: nobody types more, and no store's index has a place for the rest.
const MAX_WORD_CHARS: usize = 100;
/// The shortest end of a phone number that finds it.
const MIN_PHONE_DIGITS: usize = 3;

/// Text without accents and case.
pub fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The words of a text: runs of letters and digits, without accents and case.
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(MAX_WORD_CHARS).collect()).collect()
}

/// The words of a query, each of which may be the beginning of a longer one.
pub fn query_words(text: &str) -> Vec<String> {
    let mut words = words(text);
    words.truncate(MAX_QUERY_WORDS);
    words
}

/// What a person or bot wrote in a fact, and under which it is found. Words that a fence withheld were never said.
pub fn said(event: &Event) -> Option<Cow<'_, str>> {
    match event {
        Event::MessagePosted { message, .. } => Some(message.in_words()),
        Event::NoteAdded { text, .. } => Some(Cow::Borrowed(text)),
        Event::HandoffRequested { note, .. } | Event::Transferred { note, .. } | Event::HandedBack { note, .. } => {
            note.as_deref().map(Cow::Borrowed)
        }
        _ => None,
    }
}

/// The words under which a contact is found: name, e-mail, and the phone number from any of its digits on, because
/// people leave out country codes and write spaces where they like.
pub fn contact_words(contact: &Contact) -> Vec<String> {
    let mut all = Vec::new();
    for field in [&contact.name, &contact.email, &contact.phone].into_iter().flatten() {
        all.extend(words(field));
    }
    let digits: String = contact.phone.iter().flat_map(|phone| phone.chars()).filter(char::is_ascii_digit).collect();
    all.extend((0..digits.len().saturating_sub(MIN_PHONE_DIGITS - 1)).map(|from| digits[from..].to_owned()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        assert_eq!(words("¿Dónde ESTÁ mi pedido n.º A-12?"), ["donde", "esta", "mi", "pedido", "n", "o", "a", "12"]);
        assert_eq!(words("São João — ﬁm"), ["sao", "joao", "fim"]);
        assert!(words(" …!? ").is_empty());
    }

    #[test]
    fn of_a_query_only_so_many_words_count() {
        assert_eq!(query_words(&"palabra ".repeat(4_000)).len(), MAX_QUERY_WORDS);
    }
}
