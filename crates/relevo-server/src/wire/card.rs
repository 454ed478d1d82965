//! One row of the list.

use super::{maybe_time, plain, time};
use relevo::domain::control::{Control, Holder};
use relevo::domain::event::Status;
use relevo::domain::id::AgentId;
use relevo::store::Row;
use serde_json::{Value, json};

/// A row as `agent` sees it.
pub fn card(row: &Row, agent: AgentId, online: bool, draft: Option<&str>) -> Value {
    let state = &row.conversation;
    let contact = &row.contact;
    let (status, snoozed_until) = status(&state.status);
    json!({
        "id": state.id, "position": row.position, "seq": state.seq, "inbox": state.inbox, "channel": state.channel,
        "contact": {"id": contact.id, "name": contact.name, "email": contact.email, "phone": contact.phone,
                    "verified": contact.verified},
        "language": state.language, "status": status, "snoozed_until": snoozed_until, "priority": plain(&state.priority),
        "control": control(&state.control), "assignee": state.control.agent(), "participants": state.participants,
        "team": state.team, "labels": state.labels, "outcome": plain(&state.outcome), "unread": state.unread,
        "mentions": usize::from(state.mentions.contains(&agent)),
        "last": state.last.as_ref().map(|last| json!({"seq": last.seq, "at": time(last.at), "actor": plain(&last.actor),
            "preview": last.preview, "kind": plain(&last.kind)})),
        "waiting_since": maybe_time(state.waiting_since), "window_ends_at": maybe_time(state.window_ends_at),
        "created_at": time(state.created_at), "updated_at": time(state.updated_at), "online": online,
        "handoff_reason": plain(&state.handoff_reason), "draft": draft,
        "proposed_outcome": plain(&relevo::domain::decide::propose_outcome(state)),
    })
}

/// Who holds it.
pub fn control(control: &Control) -> Value {
    let holder = match &control.holder {
        Holder::Bot { bot } => json!({"kind": "bot", "bot": bot}),
        Holder::Queue { team, skill, since } => {
            json!({"kind": "queue", "team": team, "skill": skill, "since": time(*since)})
        }
        Holder::Human { agent } => json!({"kind": "human", "agent": agent}),
    };
    json!({"holder": holder, "epoch": control.epoch})
}

/// The status and, for a snooze, its end.
pub fn status(status: &Status) -> (&'static str, Value) {
    let until = match status {
        Status::Snoozed { until } => maybe_time(*until),
        Status::Open | Status::Pending | Status::Closed => Value::Null,
    };
    (status_name(status), until)
}

pub(super) fn status_name(status: &Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Pending => "pending",
        Status::Snoozed { .. } => "snoozed",
        Status::Closed => "closed",
    }
}
