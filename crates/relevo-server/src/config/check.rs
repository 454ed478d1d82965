//! Settings that can be read, but make no sense together.

use super::{BadSetting, BotKind, Config, InboxConfig, InboxKind, QdrantConfig};
use axum::http::HeaderName;
use relevo::domain::id::BotId;
use relevo::domain::template::Language;
use relevo::webhook::Secret;
use relevo_copilot::prompt::TASKS;
use std::collections::BTreeSet;
use std::path::Path;

/// What a secret's value begins with when the environment holds it.
const FROM_ENVIRONMENT: &str = "env:";

/// Puts in what the environment holds for values such as `env:NAME`.
pub(super) fn fill_in_secrets(config: &mut Config) -> Vec<BadSetting> {
    let mut wrong = Vec::new();
    let mut fill = |path: String, value: &mut String| {
        let Some(name) = value.strip_prefix(FROM_ENVIRONMENT) else { return };
        if let Ok(secret) = std::env::var(name) {
            *value = secret;
        } else {
            let reason = format!("the environment has no variable `{name}`");
            wrong.push(BadSetting::new(path, reason, "set it, or write the value here"));
        }
    };
    for (n, inbox) in config.inboxes.iter_mut().enumerate() {
        if let Some(secret) = &mut inbox.identity_secret {
            fill(format!("inboxes[{n}].identity_secret"), secret);
        }
        if let Some(secret) = &mut inbox.secret {
            fill(format!("inboxes[{n}].secret"), secret);
        }
    }
    for (n, bot) in config.bots.iter_mut().enumerate() {
        if let Some(secret) = &mut bot.secret {
            fill(format!("bots[{n}].secret"), secret);
        }
    }
    if let Some(postgres) = &mut config.postgres {
        fill("postgres.url".into(), &mut postgres.url);
    }
    if let Some(nats) = &mut config.nats {
        fill("nats.url".into(), &mut nats.url);
    }
    if let Some(key) = config.copilot.qdrant.as_mut().and_then(|qdrant| qdrant.key.as_mut()) {
        fill("copilot.qdrant.key".into(), key);
    }
    for (name, value) in &mut config.copilot.headers {
        fill(format!("copilot.headers.{name}"), value);
    }
    for (name, value) in &mut config.telemetry.headers {
        fill(format!("telemetry.headers.{name}"), value);
    }
    wrong
}

/// All that is wrong. `plugged` are bots that a program brings itself.
pub(super) fn problems(config: &Config, plugged: &[BotId]) -> Vec<BadSetting> {
    let mut wrong = Vec::new();
    let mut say = |path: String, reason: &str, mend: &str| wrong.push(BadSetting::new(path, reason, mend));
    if config.public_url.as_deref().is_some_and(|url| !is_origin(url.trim_end_matches('/'))) {
        say("public_url".into(), "is not an origin", "write it as \"https://chat.example.com\"");
    }
    for (n, origin) in config.allowed_origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
        let reason = format!("`{origin}` is not an origin");
        say(format!("allowed_origins[{n}]"), &reason, "write it as \"https://www.example.com\", without a path");
    }
    folders(config, &mut say);
    several(config, &mut say);
    country(config, &mut say);
    teams(config, &mut say);
    stages(config, &mut say);
    bots(config, &mut say);
    inboxes(config, plugged, &mut say);
    copilot(config, &mut say);
    telemetry(config, &mut say);
    limits(config, &mut say);
    wrong
}

/// Notes a problem: path, reason, mend.
type Say<'a> = &'a mut dyn FnMut(String, &str, &str);

fn folders(config: &Config, say: Say<'_>) {
    let folders = [("shortcuts", &config.shortcuts), ("prompts", &config.prompts), ("knowledge", &config.knowledge)];
    for (name, folder) in folders {
        let Some(folder) = folder.as_deref().filter(|folder: &&Path| !folder.is_dir()) else { continue };
        let reason = format!("there is no folder {}", folder.display());
        say(name.into(), &reason, "make it, or leave the setting out for what ships with Relevo");
    }
}

/// What only makes sense where several servers share a database.
fn several(config: &Config, say: Say<'_>) {
    if let Some(postgres) = &config.postgres
        && postgres.connections == 0
    {
        say("postgres.connections".into(), "0 lets nobody in", "write a number from 1 up");
    }
    let node = config.node;
    if !node.api && !node.workers {
        say("node".into(), "does nothing", "let it serve (`api`), work (`workers`), or both");
    }
    if config.postgres.is_some() {
        return;
    }
    if config.nats.is_some() {
        say(
            "nats".into(),
            "wakes servers that share a database, and this one has its own",
            "add [postgres], or leave it out",
        );
    }
    if !node.api || !node.workers {
        say("node".into(), "splits what only one process can do on SQLite", "add [postgres], or leave it out");
    }
}

