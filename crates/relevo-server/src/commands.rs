//! What the commands do.

mod knowledge;
mod operate;
mod progress;
mod render;

use crate::cli::{
    Check, Command, ConfigCommand, CopilotCommand, ImportFrom, ImportTo, Instead, PromptsCommand, Settings, User,
};
use anyhow::{Context, Result, bail};
use progress::Progress;
use relevo::domain::shortcut::Library;
use relevo_backends::import::import;
use relevo_backends::postgres::PostgresOptions;
use relevo_copilot::eval;
use relevo_copilot::prompt::Prompts;
use relevo_server::compose::{Server, Stored};
use relevo_server::config::{BadSettings, Config, NodeConfig};
use relevo_server::demo::{self, Visitors};
use relevo_server::library::read_folder;
use relevo_server::telemetry;
use relevo_server::users::{Change, NewAgent, add, change};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve { settings, instead } => serve(&settings, instead).await,
        Command::Demo { port, data, quiet_visitors } => {
            // What happens to lie in this folder is not the demonstration's, and neither is another deployment's data.
            let said = Config::of_environment()?;
            let (postgres, nats, files) = (None, None, None);
            let listen = ([127, 0, 0, 1], port).into();
            let config = Config { listen, data, postgres, nats, files, node: NodeConfig::default(), ..said };
            let telemetry = telemetry::start(&config)?;
            let served = demo::run(config, if quiet_visitors { Visitors::Quiet } else { Visitors::Chatting }).await;
            telemetry.end().await;
            served
        }
        Command::Import { settings, from: ImportFrom::Sqlite, to: ImportTo::Postgres } => move_store(&settings).await,
        Command::Doctor { settings, json } => operate::doctor(&settings, json).await,
        Command::Backup { settings, to } => operate::backup(&settings, &to).await,
        Command::Restore { settings, from } => operate::restore(&settings, &from).await,
        Command::User(User::Add { settings, email, name, role, teams, skills, password_stdin }) => {
            let new = NewAgent { email, name, role: role.into(), teams, skills, languages: Vec::new() };
            add_user(&settings, new, password_stdin).await
        }
        Command::User(User::Change { settings, email, role, skills, password: ask, password_stdin }) => {
            let password = if ask || password_stdin { Some(password(password_stdin)?) } else { None };
            let skills = (!skills.is_empty()).then_some(skills);
            change_user(&settings, &email, Change { role: role.map(Into::into), skills, password }).await
        }
        Command::Config(ConfigCommand::Check { settings }) => check_settings(&settings),
        Command::Shortcuts(Check::Check { settings, folder }) => {
            let folder = folder.map_or_else(|| settings.load().map(|config| config.shortcuts), |f| Ok(Some(f)))?;
            let (library, wrong) = Library::load(read(folder, "shortcuts")?);
            let shortcuts = many(library.shortcuts().count(), "shortcut", "shortcuts");
            let macros = many(library.macros().count(), "macro", "macros");
            report(&wrong, &format!("{shortcuts} and {macros}"))
        }
        Command::Prompts(PromptsCommand::Check { settings, folder }) => {
            let folder = folder.map_or_else(|| settings.load().map(|config| config.prompts), |f| Ok(Some(f)))?;
            let whose = folder.as_ref().map_or_else(|| "Relevo's own".to_owned(), |f| f.display().to_string());
            // Without a folder those in use are the ones that ship with Relevo.
            let files = folder.map_or_else(|| Ok(Vec::new()), |folder| read(Some(folder), "prompts"))?;
            let (prompts, wrong) = Prompts::load(files);
            report(&wrong, &format!("{} ({whose})", many(prompts.tasks().count(), "prompt", "prompts")))
        }
        Command::Knowledge(command) => knowledge::run(command).await,
        Command::Prompts(PromptsCommand::Render { settings, task, conversation, language, draft, style, question }) => {
            let asked = render::Asked { task, language, draft, style, question };
            render::render(&settings, &conversation, asked).await
        }
        Command::Copilot(CopilotCommand::Eval { task, pack, shared, out }) => measure(task, pack, shared, out).await,
    }
}

impl Settings {
    fn load(&self) -> Result<Config, BadSettings> {
        Config::load(self.config.as_deref())
    }
}

async fn serve(settings: &Settings, instead: Instead) -> Result<()> {
    let mut config = settings.load()?;
    let telemetry = telemetry::start(&config)?;
    config.listen = instead.listen.unwrap_or(config.listen);
    if let Some(port) = instead.port {
        config.listen.set_port(port);
    }
    config.data = instead.data.unwrap_or(config.data);
    let served = serve_on(config).await;
    telemetry.end().await;
    served
}

