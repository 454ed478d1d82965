//! Settings that cannot be used, told so that they can be mended.

use std::fmt;

/// A setting is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSetting {
    /// Which one, as `bots[0].url`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub mend: String,
}

impl BadSetting {
    /// A setting by its path, why it is wrong and what to do.
    pub fn new(path: impl Into<String>, reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into(), mend: mend.into() }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path, self.reason, self.mend)
    }
}

/// All settings that are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSettings(pub Vec<BadSetting>);

impl BadSettings {
    /// Fine where nothing is wrong.
    pub fn none_of(wrong: Vec<BadSetting>) -> Result<(), Self> {
        if wrong.is_empty() { Ok(()) } else { Err(Self(wrong)) }
    }
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("a setting is wrong"),
            [only] => only.fmt(f),
            [first, rest @ ..] => write!(f, "{first} (and {} more: `relevo config check` tells all)", rest.len()),
        }
    }
}

impl std::error::Error for BadSettings {}
