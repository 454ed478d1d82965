//! Templates that ship with the deployment: what the Copilot asks a model. They may include each other by name.

mod link;

use super::check::{self, Rules, Use};
use super::helpers::{self, Gaps};
use super::scan::{self, Placed};
use super::tag::{Tag, Word};
use super::text::{engine_reads, failure};
use super::walk::{Includes, Weight};
use super::writer::Limited;
use super::{Fault, Language, MAX_OUTPUT, MAX_PROMPT_STEPS, Source, TemplateError, nearest};
use handlebars::{Context, Handlebars, RenderContext, Renderable};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The prompts of one folder, each under its file's name without `.hbs`.
pub struct Prompts {
    engine: Handlebars<'static>,
    prompts: BTreeMap<String, Prompt>,
}

struct Prompt {
    file: String,
    text: String,
    compiled: handlebars::Template,
    uses: Vec<Use>,
    /// The names that it includes, and the loops around each.
    includes: Vec<(Word, usize)>,
    /// With everything that it includes.
    weight: Weight,
}

impl Prompts {
    /// Reads the prompts among `files` (path and text; other files than `*.hbs` are passed over). Broken ones, and
    /// those that include a broken one, are told and left out.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> (Self, Vec<TemplateError>) {
        let mut errors = Vec::new();
        let mut prompts = BTreeMap::new();
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref().replace("\r\n", "\n"));
            let Some(name) = path.rsplit(['/', '\\']).next().and_then(|file| file.strip_suffix(".hbs")) else {
                continue;
            };
            let source = Source::new(path, &text);
            match Prompt::read(&source) {
                Ok(mut prompt) => {
                    prompt.compiled.name = Some(name.to_owned());
                    if let Some(first) = prompts.insert(name.to_owned(), prompt) {
                        let message =
                            format!("the prompt `{name}` is already in {}: give one another name", first.file);
                        errors.push(source.error(Fault::new(0, message)));
                    }
                }
                Err(faults) => errors.extend(faults.into_iter().map(|fault| source.error(fault))),
            }
        }
        link::link(&mut prompts, &mut errors);
        let mut engine = helpers::engine(Language::default(), &Gaps::Refuse);
        for (name, prompt) in &prompts {
            engine.register_template(name, prompt.compiled.clone());
        }
        errors.sort();
        (Self { engine, prompts }, errors)
    }

    /// The names of the prompts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.prompts.keys().map(String::as_str)
    }

    /// A prompt's source, for its version's hash; none where there is no such prompt.
    pub fn source(&self, name: &str) -> Option<&str> {
        self.prompts.get(name).map(|prompt| prompt.text.as_str())
    }

    /// The prompts that a prompt includes, also through others, in the order in which they are met.
    pub fn included(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut open: Vec<&str> = vec![name];
        while let Some(prompt) = open.pop().and_then(|name| self.prompts.get(name)) {
            for (word, _) in &prompt.includes {
                if !found.contains(&word.text.as_str()) {
                    found.push(&word.text);
                    open.push(&word.text);
                }
            }
        }
        found
    }

    /// The variables that a prompt and what it includes use outside of loops, each once, sorted.
    pub fn variables(&self, name: &str) -> Vec<String> {
        let names = std::iter::once(name).chain(self.included(name));
        let mut variables: Vec<String> = names
            .filter_map(|name| self.prompts.get(name))
            .flat_map(|prompt| prompt.uses.iter().filter(|used| used.loops == 0))
            .map(|used| used.path.text.clone())
            .collect();
        variables.sort();
        variables.dedup();
        variables
    }

    /// Fills a prompt in. Every variable must be in `context`; null prints nothing.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String, TemplateError> {
        let Some(prompt) = self.prompts.get(name) else {
            let hint = nearest(name, self.names()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(Source::new(name, "").error(Fault::new(0, format!("there is no prompt `{name}`{hint}"))));
        };
        let source = Source::new(&prompt.file, &prompt.text);
        let fail = |message: String| source.error(Fault::new(0, message));
        let data =
            serde_json::to_value(context).map_err(|error| fail(format!("its values cannot be read: {error}")))?;
        for used in prompt.uses.iter().filter(|used| used.loops == 0) {
            if data.pointer(&format!("/{}", used.path.text.replace('.', "/"))).is_none() {
                let message = format!("this prompt is not given a variable `{}`", used.path.text);
                return Err(source.error(Fault::new(used.path.at, message)));
            }
        }
        let steps = prompt.weight.steps(longest(&data));
        if steps > MAX_PROMPT_STEPS {
            return Err(fail(format!("its loops would take {steps} steps; {MAX_PROMPT_STEPS} are allowed")));
        }
        let mut out = Limited::new(MAX_OUTPUT);
        let data = Context::from(data);
        match prompt.compiled.render(&self.engine, &data, &mut RenderContext::new(None), &mut out) {
            Ok(()) => Ok(out.text),
            Err(error) => Err(TemplateError {
                // The mistake may stand in an included prompt.
                file: error
                    .template_name
                    .as_ref()
                    .and_then(|name| self.prompts.get(name))
                    .map_or(&prompt.file, |prompt| &prompt.file)
                    .clone(),
                line: error.line_no.unwrap_or(1),
                column: error.column_no.unwrap_or(1),
                message: failure(&error, out.full),
            }),
        }
    }
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.prompts.keys()).finish()
    }
}

impl Prompt {
    fn read(source: &Source<'_>) -> Result<Self, Vec<Fault>> {
        let scanned = scan::scan(source.text).map_err(|fault| vec![fault])?;
        let (uses, faults) = check::check(&scanned.tags, Rules::Given);
        if !faults.is_empty() {
            return Err(faults);
        }
        let (compiled, weight) = engine_reads(source.text, Includes::Allowed).map_err(|fault| vec![fault])?;
        let includes = scanned.tags.iter().filter_map(included).collect();
        Ok(Self { file: source.file.to_owned(), text: source.text.to_owned(), compiled, uses, includes, weight })
    }
}

fn included(placed: &Placed) -> Option<(Word, usize)> {
    match &placed.tag {
        Tag::Include(name) => Some((name.clone(), placed.loops)),
        _ => None,
    }
}

/// The length of the longest list or map anywhere in `value`.
fn longest(value: &Value) -> u64 {
    let (own, inner) = match value {
        Value::Array(items) => (items.len(), items.iter().map(longest).max()),
        Value::Object(map) => (map.len(), map.values().map(longest).max()),
        _ => (0, None),
    };
    inner.unwrap_or(0).max(own as u64)
}

#[cfg(test)]
mod tests;