fn twice<'a>(list: &str, ids: impl Iterator<Item = &'a str>, say: Say<'_>) {
    let mut seen = BTreeSet::new();
    for (n, id) in ids.enumerate() {
        if !seen.insert(id) {
            let reason = format!("`{id}` is there twice");
            say(format!("{list}[{n}].id"), &reason, "give every one an id of its own");
        }
    }
}

fn teams(config: &Config, say: Say<'_>) {
    twice("teams", config.teams.iter().map(|team| team.id.as_str()), say);
}

fn stages(config: &Config, say: Say<'_>) {
    twice("stages", config.stages.iter().map(|stage| stage.id.as_str()), say);
    for (n, stage) in config.stages.iter().enumerate() {
        let long = |language| !(1..=40).contains(&stage.name_in(language).trim().chars().count());
        if Language::ALL.into_iter().any(long) {
            say(format!("stages[{n}].name"), "is empty or too long", "write 1 to 40 characters");
        }
    }
}

fn country(config: &Config, say: Say<'_>) {
    let Some(name) = &config.country_header else { return };
    if HeaderName::try_from(name).is_err() {
        say("country_header".into(), "is not the name of a header", "write it as \"cf-ipcountry\"");
    } else if config.trusted_proxies.is_empty() {
        let reason = "is believed from `trusted_proxies` only, and there are none";
        say("country_header".into(), reason, "add the proxy that writes it, or leave it out");
    }
}

fn bots(config: &Config, say: Say<'_>) {
    twice("bots", config.bots.iter().map(|bot| bot.id.as_str()), say);
    for (n, bot) in config.bots.iter().enumerate() {
        if bot.kind == BotKind::Webhook {
            hook(&format!("bots[{n}]"), bot.url.as_deref(), bot.secret.as_deref(), say);
        }
        if bot.deadline_seconds == 0 {
            say(format!("bots[{n}].deadline_seconds"), "a bot needs time to answer", "write a number from 1 up");
        }
    }
}

/// An address that signed requests go to, and the secret.
fn hook(path: &str, url: Option<&str>, secret: Option<&str>, say: Say<'_>) {
    match url {
        None => say(format!("{path}.url"), "is missing", "add the address that it listens on"),
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            let mend = "write it as \"https://bot.example.com/\"";
            say(format!("{path}.url"), "is not an http or https address", mend);
        }
        Some(_) => {}
    }
    let mend = "write `whsec_` and the base64 of 24 to 64 random bytes, or `env:NAME`";
    match secret {
        None => say(format!("{path}.secret"), "is missing", mend),
        Some(secret) if Secret::parse(secret).is_err() => say(format!("{path}.secret"), "is not a secret", mend),
        Some(_) => {}
    }
}

/// What only some kinds of inboxes have.
fn provider(n: usize, inbox: &InboxConfig, say: Say<'_>) {
    let of_the_provider =
        [("url", inbox.url.is_some()), ("secret", inbox.secret.is_some()), ("allow_private", inbox.allow_private)];
    let of_the_widget =
        [("allowed_origins", !inbox.allowed_origins.is_empty()), ("identity_secret", inbox.identity_secret.is_some())];
    let (foreign, reason, mend) = match inbox.kind {
        InboxKind::Web => (&of_the_provider[..], "is an API inbox's", "write kind = \"api\", or leave it out"),
        InboxKind::Api => (&of_the_widget[..], "is the widget's, which an API inbox has not", "leave it out"),
    };
    for (name, _) in foreign.iter().filter(|(_, given)| *given) {
        say(format!("inboxes[{n}].{name}"), reason, mend);
    }
    if inbox.kind == InboxKind::Api {
        hook(&format!("inboxes[{n}]"), inbox.url.as_deref(), inbox.secret.as_deref(), say);
    }
}

fn inboxes(config: &Config, plugged: &[BotId], say: Say<'_>) {
    twice("inboxes", config.inboxes.iter().map(|inbox| inbox.id.as_str()), say);
    for (n, inbox) in config.inboxes.iter().enumerate() {
        provider(n, inbox, say);
        if let Some(bot) = &inbox.bot
            && !plugged.contains(bot)
            && !config.bots.iter().any(|known| known.id == *bot)
        {
            let reason = format!("there is no bot `{bot}`");
            say(format!("inboxes[{n}].bot"), &reason, "add it to [[bots]], or leave it out: people answer then");
        }
        for (m, origin) in inbox.allowed_origins.iter().enumerate() {
            if !is_origin(origin.trim_end_matches('/')) {
                let reason = format!("`{origin}` is not an origin");
                say(format!("inboxes[{n}].allowed_origins[{m}]"), &reason, "write it as \"https://www.example.com\"");
            }
        }
        if inbox.identity_secret.as_ref().is_some_and(|secret| secret.len() < 16) {
            let reason = "is shorter than 16 characters: it could be guessed";
            say(format!("inboxes[{n}].identity_secret"), reason, "write a long random one");
        }
    }
}

