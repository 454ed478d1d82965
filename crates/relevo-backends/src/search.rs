//! Search in a list, whose cost does not grow with how often a word was said. Rare words are looked up in the index of
//! words, and few conversations hold them. A common word is in most conversations: the list is read from its beginning,
//! and what was said in it, until a page is full. Only where that is long in vain are all words looked up.

use async_trait::async_trait;
use relevo::store::{Page, Query, Row, StoreError, contact_words, query_words, said, words};
use relevo_domain::event::Event;
use relevo_domain::id::ConversationId;
use std::collections::HashMap;

/// A word in more messages, or in more contacts, is common.
pub(crate) const RARE: usize = if cfg!(test) { 500 } else { 5_000 };
/// So many conversations are looked through at a time.
const STEP: usize = 100;
/// After so many the index is asked for all words.
const LOOK_THROUGH: usize = 500;

/// What a store can tell of its words.
#[async_trait]
pub(crate) trait Indexed: Sync {
    /// Whether at most so many messages and contacts as [`RARE`] have a word that begins with this one.
    async fn is_rare(&self, word: &str) -> Result<bool, StoreError>;

    /// A part of the list, of the conversations in which the index finds all of `words`.
    async fn part(&self, query: &Query, words: &[String], offset: usize, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// The facts of some conversations, in any order.
    async fn facts(&self, conversations: &[ConversationId]) -> Result<Vec<(ConversationId, Event)>, StoreError>;
}

/// How the statement of [`Indexed::part`] begins, and what it reads from. What is in all of `sets` comes before the
/// conversations, or each of them might be asked for: `joined` says how.
pub(crate) fn narrowed(sets: &[String], joined: &str) -> (String, String) {
    if sets.is_empty() {
        return (String::new(), "conversations AS c".to_owned());
    }
    (format!("found AS MATERIALIZED ({}),", sets.join(" INTERSECT ")), format!("found {joined}"))
}

/// A part of a list.
pub(crate) async fn list(store: &impl Indexed, query: &Query) -> Result<Page, StoreError> {
    let words = query.text.as_deref().map(query_words).unwrap_or_default();
    let (mut rare, mut common) = (Vec::new(), Vec::new());
    for word in &words {
        if store.is_rare(word).await? { rare.push(word.clone()) } else { common.push(word.as_str()) }
    }
    let seen = if common.is_empty() { None } else { look_through(store, query, &rare, &common).await? };
    let mut rows = match seen {
        Some(rows) => rows,
        // One more tells whether more follow.
        None => store.part(query, &words, query.offset, query.limit.saturating_add(1)).await?,
    };
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    Ok(Page { rows, more })
}

/// The rows of the page and one more, or as many as there are; none when that is long in vain.
async fn look_through(
    store: &impl Indexed,
    query: &Query,
    rare: &[String],
    common: &[&str],
) -> Result<Option<Vec<Row>>, StoreError> {
    let wanted = query.offset.saturating_add(query.limit).saturating_add(1);
    let mut found = Vec::new();
    for step in 0..LOOK_THROUGH / STEP {
        let rows = store.part(query, rare, step * STEP, STEP).await?;
        let is_last = rows.len() < STEP;
        let ids: Vec<_> = rows.iter().map(|row| row.conversation.id).collect();
        let mut heard: HashMap<ConversationId, Vec<String>> = HashMap::new();
        for (id, event) in store.facts(&ids).await? {
            heard.entry(id).or_default().extend(said(&event).iter().flat_map(|text| words(text)));
        }
        found.extend(rows.into_iter().filter(|row| {
            let mut all = heard.remove(&row.conversation.id).unwrap_or_default();
            all.extend(contact_words(&row.contact));
            common.iter().all(|word| all.iter().any(|heard| heard.starts_with(word)))
        }));
        if is_last || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(Some(found.into_iter().skip(query.offset).collect()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{PostgresOptions, PostgresStore};
    use crate::sqlite::{SqliteOptions, SqliteStore};
    use crate::testing;
    use relevo::store::{Append, Cards, Contacts, Log, Sort};
    use relevo::testing::corpus::{agent_id, contact, conversation, says, started};
    use relevo_domain::card::{View, Visibility};
    use relevo_domain::command::{AgentFacts, Role};
    use relevo_domain::id::StageId;

    /// A store to which these words are common, however rare they are.
    struct Common<'a, S>(&'a S, &'a [&'a str]);

    #[async_trait]
    impl<S: Indexed> Indexed for Common<'_, S> {
        async fn is_rare(&self, word: &str) -> Result<bool, StoreError> {
            Ok(!self.1.contains(&word))
        }

        async fn part(
            &self,
            query: &Query,
            words: &[String],
            offset: usize,
            limit: usize,
        ) -> Result<Vec<Row>, StoreError> {
            self.0.part(query, words, offset, limit).await
        }

        async fn facts(&self, conversations: &[ConversationId]) -> Result<Vec<(ConversationId, Event)>, StoreError> {
            self.0.facts(conversations).await
        }
    }

    fn query(text: &str, offset: usize, limit: usize) -> Query {
        let agent = AgentFacts { id: agent_id(1), role: Role::Admin, teams: Vec::new() };
        Query {
            agent,
            visibility: Visibility::Everyone,
            view: View::All,
            text: Some(text.to_owned()),
            inbox: None,
            team: None,
            label: None,
            stage: None,
            sort: Sort::Oldest,
            offset,
            limit,
        }
    }

    /// So many conversations, each with a word of its own and some that every second or third has too.
    async fn fill(store: &(impl Log + Contacts), conversations: u128) {
        let each = (1..=conversations).map(async |n| {
            store.create_contact(&contact(n)).await.unwrap();
            let first = started(n);
            store.append(first.clone()).await.unwrap();
            let (second, third) = (if n % 2 == 0 { "pedido" } else { "" }, if n % 3 == 0 { "Devolución" } else { "" });
            let said = says(&first.state, &format!("uno{n} {second}"));
            store.append(said.clone()).await.unwrap();
            store.append(says(&said.state, &format!("gracias {third}"))).await.unwrap();
        });
        futures::future::join_all(each).await;
    }

    async fn finds_the_same(store: &(impl Indexed + Cards + Log + Contacts)) {
        fill(store, 260).await;
        for text in ["pedido", "ped devol", "pedido uno12", "contact 7", "gracias nadie", "pedi contact 2 devolucion"] {
            for (offset, limit) in [(0, 3), (2, 3), (40, 50), (0, 1_000), (900, 5)] {
                let query = query(text, offset, limit);
                let by_index = store.part(&query, &query_words(text), offset, limit + 1).await.unwrap();
                let words = query_words(text);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                for common in [&words[..], &words[..1], &words[1..]] {
                    let page = list(&Common(store, common), &query).await.unwrap();
                    assert_eq!(page.more, by_index.len() > limit, "{text} from {offset}, common: {common:?}");
                    assert_eq!(page.rows, by_index[..by_index.len().min(limit)], "{text} from {offset}: {common:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn looking_through_a_list_finds_what_the_index_of_sqlite_finds() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap();
        finds_the_same(&store).await;
        store.close().await;
    }

    #[tokio::test]
    async fn looking_through_a_list_finds_what_the_index_of_postgresql_finds() {
        let address = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
        let options = PostgresOptions { schema: testing::schema(), connections: 4 };
        let store = PostgresStore::open(&address, options).await.unwrap();
        finds_the_same(&store).await;
        store.close().await;
    }

    fn stage(name: &str) -> StageId {
        StageId::new(name).unwrap()
    }

    /// Lists of what few and of what many have are those that the rows themselves make.
    async fn lists_what_is_marked(store: &(impl Cards + Log + Contacts)) {
        let each = (1..=90).map(async |n| {
            store.create_contact(&contact(n)).await.unwrap();
            let mut append = started(n);
            append.state.labels = [("all", 1), ("half", 2), ("tenth", 10)]
                .into_iter()
                .filter(|(_, nth)| n % nth == 0)
                .map(|(label, _)| label.to_owned())
                .collect();
            append.state.stage = Some(stage(if n % 3 == 0 { "won" } else { "lost" })).filter(|_| n % 5 > 0 || n < 20);
            store.append(append.clone()).await.unwrap();
            store.append(says(&append.state, if n % 4 == 0 { "uno dos" } else { "uno" })).await.unwrap();
        });
        futures::future::join_all(each).await;
        for text in ["", "dos"] {
            let all = store.list(&query(text, 0, 100)).await.unwrap().rows;
            for label in [None, Some("all"), Some("half"), Some("tenth"), Some("none")] {
                for stage in [None, Some(stage("won")), Some(stage("lost")), Some(stage("new"))] {
                    let label = label.map(str::to_owned);
                    let is_held = |row: &&Row| {
                        let state = &row.conversation;
                        label.as_ref().is_none_or(|label| state.labels.contains(label))
                            && stage.as_ref().is_none_or(|stage| state.stage.as_ref() == Some(stage))
                    };
                    let held: Vec<_> = all.iter().filter(is_held).cloned().collect();
                    for (offset, limit) in [(0, 100), (3, 5)] {
                        let asked = Query { label: label.clone(), stage: stage.clone(), ..query(text, offset, limit) };
                        let rows = store.list(&asked).await.unwrap().rows;
                        assert_eq!(rows, held[offset.min(held.len())..held.len().min(offset + limit)], "{asked:?}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_list_of_a_label_or_stage_is_the_same_where_few_have_it_and_where_many_do() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap();
        lists_what_is_marked(&store).await;
        store.close().await;
        let address = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
        let options = PostgresOptions { schema: testing::schema(), connections: 4 };
        let store = PostgresStore::open(&address, options).await.unwrap();
        lists_what_is_marked(&store).await;
        store.close().await;
    }

    #[tokio::test]
    async fn what_is_far_down_the_list_is_found_by_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap();
        let last = LOOK_THROUGH as u128 + 1;
        fill(&store, last).await;
        let query = query(&format!("uno{last}"), 0, 50);
        assert!(look_through(&store, &query, &[], &[&format!("uno{last}")]).await.unwrap().is_none(), "it is too far");
        let page = list(&Common(&store, &[&format!("uno{last}")]), &query).await.unwrap();
        assert_eq!(page.rows.iter().map(|row| row.conversation.id).collect::<Vec<_>>(), [conversation(last)]);
        store.close().await;
    }

    async fn tells_rare_from_common(store: &(impl Indexed + Log + Contacts)) {
        futures::future::join_all((1..=RARE as u128 + 1).map(async |n| {
            store.create_contact(&contact(n)).await.unwrap();
        }))
        .await;
        let mut append = started(1);
        store.append(append.clone()).await.unwrap();
        for n in 0..=RARE / 250 {
            // Many in one append.
            let mut many = says(&append.state, "pedido");
            for _ in 0..250 {
                let next = says(&many.state, if n == 0 { "cuentas" } else { "pedido" });
                many.envelopes.extend(next.envelopes);
                many.state = next.state;
            }
            store.append(many.clone()).await.unwrap();
            append = Append { state: many.state, ..append };
        }
        knows_which_are_rare(store).await;
    }

    async fn knows_which_are_rare(store: &impl Indexed) {
        for (word, rare) in [
            ("pedido", false),
            ("ped", false),
            ("pedi", false),
            ("cuenta", true),
            ("contact", false),
            ("cont", false),
            ("zz", true),
        ] {
            assert_eq!(store.is_rare(word).await.unwrap(), rare, "{word}");
        }
    }

    #[tokio::test]
    async fn a_word_of_many_messages_is_common_and_so_is_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await.unwrap();
        tells_rare_from_common(&store).await;
        store.close().await;
        let address = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
        let options = PostgresOptions { schema: testing::schema(), connections: 4 };
        let store = PostgresStore::open(&address, options).await.unwrap();
        tells_rare_from_common(&store).await;
        // What the statistics know is not counted.
        for sql in [
            "ALTER TABLE said SET (autovacuum_enabled = off)",
            "ALTER TABLE contacts SET (autovacuum_enabled = off)",
            "ANALYZE said, contacts",
            "DELETE FROM said",
            "DELETE FROM contacts",
        ] {
            sqlx::query(sql).execute(store.pool()).await.unwrap();
        }
        knows_which_are_rare(&store).await;
        store.close().await;
    }
}
