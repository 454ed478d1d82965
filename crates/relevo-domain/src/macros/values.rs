//! What stands behind an action's name in a macro file.

use super::words::{MacroText, Words};
use super::{Action, Assignee, NewStatus};
use crate::event::{Outcome, Priority};
use crate::id::BotId;
use crate::shortcut::{Library, MAX_TEXT};
use crate::template::{Fault, Source, Template, TemplateError, nearest};
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

pub(super) const PRIORITIES: [(&str, Priority); 5] = [
    ("none", Priority::None),
    ("low", Priority::Low),
    ("medium", Priority::Medium),
    ("high", Priority::High),
    ("urgent", Priority::Urgent),
];
pub(super) const OUTCOMES: [(&str, Option<Outcome>); 5] = [
    ("proposed", None),
    ("success", Some(Outcome::Success)),
    ("escalated", Some(Outcome::Escalated)),
    ("nobody_available", Some(Outcome::NobodyAvailable)),
    ("never_answered", Some(Outcome::NeverAnswered)),
];

#[derive(Deserialize)]
#[serde(untagged, expecting = "true, or a bot's id in quotes, was expected")]
/// `true` for the inbox's own bot, or a bot's id.
pub(super) enum TrueOrName {
    True(bool),
    Name(String),
}

pub(super) fn send_shortcut(name: &Spanned<String>, library: &Library) -> Result<Action, Fault> {
    let wanted = name.get_ref();
    if library.shortcut(wanted).is_some() {
        return Ok(Action::SendShortcut(wanted.clone()));
    }
    let hint = match nearest(wanted, library.shortcuts().map(|shortcut| shortcut.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "it has no file, or its file has a mistake".to_owned(),
    };
    Err(Fault::new(name.span().start, format!("there is no shortcut `{wanted}`; {hint}")))
}

pub(super) fn assign(who: &Spanned<String>) -> Result<Action, Fault> {
    match who.get_ref().as_str() {
        "me" => Ok(Action::Assign(Assignee::Me)),
        "nobody" => Ok(Action::Assign(Assignee::Nobody)),
        email if email.contains('@') && !email.contains(char::is_whitespace) => {
            Ok(Action::Assign(Assignee::Agent(email.to_lowercase())))
        }
        other => {
            let message = format!("`{other}` is nobody: write `me`, `nobody` or an agent's e-mail address");
            Err(Fault::new(who.span().start, message))
        }
    }
}

pub(super) fn slug<T, E: std::fmt::Display>(
    text: &Spanned<String>,
    make: impl Fn(String) -> Result<T, E>,
) -> Result<T, Fault> {
    make(text.get_ref().clone()).map_err(|error| Fault::new(text.span().start, error.to_string()))
}

pub(super) fn labels(names: &Spanned<Vec<String>>) -> Result<Vec<String>, Fault> {
    let at = names.span().start;
    if names.get_ref().is_empty() {
        return Err(Fault::new(at, "name at least one label"));
    }
    let tidy = |name: &String| {
        let name = name.trim();
        let fits = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        fits.then(|| name.to_owned()).ok_or_else(|| Fault::new(at, "a label has 1 to 40 characters"))
    };
    names.get_ref().iter().map(tidy).collect()
}

pub(super) fn one_of<T: Copy>(what: &str, name: &Spanned<String>, known: &[(&str, T)]) -> Result<T, Fault> {
    let wanted = name.get_ref();
    if let Some((_, value)) = known.iter().find(|(name, _)| name == wanted) {
        return Ok(*value);
    }
    let hint = match nearest(wanted, known.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")),
    };
    Err(Fault::new(name.span().start, format!("there is no {what} `{wanted}`; {hint}")))
}

pub(super) fn status(name: &Spanned<String>, until: Option<&Spanned<String>>) -> Result<Action, Fault> {
    let time = until.map(|until| {
        let message = "write how long: `30m`, `4h`, `2d` or `1w`, at most a year";
        duration(until.get_ref()).ok_or_else(|| Fault::new(until.span().start, message))
    });
    let time = time.transpose()?;
    let statuses = [("open", NewStatus::Open), ("pending", NewStatus::Pending), ("snoozed", NewStatus::Snoozed(time))];
    let status = one_of("status", name, &statuses)?;
    match (status, until) {
        (NewStatus::Open | NewStatus::Pending, Some(until)) => {
            Err(Fault::new(until.span().start, "`until` belongs beside `status = \"snoozed\"`"))
        }
        _ => Ok(Action::Status(status)),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let minutes = count.checked_mul(match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    })?;
    (1..=365 * 24 * 60).contains(&minutes).then(|| Duration::from_secs(minutes * 60))
}

pub(super) fn hand_to_bot(bot: &Spanned<TrueOrName>) -> Result<Action, Fault> {
    let at = bot.span().start;
    match bot.get_ref() {
        TrueOrName::True(true) => Ok(Action::HandToBot(None)),
        TrueOrName::True(false) => Err(Fault::new(at, "`hand_to_bot = false` does nothing: delete the step")),
        TrueOrName::Name(name) => match BotId::new(name.clone()) {
            Ok(bot) => Ok(Action::HandToBot(Some(bot))),
            Err(error) => Err(Fault::new(at, error.to_string())),
        },
    }
}

pub(super) fn text(words: &Spanned<Words>, source: &Source<'_>) -> Result<MacroText, Vec<TemplateError>> {
    let found = MacroText::of(words, source)?;
    let fits = |(text, template): (&str, &Template)| !text.trim().is_empty() && template.longest_text() <= MAX_TEXT;
    if found.texts().all(fits) {
        return Ok(found);
    }
    let message = format!("a text has 1 to {MAX_TEXT} characters");
    Err(vec![source.error(Fault::new(words.span().start, message))])
}
