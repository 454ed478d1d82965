//! What every store must do, one async function per behaviour.
//!
//! Write a function that gives a new, empty store and whatever must outlive it (a temporary folder), and let
//! [`contract_tests!`](crate::contract_tests) make a test of each behaviour:
//!
//! ```
//! use relevo::{memory::MemoryStore, testing::contract::Fresh};
//! use std::sync::Arc;
//!
//! async fn fresh() -> (Fresh, ()) {
//!     (Arc::new(MemoryStore::new()), ())
//! }
//! relevo::contract_tests!(fresh);
//! # fn main() {}
//! ```

pub mod accounts;
pub mod artifacts;
pub mod concurrency;
pub mod contacts;
pub mod dedupe;
pub mod jobs;
pub mod lists;
pub mod log;
pub mod model;
pub mod search;
pub mod threads;
pub mod views;

use crate::store::{Append, AppendError, Position, Store};
use std::sync::Arc;

/// A store in which nothing is.
pub type Fresh = Arc<dyn Store>;

/// Makes a `#[tokio::test]` of every behaviour in [`testing::contract`](crate::testing::contract). The argument names
/// an `async fn() -> (Fresh, Guard)`; the guard is dropped after the store.
#[macro_export]
macro_rules! contract_tests {
    ($fresh:ident) => {
        $crate::contract_tests! { @each $fresh;
            log: a_new_store_is_empty, facts_are_read_in_order_and_in_parts, facts_are_read_backwards_in_parts,
                the_log_is_followed_across_conversations, the_state_is_that_of_the_last_append,
                a_stale_append_changes_nothing, an_append_to_a_conversation_that_is_not_there_is_a_conflict,
                every_kind_of_text_survives;
            dedupe: a_key_is_taken_once, a_duplicate_is_told_even_to_a_stale_append, a_refused_append_takes_no_key,
                the_same_key_in_another_scope_is_another_key;
            threads: a_thread_points_to_its_newest_conversation, a_thread_is_taken_by_one_of_two_claims,
                an_append_may_ask_that_the_thread_is_still_its_own,
                a_duplicate_is_told_before_a_taken_thread_and_that_before_a_conflict,
                simultaneous_first_messages_make_one_conversation;
            concurrency: parallel_appends_to_one_conversation_leave_no_gap,
                parallel_appends_with_one_key_happen_once, a_follower_misses_nothing_of_parallel_appends;
            jobs: jobs_come_with_their_facts, a_refused_append_leaves_no_job, jobs_of_a_conversation_wait_for_each_other,
                conversations_do_not_wait_for_each_other, timers_do_not_wait_for_each_other,
                jobs_are_claimed_when_due_and_oldest_first, a_claim_ends_by_itself, a_replaced_claimer_gives_nothing_up,
                a_postponed_job_keeps_its_place,
                finishing_twice_changes_nothing, the_next_due_job_is_known, parallel_claims_share_no_job,
                every_kind_of_job_survives;
            views: every_view_holds_what_its_specification_says, counts_are_the_sizes_of_the_lists, groups_are_the_sizes_of_the_filtered_lists,
                the_visibility_rule_is_the_domains, labels_come_with_their_newest_conversations, those_who_wait_longer_are_counted, a_view_follows_every_change;
            lists: lists_are_sorted_as_specified, what_is_due_comes_first, pages_join_into_the_list,
                lists_are_filtered_by_inbox_team_label_and_stage, a_row_is_found_whoever_sees_it,
                changed_rows_come_in_the_order_of_their_change, a_contacts_conversations_come_newest_first;
            search: people_are_found_by_name_email_and_phone, words_are_found_whatever_their_accents_and_case,
                all_words_of_a_query_must_be_found, notes_are_found, withheld_words_are_not_found,
                a_removed_message_leaves_no_word_in_its_facts_and_is_not_found,
                an_edited_contact_is_found_by_its_new_name_only, no_query_is_taken_for_an_instruction,
                a_search_keeps_to_its_view_and_to_what_may_be_seen;
            contacts: a_contact_is_kept_and_edited, a_browser_is_known_by_its_hash,
                a_vouched_contact_is_found_in_its_inbox;
            accounts: an_email_belongs_to_one_agent, agents_come_by_name, an_agents_presence_is_kept,
                sessions_are_kept_until_they_end, a_ticket_is_taken_once_and_in_time, drafts_are_kept_until_they_are_emptied;
            artifacts: artifacts_are_kept_newest_first, an_artifact_is_begun_once, feedback_is_added_to_what_is_there,
                what_was_being_written_is_failed_at_start;
            model: any_history_is_answered_as_the_model_answers;
        }
    };
    (@each $fresh:ident; $($part:ident: $($name:ident),+;)+) => {$(
        mod $part {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let (store, _guard) = super::$fresh().await;
                    $crate::testing::contract::$part::$name(&store).await;
                }
            )+
        }
    )+};
}

/// Appends that must happen.
async fn put(store: &Fresh, append: Append) -> Position {
    store.append(append).await.expect("nothing stands against it")
}

fn is_conflict(result: &Result<Position, AppendError>, expected: u64) -> bool {
    matches!(result, Err(AppendError::Conflict { actual }) if *actual == expected)
}
