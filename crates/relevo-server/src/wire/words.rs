//! The domain's plain enums, as the description of the API names them. What is sent is the domain's own form; the test
//! below holds the two together.

use utoipa::ToSchema;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(serde::Serialize, ToSchema)]
            #[serde(rename_all = "snake_case")]
            #[allow(dead_code, missing_docs)]
            pub enum $name { $($word),+ }
        )+
    };
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $domain:path { $($word:ident),+ $(,)? })+) => {
        names! { $($(#[$doc])* $name { $($word),+ })+ }

        #[cfg(test)]
        mod tests {
            #[test]
            fn every_word_is_one_of_the_domains() {
                $($(
                    let word = serde_json::to_value(super::$name::$word).unwrap();
                    let read: Result<$domain, _> = serde_json::from_value(word.clone());
                    assert!(read.is_ok_and(|read| serde_json::to_value(read).unwrap() == word), "{word}");
                )+)+
            }
        }
    };
}

names! {
    /// Where the work on a conversation stands.
    Status { Open, Pending, Snoozed, Closed }
    /// Who has read.
    Reader { Visitor, Agent }
    /// What of a stale turn was withheld.
    WithheldKind { Message, Handoff, Captured }
}

words! {
    /// How much it hurries.
    Priority = relevo::domain::event::Priority { None, Low, Medium, High, Urgent }
    /// How a conversation ended.
    Outcome = relevo::domain::event::Outcome { NeverAnswered, NobodyAvailable, Success, Escalated }
    /// Why a person is wanted.
    HandoffReason = relevo::domain::event::HandoffReason {
        BotAsked, VisitorAsked, BotFailed, BotTimeout, BotError, TooLarge, NoBot, LowConfidence,
    }
    /// What a country was taken from.
    CountrySource = relevo::domain::event::CountrySource { Address, TimeZone }
    /// Why a status changed by itself.
    StatusReason = relevo::domain::event::StatusReason { VisitorWrote, SnoozeEnded }
    /// Why a closed conversation is live again.
    ReopenReason = relevo::domain::event::ReopenReason { VisitorWrote, AgentWrote }
    /// Which of the two checks of the fence withheld something.
    FenceCheck = relevo::domain::event::FenceCheck { Accepted, Delivery }
    /// How far an outgoing message has come.
    Delivery = relevo::domain::message::DeliveryState { Queued, Sending, Sent, Delivered, Read, Failed, Unknown }
    /// What an agent may do.
    Role = relevo::domain::command::Role { Agent, Supervisor, Admin }
    /// Whether an agent is there.
    Presence = relevo::store::Presence { Available, Away, Offline }
    /// Which conversations agents see; admins see all.
    Visibility = relevo::domain::card::Visibility { Everyone, Team, Assigned }
    /// What the Copilot made.
    ArtifactKind = relevo::store::ArtifactKind { Brief, Summary, Reply, Rewrite, Ask }
    /// What became of an artifact.
    What = relevo_copilot::feedback::What { Shown, Inserted, Edited, Sent, Rejected, Rated }
    /// Whether an artifact helped.
    Rating = relevo_copilot::feedback::Rating { Good, Bad }
    /// How a rewritten draft should read.
    Style = relevo_copilot::rewrite::Style { Clearer, Shorter, Longer, Friendlier, Formal, Corrected, Translated }
    /// Where its making stands.
    ArtifactStatus = relevo::store::ArtifactStatus { Running, Done, Failed, Cancelled }
    /// What was said last.
    LastKind = relevo::domain::conversation::LastKind { Message, Note, Removed }
}
