//! Reads one macro file.

use super::words::{Label, MacroText, Words};
use super::{Action, Assignee, MAX_STEPS, Macro, NewStatus};
use crate::event::{Outcome, Priority};
use crate::id::{BotId, TeamId, is_slug};
use crate::shortcut::{Library, MAX_TEXT};
use crate::template::{Fault, MAX_SOURCE, Source, TemplateError, nearest};
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MacroFile {
    title: Spanned<Words>,
    #[serde(default)]
    description: Option<Words>,
    #[serde(default)]
    steps: Vec<Spanned<Step>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    send_shortcut: Option<Spanned<String>>,
    send_text: Option<Spanned<Words>>,
    note: Option<Spanned<Words>>,
    assign: Option<Spanned<String>>,
    team: Option<Spanned<String>>,
    add_labels: Option<Spanned<Vec<String>>>,
    remove_labels: Option<Spanned<Vec<String>>>,
    priority: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    hand_to_bot: Option<Spanned<TrueOrName>>,
    close: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "true, or a bot's id in quotes, was expected")]
enum TrueOrName {
    True(bool),
    Name(String),
}

const ACTIONS: [&str; 12] = [
    "send_shortcut",
    "send_text",
    "note",
    "assign",
    "team",
    "add_labels",
    "remove_labels",
    "priority",
    "status",
    "until",
    "hand_to_bot",
    "close",
];
const FIELDS: [&str; 3] = ["title", "description", "steps"];
const PRIORITIES: [(&str, Priority); 5] = [
    ("none", Priority::None),
    ("low", Priority::Low),
    ("medium", Priority::Medium),
    ("high", Priority::High),
    ("urgent", Priority::Urgent),
];
const OUTCOMES: [(&str, Option<Outcome>); 5] = [
    ("proposed", None),
    ("success", Some(Outcome::Success)),
    ("escalated", Some(Outcome::Escalated)),
    ("nobody_available", Some(Outcome::NobodyAvailable)),
    ("never_answered", Some(Outcome::NeverAnswered)),
];