async fn serve_on(config: Config) -> Result<()> {
    let server = Server::compose(config, BTreeMap::new()).await?;
    let listener = server.bind().await?;
    if server.app.agents.all().is_empty() {
        let first = if server.app.config.postgres.is_some() { "" } else { "stop the server and " };
        tracing::warn!("nobody can sign in yet: {first}add somebody with `relevo user add`");
    }
    tracing::info!(address = %server.app.config.address(), "Relevo is ready");
    server.run(listener).await
}

async fn move_store(settings: &Settings) -> Result<()> {
    let config = settings.load()?;
    let Some(to) = &config.postgres else {
        bail!("postgres: is not set: add [postgres] with the address that the deployment moves to");
    };
    let from = config.data.join("relevo.db");
    if !from.is_file() {
        bail!("there is no {}: name the deployment's data folder (setting `data`)", from.display());
    }
    // A second provider in the process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let progress = Progress::begin()?;
    let options = PostgresOptions { schema: to.schema.clone(), connections: to.connections };
    let moved = import(&from, &to.url, options, |step| progress.tell(step.doing, step.done, step.of)).await?;
    progress.end();
    println!(
        "{} facts of {} conversations moved to `{}` and compared ({} rows); files stay in {}",
        moved.facts,
        moved.conversations,
        to.schema,
        moved.rows,
        config.files_folder().display()
    );
    Ok(())
}

async fn add_user(settings: &Settings, new: NewAgent, password_stdin: bool) -> Result<()> {
    let config = settings.load()?;
    let unknown = new.teams.iter().find(|team| !config.teams.iter().any(|known| known.id == **team));
    if let Some(team) = unknown {
        bail!("--team: there is no team `{team}`: add it to [[teams]]");
    }
    let password = password(password_stdin)?;
    let email = new.email.clone();
    let store = Stored::open(&config).await?;
    let added = add(store.store().as_ref(), new, password).await;
    store.close().await;
    added?;
    println!("{email} can sign in now");
    Ok(())
}

async fn change_user(settings: &Settings, email: &str, changes: Change) -> Result<()> {
    let store = Stored::open(&settings.load()?).await?;
    let changed = change(store.store().as_ref(), email, changes).await;
    store.close().await;
    changed?;
    println!("{email} is changed, and signed out everywhere");
    Ok(())
}

fn check_settings(settings: &Settings) -> Result<()> {
    let checked = settings.load().and_then(|mut config| {
        config.or_one_inbox(None);
        config.check(&[]).map(|()| config)
    });
    match checked {
        Ok(config) => {
            let inboxes = many(config.inboxes.len(), "inbox", "inboxes");
            let bots = many(config.bots.len(), "bot", "bots");
            println!("the settings are good: {inboxes}, {bots}, listening on {}", config.listen);
            Ok(())
        }
        Err(BadSettings(wrong)) => {
            for bad in &wrong {
                println!("{bad}");
            }
            bail!("{}", many(wrong.len(), "setting is wrong", "settings are wrong"));
        }
    }
}

async fn measure(task: String, pack: PathBuf, shared: PathBuf, out: PathBuf) -> Result<()> {
    let progress = Progress::begin()?;
    let work = move || {
        let predictions =
            eval::run(&task, &pack, &shared, &out, |done, of| progress.tell(&task, done as u64, of as u64));
        progress.end();
        predictions
    };
    let predictions = tokio::task::spawn_blocking(work).await??;
    println!("{predictions} predictions written");
    Ok(())
}

fn read(folder: Option<PathBuf>, what: &str) -> Result<Vec<(String, String)>> {
    let folder = folder.with_context(|| format!("there is no folder `{what}` here: name one"))?;
    read_folder(&folder).with_context(|| format!("{} cannot be read", folder.display()))
}

fn report(wrong: &[impl std::fmt::Display], found: &str) -> Result<()> {
    for problem in wrong {
        println!("{problem}");
    }
    if !wrong.is_empty() {
        bail!("{}; good: {found}", many(wrong.len(), "problem", "problems"));
    }
    println!("{found}, all good");
    Ok(())
}

fn many(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn password(from_stdin: bool) -> Result<String> {
    if !from_stdin && std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("password: ").context("no password could be read")?;
        let again = rpassword::prompt_password("once more: ").context("no password could be read")?;
        if password != again {
            bail!("these are two different passwords: try again");
        }
        return Ok(password);
    }
    if !from_stdin {
        let missing = "give a password: --password-stdin, or the environment variable RELEVO_PASSWORD";
        return std::env::var("RELEVO_PASSWORD").context(missing);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("no password could be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
