//! What agents answered in moments like this one.
//!
//! A moment is the customer's last message, the last thing said to them, and the drift of what came
//! before. Past moments that resemble it vote for the replies that were given there. A typed reply is
//! rarely the right one twice, so weak votes are no suggestion at all.

use std::collections::{HashMap, HashSet};

use crate::sparse::{Hit, Sparse};
use crate::text::{is_stop_word, words};
use crate::transcript::{Line, Who};

/// How many past moments vote.
const VOTERS: usize = 100;
/// How many lines before the customer's message are looked at.
const LOOK_BACK: usize = 8;
/// A reply that this conversation has heard already is seldom the next one.
const REPEATED: f32 = 0.3;
/// Below this share of likeness a past moment is another moment.
const ALIKE: f32 = 0.18;
/// A reply with less behind it is a guess.
const UNSURE: f32 = 0.05;

/// Past replies and the moments in which they were given.
#[derive(Debug, Clone, Default)]
pub struct Replies {
    moments: Sparse,
    given: Vec<Given>,
    /// Replies that differ in signs and case only are one.
    known: HashMap<String, u32>,
    texts: Vec<String>,
}

#[derive(Debug, Clone)]
struct Given {
    reply: u32,
    conversation: String,
    seq: u64,
}

/// A reply that was given before.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// What was said.
    pub text: String,
    /// How strongly the past speaks for it, 0..=1.
    pub confidence: f32,
    /// The conversation in which it was said.
    pub conversation: String,
    /// The message there.
    pub seq: u64,
}

impl Suggestion {
    /// Whether so much speaks for it that it is worth more than an article that shares words with the question.
    pub fn is_sure(&self) -> bool {
        self.confidence >= UNSURE
    }
}

impl Replies {
    /// Learns from a conversation that people held, in place of what was learnt from it before. Notes and bot messages
    /// teach nothing.
    pub fn learn(&mut self, conversation: &str, lines: &[Line]) {
        self.forget(conversation);
        let said = spoken(lines);
        for (n, line) in said.iter().enumerate().skip(1) {
            if !matches!(line.who, Who::Agent | Who::External) || said[n - 1].who != Who::Visitor {
                continue;
            }
            let key = words(&line.text).join(" ");
            if key.is_empty() {
                continue;
            }
            let next = u32::try_from(self.texts.len()).expect("replies fit into memory long before 2^32");
            let reply = *self.known.entry(key).or_insert(next);
            if reply == next {
                self.texts.push(line.text.clone());
            }
            self.moments.add(moment(&said[..n]));
            self.given.push(Given { reply, conversation: conversation.to_owned(), seq: line.seq });
        }
    }

    /// Takes out what a conversation taught: it is learnt anew, or not at all.
    pub fn forget(&mut self, conversation: &str) {
        for (doc, given) in (0..).zip(&self.given) {
            if given.conversation == conversation {
                self.moments.remove(doc);
            }
        }
    }

    /// How many past replies are known.
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Whether nothing was learnt yet.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// The conversations whose moments are most like this one, nearest first, each once.
    pub fn alike(&self, lines: &[Line], limit: usize) -> Vec<String> {
        let mut seen: HashSet<&str> = HashSet::new();
        let hits = self.moments.cosine(moment(&spoken(lines)));
        let conversations = hits.iter().map(|hit| self.given[hit.doc as usize].conversation.as_str());
        conversations.filter(|conversation| seen.insert(conversation)).take(limit).map(str::to_owned).collect()
    }

    /// Up to `limit` different replies for this moment, the likeliest first; none when the past holds no moment like it, or
    /// speaks for so many replies that even the likeliest is a guess. Only conversations that `may_see` lets through vote.
    pub fn suggest(&self, lines: &[Line], limit: usize, may_see: impl Fn(&str) -> bool) -> Vec<Suggestion> {
        let voters = self.voters(lines, may_see);
        let Some(best) = voters.first().filter(|hit| hit.score >= ALIKE) else { return Vec::new() };
        let all: f32 = voters.iter().map(|hit| vote(hit.score)).sum();
        let mut by_reply: HashMap<u32, (f32, Hit)> = HashMap::new();
        let said: HashSet<String> =
            lines.iter().filter(|line| line.who.answers()).map(|line| words(&line.text).join(" ")).collect();
        for hit in &voters {
            let reply = self.given[hit.doc as usize].reply;
            let again = said.contains(&words(&self.texts[reply as usize]).join(" "));
            let entry = by_reply.entry(reply).or_insert((0.0, *hit));
            entry.0 += vote(hit.score) * if again { REPEATED } else { 1.0 };
        }
        let mut ranked: Vec<_> = by_reply.into_iter().collect();
        ranked.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        let suggestions = ranked.into_iter().take(limit).map(|(reply, (votes, hit))| {
            let given = &self.given[hit.doc as usize];
            Suggestion {
                text: self.texts[reply as usize].clone(),
                confidence: (votes / all) * best.score.min(1.0),
                conversation: given.conversation.clone(),
                seq: given.seq,
            }
        });
        let suggestions: Vec<_> = suggestions.collect();
        if suggestions.first().is_some_and(Suggestion::is_sure) { suggestions } else { Vec::new() }
    }

