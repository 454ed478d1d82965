//! Reads one macro file.

use super::values::{
    OUTCOMES, PRIORITIES, TrueOrName, assign, hand_to_bot, labels, one_of, send_shortcut, slug, status, text,
};
use super::words::{Label, Words};
use super::{Action, MAX_STEPS, Macro};
use crate::id::{StageId, TeamId, is_slug};
use crate::shortcut::Library;
use crate::template::{Fault, MAX_SOURCE, Source, TemplateError, nearest};
use serde::Deserialize;
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
    stage: Option<Spanned<String>>,
    add_labels: Option<Spanned<Vec<String>>>,
    remove_labels: Option<Spanned<Vec<String>>>,
    priority: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    hand_to_bot: Option<Spanned<TrueOrName>>,
    close: Option<Spanned<String>>,
}

const ACTIONS: [&str; 13] = [
    "send_shortcut",
    "send_text",
    "note",
    "assign",
    "team",
    "stage",
    "add_labels",
    "remove_labels",
    "priority",
    "status",
    "until",
    "hand_to_bot",
    "close",
];
const FIELDS: [&str; 3] = ["title", "description", "steps"];
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
        plain(self.stage.map(|stage| slug(&stage, StageId::new).map(Action::Stage)));
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