fn copilot(config: &Config, say: Say<'_>) {
    let copilot = &config.copilot;
    if copilot.endpoint.is_some() && copilot.models.is_empty() {
        say("copilot.models".into(), "is empty", "name the model to ask");
    }
    if let Some(url) = &copilot.endpoint
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        say("copilot.endpoint".into(), "is not an http or https address", "write it as \"https://llm.example.com/v1\"");
    }
    if let Some(name) = &copilot.key_env
        && std::env::var_os(name).is_none()
    {
        say("copilot.key_env".into(), &format!("the environment has no variable `{name}`"), "set it to the key");
    }
    if copilot.embedding_model.is_some() && copilot.endpoint.is_none() {
        say("copilot.embedding_model".into(), "needs an endpoint", "set `copilot.endpoint`, or leave it out");
    }
    if copilot.embedding_unrelated.is_some_and(|cosine| !(-1.0..1.0).contains(&cosine)) {
        say("copilot.embedding_unrelated".into(), "is not a cosine below 1", "write a number such as 0.3");
    }
    if let Some(qdrant) = &copilot.qdrant
        && !qdrant.url.starts_with("http://")
        && !qdrant.url.starts_with("https://")
    {
        let mend = "write its gRPC address as \"http://qdrant.example.com:6334\"";
        say("copilot.qdrant.url".into(), "is not an http or https address", mend);
    }
    let names =
        |qdrant: &QdrantConfig| [("collection", qdrant.collection.clone()), ("workspace", qdrant.workspace.clone())];
    let names = copilot.qdrant.iter().flat_map(names);
    for (name, _) in names.filter(|(_, given)| given.trim().is_empty()) {
        say(format!("copilot.qdrant.{name}"), "is empty", "name one, or leave it out for `relevo`");
    }
    if copilot.language.as_deref().is_some_and(|tag| !["es", "pt", "en"].contains(&tag)) {
        say("copilot.language".into(), "is not a language that the Copilot writes", "write \"es\", \"pt\" or \"en\"");
    }
    for task in copilot.task_models.keys().filter(|task| !TASKS.contains(&task.as_str())) {
        let reason = "is no task of the Copilot";
        say(format!("copilot.task_models.{task}"), reason, &format!("the tasks are {}", TASKS.join(", ")));
    }
    for (model, price) in &copilot.prices {
        if !(price.prompt >= 0.0 && price.completion >= 0.0) {
            let mend = "write what a million tokens cost, 0 or more";
            say(format!("copilot.prices.{model}"), "is not a price", mend);
        }
    }
    let least = [
        ("deadline_seconds", copilot.deadline_seconds, 1),
        ("in_flight", copilot.in_flight as u64, 1),
        ("max_prompt_tokens", copilot.max_prompt_tokens, 1_000),
    ];
    for (name, _, least) in least.into_iter().filter(|(_, value, least)| value < least) {
        say(format!("copilot.{name}"), "is too small", &format!("write {least} or more"));
    }
}

fn telemetry(config: &Config, say: Say<'_>) {
    let telemetry = &config.telemetry;
    if let Some(url) = &telemetry.endpoint
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        let mend = "write the collector's address as \"http://collector.example.com:4318\"";
        say("telemetry.endpoint".into(), "is not an http or https address", mend);
    }
    if !(0.0..=1.0).contains(&telemetry.sampled) {
        say("telemetry.sampled".into(), "is not a share", "write a number from 0 to 1");
    }
}

fn limits(config: &Config, say: Say<'_>) {
    let limits = &config.limits;
    let all = [
        ("api_per_minute", limits.api_per_minute == 0),
        ("conversations_per_hour", limits.conversations_per_hour == 0),
        ("visitors_per_hour", limits.visitors_per_hour == 0),
        ("channel_per_minute", limits.channel_per_minute == 0),
        ("messages_per_10_seconds", limits.messages_per_10_seconds == 0),
        ("messages_per_hour", limits.messages_per_hour == 0),
        ("sockets_per_agent", limits.sockets_per_agent == 0),
        ("sockets_per_address", limits.sockets_per_address == 0),
        ("sockets_per_visitor", limits.sockets_per_visitor == 0),
    ];
    for (name, _) in all.iter().filter(|(_, none)| *none) {
        say(format!("limits.{name}"), "0 lets nobody in", "write a number from 1 up");
    }
}

/// `https://host` or `https://host:port`, nothing after it.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', ' ', '?', '#', '@'])
    })
}
