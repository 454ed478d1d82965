//! Templates that ship with the deployment: what the Copilot asks a model. They may include each other by name.

use super::check::{self, Rules, Use};
use super::helpers::{self, Gaps};
use super::scan::{self, Placed};
use super::tag::{Tag, Word};
use super::text::{engine_reads, failure};
use super::walk::{Includes, Weight};
use super::writer::Limited;
use super::{Fault, Language, MAX_INCLUDES, MAX_OUTPUT, MAX_PROMPT_STEPS, Source, TemplateError, nearest};
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
        link(&mut prompts, &mut errors);
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

/// Follows every include: existing, no circle, not too deep, not too much. What fails is taken out, and then what
/// included it, until the rest stands.
fn link(prompts: &mut BTreeMap<String, Prompt>, errors: &mut Vec<TemplateError>) {
    loop {
        let mut known = BTreeMap::new();
        let broken: Vec<(String, TemplateError)> = prompts
            .iter()
            .filter_map(|(name, prompt)| {
                let fault = total(name, prompts, &mut known, &mut Vec::new()).err()?;
                Some((name.clone(), Source::new(&prompt.file, &prompt.text).error(fault)))
            })
            .collect();
        if broken.is_empty() {
            for (name, (weight, _)) in known {
                if let Some(prompt) = prompts.get_mut(&name) {
                    prompt.weight = weight;
                }
            }
            return;
        }
        for (name, error) in broken {
            prompts.remove(&name);
            errors.push(error);
        }
    }
}

