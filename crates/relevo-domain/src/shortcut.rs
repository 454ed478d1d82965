//! Shortcuts: ready answers that a team keeps as files, and the library that they and the macros are read into.
//!
//! A file is `shortcuts/<name>.<language>.hbs`: a front matter between two `---` lines, then the text with its holes.
//! Files of one name are the variants of one shortcut.
//!
//! ```
//! use relevo_domain::shortcut::{Library, ShortcutContext};
//!
//! let file = "---\ntitle: Pedir número de pedido\ncategory: Pedidos\n---\nHola, {{contact.first_name}}. ¿Cuál es tu pedido?";
//! let (library, errors) = Library::load([("shortcuts/order.es.hbs", file)]);
//! assert!(errors.is_empty());
//! let shortcut = library.shortcut("order").unwrap();
//! let rendered = shortcut.render(Some("es-MX"), &ShortcutContext::default()).unwrap();
//! assert_eq!(rendered.text, "Hola, {{contact.first_name}}. ¿Cuál es tu pedido?");
//! assert_eq!(rendered.missing, ["contact.first_name"]);
//! ```

mod context;
mod file;
mod library;
mod search;

pub use context::{AgentWords, ContactWords, ConversationWords, InboxWords, ShortcutContext, vocabulary};
pub use library::Library;
pub use search::Hit;

use crate::id::TeamId;
pub use crate::template::Language;
use crate::template::{Template, TemplateError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Characters of a message that any channel takes.
pub const MAX_TEXT: usize = 8_000;

/// A ready answer in all its languages.
#[derive(Debug, Clone)]
pub struct Shortcut {
    /// What is typed after `/`.
    pub name: String,
    /// Its texts.
    pub variants: BTreeMap<Language, Variant>,
}

/// A shortcut in one language: one file.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The language that it is written in.
    pub language: Language,
    /// What a list of shortcuts shows.
    pub title: String,
    /// Under which heading it is listed.
    pub category: Option<String>,
    /// Who is offered it.
    pub scope: Scope,
    /// What is asked of the agent before it is used.
    pub inputs: Vec<Input>,
    /// The channels that it is meant for (`web`, `whatsapp`, …); empty for all.
    pub channels: Vec<String>,
    /// The text with its holes.
    pub body: String,
    /// The file's path.
    pub file: String,
    template: Template,
}

/// Who is offered a shortcut. Written `global` or `team:<id>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Everybody.
    #[default]
    Global,
    /// The agents of one team.
    Team(TeamId),
}

/// Something that only the agent knows, asked when the shortcut is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name: `{{inputs.<name>}}`.
    pub name: String,
    /// The question, in the variant's language.
    pub label: String,
}

/// A shortcut filled in, ready to be looked at and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The text. A missing value shows as its name in double braces.
    pub text: String,
    /// The language of the variant that was used.
    pub language: Language,
    /// The names of the missing values.
    pub missing: Vec<String>,
}

impl Shortcut {
    /// The variant for a conversation's language tag: that language, else Spanish, else English, else any.
    pub fn variant(&self, language: Option<&str>) -> &Variant {
        let wanted = language.and_then(Language::of_tag);
        [wanted, Some(Language::Es), Some(Language::En)]
            .into_iter()
            .flatten()
            .find_map(|language| self.variants.get(&language))
            .or_else(|| self.variants.values().next())
            .expect("the library makes no shortcut without a variant")
    }

    /// Fills the variant for a language tag in.
    pub fn render(&self, language: Option<&str>, context: &ShortcutContext) -> Result<Rendered, TemplateError> {
        self.variant(language).render(context)
    }
}

impl Variant {
    /// Fills this variant in.
    pub fn render(&self, context: &ShortcutContext) -> Result<Rendered, TemplateError> {
        let draft = self.template.render(&context.to_json(), self.language)?;
        Ok(Rendered { text: draft.text, language: self.language, missing: draft.missing })
    }

    /// The variables that it uses, each once.
    pub fn variables(&self) -> &[String] {
        self.template.variables()
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            None if text == "global" => Ok(Self::Global),
            Some(("team", id)) => TeamId::new(id).map(Self::Team).map_err(|error| error.to_string()),
            _ => Err(format!("`{text}` is not a scope: write `global` or `team:<id>`")),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Global => "global".to_owned(),
            Scope::Team(team) => format!("team:{team}"),
        }
    }
}

#[cfg(test)]
mod tests;
