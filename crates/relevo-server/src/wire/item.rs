//! One entry of an agent's timeline. Every fact is exactly one item, so that an agent's sequence has no gaps.

use super::card::{control, status_name};
use super::{maybe_time, plain, time};
use crate::routes::files::attachment;
use relevo::domain::event::Reader;
use relevo::domain::event::{Envelope, Event, Status, Withheld};
use relevo::domain::message::Message;
use serde_json::{Map, Value, json};

/// A fact as agents see it.
pub fn item(envelope: &Envelope) -> Value {
    let (kind, fields) = kind(&envelope.event);
    let mut item = Map::new();
    item.insert("seq".into(), json!(envelope.seq));
    item.insert("at".into(), json!(time(envelope.at)));
    item.insert("actor".into(), plain(&envelope.actor));
    item.insert("kind".into(), json!(kind));
    if let Value::Object(fields) = fields {
        item.extend(fields);
    }
    Value::Object(item)
}

/// A message as everybody sees it.
pub fn message(message: &Message) -> Value {
    json!({
        "id": message.id, "author": plain(&message.author), "text": message.text, "buttons": plain(&message.buttons),
        "attachments": message.attachments.iter().map(attachment).collect::<Vec<_>>(),
        "reply_to": message.reply_to, "client_id": message.client_id,
    })
}

fn kind(event: &Event) -> (&'static str, Value) {
    match event {
        Event::Started { inbox, channel, contact, language, origin, control: held } => (
            "started",
            json!({"inbox": inbox, "channel": channel, "contact": contact, "language": language,
                   "origin": plain(origin), "control": control(held)}),
        ),
        Event::MessagePosted { message: said, turn, .. } => {
            ("message", json!({"message": message(said), "turn": turn.as_ref().map(|turn| turn.id)}))
        }
        Event::Suppressed { turn, epoch, at, what } => {
            let (what, said, reason) = match what {
                Withheld::Message { message: said } => ("message", message(said), Value::Null),
                Withheld::Handoff { note, .. } => ("handoff", Value::Null, json!(note)),
                Withheld::Captured { data } => ("captured", Value::Null, json!(data)),
            };
            let began_in = turn.epoch;
            (
                "suppressed",
                json!({"message": said, "turn": turn.id, "began_in": began_in, "epoch": epoch, "at_check": plain(at),
                       "what": what, "reason": reason}),
            )
        }
        Event::DeliveryClaimed { message, state } => {
            ("delivery", json!({"message": message.id, "state": plain(state), "reason": null}))
        }
        Event::DeliveryUpdated { message, state, reason } => {
            ("delivery", json!({"message": message, "state": plain(state), "reason": reason}))
        }
        Event::Read { reader, up_to } => {
            let reader = match reader {
                Reader::Visitor => "visitor",
                Reader::Agent { .. } => "agent",
            };
            ("read", json!({"reader": reader, "up_to": up_to}))
        }
        Event::Received { up_to } => ("received", json!({"up_to": up_to})),
        Event::NoteAdded { note, text, mentions, client_id } => {
            ("note", json!({"note": {"id": note, "text": text, "mentions": mentions, "client_id": client_id}}))
        }
        Event::Captured { data } => ("captured", json!({"data": data})),
        Event::HandoffRequested { reason, detail, note, captured, control: held } => (
            "handoff_requested",
            json!({"reason": plain(reason), "detail": detail, "note": note, "captured": captured,
                   "control": control(held)}),
        ),
        Event::TakenOver { agent, control: held } => ("taken_over", json!({"agent": agent, "control": control(held)})),
        Event::Joined { agent } => ("joined", json!({"agent": agent})),
        Event::Left { agent } => ("left", json!({"agent": agent})),
        Event::Transferred { from, to, note, control: held } => {
            ("transferred", json!({"from": from, "to": plain(to), "note": note, "control": control(held)}))
        }
        Event::HandedBack { bot, agent, note, control: held } => {
            ("handed_back", json!({"bot": bot, "agent": agent, "note": note, "control": control(held)}))
        }
        Event::StatusChanged { status, reason } => {
            let until = match status {
                Status::Snoozed { until } => maybe_time(*until),
                Status::Open | Status::Pending | Status::Closed => Value::Null,
            };
            ("status_changed", json!({"status": status_name(status), "until": until, "reason": plain(reason)}))
        }
        Event::PriorityChanged { priority } => ("priority_changed", json!({"priority": plain(priority)})),
        Event::LabelsChanged { added, removed } => ("labels_changed", json!({"added": added, "removed": removed})),
        Event::TeamChanged { team } => ("team_changed", json!({"team": team})),
        Event::Closed { outcome, proposed, control: held } => {
            ("closed", json!({"outcome": plain(outcome), "proposed": proposed, "control": control(held)}))
        }
        Event::Reopened { reason, control: held } => {
            ("reopened", json!({"reason": plain(reason), "control": control(held)}))
        }
        Event::ContactUpdated { contact } => ("contact_updated", json!({"contact": contact})),
        Event::PageVisited { url, title } => ("page_visited", json!({"url": url, "title": title})),
        Event::TurnFailed { turn, reason, detail } => {
            ("turn_failed", json!({"turn": turn, "reason": plain(reason), "detail": detail}))
        }
        Event::MacroRan { name, steps } => ("macro_ran", json!({"macro": name, "steps": plain(steps)})),
    }
}
