//! From a file and the environment to settings. One look finds every value that cannot be read, not only the first.

use super::{BadSetting, BadSettings, Config};
use serde_json::Value;
use serde_path_to_error::{Path as Place, Segment};
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
const USUAL: &str = "relevo.toml";
/// Settings that the environment gives as lists, separated by commas.
const LISTS: [&str; 3] = ["allowed_origins", "trusted_proxies", "copilot.models"];

pub(super) fn read(file: Option<&Path>) -> Result<Config, BadSettings> {
    let file = match file {
        Some(file) if !file.is_file() => {
            let mend = "name a file that is there, or leave --config out for the defaults";
            return Err(one(&file.display().to_string(), "there is no such file", mend));
        }
        Some(file) => Some(file.to_owned()),
        None => Some(PathBuf::from(USUAL)).filter(|file| file.is_file()),
    };
    let mut config = parse(sources(file.as_deref())?)?;
    config.shortcuts = config.shortcuts.or_else(|| there("shortcuts"));
    config.prompts = config.prompts.or_else(|| there("prompts"));
    Ok(config)
}

pub(super) fn environment() -> Result<Config, BadSettings> {
    parse(sources(None)?)
}

fn there(folder: &str) -> Option<PathBuf> {
    Some(PathBuf::from(folder)).filter(|folder| folder.is_dir())
}

fn one(path: &str, reason: &str, mend: &str) -> BadSettings {
    BadSettings(vec![BadSetting::new(path, reason, mend)])
}

fn sources(file: Option<&Path>) -> Result<Value, BadSettings> {
    let mut sources = config::Config::builder();
    if let Some(file) = file {
        sources = sources.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    let mut environment =
        config::Environment::with_prefix("RELEVO").prefix_separator("__").separator("__").try_parsing(true);
    environment = environment.list_separator(",");
    for list in LISTS {
        environment = environment.with_list_parse_key(list);
    }
    let settings = sources.add_source(environment).build().and_then(config::Config::try_deserialize);
    settings.map_err(|error| {
        let place = file.map_or_else(|| "environment".to_owned(), |file| file.display().to_string());
        // The parser quotes the line over several lines of text; an error is told in one.
        let reason = error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
        one(&place, &reason, "write it as TOML")
    })
}

/// Reads settings; what cannot be read is noted, taken out, and the rest is read again.
pub(super) fn parse(mut settings: Value) -> Result<Config, BadSettings> {
    let mut wrong = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, Config>(settings.clone()) {
            Ok(mut config) => {
                wrong.extend(super::check::fill_in_secrets(&mut config));
                return BadSettings::none_of(wrong).map(|()| config);
            }
            Err(error) => error,
        };
        let reason = error.inner().to_string();
        wrong.push(BadSetting::new(path(error.path()), &reason, mend(error.path(), &reason)));
        if !take_out(&mut settings, error.path()) {
            return Err(BadSettings(wrong));
        }
    }
}

fn path(place: &Place) -> String {
    match place.to_string() {
        path if path == "." => "the settings".to_owned(),
        path => path,
    }
}

fn mend(place: &Place, reason: &str) -> String {
    let mut name =
        place.iter().filter_map(|segment| if let Segment::Map { key } = segment { Some(key.as_str()) } else { None });
    let mend = match name.next_back().unwrap_or_default() {
        _ if reason.starts_with("unknown field") => "remove it or mend its name",
        _ if reason.starts_with("unknown variant") => "write one of these",
        _ if reason.starts_with("missing field") => "add it",
        "listen" => "write it as \"127.0.0.1:7007\"",
        "trusted_proxies" => "write addresses as [\"10.0.0.1\"]",
        "id" | "bot" => "write small letters, digits and hyphens, as \"shop\"",
        "window" => "write it as { kind = \"since_first\", hours = 24 }",
        _ => "mend its value",
    };
    mend.to_owned()
}

/// Takes out the innermost named value on the way to `place`; false where there is none.
fn take_out(settings: &mut Value, place: &Place) -> bool {
    let segments: Vec<_> = place.iter().collect();
    let Some(last) = segments.iter().rposition(|segment| matches!(segment, Segment::Map { .. })) else { return false };
    let mut here = settings;
    for segment in &segments[..last] {
        let next = match segment {
            Segment::Map { key } => here.get_mut(key),
            Segment::Seq { index } => here.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => Some(here),
        };
        let Some(next) = next else { return false };
        here = next;
    }
    let Segment::Map { key } = segments[last] else { return false };
    here.as_object_mut().is_some_and(|fields| fields.remove(key).is_some())
}
