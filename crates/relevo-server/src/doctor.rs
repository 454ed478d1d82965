//! Looks at everything that a deployment rests on, and says what is wrong and what to do. It makes and changes nothing,
//! beyond a file that it takes away at once, and may be asked while the server runs.

use crate::compose;
use crate::config::{BotConfig, BotKind, Config, InboxConfig, InboxKind};
use crate::library::read_folder;
use relevo::domain::shortcut::Library;
use relevo::hook::Settings;
use relevo::webhook::Secret;
use relevo_backends::look::{self, Holds, OLDEST_POSTGRES};
use relevo_backends::nats;
use relevo_backends::postgres::PostgresOptions;
use relevo_bots::webhook::WebhookBot;
use relevo_copilot::prompt::Prompts;
use relevo_llm::openai::OpenAi;
use relevo_llm::{ChatModel, Embedder, Request};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long anything outside may take to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Good.
    Ok,
    /// It works, and somebody should know.
    Warn,
    /// It does not work.
    Fail,
}

/// What was found at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where: `store`, `bot faro`, …
    pub check: String,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do, where something is to be done.
    pub mend: Option<String>,
}

impl Finding {
    /// Nothing to do.
    pub fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), health: Health::Ok, found: found.into(), mend: None }
    }

    fn warn(check: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check: check.into(), health: Health::Warn, found: found.into(), mend: Some(mend.into()) }
    }

    /// It does not work.
    pub fn fail(check: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check: check.into(), health: Health::Fail, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Looks at all of it.
pub async fn examine(config: &Config) -> Vec<Finding> {
    // A second provider in the process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut findings = settings(config);
    findings.push(server(config).await);
    findings.push(folder("data", &config.data));
    findings.extend(store(config).await);
    findings.push(folder("files", &config.files_folder()));
    findings.push(bus(config).await);
    findings.push(index(config).await);
    findings.extend(models(config).await);
    for bot in &config.bots {
        findings.push(self::bot(bot).await);
    }
    for inbox in config.inboxes.iter().filter(|inbox| inbox.kind == InboxKind::Api) {
        findings.push(provider(inbox).await);
    }
    findings.extend(texts(config));
    findings
}

fn settings(config: &Config) -> Vec<Finding> {
    let mut whole = config.clone();
    whole.or_one_inbox(None);
    match whole.check(&[]) {
        Ok(()) => vec![Finding::ok("settings", format!("good, listening on {}", config.listen))],
        Err(wrong) => {
            let told = wrong.0.into_iter();
            told.map(|bad| Finding::fail("settings", format!("{}: {}", bad.path, bad.reason), bad.mend)).collect()
        }
    }
}

/// Whether the server that these settings speak of runs.
async fn server(config: &Config) -> Finding {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().timeout(WITHIN).no_proxy().build();
    let Ok(client) = client else {
        return Finding::fail("server", "no HTTP client could be made", "look at the system");
    };
    match client.get(format!("http://{address}/readyz")).send().await {
        Ok(answer) if answer.status().is_success() => Finding::ok("server", format!("runs on {address} and is ready")),
        Ok(answer) => {
            let found = format!("{address} answers /readyz with {}", answer.status().as_u16());
            Finding::fail("server", found, "look at its log and at the lines below; or another program is there")
        }
        Err(_) => Finding::warn("server", format!("none runs on {address}"), "start it with `relevo serve`"),
    }
}

/// Whether a folder can be written to.
fn folder(check: &str, folder: &Path) -> Finding {
    let name = folder.display();
    if !folder.exists() {
        return Finding::warn(check, format!("{name} is not there"), "the first start makes it; else mend the setting");
    }
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"written").and_then(|()| std::fs::File::open(&probe)?.sync_all());
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => Finding::ok(check, format!("{name} can be written to")),
        Err(error) => {
            let mend = "give this user the right to write there, or make room on the disk";
            Finding::fail(check, format!("{name} cannot be written to: {error}"), mend)
        }
    }
}

