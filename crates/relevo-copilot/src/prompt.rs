//! The prompts: Handlebars files with front matter, checked when they are loaded.
//!
//! A task has two files. `TASK-system.hbs` is the system prompt: it uses no variable, so it is the same
//! bytes in every call and providers can cache it. `TASK.hbs` is the user message; its front matter
//! names the task. Other files are partials. All of them go through the product's one template gate.

use std::collections::BTreeMap;
use std::fmt;

use relevo_domain::template;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::front;

/// A mistake in a prompt file, told with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PromptError {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// What the front matter says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    /// The task that the file is for.
    pub task: String,
    /// The languages it was written for.
    pub languages: Vec<String>,
    /// A model for this task, where the deployment names none.
    #[serde(default)]
    pub model: Option<String>,
    /// Randomness.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Longest answer.
    #[serde(default)]
    pub max_tokens: Option<u32>,
}

/// A prompt filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The system prompt.
    pub system: String,
    /// The user message.
    pub user: String,
    /// The content hash of every file that took part.
    pub version: String,
    /// The front matter.
    pub hints: Hints,
}

/// The prompts of a deployment.
pub struct Prompts {
    templates: template::Prompts,
    hints: BTreeMap<String, Hints>,
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hints.keys()).finish()
    }
}

/// The tasks that this version of the Copilot has, and so the prompts that must be there.
pub const TASKS: [&str; 2] = ["summary", "reply"];

impl Prompts {
    /// The prompts that ship with Relevo.
    pub fn built_in() -> Self {
        let (prompts, errors) = Self::load(BUILT_IN);
        assert!(errors.is_empty(), "the built-in prompts are checked by a test: {errors:?}");
        prompts
    }

    /// Reads files (path and text). A task whose file is broken is told and left out; whoever reloads
    /// keeps what they had as long as there are errors.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> (Self, Vec<PromptError>) {
        let mut errors = Vec::new();
        let mut hints = BTreeMap::new();
        let mut bodies = Vec::new();
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref().replace("\r\n", "\n"));
            let (front, body) = front::split(&text);
            // Blank lines in the front matter's place keep the line numbers of later mistakes right.
            let body = "\n".repeat(front.map_or(0, |front| front.lines)) + body;
            bodies.push((path.to_owned(), body));
            let Some(front) = front else { continue };
            match serde_yaml_ng::from_str::<Hints>(front.text) {
                Ok(found) => {
                    hints.insert(found.task.clone(), found);
                }
                Err(error) => {
                    let (line, column) = error.location().map_or((1, 1), |at| (at.line() + 1, at.column()));
                    errors.push(PromptError {
                        file: path.to_owned(),
                        line,
                        column,
                        message: format!("front matter: {error}"),
                    });
                }
            }
        }
        let (templates, faults) = template::Prompts::load(bodies.iter().map(|(path, body)| (path, body)));
        errors.extend(faults.into_iter().map(|fault| PromptError {
            file: fault.file,
            line: fault.line,
            column: fault.column,
            message: fault.message,
        }));
        let prompts = Self { templates, hints };
        for task in TASKS {
            errors.extend(prompts.missing(task));
        }
        errors.sort();
        errors.dedup();
        (prompts, errors)
    }

    fn missing(&self, task: &str) -> Vec<PromptError> {
        let error = |file: &str, message: String| PromptError { file: file.to_owned(), line: 1, column: 1, message };
        let mut errors = Vec::new();
        let has = |name: &str| self.templates.names().any(|known| known == name);
        let (user, system) = (format!("{task}.hbs"), format!("{task}-system.hbs"));
        if !has(task) || !self.hints.contains_key(task) {
            errors.push(error(
                &user,
                format!("the task `{task}` needs a sound `{user}` whose front matter says `task: {task}`"),
            ));
        }
        if !has(&format!("{task}-system")) {
            errors.push(error(&system, format!("the task `{task}` needs a sound `{system}`")));
        } else if let Some(variable) = self.templates.variables(&format!("{task}-system")).first() {
            let message = format!("a system prompt is the same in every call: move `{variable}` to `{user}`");
            errors.push(error(&system, message));
        }
        errors
    }

    /// The tasks that can be rendered.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.hints.keys().map(String::as_str)
    }

    /// Fills a task's prompt in.
    pub fn render(&self, task: &str, context: &impl Serialize) -> Result<Rendered, PromptError> {
        let told = |fault: template::TemplateError| PromptError {
            file: fault.file,
            line: fault.line,
            column: fault.column,
            message: fault.message,
        };
        let hints = self.hints.get(task).cloned().ok_or_else(|| PromptError {
            file: format!("{task}.hbs"),
            line: 1,
            column: 1,
            message: format!("there is no prompt for the task `{task}`"),
        })?;
        let system = self.templates.render(&format!("{task}-system"), &serde_json::json!({})).map_err(told)?;
        let user = self.templates.render(task, context).map_err(told)?;
        Ok(Rendered {
            system: system.trim().to_owned(),
            user: user.trim().to_owned(),
            version: self.version(task),
            hints,
        })
    }

    /// The content hash of a task's files.
    pub fn version(&self, task: &str) -> String {
        let system = format!("{task}-system");
        let mut hash = Sha256::new();
        for name in [task, &system] {
            for name in std::iter::once(name).chain(self.templates.included(name)) {
                let source = self.templates.source(name).unwrap_or_default();
                hash.update(source.len().to_le_bytes());
                hash.update(source);
            }
        }
        crate::hex(&hash.finalize()[..6])
    }
}

