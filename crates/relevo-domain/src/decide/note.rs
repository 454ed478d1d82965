//! What is only recorded: private notes, removed messages and visited pages. All are possible at any time, also when
//! closed.

use super::handoff::check_length;
use super::reply::check_text;
use super::{Decision, by};
use crate::command::{AgentFacts, Rejection};
use crate::event::Event;
use crate::id::{AgentId, MessageId, NoteId, Seq};
use crate::message::Actor;

pub(super) fn add(
    agent: &AgentFacts,
    note: NoteId,
    text: &str,
    mentions: &[AgentId],
    client_id: Option<&str>,
) -> Decision {
    check_text(text)?;
    let (mentions, client_id) = (mentions.to_vec(), client_id.map(str::to_owned));
    Ok(vec![(by(agent), Event::NoteAdded { note, text: text.to_owned(), mentions, client_id })])
}

/// An agent takes back what they wrote; whoever leads, what anybody wrote.
pub(super) fn remove(agent: &AgentFacts, message: MessageId, posted: Seq, author: &Actor) -> Decision {
    if *author != by(agent) && !agent.leads() {
        return Err(Rejection::NotAllowed("agents remove their own messages; supervisors and admins remove any"));
    }
    Ok(vec![(by(agent), Event::MessageRemoved { message, posted })])
}

pub(super) fn visit_page(url: &str, title: &str) -> Decision {
    check_length("url", url, 2_000)?;
    check_length("title", title, 300)?;
    Ok(vec![(Actor::Visitor, Event::PageVisited { url: url.to_owned(), title: title.to_owned() })])
}