async fn store(config: &Config) -> Vec<Finding> {
    let looked = if let Some(postgres) = &config.postgres {
        let options = PostgresOptions { schema: postgres.schema.clone(), connections: 1 };
        let mend = "start PostgreSQL, and look at postgres.url, its user and its rights";
        let looked = look::postgres(&postgres.url, &options).await;
        looked.map_err(|error| Finding::fail("store", error.to_string(), mend))
    } else {
        let file = config.data.join("relevo.db");
        if !file.exists() {
            let found = format!("there is no {} yet", file.display());
            return vec![Finding::warn("store", found, "the first start makes it; else mend the setting `data`")];
        }
        look::sqlite(&file).await.map_err(|error| {
            let found = format!("{} cannot be read: {error}", file.display());
            Finding::fail("store", found, "look at the file's rights; if it is damaged, restore a backup")
        })
    };
    looked.map_or_else(|finding| vec![finding], |holds| held(&holds))
}

fn held(holds: &Holds) -> Vec<Finding> {
    let Holds { version, known, facts, conversations, agents, server } = *holds;
    let place = server.map_or_else(|| "SQLite".to_owned(), |release| format!("PostgreSQL {release}"));
    if server.is_some_and(|release| release < OLDEST_POSTGRES) {
        let mend = format!("use PostgreSQL {OLDEST_POSTGRES} or later");
        return vec![Finding::fail("store", format!("{place} is too old"), mend)];
    }
    let mut findings = Vec::new();
    findings.push(match version {
        0 => Finding::warn("store", format!("{place} holds no tables yet"), "the first start makes them"),
        _ if version > known => {
            let found = format!("{place} has tables of version {version}, this program knows versions up to {known}");
            Finding::fail("store", found, "use the newer Relevo, or restore a backup")
        }
        _ if version < known => {
            let found = format!("{place}: {facts} facts of {conversations} conversations, older tables");
            Finding::warn("store", found, "the next start brings them up to date: back up first")
        }
        _ => Finding::ok("store", format!("{place}: {facts} facts of {conversations} conversations")),
    });
    if version > 0 && agents == 0 {
        findings.push(Finding::warn(
            "agents",
            "nobody can sign in",
            "add somebody with `relevo user add --role admin`",
        ));
    }
    findings
}

async fn bus(config: &Config) -> Finding {
    match &config.nats {
        Some(settings) => match nats::reach(&settings.url, WITHIN).await {
            Ok(()) => Finding::ok("bus", "NATS answers"),
            Err(error) => {
                let mend = "start NATS, or mend nats.url: until then servers hear of each other a second late";
                Finding::warn("bus", error.to_string(), mend)
            }
        },
        None if config.postgres.is_some() => {
            Finding::ok("bus", "no [nats]: several servers hear of each other within a second")
        }
        None => Finding::ok("bus", "inside the one server"),
    }
}

