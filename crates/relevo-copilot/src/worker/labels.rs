//! Labels that a conversation may well have: those of conversations in which customers said the like.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relevo::store::{Query, Sort, StoreError};
use relevo_domain::card::View;
use relevo_domain::command::AgentFacts;
use relevo_domain::event::Envelope;
use relevo_domain::id::{ConversationId, Seq};

use super::{RequestError, Worker, read};
use crate::extractive::labels::{Labels, Likely};
use crate::redact::Masks;
use crate::text::{detect, first_words, last_words};
use crate::transcript::Who;

/// How many labels are suggested.
const MOST: usize = 3;
/// How many conversations teach a label, and how many teach all of them; each is left [`LEAST`] all the same.
const EACH: usize = 20;
const EXAMPLES: usize = 600;
const LEAST: usize = 3;
/// How many conversations without a label tell what everybody says, of how many of the newest.
const OTHERS: usize = 20;
const NEWEST: usize = 100;
/// How many facts of a conversation are read, and how many words its customer is heard with: what it is about stands at
/// the beginning of an example, and at the end of what an agent has before them.
const FACTS: usize = 200;
const EXAMPLE_WORDS: usize = 60;
const WORDS: usize = 200;
/// So many conversations' words are kept in memory.
const KEPT: usize = 4_000;

/// What customers said, masked, by conversation: as it was at a fact of it, so that whatever happens there is seen.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<HashMap<ConversationId, (Seq, Arc<str>)>>);

impl Said {
    fn all(&self) -> MutexGuard<'_, HashMap<ConversationId, (Seq, Arc<str>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, conversation: ConversationId, seq: Seq) -> Option<Arc<str>> {
        self.all().get(&conversation).filter(|(at, _)| *at == seq).map(|(_, said)| said.clone())
    }

    fn keep(&self, conversation: ConversationId, seq: Seq, said: Arc<str>) {
        self.all().insert(conversation, (seq, said));
    }

    /// Drops all but these when there are too many.
    fn make_room(&self, but: &HashSet<ConversationId>) {
        let mut all = self.all();
        if all.len() > KEPT {
            all.retain(|conversation, _| but.contains(conversation));
        }
    }

    /// A message was removed.
    pub(super) fn forget(&self, conversation: ConversationId) {
        self.all().remove(&conversation);
    }
}

impl Worker {
    /// Up to three labels that a conversation does not have and that others have in which customers said the like, of
    /// those that `by` may see; the likeliest first. None where nothing is certain enough.
    pub async fn labels(&self, conversation: ConversationId, by: &AgentFacts) -> Result<Vec<Likely>, RequestError> {
        let store = self.inner.at.store.as_ref();
        let state = store.load(conversation).await?.ok_or(RequestError::NoConversation)?;
        let facts = store.read_back(conversation, state.seq + 1, FACTS).await?;
        let asked = last_words(&said(&facts), WORDS);
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let labelled = store.labelled(by, self.inner.at.visibility, EACH).await?;
        let mut of_label: HashMap<String, Vec<(ConversationId, Seq)>> = HashMap::new();
        for one in labelled.into_iter().filter(|one| one.conversation != conversation) {
            of_label.entry(one.label).or_default().push((one.conversation, one.seq));
        }
        if of_label.is_empty() {
            return Ok(Vec::new());
        }
        let each = (EXAMPLES / of_label.len()).clamp(LEAST, EACH);
        let (mut examples, mut read) = (Vec::new(), HashSet::new());
        for (label, conversations) in of_label {
            for (id, seq) in conversations.into_iter().take(each) {
                read.insert(id);
                examples.push((self.example(id, seq).await?, label.clone()));
            }
        }
        let mut others = Vec::new();
        for (id, seq) in self.without_label(conversation, by).await? {
            read.insert(id);
            others.push(self.example(id, seq).await?);
        }
        self.inner.said.make_room(&read);
        examples.retain(|(text, _)| !text.is_empty());
        let language = self.inner.at.language;
        let work = move || {
            let language = |text: &str| detect(text).unwrap_or(language);
            let told = examples.iter().map(|(text, label)| (text.as_ref(), language(text), label.as_str()));
            let labels = Labels::of(told, others.iter().map(|text| (text.as_ref(), language(text))));
            labels.suggest(&asked, language(&asked), MOST, |label| !state.labels.contains(label))
        };
        Ok(tokio::task::spawn_blocking(work).await.expect("comparing words does not panic"))
    }

    /// The newest conversations without a label.
    async fn without_label(
        &self,
        but: ConversationId,
        by: &AgentFacts,
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        let mut found = Vec::new();
        for view in [View::All, View::Closed] {
            let query = Query {
                agent: by.clone(),
                visibility: self.inner.at.visibility,
                view,
                text: None,
                inbox: None,
                team: None,
                label: None,
                stage: None,
                sort: Sort::Newest,
                offset: 0,
                limit: NEWEST,
            };
            let rows = self.inner.at.store.list(&query).await?.rows.into_iter();
            found.extend(rows.map(|row| row.conversation).filter(|state| state.labels.is_empty() && state.id != but));
        }
        Ok(found.into_iter().take(OTHERS).map(|state| (state.id, state.seq)).collect())
    }

    async fn example(&self, conversation: ConversationId, seq: Seq) -> Result<Arc<str>, StoreError> {
        if let Some(known) = self.inner.said.at(conversation, seq) {
            return Ok(known);
        }
        let facts = self.inner.at.store.read(conversation, 0, FACTS).await?;
        let said: Arc<str> = first_words(&said(&facts), EXAMPLE_WORDS).into();
        self.inner.said.keep(conversation, seq, said.clone());
        Ok(said)
    }
}

/// What the customer said, masked.
pub(super) fn said(facts: &[Envelope]) -> String {
    let mut masks = Masks::default();
    let lines = read::lines(facts).into_iter().filter(|line| line.who == Who::Visitor);
    lines.map(|line| masks.hide(&line.text)).collect::<Vec<_>>().join("\n")
}
