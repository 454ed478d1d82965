//! What includes what, before the engine sees it: its own stack overflows on a circle and aborts the process.

use super::Prompt;
use crate::template::walk::Weight;
use crate::template::{Fault, MAX_INCLUDES, MAX_PROMPT_STEPS, Source, TemplateError, nearest};
use std::collections::BTreeMap;

/// Follows every include: existing, no circle, not too deep, not too much. What fails is taken out, and then what
/// included it, until the rest stands.
pub(super) fn link(prompts: &mut BTreeMap<String, Prompt>, errors: &mut Vec<TemplateError>) {
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
