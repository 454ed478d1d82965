//! Templates that a team writes: shortcuts and the texts of macros.

use super::check::{self, Rules};
use super::helpers::{self, Gaps, Missing};
use super::walk::{self, Includes};
use super::writer::Limited;
use super::{Fault, Language, MAX_ITEMS, MAX_OUTPUT, MAX_STEPS, MAX_VALUE, Source, TemplateError, Vocabulary, scan};
use handlebars::{Context, RenderContext, Renderable};
use serde_json::Value;

/// A text with holes that has passed the gate.
#[derive(Debug, Clone)]
pub struct Template {
    file: String,
    line: usize,
    compiled: handlebars::Template,
    variables: Vec<String>,
    longest_text: usize,
}

/// A rendered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text. Where a value was missing it shows the variable's name in double braces.
    pub text: String,
    /// The variables whose value was missing, in the order of their use.
    pub missing: Vec<String>,
}

impl Template {
    /// Reads a template that may use the variables of `vocabulary`; tells every mistake that can be told at once.
    pub fn compile(source: &Source<'_>, vocabulary: &Vocabulary) -> Result<Self, Vec<TemplateError>> {
        let fail = |faults: Vec<Fault>| Err(faults.into_iter().map(|fault| source.error(fault)).collect());
        let scanned = match scan::scan(source.text) {
            Ok(scanned) => scanned,
            Err(fault) => return fail(vec![fault]),
        };
        let (uses, faults) = check::check(&scanned.tags, Rules::Listed(vocabulary));
        if !faults.is_empty() {
            return fail(faults);
        }
        let (compiled, weight) = match engine_reads(source.text, Includes::Refused) {
            Ok(read) => read,
            Err(fault) => return fail(vec![fault]),
        };
        let steps = weight.steps(MAX_ITEMS as u64);
        if steps > MAX_STEPS {
            let message = format!(
                "its loops could take {steps} steps with {MAX_ITEMS} items in each list; {MAX_STEPS} are allowed: \
                 put less inside `{{{{#each}}}}`"
            );
            return fail(vec![Fault::new(0, message)]);
        }
        let mut variables = Vec::new();
        for used in uses.into_iter().filter(|used| used.loops == 0) {
            if !variables.contains(&used.path.text) {
                variables.push(used.path.text);
            }
        }
        let (file, line) = (source.file.to_owned(), source.line);
        Ok(Self { file, line, compiled, variables, longest_text: scanned.longest_text })
    }

    /// The variables that it uses, each once, in the order of their first use.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Characters of fixed text in its longest way through `{{#if}}`.
    pub fn longest_text(&self) -> usize {
        self.longest_text
    }

    /// Fills the holes from `context`. Null, empty and blank values count as missing.
    pub fn render(&self, context: &Value, language: Language) -> Result<Draft, TemplateError> {
        let missing = Missing::default();
        let engine = helpers::engine(language, &Gaps::Mark(missing.clone()));
        let context = Context::from(tidied(context).unwrap_or_default());
        let mut out = Limited::new(MAX_OUTPUT);
        let result = self.compiled.render(&engine, &context, &mut RenderContext::new(None), &mut out);
        match result {
            Ok(()) => Ok(Draft { text: out.text.trim().to_owned(), missing: missing.names() }),
            Err(error) => Err(TemplateError {
                file: self.file.clone(),
                line: self.line + error.line_no.map_or(0, |line| line.saturating_sub(1)),
                column: error.column_no.unwrap_or(1),
                message: failure(&error, out.full),
            }),
        }
    }
}

/// The engine's own reading of a source that the scan has passed.
pub(super) fn engine_reads(text: &str, includes: Includes) -> Result<(handlebars::Template, walk::Weight), Fault> {
    let compiled = handlebars::Template::compile(text).map_err(|error| {
        let line = error.pos().map_or(1, |(line, _)| line);
        let at = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        Fault::new(at, "this line could not be read as a template: check its braces and quotes")
    })?;
    let weight = walk::inspect(&compiled, includes)
        .map_err(|foreign| Fault::new(0, format!("the template holds {}, which is not allowed", foreign.0)))?;
    Ok((compiled, weight))
}

/// What a failed render says.
pub(super) fn failure(error: &handlebars::RenderError, full: bool) -> String {
    use handlebars::RenderErrorReason::MissingVariable;
    match error.reason() {
        _ if full => format!("the text grew past {} KiB", MAX_OUTPUT / 1024),
        MissingVariable(Some(name)) => format!("there is no value for `{name}`"),
        reason => format!("the text could not be filled in: {reason}"),
    }
}

/// The context without empty values and with every value and list cut to its limit. Cutting instead of refusing: an
/// agent in the middle of a chat must not be stopped by a long attribute that the text may not even use.
fn tidied(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(Value::String(text.chars().take(MAX_VALUE).collect())),
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(tidied).take(MAX_ITEMS).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(map) => {
            let map: serde_json::Map<String, Value> =
                map.iter().filter_map(|(key, value)| Some((key.clone(), tidied(value)?))).take(MAX_ITEMS).collect();
            (!map.is_empty()).then_some(Value::Object(map))
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
