//! The second lock: what the engine made of a template, held against the same allow-list. The first reading
//! ([`super::scan`], [`super::check`]) gives the good messages; this one makes sure that both read the same thing.

use super::{MAX_DEPTH, MAX_LOOPS, helpers};
use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};
use handlebars::{Path, PathSeg};

/// Elements by the number of loops around them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight([u64; MAX_LOOPS + 1]);

/// A helper's work against that of a piece of text.
const CALL: u64 = 5;

impl Weight {
    /// Steps of a render in which the longest list has `longest` items.
    pub fn steps(self, longest: u64) -> u64 {
        self.0.iter().rev().fold(0, |inner, own| inner.saturating_mul(longest.max(1)).saturating_add(*own))
    }

    /// Adds what is included inside `loops` loops; false when that makes too many loops.
    pub fn include(&mut self, other: Self, loops: usize) -> bool {
        other.0.iter().enumerate().all(|(depth, amount)| match self.0.get_mut(depth + loops) {
            Some(mine) => {
                *mine = mine.saturating_add(*amount);
                true
            }
            None => *amount == 0,
        })
    }

    fn add(&mut self, loops: usize, amount: u64) {
        // `inspect` has refused deeper loops.
        if let Some(mine) = self.0.get_mut(loops) {
            *mine = mine.saturating_add(amount);
        }
    }
}

/// A piece that must not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign(pub &'static str);

/// Whether `{{> name}}` may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Includes {
    Refused,
    Allowed,
}

/// Weighs a compiled template, or names what must not be in it.
pub(crate) fn inspect(template: &Template, includes: Includes) -> Result<Weight, Foreign> {
    let mut weight = Weight::default();
    Walk { includes, weight: &mut weight }.template(template, 0, 0)?;
    Ok(weight)
}

struct Walk<'a> {
    includes: Includes,
    weight: &'a mut Weight,
}

impl Walk<'_> {
    fn template(&mut self, template: &Template, loops: usize, depth: usize) -> Result<(), Foreign> {
        if depth > MAX_DEPTH || loops > MAX_LOOPS {
            return Err(Foreign("too deep a nesting"));
        }
        template.elements.iter().try_for_each(|element| self.element(element, loops, depth))
    }

    fn element(&mut self, element: &TemplateElement, loops: usize, depth: usize) -> Result<(), Foreign> {
        self.weight.add(loops, 1);
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => Ok(()),
            TemplateElement::Expression(call) => self.call(call, loops, depth),
            TemplateElement::HelperBlock(block) => self.block(block, loops, depth),
            TemplateElement::PartialExpression(include) if self.includes == Includes::Allowed => {
                match (&include.name, include.params.is_empty() && include.hash.is_empty()) {
                    (Parameter::Name(_), true) => Ok(()),
                    _ => Err(Foreign("an include with values")),
                }
            }
            TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => Err(Foreign("an include")),
            TemplateElement::HtmlExpression(_) => Err(Foreign("an unescaped value")),
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => Err(Foreign("a decorator")),
            _ => Err(Foreign("something unknown")),
        }
    }

    fn block(&mut self, block: &HelperTemplate, loops: usize, depth: usize) -> Result<(), Foreign> {
        let name = block.name.as_name();
        if !matches!(name, Some("if" | "unless" | "each")) || !block.hash.is_empty() || block.block_param.is_some() {
            return Err(Foreign("an unknown block"));
        }
        self.params(block, loops, depth)?;
        let inside = loops + usize::from(name == Some("each"));
        if inside > loops {
            // A turn of an empty loop is work too.
            self.weight.add(inside, 1);
        }
        block.template.iter().try_for_each(|t| self.template(t, inside, depth + 1))?;
        block.inverse.iter().try_for_each(|t| self.template(t, loops, depth + 1))
    }

    fn call(&mut self, call: &HelperTemplate, loops: usize, depth: usize) -> Result<(), Foreign> {
        if !call.hash.is_empty() || call.block || depth > MAX_DEPTH {
            return Err(Foreign("named values"));
        }
        if call.params.is_empty() {
            return match &call.name {
                Parameter::Path(path) => plain(path),
                Parameter::Name(name) if helpers::find(name).is_some() => Ok(()),
                _ => Err(Foreign("an unknown value")),
            };
        }
        if call.name.as_name().and_then(helpers::find).is_none() {
            return Err(Foreign("an unknown helper"));
        }
        self.weight.add(loops, CALL);
        self.params(call, loops, depth)
    }

    fn params(&mut self, call: &HelperTemplate, loops: usize, depth: usize) -> Result<(), Foreign> {
        call.params.iter().try_for_each(|param| match param {
            Parameter::Path(path) => plain(path),
            Parameter::Literal(value) if !value.is_array() && !value.is_object() => Ok(()),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(inner) => {
                    self.weight.add(loops, CALL);
                    self.call(inner, loops, depth + 1)
                }
                _ => Err(Foreign("an unknown expression")),
            },
            _ => Err(Foreign("an unknown value")),
        })
    }
}

fn plain(path: &Path) -> Result<(), Foreign> {
    let allowed = match path {
        Path::Relative((parts, _)) => parts.iter().all(|part| matches!(part, PathSeg::Named(_))),
        Path::Local((level, name, _)) => *level == 0 && matches!(name.as_str(), "index" | "key" | "first" | "last"),
    };
    if allowed { Ok(()) } else { Err(Foreign("a path that leaves its place")) }
}