/// The weight of a prompt with all that it includes, and how deep it includes. The recursion ends at
/// [`MAX_INCLUDES`]: a fault deeper down is told at the include of the prompt that was asked for.
fn total(
    name: &str,
    prompts: &BTreeMap<String, Prompt>,
    known: &mut BTreeMap<String, (Weight, usize)>,
    way: &mut Vec<String>,
) -> Result<(Weight, usize), Fault> {
    if let Some(done) = known.get(name) {
        return Ok(*done);
    }
    let prompt = &prompts[name];
    let (mut weight, mut depth) = (prompt.weight, 0);
    way.push(name.to_owned());
    for (word, loops) in &prompt.includes {
        let refuse = |message: String| Err(Fault::new(word.at, message));
        let target = word.text.as_str();
        if way.iter().any(|passed| passed == target) {
            return refuse(format!("`{target}` includes itself: {} → {target}", way.join(" → ")));
        }
        if !prompts.contains_key(target) {
            let hint = nearest(target, prompts.keys().map(String::as_str));
            let hint = hint.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return refuse(format!("there is no sound prompt `{target}` in this folder{hint}"));
        }
        if way.len() > MAX_INCLUDES {
            return refuse(format!("prompts include each other more than {MAX_INCLUDES} deep"));
        }
        let (inner, below) = total(target, prompts, known, way)
            .map_err(|fault| Fault::new(word.at, format!("in `{target}`: {}", fault.message)))?;
        depth = depth.max(below + 1);
        if depth > MAX_INCLUDES {
            return refuse(format!("prompts include each other more than {MAX_INCLUDES} deep"));
        }
        if !weight.include(inner, *loops) {
            return refuse(format!(
                "`{target}` has a loop too many for this place: one `{{{{#each}}}}` may nest in one"
            ));
        }
        if weight.steps(1) > MAX_PROMPT_STEPS {
            return refuse("this prompt includes too much".to_owned());
        }
    }
    way.pop();
    known.insert(name.to_owned(), (weight, depth));
    Ok((weight, depth))
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
mod tests {
    use super::*;
    use serde_json::json;

    fn load(files: &[(&str, &str)]) -> (Prompts, Vec<String>) {
        let (prompts, errors) = Prompts::load(files.iter().copied());
        (prompts, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_prompt_includes_another_and_loops_over_messages() {
        let (prompts, errors) = load(&[
            (
                "prompts/brief.hbs",
                "{{> rules}}\n{{#each messages}}\n{{role}}: {{text}}\n{{/each}}\n{{#if note}}{{note}}{{/if}}",
            ),
            ("prompts/rules.hbs", "Answer in {{language}}."),
            ("prompts/README.md", "not a prompt"),
        ]);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(prompts.variables("brief"), ["language", "messages", "note"]);
        assert_eq!(prompts.included("brief"), ["rules"]);
        let messages = json!([{"role": "visitor", "text": "<b>{{x}}</b>"}]);
        let text = prompts.render("brief", &json!({"language": "es", "messages": messages, "note": null})).unwrap();
        assert_eq!(text, "Answer in es.visitor: <b>{{x}}</b>\n");
    }

    #[test]
    fn a_variable_that_the_task_does_not_give_fails_where_it_stands() {
        let (prompts, _) =
            load(&[("p/a.hbs", "one\n{{#each items}}{{name}}{{/each}} {{> b}}"), ("p/b.hbs", "{{tone}}")]);
        let error = |context| prompts.render("a", &context).unwrap_err().to_string();
        assert_eq!(error(json!({})), "p/a.hbs:2:9: this prompt is not given a variable `items`");
        assert_eq!(error(json!({"items": [{}], "tone": ""})), "p/a.hbs:2:16: there is no value for `name`");
        assert_eq!(error(json!({"items": []})), "p/b.hbs:1:1: there is no value for `tone`");
        assert_eq!(
            prompts.render("aa", &json!({})).unwrap_err().to_string(),
            "aa:1:1: there is no prompt `aa`; did you mean `a`?"
        );
    }

    #[test]
    fn circles_strangers_and_towers_of_includes_are_refused_before_the_engine_sees_them() {
        let (prompts, errors) = load(&[
            ("a.hbs", "{{> b}}"),
            ("b.hbs", "x {{> a}}"),
            ("c.hbs", "{{> c}}"),
            ("d.hbs", "{{> rulse}}"),
            ("rules.hbs", "fine"),
            ("e.hbs", "{{> d}}"),
        ]);
        assert_eq!(
            errors,
            [
                "a.hbs:1:5: in `b`: `a` includes itself: a → b → a",
                "b.hbs:1:7: in `a`: `b` includes itself: b → a → b",
                "c.hbs:1:5: `c` includes itself: c → c",
                "d.hbs:1:5: there is no sound prompt `rulse` in this folder; did you mean `rules`?",
                "e.hbs:1:5: in `d`: there is no sound prompt `rulse` in this folder; did you mean `rules`?",
            ]
        );
        assert_eq!(prompts.names().collect::<Vec<_>>(), ["rules"]);

        // Each level includes the next ten times: ten to the eighth without a single character of output.
        let tower: Vec<(String, String)> =
            (0..9).map(|i| (format!("t{i}.hbs"), format!("{{{{> t{}}}}}", i + 1).repeat(10))).collect();
        let tower = tower.into_iter().chain([("t9.hbs".to_owned(), String::new())]);
        let (prompts, errors) = Prompts::load(tower);
        assert!(errors.iter().any(|e| e.message.contains("too much") || e.message.contains("deep")), "{errors:?}");
        assert!(prompts.names().count() < 9);
    }

    #[test]
    fn loops_through_includes_are_counted() {
        let nested = "{{#each a}}{{#each b}}{{/each}}{{/each}}";
        let (_, errors) = load(&[("a.hbs", "{{#each x}}{{> b}}{{/each}}"), ("b.hbs", nested)]);
        assert_eq!(errors, ["a.hbs:1:16: `b` has a loop too many for this place: one `{{#each}}` may nest in one"]);

        let (prompts, errors) = load(&[("b.hbs", nested)]);
        assert_eq!(errors, Vec::<String>::new());
        let list: Vec<_> = (0..2000).map(|_| json!({"b": vec![0; 2000]})).collect();
        let error = prompts.render("b", &json!({"a": list})).unwrap_err().to_string();
        assert!(error.contains("steps"), "{error}");
    }
}
