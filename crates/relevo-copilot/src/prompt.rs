//! The prompts: Handlebars files with front matter, checked when they are loaded.
//!
//! A task has two files. `TASK-system.hbs` is the system prompt: it uses no variable, so it is the same
//! bytes in every call and providers can cache it. `TASK.hbs` is the user message; its front matter
//! names the task. Other files are partials. All of them go through the product's one template gate.
//!
//! Either of a task's files may be another one for an inbox, a language, or both: `TASK@INBOX.LANGUAGE.hbs` is taken
//! before `TASK@INBOX.hbs`, that before `TASK.LANGUAGE.hbs`, and that before `TASK.hbs`; `TASK-system` alike. A folder
//! needs to hold only what is different from the prompts that ship with Relevo.

use std::collections::BTreeMap;
use std::fmt;

use relevo_domain::template;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::front;
use crate::text::Language;

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
    /// A model for this task, where the deployment names none for it (`task_models`).
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
    /// By the file's name without `.hbs`.
    hints: BTreeMap<String, Hints>,
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hints.keys()).finish()
    }
}

/// The tasks that this version of the Copilot has, and so the prompts that must be there.
pub const TASKS: [&str; 4] = ["summary", "reply", "rewrite", "ask"];

impl Prompts {
    /// The prompts that ship with Relevo.
    pub fn built_in() -> Self {
        let (prompts, errors) = Self::load(BUILT_IN);
        assert!(errors.is_empty(), "the built-in prompts are checked by a test: {errors:?}");
        prompts
    }

