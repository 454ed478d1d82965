//! What the tags of a template mean: only known blocks, helpers and variables, each used as what it is.

use super::scan::Placed;
use super::tag::{Arg, Call, Tag, Word};
use super::{Fault, Shape, Vocabulary, helpers, nearest};

/// Whom a template may trust its author to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rules<'a> {
    /// Shortcuts and macros: the listed variables only, nothing included.
    Listed(&'a Vocabulary),
    /// Prompts: names are checked against what the render is given, and prompts may include each other.
    Given,
}

/// A variable where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub path: Word,
    /// How many `{{#each}}` are around it.
    pub loops: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Printed,
    Tested,
    Looped,
}

/// Checks all tags; gives the variables in the order of their use, and every fault.
pub(crate) fn check(tags: &[Placed], rules: Rules<'_>) -> (Vec<Use>, Vec<Fault>) {
    let mut checker = Checker { rules, uses: Vec::new(), faults: Vec::new() };
    for placed in tags {
        checker.tag(placed);
    }
    (checker.uses, checker.faults)
}

struct Checker<'a> {
    rules: Rules<'a>,
    uses: Vec<Use>,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn tag(&mut self, placed: &Placed) {
        match &placed.tag {
            Tag::Close(_) | Tag::Comment | Tag::Else(None) => {}
            Tag::Include(name) => {
                if let Rules::Listed(_) = self.rules {
                    self.fault(name, "including another file (`{{>`) is allowed in prompts only".to_owned());
                }
            }
            Tag::Else(Some(call)) => match call.name.text.as_str() {
                "if" | "unless" => self.block(call, Role::Tested, placed.loops),
                _ => self.fault(
                    &call.name,
                    "only `{{else}}`, `{{else if …}}` and `{{else unless …}}` are allowed".to_owned(),
                ),
            },
            Tag::Open(call) => match call.name.text.as_str() {
                "if" | "unless" => self.block(call, Role::Tested, placed.loops),
                "each" => self.block(call, Role::Looped, placed.loops),
                other => {
                    let message = format!("there is no block `{{{{#{other}}}}}`; there are `if`, `unless`, `each`");
                    self.fault(&call.name, message);
                }
            },
            Tag::Value(call) if call.args.is_empty() && helpers::find(&call.name.text).is_none() => {
                self.path(&call.name, Role::Printed, placed.loops);
            }
            Tag::Value(call) => self.call(call, placed.loops),
        }
    }

    fn block(&mut self, call: &Call, role: Role, loops: usize) {
        match (call.args.as_slice(), role) {
            ([Arg::Path(path)], _) => self.path(path, role, loops),
            ([Arg::Call(inner)], Role::Tested) => self.call(inner, loops),
            (_, Role::Looped) => {
                self.fault(&call.name, "`each` takes one list: `{{#each conversation.labels}}`".to_owned());
            }
            _ => {
                let name = &call.name.text;
                let message = format!("`{name}` takes one condition: `{name} contact.email` or `{name} (eq a b)`");
                self.fault(&call.name, message);
            }
        }
    }

    fn call(&mut self, call: &Call, loops: usize) {
        let name = &call.name.text;
        let Some(helper) = helpers::find(name) else {
            let message = match nearest(name, helpers::names()) {
                Some(near) => format!("there is no helper `{name}`; did you mean `{near}`?"),
                None => format!(
                    "there is no helper `{name}`; there are {}",
                    helpers::names().collect::<Vec<_>>().join(", ")
                ),
            };
            return self.fault(&call.name, message);
        };
        if !helper.takes.contains(&call.args.len()) {
            return self.fault(&call.name, format!("write it as `{}`", helper.usage));
        }
        for (index, arg) in call.args.iter().enumerate() {
            match arg {
                Arg::Path(path) => {
                    self.path(path, if helper.tests { Role::Tested } else { Role::Printed }, loops);
                }
                Arg::Call(inner) => self.call(inner, loops),
                Arg::Literal(word)
                    if index > 0 && !helper.styles.is_empty() && !helper.styles.contains(&word.text.as_str()) =>
                {
                    let message = format!("`{name}` knows the styles {}", helper.styles.join(", "));
                    self.fault(word, message);
                }
                Arg::Literal(_) => {}
            }
        }
    }

    fn path(&mut self, path: &Word, role: Role, loops: usize) {
        let text = path.text.as_str();
        let in_loop = text.starts_with('@') || text == "this" || text.starts_with("this.");
        self.uses.push(Use { path: path.clone(), loops });
        if in_loop && loops == 0 {
            return self.fault(path, format!("`{text}` has a meaning only inside `{{{{#each}}}}`"));
        }
        let Rules::Listed(vocabulary) = self.rules else { return };
        if loops > 0 {
            if !in_loop || text.starts_with("this.") {
                let message = format!(
                    "inside `{{{{#each}}}}` only `this`, `@key`, `@index`, `@first` and `@last` are allowed, not `{text}`"
                );
                self.fault(path, message);
            }
            return;
        }
        match (vocabulary.shape(text), role) {
            (None, _) => {
                let message = match nearest(text, helpers::names()) {
                    Some(near) => format!("there is no variable `{text}`; did you mean the helper `{near}`?"),
                    None => vocabulary.refusal(text),
                };
                self.fault(path, message);
            }
            (Some(Shape::Text), Role::Looped) => self.fault(path, format!("`{text}` is one value, not a list")),
            (Some(Shape::List), Role::Printed) => {
                self.fault(path, format!("`{text}` is a list: write `{{{{#each {text}}}}}{{{{this}}}}{{{{/each}}}}`"));
            }
            (Some(Shape::Map), Role::Printed) => {
                self.fault(
                    path,
                    format!("`{text}` holds several values: write `{text}.NAME` or `{{{{#each {text}}}}}`"),
                );
            }
            (Some(_), _) => {}
        }
    }

    fn fault(&mut self, word: &Word, message: String) {
        self.faults.push(Fault::new(word.at, message));
    }
}
