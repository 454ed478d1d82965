use super::{Data, Kept, MemoryStore};
use crate::store::{
    Cards, Counts, Groups, LABELS, LOOKED_AT, Labelled, Page, Position, Query, Row, StoreError, contact_words,
    query_words, said, words,
};
use async_trait::async_trait;
use relevo_domain::card::{View, Visibility, may_see};
use relevo_domain::command::AgentFacts;
use relevo_domain::control::Holder;
use relevo_domain::conversation::Conversation;
use relevo_domain::event::Status;
use relevo_domain::id::{ContactId, ConversationId, InboxId};
use relevo_domain::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

#[async_trait]
impl Cards for MemoryStore {
    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let data = self.data();
        let mut rows: Vec<Row> = data.rows().filter(|row| data.matches(row, query)).collect();
        rows.sort_by(|a, b| query.sort.compare(a, b));
        let more = rows.len() > query.offset.saturating_add(query.limit);
        Ok(Page { rows: rows.into_iter().skip(query.offset).take(query.limit).collect(), more })
    }

    async fn rows(&self, conversations: &[ConversationId]) -> Result<Vec<Row>, StoreError> {
        let data = self.data();
        let row = |id| data.conversations.get(id).and_then(|kept| data.row_of(kept));
        Ok(conversations.iter().filter_map(row).collect())
    }

    async fn changed(&self, after: Position, limit: usize) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> = self.data().rows().filter(|row| row.position > after).collect();
        rows.sort_by_key(|row| row.position);
        rows.truncate(limit);
        Ok(rows)
    }

    async fn counts(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Counts, StoreError> {
        let data = self.data();
        let seen: Vec<Row> = data.rows().filter(|row| may_see(agent, &row.conversation, visibility)).collect();
        let count = |view: View| seen.iter().filter(|row| view.holds(&row.conversation, agent.id)).count() as u64;
        Ok(View::ALL.map(|view| (view, count(view))).to_vec())
    }

    async fn groups(&self, agent: &AgentFacts, visibility: Visibility) -> Result<Groups, StoreError> {
        let mut groups = Groups::default();
        for Row { conversation: state, .. } in self.data().rows() {
            if View::All.holds(&state, agent.id) && may_see(agent, &state, visibility) {
                *groups.inboxes.entry(state.inbox).or_default() += 1;
                for label in state.labels {
                    *groups.labels.entry(label).or_default() += 1;
                }
            }
        }
        Ok(groups)
    }

    async fn labelled(
        &self,
        agent: &AgentFacts,
        visibility: Visibility,
        each: usize,
    ) -> Result<Vec<Labelled>, StoreError> {
        let data = self.data();
        let mut of_label: BTreeMap<&str, BTreeMap<Reverse<ConversationId>, &Conversation>> = BTreeMap::new();
        for state in data.conversations.values().map(|kept| &kept.state) {
            for label in &state.labels {
                of_label.entry(label).or_default().insert(Reverse(state.id), state);
            }
        }
        let mut labels: Vec<_> = of_label.into_iter().collect();
        labels.sort_by_key(|(_, states)| states.keys().next().copied());
        labels.truncate(LABELS);
        labels.sort_by_key(|(label, _)| *label);
        let seen = labels.into_iter().flat_map(|(label, states)| {
            let states = states.into_values().take(LOOKED_AT).filter(|state| may_see(agent, state, visibility));
            let one =
                |state: &Conversation| Labelled { label: label.to_owned(), conversation: state.id, seq: state.seq };
            states.take(each).map(one).collect::<Vec<_>>()
        });
        Ok(seen.collect())
    }

    async fn waiting_before(&self, inbox: &InboxId, since: Timestamp) -> Result<u64, StoreError> {
        let data = self.data();
        let before = |state: &Conversation| {
            let earlier = matches!(state.control.holder, Holder::Queue { since: theirs, .. } if theirs < since);
            earlier && matches!(state.status, Status::Open | Status::Pending) && state.inbox == *inbox
        };
        Ok(data.conversations.values().filter(|kept| before(&kept.state)).count() as u64)
    }

    async fn of_contact(&self, contact: ContactId) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> = self.data().rows().filter(|row| row.conversation.contact == contact).collect();
        rows.sort_by_key(|row| Reverse((row.conversation.created_at, row.conversation.id)));
        rows.truncate(50);
        Ok(rows)
    }
}

impl Data {
    fn rows(&self) -> impl Iterator<Item = Row> {
        self.conversations.values().filter_map(|kept| self.row_of(kept))
    }

    fn row_of(&self, kept: &Kept) -> Option<Row> {
        let position = self.log[*kept.facts.last()?].position;
        let contact = self.contacts.get(&kept.state.contact)?.clone();
        Some(Row { position, conversation: kept.state.clone(), contact })
    }

    fn matches(&self, row: &Row, query: &Query) -> bool {
        let state = &row.conversation;
        may_see(&query.agent, state, query.visibility)
            && query.view.holds(state, query.agent.id)
            && query.inbox.as_ref().is_none_or(|inbox| state.inbox == *inbox)
            && query.team.as_ref().is_none_or(|team| state.team.as_ref() == Some(team))
            && query.label.as_ref().is_none_or(|label| state.labels.contains(label))
            && query.stage.as_ref().is_none_or(|stage| state.stage.as_ref() == Some(stage))
            && query.text.as_ref().is_none_or(|text| self.has_words(row, text))
    }

    fn has_words(&self, row: &Row, text: &str) -> bool {
        let mut known = contact_words(&row.contact);
        for &at in &self.conversations[&row.conversation.id].facts {
            known.extend(said(&self.log[at].envelope.event).as_deref().map(words).unwrap_or_default());
        }
        query_words(text).iter().all(|wanted| known.iter().any(|word| word.starts_with(wanted)))
    }
}