impl Macro {
    /// Reads a file and checks it against the shortcuts of `library`; tells every mistake that can be told at once.
    pub(crate) fn read(path: &str, text: &str, library: &Library) -> Result<Self, Vec<TemplateError>> {
        let source = Source::new(path, text);
        let one = |fault: Fault| vec![source.error(fault)];
        let name = path.rsplit('/').next().and_then(|file| file.strip_suffix(".toml")).unwrap_or_default();
        if !is_slug(name) {
            let message = format!("`{name}` cannot name a macro: use 1 to 40 lower-case letters, digits and hyphens");
            return Err(one(Fault::new(0, message)));
        }
        if text.len() > MAX_SOURCE {
            return Err(one(Fault::new(0, format!("the file has more than {MAX_SOURCE} bytes"))));
        }
        let file: MacroFile = toml::from_str(text).map_err(|error| one(fault_of(&error)))?;
        let mut errors = Vec::new();
        if file.steps.is_empty() || file.steps.len() > MAX_STEPS {
            let message = format!("a macro has 1 to {MAX_STEPS} steps: write each below a line `[[steps]]`");
            errors.push(source.error(Fault::new(0, message)));
        }
        let title_at = file.title.span().start;
        let title = Label::of(file.title.into_inner());
        if !(1..=80).contains(&title.longest()) {
            errors.push(source.error(Fault::new(title_at, "a title has 1 to 80 characters")));
        }
        let mut steps: Vec<Action> = Vec::new();
        for step in file.steps {
            let at = step.span().start;
            match step.into_inner().action(&source, at, library) {
                Ok(action) => {
                    errors.extend(out_of_order(&steps, &action).map(|message| source.error(Fault::new(at, message))));
                    steps.push(action);
                }
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let description = file.description.map(Label::of).unwrap_or_default();
        Ok(Self { name: name.to_owned(), title, description, steps, file: path.to_owned() })
    }
}

/// Why a step cannot come after the ones before it: once a bot has the conversation or it is finished, speaking or
/// assigning would take it back at once.
fn out_of_order(before: &[Action], action: &Action) -> Option<String> {
    let last = before.iter().find(|step| matches!(step, Action::HandToBot(_) | Action::Close(_)))?;
    let takes_back = matches!(
        action,
        Action::SendShortcut(_)
            | Action::SendText(_)
            | Action::Assign(_)
            | Action::Status(_)
            | Action::HandToBot(_)
            | Action::Close(_)
    );
    takes_back.then(|| format!("`{}` cannot come after `{}`: move it up", action.name(), last.name()))
}

impl Step {
    fn action(self, source: &Source<'_>, at: usize, library: &Library) -> Result<Action, Vec<TemplateError>> {
        let fail = |fault: Fault| vec![source.error(fault)];
        if let (Some(until), None) = (&self.until, &self.status) {
            return Err(fail(Fault::new(until.span().start, "`until` belongs beside `status = \"snoozed\"`")));
        }
        let until = self.until;
        let mut actions: Vec<Result<Action, Vec<TemplateError>>> = Vec::new();
        let mut plain = |action: Option<Result<Action, Fault>>| actions.extend(action.map(|a| a.map_err(fail)));
        plain(self.send_shortcut.map(|name| send_shortcut(&name, library)));
        plain(self.assign.map(|who| assign(&who)));
        plain(self.team.map(|team| slug(&team, TeamId::new).map(Action::Team)));
        plain(self.add_labels.map(|names| labels(&names).map(Action::AddLabels)));
        plain(self.remove_labels.map(|names| labels(&names).map(Action::RemoveLabels)));
        plain(self.priority.map(|name| one_of("priority", &name, &PRIORITIES).map(Action::Priority)));
        plain(self.status.map(|name| status(&name, until.as_ref())));
        plain(self.hand_to_bot.map(|bot| hand_to_bot(&bot)));
        plain(self.close.map(|name| one_of("outcome", &name, &OUTCOMES).map(Action::Close)));
        actions.extend(self.send_text.map(|words| text(&words, source).map(Action::SendText)));
        actions.extend(self.note.map(|words| text(&words, source).map(Action::Note)));
        match actions.len() {
            1 => actions.remove(0),
            0 => Err(fail(Fault::new(at, format!("a step needs an action: {}", ACTIONS.join(", "))))),
            count => {
                let message = format!("a step has one action, this one has {count}: begin each with `[[steps]]`");
                Err(fail(Fault::new(at, message)))
            }
        }
    }
}

fn send_shortcut(name: &Spanned<String>, library: &Library) -> Result<Action, Fault> {
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

fn assign(who: &Spanned<String>) -> Result<Action, Fault> {
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

fn slug<T, E: std::fmt::Display>(text: &Spanned<String>, make: impl Fn(String) -> Result<T, E>) -> Result<T, Fault> {
    make(text.get_ref().clone()).map_err(|error| Fault::new(text.span().start, error.to_string()))
}

fn labels(names: &Spanned<Vec<String>>) -> Result<Vec<String>, Fault> {
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

fn one_of<T: Copy>(what: &str, name: &Spanned<String>, known: &[(&str, T)]) -> Result<T, Fault> {
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

fn status(name: &Spanned<String>, until: Option<&Spanned<String>>) -> Result<Action, Fault> {
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

fn hand_to_bot(bot: &Spanned<TrueOrName>) -> Result<Action, Fault> {
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

fn text(words: &Spanned<Words>, source: &Source<'_>) -> Result<MacroText, Vec<TemplateError>> {
    let found = MacroText::of(words, source)?;
    let fits = |(text, template): (&str, &crate::template::Template)| {
        !text.trim().is_empty() && template.longest_text() <= MAX_TEXT
    };
    if found.texts().all(fits) {
        return Ok(found);
    }
    let message = format!("a text has 1 to {MAX_TEXT} characters");
    Err(vec![source.error(Fault::new(words.span().start, message))])
}

/// A mistake of form, in our words where the reader's are not plain.
fn fault_of(error: &toml::de::Error) -> Fault {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message().lines().next().unwrap_or("the file cannot be read");
    if let Some(key) = message.split("unknown field `").nth(1).and_then(|rest| rest.split('`').next()) {
        let known: &[&str] = if message.contains("`send_shortcut`") { &ACTIONS } else { &FIELDS };
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        return Fault::new(at, format!("there is no key `{key}`; {hint}"));
    }
    match message.split("missing field `").nth(1).and_then(|rest| rest.split('`').next()) {
        Some(key) => Fault::new(0, format!("`{key} = …` is missing")),
        None => Fault::new(at, format!("the file cannot be read as TOML: {message}")),
    }
}