async fn index(config: &Config) -> Finding {
    if config.copilot.qdrant.is_none() {
        return Finding::ok("index", "inside the server");
    }
    let mut asked = config.clone();
    asked.copilot.embedding_model = None;
    let counted = match compose::knowledge(&asked, None) {
        Ok(knowledge) => knowledge.count().await.map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    match counted {
        Ok(passages) => Finding::ok("index", format!("Qdrant answers and holds {passages} passages")),
        Err(error) => Finding::fail("index", error, "start Qdrant, and look at copilot.qdrant (url, key, collection)"),
    }
}

/// Every model is asked for a word: nothing else shows that address, key and name are good.
async fn models(config: &Config) -> Vec<Finding> {
    let copilot = &config.copilot;
    if copilot.endpoint.is_none() {
        return vec![Finding::ok("model", "none is set up: the Copilot works offline")];
    }
    let mend = "look at copilot.endpoint, the key that copilot.key_env names, and the model's name; until then the \
        Copilot answers offline";
    let cancel = CancellationToken::new();
    let mut findings = Vec::new();
    for name in copilot.models.iter().chain(&copilot.embedding_model) {
        let check = format!("model {name}");
        let asked = async {
            let endpoint = compose::endpoint(copilot, name).map_err(|error| format!("{error:#}"))?;
            let mut endpoint = endpoint.ok_or("there is no endpoint")?;
            let embeds = copilot.embedding_model.as_ref() == Some(name);
            endpoint.embedding_model = embeds.then(|| name.clone());
            endpoint.task_models.clear();
            let model = OpenAi::new(endpoint).map_err(|error| error.to_string())?;
            if embeds {
                return model.embed(&["hello".to_owned()], &cancel).await.map(drop).map_err(|error| error.to_string());
            }
            let request = Request::new("doctor", "Answer with the word ok.").user("Are you there?").max_tokens(16);
            let answer = model.stream(&request, &cancel).await.map_err(|error| error.to_string())?;
            answer.collect(|_| ()).await.map(drop).map_err(|error| error.error.to_string())
        };
        let asked: Result<Result<(), String>, _> = tokio::time::timeout(WITHIN, asked).await;
        findings.push(match asked.unwrap_or_else(|_| Err("it does not answer in time".to_owned())) {
            Ok(()) => Finding::ok(check, "answers"),
            Err(error) => Finding::fail(check, error, mend),
        });
    }
    findings
}

async fn bot(settings: &BotConfig) -> Finding {
    let check = format!("bot {}", settings.id);
    if settings.kind == BotKind::Sample {
        return Finding::ok(check, "the sample bot, inside the server");
    }
    let mend = "start the bot, and look at its url and at `allow_private`; until then people are asked in its place";
    let (Some(url), Some(Ok(secret))) = (&settings.url, settings.secret.as_deref().map(Secret::parse)) else {
        return Finding::fail(check, "has no usable url or secret", "mend the settings");
    };
    let mut hook = Settings::new(url, secret);
    if settings.allow_private {
        hook = hook.allow_private();
    }
    let hook = match WebhookBot::new(hook) {
        Ok(hook) => hook,
        Err(error) => return Finding::fail(check, error.to_string(), mend),
    };
    match hook.reach().await {
        Ok(status) if is_ill(status) => {
            Finding::warn(check, format!("answers with {status}"), "look at the bot's own log")
        }
        Ok(_) => Finding::ok(check, "somebody answers at its address"),
        Err(error) => Finding::fail(check, error.to_string(), mend),
    }
}

/// Whether it says so. 501 does not: whoever knows no `HEAD` answers so.
fn is_ill(status: u16) -> bool {
    status >= 500 && status != 501
}

async fn provider(inbox: &InboxConfig) -> Finding {
    let check = format!("inbox {}", inbox.id);
    let mend = "start the provider, and look at the inbox's url, secret and `allow_private`; until then messages wait";
    let hook = match compose::provider(inbox) {
        Ok(hook) => hook,
        Err(error) => return Finding::fail(check, format!("{error:#}"), mend),
    };
    match hook.reach().await {
        Ok(status) if is_ill(status) => {
            Finding::warn(check, format!("answers with {status}"), "look at the provider's own log")
        }
        Ok(_) => Finding::ok(check, "somebody answers at its provider's address"),
        Err(_) => Finding::fail(check, "nobody answers at its provider's address", mend),
    }
}

/// Shortcuts, macros and prompts.
fn texts(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(folder) = &config.shortcuts {
        let wrong = read_folder(folder).map(|files| Library::load(files).1.len());
        findings.push(judged("shortcuts", folder, wrong, "`relevo shortcuts check` tells all; those are left out"));
    }
    if let Some(folder) = &config.prompts {
        let wrong = read_folder(folder).map(|files| Prompts::load(files).1.len());
        findings.push(judged("prompts", folder, wrong, "`relevo prompts check` tells all; no server starts with them"));
    }
    findings
}

fn judged(check: &str, folder: &Path, wrong: std::io::Result<usize>, mend: &str) -> Finding {
    let name = folder.display();
    match wrong {
        Ok(0) => Finding::ok(check, format!("all of {name} are good")),
        Ok(1) => Finding::warn(check, format!("1 problem in {name}"), mend),
        Ok(several) => Finding::warn(check, format!("{several} problems in {name}"), mend),
        Err(error) => Finding::fail(check, format!("{name} cannot be read: {error}"), "mend the setting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_a_database_that_do_not_fit_this_program_are_told() {
        let good = Holds { version: 3, known: 3, agents: 1, server: Some(OLDEST_POSTGRES), ..Holds::default() };
        let told = |holds: Holds| held(&holds).into_iter().map(|finding| (finding.health, finding.found));
        assert_eq!(told(good).map(|(health, _)| health).collect::<Vec<_>>(), [Health::Ok]);
        for (holds, health, says) in [
            (Holds { server: Some(OLDEST_POSTGRES - 1), ..good }, Health::Fail, "is too old"),
            (Holds { version: 4, ..good }, Health::Fail, "tables of version 4"),
            (Holds { version: 2, ..good }, Health::Warn, "older tables"),
            (Holds { agents: 0, ..good }, Health::Warn, "nobody can sign in"),
        ] {
            assert!(told(holds).any(|(found, text)| found == health && text.contains(says)), "{:?}", held(&holds));
        }
    }
}
