//! Macros: named lists of actions that an agent runs on a conversation with one press.
//!
//! A file is `shortcuts/macros/<name>.toml`. Reading it checks everything that can be known beforehand, so that a macro
//! which loads fails later only for what the conversation itself does not allow. Turning actions into commands, all or
//! nothing, is the desk's work.
//!
//! ```
//! use relevo_domain::shortcut::Library;
//! use relevo_domain::macros::Action;
//!
//! let file = "title = \"Resuelto\"\n[[steps]]\nadd_labels = [\"resuelto\"]\n[[steps]]\nclose = \"success\"\n";
//! let (library, errors) = Library::load([("shortcuts/macros/resolved.toml", file)]);
//! assert!(errors.is_empty());
//! let steps = &library.macro_named("resolved").unwrap().steps;
//! assert!(matches!(&steps[0], Action::AddLabels(labels) if labels == &["resuelto"]));
//!
//! let slip = file.replace("success", "sucess");
//! let (_, errors) = Library::load([("shortcuts/macros/resolved.toml", slip)]);
//! assert_eq!(
//!     errors[0].to_string(),
//!     "shortcuts/macros/resolved.toml:5:9: there is no outcome `sucess`; did you mean `success`?"
//! );
//! ```

mod file;
mod values;
mod words;

pub use words::{Label, MacroText};

use crate::event::{Outcome, Priority};
use crate::id::{BotId, StageId, TeamId};
use crate::shortcut::{Input, Library};
use serde::Serialize;
use std::time::Duration;

/// A macro may have this many steps.
pub const MAX_STEPS: usize = 20;

/// A named list of actions.
#[derive(Debug, Clone)]
pub struct Macro {
    /// Its name: the file's, without `.toml`.
    pub name: String,
    /// What a list of macros shows.
    pub title: Label,
    /// What it is for.
    pub description: Label,
    /// What it does, in this order.
    pub steps: Vec<Action>,
    /// The file's path.
    pub file: String,
}

/// One step of a macro. As JSON: an object with the action's name as its one key.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Sends a shortcut, by its name.
    SendShortcut(String),
    /// Sends a text.
    SendText(MacroText),
    /// Writes a private note.
    Note(MacroText),
    /// Gives the conversation to somebody.
    Assign(Assignee),
    /// Makes a team responsible.
    Team(TeamId),
    /// Says how far it has come.
    Stage(StageId),
    /// Adds labels.
    AddLabels(Vec<String>),
    /// Takes labels away.
    RemoveLabels(Vec<String>),
    /// Says how much it hurries.
    Priority(Priority),
    /// Opens, parks or snoozes it.
    Status(NewStatus),
    /// Gives it to a bot: the named one, else the inbox's own.
    HandToBot(Option<BotId>),
    /// Finishes it with an outcome; none: the one that Relevo proposes.
    Close(Option<Outcome>),
}

impl Action {
    /// Its name, as files and reports write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendShortcut(_) => "send_shortcut",
            Self::SendText(_) => "send_text",
            Self::Note(_) => "note",
            Self::Assign(_) => "assign",
            Self::Team(_) => "team",
            Self::Stage(_) => "stage",
            Self::AddLabels(_) => "add_labels",
            Self::RemoveLabels(_) => "remove_labels",
            Self::Priority(_) => "priority",
            Self::Status(_) => "status",
            Self::HandToBot(_) => "hand_to_bot",
            Self::Close(_) => "close",
        }
    }
}

/// Whom a macro gives a conversation to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// The agent who runs it.
    Me,
    /// Back to the queue.
    Nobody,
    /// The agent who signs in with this e-mail address.
    Agent(String),
}

/// The status that a macro sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NewStatus {
    /// Being worked on.
    Open,
    /// Waiting for the customer.
    Pending,
    /// Out of sight for this long from now; none: until the customer writes.
    Snoozed(Option<Duration>),
}

impl Macro {
    /// What must be asked before it runs: the inputs of the shortcuts that it sends, each name once.
    pub fn inputs<'a>(&self, library: &'a Library, language: Option<&str>) -> Vec<&'a Input> {
        let mut inputs: Vec<&Input> = Vec::new();
        for step in &self.steps {
            let Action::SendShortcut(name) = step else { continue };
            let declared = library.shortcut(name).into_iter().flat_map(|found| &found.variant(language).inputs);
            for input in declared {
                if !inputs.iter().any(|known| known.name == input.name) {
                    inputs.push(input);
                }
            }
        }
        inputs
    }
}

#[cfg(test)]
mod tests;