    /// The candidates' order for this moment: nearest first to what was answered in moments like it.
    pub fn rank<S: AsRef<str>>(&self, lines: &[Line], candidates: &[S]) -> Vec<usize> {
        let mut index = Sparse::default();
        for candidate in candidates {
            index.add(wording(candidate.as_ref()));
        }
        let mut scores = vec![0.0_f32; candidates.len()];
        for voter in self.voters(lines, |_| true) {
            let reply = &self.texts[self.given[voter.doc as usize].reply as usize];
            for hit in index.cosine(wording(reply)) {
                scores[hit.doc as usize] += vote(voter.score) * hit.score * hit.score;
            }
        }
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order
    }

    fn voters(&self, lines: &[Line], may_see: impl Fn(&str) -> bool) -> Vec<Hit> {
        let hits = self.moments.cosine(moment(&spoken(lines))).into_iter();
        hits.filter(|hit| may_see(&self.given[hit.doc as usize].conversation)).take(VOTERS).collect()
    }
}

/// What customers and those who answered them said.
fn spoken(lines: &[Line]) -> Vec<&Line> {
    lines.iter().filter(|line| line.who == Who::Visitor || line.who.answers()).collect()
}

/// Close moments count far more than those that merely share a word.
fn vote(likeness: f32) -> f32 {
    likeness.powi(4)
}

fn wording(text: &str) -> Vec<(String, f32)> {
    let words = words(text);
    let pairs = words.windows(2).map(|pair| (pair.join(" "), 1.0)).collect::<Vec<_>>();
    words.into_iter().map(|word| (word, 1.0)).chain(pairs).collect()
}

/// The features of the moment after `said`.
fn moment(said: &[&Line]) -> Vec<(String, f32)> {
    let mut features = Vec::new();
    let Some((last, before)) = said.split_last() else { return features };
    let heard = words(&last.text);
    features.extend(heard.iter().map(|word| (format!("c:{word}"), 1.0)));
    features.extend(heard.windows(2).map(|pair| (format!("c:{} {}", pair[0], pair[1]), 0.7)));
    let mut answered = false;
    for line in before.iter().rev().take(LOOK_BACK) {
        let words = words(&line.text);
        if line.who.answers() && !answered {
            // The agent's own last message says as much about what comes next as the customer's.
            answered = true;
            features.extend(words.iter().map(|word| (format!("a:{word}"), 0.7)));
            features.extend(words.windows(2).map(|pair| (format!("a:{} {}", pair[0], pair[1]), 0.35)));
        } else {
            let side = if line.who.answers() { 'h' } else { 'g' };
            features
                .extend(words.iter().filter(|word| !is_stop_word(word)).map(|word| (format!("{side}:{word}"), 0.6)));
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(said: &[(Who, &str)]) -> Vec<Line> {
        (1..).zip(said).map(|(seq, (who, text))| Line::new(seq, *who, *text)).collect()
    }

    // covers: A02
    #[test]
    fn the_reply_given_in_a_moment_like_this_is_suggested_with_its_source() {
        let mut replies = Replies::default();
        replies.learn(
            "c1",
            &lines(&[(Who::Visitor, "¿Dónde está mi pedido?"), (Who::Agent, "¿Me das el número de pedido?")]),
        );
        replies.learn(
            "c2",
            &lines(&[(Who::Visitor, "Quiero devolver unos zapatos"), (Who::Agent, "Claro, te envío la etiqueta.")]),
        );
        let found = replies.suggest(&lines(&[(Who::Visitor, "donde esta mi pedido, no llega")]), 3, |_| true);
        assert_eq!(found[0].text, "¿Me das el número de pedido?");
        assert_eq!((found[0].conversation.as_str(), found[0].seq), ("c1", 2));
        let nothing = replies.suggest(&lines(&[(Who::Visitor, "hablemos de astronomía")]), 3, |_| true);
        assert!(nothing.is_empty(), "{nothing:?}");
    }

    // covers: A02
    #[test]
    fn where_the_past_speaks_for_many_replies_even_the_likeliest_is_no_suggestion() {
        let asks = lines(&[(Who::Visitor, "¿Dónde está mi pedido?")]);
        let learnt = |answers: usize| {
            let mut replies = Replies::default();
            for n in 0..answers {
                let said = lines(&[(Who::Visitor, "¿Dónde está mi pedido?"), (Who::Agent, &format!("Respuesta {n}."))]);
                replies.learn(&format!("c{n}"), &said);
            }
            replies.suggest(&asks, 3, |_| true)
        };
        assert_eq!(learnt(10).len(), 3);
        assert_eq!(learnt(30), []);
    }

    // behaviour 8
    #[test]
    fn conversations_that_may_not_be_seen_do_not_vote() {
        let mut replies = Replies::default();
        let asks = "¿Dónde está mi pedido?";
        for other in 1..=VOTERS {
            let said = lines(&[(Who::Visitor, asks), (Who::Agent, "Eso es de otro equipo.")]);
            replies.learn(&format!("theirs-{other}"), &said);
        }
        replies.learn("ours", &lines(&[(Who::Visitor, asks), (Who::Agent, "Lo miro.")]));
        let moment = lines(&[(Who::Visitor, asks)]);
        assert_eq!(replies.suggest(&moment, 3, |_| true)[0].conversation, "theirs-1");
        let found = replies.suggest(&moment, 3, |conversation| conversation == "ours");
        assert_eq!(found.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["Lo miro."]);
        assert_eq!(replies.alike(&moment, 1), ["theirs-1"]);
    }

    // behaviour 6
    #[test]
    fn notes_and_bots_teach_no_reply() {
        let mut replies = Replies::default();
        replies.learn("c", &lines(&[(Who::Visitor, "hola"), (Who::Note, "CANARY-NOTE"), (Who::Bot, "Soy un bot")]));
        assert!(replies.is_empty());
    }
}
