//! What may stand for a variable, a number, a file.

/// Whether a word is a whole number or a yes or no.
pub(super) fn is_literal(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let number = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    number || word == "true" || word == "false"
}

/// Whether a word can name another prompt.
pub(super) fn is_file_stem(name: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    name.len() <= 60 && name.split('.').all(part)
}

/// Why a word is not a plain path.
pub(super) fn fault_of_path(path: &str) -> Option<&'static str> {
    if let Some(local) = path.strip_prefix('@') {
        return match local {
            "index" | "key" | "first" | "last" => None,
            _ if local.starts_with("root") => Some("`@root` is not allowed: name the variable itself"),
            _ => Some("only `@index`, `@key`, `@first` and `@last` begin with `@`, inside `{{#each}}`"),
        };
    }
    if path.contains("..") {
        return Some("`..` is not allowed: name the variable itself, outside of `{{#each}}`");
    }
    if path.contains('/') {
        return Some("parts of a name are joined by a dot: `contact.name`");
    }
    if path.contains(['[', ']']) {
        return Some("names in brackets are not allowed: use letters, digits, `_` and `-`");
    }
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    // The engine reads a name that begins with `else` as an `{{else …}}`, and `as` as a block parameter's mark.
    if first.starts_with("else") || matches!(first, "as" | "null" | "true" | "false") {
        return Some("this name is reserved: a variable cannot be called so");
    }
    if path.len() > 200
        || !is_name(first)
        || first.starts_with(|c: char| c == '-' || c.is_numeric())
        || !parts.all(is_name)
    {
        return Some("this is not a name: use letters, digits, `_` and `-`, joined by single dots");
    }
    None
}

fn is_name(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
