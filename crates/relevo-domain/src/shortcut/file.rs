//! Reads one shortcut file: its name, its front matter, its text.

use super::{Input, MAX_TEXT, Scope, Variant, vocabulary};
use crate::id::is_slug;
use crate::template::{Fault, Language, Shape, Source, Template, TemplateError, nearest};
use serde::Deserialize;

/// A front matter larger than this is none.
const MAX_FRONT_MATTER: usize = 4 * 1024;
const KEYS: [&str; 6] = ["title", "language", "category", "scope", "inputs", "channels"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    inputs: Vec<Input>,
    #[serde(default)]
    channels: Vec<String>,
}

/// Reads a file; gives the shortcut's name and this variant of it.
pub(super) fn read(path: &str, text: &str) -> Result<(String, Variant), Vec<TemplateError>> {
    let whole = Source::new(path, text);
    let one = |fault: Fault| vec![whole.error(fault)];
    let (name, language) = name_and_language(path).map_err(|message| one(Fault::new(0, message)))?;
    let (front, body_at) = split(text).map_err(one)?;
    let matter = front_matter(front).map_err(one)?;
    let faults = check(&matter, front, language);
    if !faults.is_empty() {
        return Err(faults.into_iter().map(|fault| whole.error(fault)).collect());
    }
    let body = &text[body_at..];
    let source = Source::from_line(path, body, 1 + text[..body_at].matches('\n').count());
    if body.trim().is_empty() {
        return Err(vec![source.error(Fault::new(0, "the text is missing: write it below the second `---`"))]);
    }
    let known = matter
        .inputs
        .iter()
        .fold(vocabulary(), |words, input| words.with(format!("inputs.{}", input.name), Shape::Text));
    let template = Template::compile(&source, &known)?;
    if template.longest_text() > MAX_TEXT {
        let message = format!("the text can have {} characters; a message takes {MAX_TEXT}", template.longest_text());
        return Err(vec![source.error(Fault::new(0, message))]);
    }
    let unused = matter.inputs.iter().find(|input| !template.variables().contains(&format!("inputs.{}", input.name)));
    if let Some(Input { name, .. }) = unused {
        let message =
            format!("the input `{name}` is asked for but never used: write `{{{{inputs.{name}}}}}` in the text");
        return Err(one(Fault::new(place_of(front, name), message)));
    }
    let variant = Variant {
        language,
        title: matter.title.trim().to_owned(),
        category: matter.category,
        scope: matter.scope,
        inputs: matter.inputs,
        channels: matter.channels,
        body: body.trim().to_owned(),
        file: path.to_owned(),
        template,
    };
    Ok((name, variant))
}

fn name_and_language(path: &str) -> Result<(String, Language), String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".hbs").unwrap_or(file);
    let Some((name, code)) = stem.rsplit_once('.') else {
        return Err("the file's name says no language: call it `<name>.es.hbs`, `.pt.hbs` or `.en.hbs`".to_owned());
    };
    if !is_slug(name) {
        return Err(format!("`{name}` cannot be typed after `/`: use 1 to 40 lower-case letters, digits and hyphens"));
    }
    match Language::ALL.into_iter().find(|language| language.code() == code) {
        Some(language) => Ok((name.to_owned(), language)),
        None => Err(format!("`{code}` is not a language of Relevo: use es, pt or en")),
    }
}

/// The front matter and the byte at which the text begins.
fn split(text: &str) -> Result<(&str, usize), Fault> {
    let Some(rest) = text.strip_prefix("---\n") else {
        return Err(Fault::new(0, "the front matter is missing: begin the file with `---`, `title: …`, `---`"));
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok((&text[..4 + at], 4 + at + line.len()));
        }
        at += line.len();
        if at > MAX_FRONT_MATTER {
            break;
        }
    }
    Err(Fault::new(0, "the front matter is never closed: write `---` on a line below it"))
}

/// `front` begins with the first `---` line, so that places in it are places in the file.
fn front_matter(front: &str) -> Result<FrontMatter, Fault> {
    serde_yaml_ng::from_str(front).map_err(|error| {
        let text = error.to_string();
        // The place is told as ours; serde_yaml repeats it in words.
        let message = text.split(" at line ").next().unwrap_or(&text);
        if let Some(key) = message.split("unknown field `").nth(1).and_then(|rest| rest.split('`').next()) {
            let keys: &[&str] = if message.starts_with("inputs") { &["name", "label"] } else { &KEYS };
            let hint = match nearest(key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", keys.join(", ")),
            };
            return Fault::new(place_of(front, key), format!("there is no key `{key}`; {hint}"));
        }
        let at = error.location().map_or(0, |location| location.index().min(front.len()));
        match message.split("missing field `").nth(1).and_then(|rest| rest.split('`').next()) {
            Some(key) => Fault::new(at, format!("`{key}:` is missing in the front matter")),
            None => Fault::new(at, format!("the front matter cannot be read: {message}")),
        }
    })
}

fn check(matter: &FrontMatter, front: &str, language: Language) -> Vec<Fault> {
    let mut faults = Vec::new();
    let title = matter.title.trim().chars().count();
    if title == 0 || title > 80 {
        faults.push(Fault::new(place_of(front, "title"), "a title has 1 to 80 characters"));
    }
    if let Some(said) = matter.language.as_deref().filter(|said| *said != language.code()) {
        let message = format!("it says `{said}` and the file's name `{language}`: make them agree");
        faults.push(Fault::new(place_of(front, "language"), message));
    }
    for (index, input) in matter.inputs.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if input.name.is_empty() || input.name.len() > 40 || !input.name.chars().all(plain) {
            let message = format!("the input `{}` needs a name of lower-case letters, digits and `_`", input.name);
            faults.push(Fault::new(place_of(front, &input.name), message));
        }
        if matter.inputs[..index].iter().any(|earlier| earlier.name == input.name) {
            let message = format!("the input `{}` is declared twice", input.name);
            faults.push(Fault::new(place_of(front, "inputs"), message));
        }
    }
    faults
}

/// Where a key or value of the front matter stands, as well as a search can tell.
fn place_of(front: &str, word: &str) -> usize {
    front.find(&format!("{word}:")).or_else(|| front.find(word)).unwrap_or(0)
}