    /// Reads files (path and text) in place of those of the same name that ship with Relevo. A task whose file is
    /// broken is told and left out; whoever reloads keeps what they had as long as there are errors.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> (Self, Vec<PromptError>) {
        let mut errors = Vec::new();
        let mut hints = BTreeMap::new();
        let mut bodies = Vec::new();
        let mut all: Vec<(String, String)> = files
            .into_iter()
            .map(|(path, text)| (path.as_ref().to_owned(), text.as_ref().replace("\r\n", "\n")))
            .filter(|(path, _)| path.strip_suffix(".hbs").is_some())
            .collect();
        let theirs: Vec<String> = all.iter().map(|(path, _)| name(path).to_owned()).collect();
        let ours = BUILT_IN.into_iter().filter(|(path, _)| !theirs.iter().any(|theirs| theirs == name(path)));
        all.extend(ours.map(|(path, text)| (path.to_owned(), text.to_owned())));
        for (path, text) in all {
            let (front, body) = front::split(&text);
            // Blank lines in the front matter's place keep the line numbers of later mistakes right.
            let body = "\n".repeat(front.map_or(0, |front| front.lines)) + body;
            bodies.push((path.clone(), body));
            let wrong = |message: String| PromptError { file: path.clone(), line: 1, column: 1, message };
            let of = task_of(name(&path));
            if of != name(&path) && !TASKS.contains(&of.trim_end_matches("-system")) {
                errors.push(wrong(format!("there is no task `{of}`: there are {}", TASKS.join(", "))));
            }
            let Some(front) = front else {
                if TASKS.contains(&of) {
                    errors.push(wrong(format!("it needs front matter that says `task: {of}`")));
                }
                continue;
            };
            match serde_yaml_ng::from_str::<Hints>(front.text) {
                Ok(found) if found.task == of => {
                    hints.insert(name(&path).to_owned(), found);
                }
                Ok(found) => errors.push(wrong(format!("its front matter is for the task `{}`", found.task))),
                Err(error) => {
                    let (line, column) = error.location().map_or((1, 1), |at| (at.line() + 1, at.column()));
                    errors.push(PromptError {
                        file: path.clone(),
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
        let (user, system) = (format!("{task}.hbs"), format!("{task}-system"));
        if !has(task) || !self.hints.contains_key(task) {
            errors.push(error(
                &user,
                format!("the task `{task}` needs a sound `{user}` whose front matter says `task: {task}`"),
            ));
        }
        if !has(&system) {
            errors.push(error(&format!("{system}.hbs"), format!("the task `{task}` needs a sound `{system}.hbs`")));
        }
        for name in self.templates.names().filter(|name| task_of(name) == system) {
            if let Some(variable) = self.templates.variables(name).first() {
                let message = format!("a system prompt is the same in every call: move `{variable}` to `{user}`");
                errors.push(error(&format!("{name}.hbs"), message));
            }
        }
        errors
    }

    /// The tasks that can be rendered.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.hints.keys().map(String::as_str).filter(|name| TASKS.contains(name))
    }

    /// The file of `base` for this inbox and language.
    fn chosen(&self, base: &str, inbox: &str, language: Language) -> String {
        let tag = language.tag();
        let named = [format!("{base}@{inbox}.{tag}"), format!("{base}@{inbox}"), format!("{base}.{tag}")];
        let there = |name: &&String| self.templates.names().any(|known| known == name.as_str());
        named.iter().find(there).cloned().unwrap_or_else(|| base.to_owned())
    }

    /// Fills a task's prompt in, as it is for this inbox and for what is written in this language.
    pub fn render(
        &self,
        task: &str,
        inbox: &str,
        language: Language,
        context: &impl Serialize,
    ) -> Result<Rendered, PromptError> {
        let told = |fault: template::TemplateError| PromptError {
            file: fault.file,
            line: fault.line,
            column: fault.column,
            message: fault.message,
        };
        let user = self.chosen(task, inbox, language);
        let system = self.chosen(&format!("{task}-system"), inbox, language);
        let hints = self.hints.get(&user).cloned().ok_or_else(|| PromptError {
            file: format!("{task}.hbs"),
            line: 1,
            column: 1,
            message: format!("there is no prompt for the task `{task}`"),
        })?;
        let version = self.version(&[&user, &system]);
        let system = self.templates.render(&system, &serde_json::json!({})).map_err(told)?;
        let user = self.templates.render(&user, context).map_err(told)?;
        Ok(Rendered { system: system.trim().to_owned(), user: user.trim().to_owned(), version, hints })
    }

    /// The content hash of files and of what they include.
    fn version(&self, names: &[&str]) -> String {
        let mut hash = Sha256::new();
        for name in names {
            for name in std::iter::once(*name).chain(self.templates.included(name)) {
                let source = self.templates.source(name).unwrap_or_default();
                hash.update(source.len().to_le_bytes());
                hash.update(source);
            }
        }
        crate::hex(&hash.finalize()[..6])
    }
}

/// A file's name without its folder and `.hbs`.
fn name(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".hbs").unwrap_or(file)
}

/// What a file is one of: `summary` for `summary@shop.es`.
fn task_of(name: &str) -> &str {
    name.split(['@', '.']).next().unwrap_or(name)
}

/// The files of the workspace's `prompts/` folder, so that a binary works without the folder beside it.
const BUILT_IN: [(&str, &str); 9] = [
    ("prompts/rules.hbs", include_str!("../../../prompts/rules.hbs")),
    ("prompts/summary-system.hbs", include_str!("../../../prompts/summary-system.hbs")),
    ("prompts/summary.hbs", include_str!("../../../prompts/summary.hbs")),
    ("prompts/reply-system.hbs", include_str!("../../../prompts/reply-system.hbs")),
    ("prompts/reply.hbs", include_str!("../../../prompts/reply.hbs")),
    ("prompts/rewrite-system.hbs", include_str!("../../../prompts/rewrite-system.hbs")),
    ("prompts/rewrite.hbs", include_str!("../../../prompts/rewrite.hbs")),
    ("prompts/ask-system.hbs", include_str!("../../../prompts/ask-system.hbs")),
    ("prompts/ask.hbs", include_str!("../../../prompts/ask.hbs")),
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
        let (_, errors) = Prompts::load([("prompts/sumary@shop.hbs", "---\ntask: summary\nlanguages: [es]\n---\nx")]);
        assert!(errors.iter().any(|error| error.message.contains("no task `sumary`")), "{errors:?}");
    }

    // covers: A09
    #[test]
    fn partials_that_include_each_other_in_a_circle_are_told() {
        let (_, errors) = Prompts::load([("prompts/rules.hbs", "{{> tone}}"), ("prompts/tone.hbs", "{{> rules}}")]);
        assert!(errors.iter().any(|error| error.message.contains("includes itself")), "{errors:?}");
    }

    // covers: A09
    #[test]
    fn an_inbox_and_a_language_may_have_prompts_of_their_own() {
        let of = |text: &str| format!("---\ntask: summary\nlanguages: [es]\n---\n{text}");
        let (prompts, errors) = Prompts::load([
            ("summary.es.hbs", of("Spanish")),
            ("summary@shop.hbs", of("Shop")),
            ("summary@shop.pt.hbs", of("Portuguese shop")),
            ("summary-system@shop.hbs", "Shop's rules".to_owned()),
        ]);
        assert!(errors.is_empty(), "{errors:?}");
        let rendered = |inbox: &str, language: Language| {
            let context = serde_json::json!({"language": "", "facts": null, "earlier": null, "covered": null,
                "conversation": "", "left_out": null});
            let rendered = prompts.render("summary", inbox, language, &context).unwrap();
            (rendered.user, rendered.system == "Shop's rules", rendered.version)
        };
        assert_eq!(rendered("shop", Language::Pt).0, "Portuguese shop");
        assert_eq!((rendered("shop", Language::Es).0, rendered("shop", Language::Es).1), ("Shop".into(), true));
        assert_eq!((rendered("", Language::Es).0, rendered("", Language::Es).1), ("Spanish".into(), false));
        assert!(rendered("", Language::En).0.starts_with("Write in"), "what the folder lacks is Relevo's own");
        assert_ne!(rendered("shop", Language::Es).2, rendered("", Language::Es).2);
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
        assert_ne!(
            with_variable.version(&["summary", "summary-system"]),
            Prompts::built_in().version(&["summary", "summary-system"])
        );
        assert_eq!(
            Prompts::built_in().version(&["summary", "summary-system"]),
            Prompts::built_in().version(&["summary", "summary-system"])
        );
    }
}