/// The files of the workspace's `prompts/` folder, so that a binary works without the folder beside it.
const BUILT_IN: [(&str, &str); 5] = [
    ("prompts/rules.hbs", include_str!("../../../prompts/rules.hbs")),
    ("prompts/summary-system.hbs", include_str!("../../../prompts/summary-system.hbs")),
    ("prompts/summary.hbs", include_str!("../../../prompts/summary.hbs")),
    ("prompts/reply-system.hbs", include_str!("../../../prompts/reply-system.hbs")),
    ("prompts/reply.hbs", include_str!("../../../prompts/reply.hbs")),
];

#[cfg(test)]
mod tests {
    use super::*;

    // covers: A09
    #[test]
    fn a_mistake_is_told_with_file_line_and_column() {
        let files = BUILT_IN.map(|(path, text)| match path {
            "prompts/reply.hbs" => (path, text.replace("{{sources}}", "{{#if sources}}")),
            _ => (path, text.to_owned()),
        });
        let (_, errors) = Prompts::load(files);
        let error = errors.iter().find(|error| error.line > 1).unwrap();
        assert_eq!((error.file.as_str(), error.line), ("prompts/reply.hbs", 14), "{error}");
        let (_, errors) = Prompts::load([("prompts/summary.hbs", "---\ntask: summary\nlanguges: [es]\n---\nx")]);
        assert!(errors.iter().any(|error| error.message.contains("languges")), "{errors:?}");
        assert!(errors.iter().any(|error| error.file == "reply.hbs"), "{errors:?}");
    }

    // behaviour 23
    #[test]
    fn the_system_prompt_takes_no_variable_and_the_version_follows_the_content() {
        let changed = |from: &'static str, to: &'static str| {
            BUILT_IN.map(|(path, text)| {
                (path, if path == "prompts/rules.hbs" { text.replacen(from, to, 1) } else { text.to_owned() })
            })
        };
        let (with_variable, errors) = Prompts::load(changed("You support", "{{language}} You support"));
        assert!(errors.iter().any(|error| error.message.contains("same in every call")), "{errors:?}");
        assert_ne!(with_variable.version("summary"), Prompts::built_in().version("summary"));
        assert_eq!(Prompts::built_in().version("summary"), Prompts::built_in().version("summary"));
    }
}
