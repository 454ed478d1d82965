//! The variables that a template may use.

use super::nearest;

/// What stands behind a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value, printed as it is.
    Text,
    /// A list of values, for `{{#each}}`.
    List,
    /// Values under names that are not known beforehand: `contact.attributes.*`.
    Map,
}

/// The allow-list of variables.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    entries: Vec<(String, Shape)>,
}

impl Vocabulary {
    /// A list of paths and what stands behind each.
    pub fn new<P: Into<String>>(entries: impl IntoIterator<Item = (P, Shape)>) -> Self {
        Self { entries: entries.into_iter().map(|(path, shape)| (path.into(), shape)).collect() }
    }

    /// The same list with one more variable.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, shape: Shape) -> Self {
        self.entries.push((path.into(), shape));
        self
    }

    /// The listed paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(path, _)| path.as_str())
    }

    pub(crate) fn shape(&self, path: &str) -> Option<Shape> {
        let listed = |wanted: &str| self.entries.iter().find(|(p, _)| p == wanted).map(|(_, shape)| *shape);
        listed(path).or_else(|| {
            let (parent, _) = path.rsplit_once('.')?;
            (listed(parent) == Some(Shape::Map)).then_some(Shape::Text)
        })
    }

    /// Why `path` is not a variable, with the mend.
    pub(crate) fn refusal(&self, path: &str) -> String {
        let group: Vec<&str> =
            self.paths().filter(|p| p.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))).collect();
        if !group.is_empty() {
            return format!("`{path}` is a group, not a value; it has {}", quoted(&group));
        }
        if let Some(input) = path.strip_prefix("inputs.") {
            let declared: Vec<&str> = self.paths().filter_map(|p| p.strip_prefix("inputs.")).collect();
            return match nearest(input, declared.iter().copied()) {
                Some(near) => format!("there is no input `{input}`; did you mean `inputs.{near}`?"),
                None => format!("there is no input `{input}`: declare it under `inputs:` in the front matter"),
            };
        }
        if let Some(near) = nearest(path, self.paths()) {
            return format!("there is no variable `{path}`; did you mean `{near}`?");
        }
        let siblings: Vec<&str> = match path.split_once('.') {
            Some((group, _)) => self.paths().filter(|p| p.split('.').next() == Some(group)).collect(),
            None => Vec::new(),
        };
        let known = if siblings.is_empty() { self.paths().collect() } else { siblings };
        format!("there is no variable `{path}`; there are {}", quoted(&known))
    }
}

fn quoted(paths: &[&str]) -> String {
    paths.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ")
}
