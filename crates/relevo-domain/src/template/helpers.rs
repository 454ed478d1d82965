//! The helpers that templates may call, and nothing beside them.

mod words;

use super::Language;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender, Output, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the gate knows of a helper.
pub(crate) struct Signature {
    pub name: &'static str,
    pub takes: RangeInclusive<usize>,
    /// How it is written, for messages.
    pub usage: &'static str,
    /// What its second value may be, where that is a fixed choice.
    pub styles: &'static [&'static str],
    /// Whether it answers yes or no, so that a missing value is nothing to ask for.
    pub tests: bool,
}

const fn text(name: &'static str, takes: RangeInclusive<usize>, usage: &'static str) -> Signature {
    Signature { name, takes, usage, styles: &[], tests: false }
}

const fn test(name: &'static str, takes: RangeInclusive<usize>, usage: &'static str) -> Signature {
    Signature { name, takes, usage, styles: &[], tests: true }
}

const DATE_STYLES: &[&str] = &["long", "short", "time"];

static SIGNATURES: &[Signature] = &[
    text("default", 2..=4, "default contact.first_name \"amigo\""),
    Signature { name: "date", takes: 1..=2, usage: "date now \"long\"", styles: DATE_STYLES, tests: false },
    text("greeting", 0..=0, "greeting"),
    text("upper", 1..=1, "upper inputs.order"),
    text("lower", 1..=1, "lower contact.email"),
    text("first_word", 1..=1, "first_word contact.name"),
    test("eq", 2..=2, "eq conversation.language \"pt\""),
    test("ne", 2..=2, "ne conversation.language \"pt\""),
    test("and", 2..=8, "and contact.email contact.phone"),
    test("or", 2..=8, "or contact.email contact.phone"),
    test("not", 1..=1, "not contact.email"),
];

pub(crate) fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.name == name)
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SIGNATURES.iter().map(|signature| signature.name)
}

/// The missing variables of one render.
#[derive(Clone, Default)]
pub(crate) struct Missing(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    /// In the order in which they were wanted.
    names: Vec<String>,
    /// What a helper inside parentheses lacked last: its caller is not told the name.
    inner: Option<String>,
}

impl Missing {
    /// Their names, each once.
    pub fn names(&self) -> Vec<String> {
        self.noted().names.clone()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a render does when a variable has no value.
#[derive(Clone)]
pub(crate) enum Gaps {
    /// Shows the variable's name and goes on.
    Mark(Missing),
    /// Fails.
    Refuse,
}

/// An engine that knows our helpers and writes no log, looks nothing up and escapes nothing.
pub(crate) fn engine(language: Language, gaps: &Gaps) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.register_escape_fn(handlebars::no_escape);
    for gone in ["lookup", "log", "with", "raw", "gt", "gte", "lt", "lte", "len"] {
        engine.unregister_helper(gone);
    }
    let work: [(&str, Work); 6] = [
        ("default", |_, values| values.iter().flatten().next().map(render)),
        ("date", |call, values| {
            let style = values.get(1).and_then(|v| v.as_ref()).and_then(|v| v.as_str()).unwrap_or("long");
            values.first()?.as_ref().map(|value| words::date(value, style, call.language))
        }),
        ("greeting", |call, _| Some(words::greeting(call.hour, call.language).to_owned())),
        ("upper", |_, values| values.first()?.as_ref().map(|v| render(v).to_uppercase())),
        ("lower", |_, values| values.first()?.as_ref().map(|v| render(v).to_lowercase())),
        ("first_word", |_, values| {
            values.first()?.as_ref().and_then(|v| render(v).split_whitespace().next().map(str::to_owned))
        }),
    ];
    for (name, work) in work {
        engine.register_helper(name, Box::new(TextHelper { work, language, gaps: gaps.clone() }));
    }
    // The engine calls this one for a variable that has no value.
    engine.register_helper("helperMissing", Box::new(Gap(gaps.clone())));
    engine
}

type Work = fn(&Call, &[Option<Value>]) -> Option<String>;

struct Call {
    language: Language,
    hour: Option<u64>,
}

fn render(value: &Value) -> String {
    JsonRender::render(value)
}

/// A helper that gives a text, or nothing where a value that it needs is missing.
struct TextHelper {
    work: Work,
    language: Language,
    gaps: Gaps,
}

impl TextHelper {
    fn result(&self, helper: &Helper<'_>, context: &Context) -> Option<String> {
        let values: Vec<Option<Value>> = helper
            .params()
            .iter()
            .map(|p| (!p.is_value_missing() && !p.value().is_null()).then(|| p.value().clone()))
            .collect();
        let hour = context.data().get("hour").and_then(Value::as_u64);
        (self.work)(&Call { language: self.language, hour }, &values)
    }
}

impl HelperDef for TextHelper {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        if let Some(text) = self.result(helper, context) {
            return Ok(ScopedJson::Derived(Value::String(text)));
        }
        if let (Gaps::Mark(missing), Some(name)) = (&self.gaps, wanted(helper)) {
            missing.noted().inner = Some(name.to_owned());
        }
        Ok(ScopedJson::Missing)
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        if let Some(text) = self.result(helper, context) {
            return Ok(out.write(&text)?);
        }
        if let Some(name) = wanted(helper) {
            return fill(&self.gaps, name, out);
        }
        let inner = match &self.gaps {
            Gaps::Mark(missing) => missing.noted().inner.take(),
            Gaps::Refuse => None,
        };
        fill(&self.gaps, inner.as_deref().unwrap_or(helper.name()), out)
    }
}

/// The first variable that a helper was given.
fn wanted<'a>(helper: &'a Helper<'_>) -> Option<&'a str> {
    helper.params().iter().find_map(|p| p.relative_path()).map(String::as_str)
}

/// Stands where a variable has no value.
struct Gap(Gaps);

impl HelperDef for Gap {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        fill(&self.0, helper.name(), out)
    }
}

fn fill(gaps: &Gaps, name: &str, out: &mut dyn Output) -> HelperResult {
    match gaps {
        Gaps::Mark(missing) => {
            let mut noted = missing.noted();
            if !noted.names.iter().any(|known| known == name) {
                noted.names.push(name.to_owned());
            }
            Ok(out.write(&format!("{{{{{name}}}}}"))?)
        }
        Gaps::Refuse => Err(RenderErrorReason::MissingVariable(Some(name.to_owned())).into()),
    }
}
