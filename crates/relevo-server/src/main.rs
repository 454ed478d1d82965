//! The `relevo` command.

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use relevo::domain::command::Role;
use relevo::domain::id::TeamId;
use relevo::domain::shortcut::Library;
use relevo_copilot::prompt::Prompts;
use relevo_server::compose::{Server, open_store};
use relevo_server::config::{BadSettings, Config};
use relevo_server::demo::{self, Visitors};
use relevo_server::library::read_folder;
use relevo_server::users::{NewAgent, add};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

/// Hands a chatbot's conversation to a human, with a Copilot beside that human.
#[derive(Parser)]
#[command(name = "relevo", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the inbox, the widget and the API.
    Serve {
        #[command(flatten)]
        settings: Settings,
        /// Listen on this port instead.
        #[arg(long)]
        port: Option<u16>,
    },
    /// Serve a sample shop with a bot, agents and scripted visitors.
    Demo {
        /// The port on 127.0.0.1.
        #[arg(long, default_value_t = 7007)]
        port: u16,
        /// Where everything is kept; the next start finds it again.
        #[arg(long, default_value = "data/demo")]
        data: PathBuf,
        /// No scripted visitors.
        #[arg(long)]
        quiet_visitors: bool,
    },
    /// Agents.
    #[command(subcommand)]
    User(User),
    /// Settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Shortcuts and macros.
    #[command(subcommand)]
    Shortcuts(Check),
    /// The Copilot's prompts.
    #[command(subcommand)]
    Prompts(Check),
    /// The Copilot.
    #[command(subcommand)]
    Copilot(CopilotCommand),
}

#[derive(Args)]
struct Settings {
    /// The settings' file; `relevo.toml` in this folder, if there is one, when left out.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum User {
    /// Add an agent. The server must not be running on the same data.
    Add {
        #[command(flatten)]
        settings: Settings,
        /// To sign in with.
        #[arg(long)]
        email: String,
        /// For colleagues and visitors.
        #[arg(long)]
        name: String,
        /// What the agent may do.
        #[arg(long, value_enum, default_value = "agent")]
        role: CliRole,
        /// A team, several times for several.
        #[arg(long = "team")]
        teams: Vec<TeamId>,
        /// Read the password from standard input; otherwise it is asked for, or RELEVO_PASSWORD where nobody can be.
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum CliRole {
    Agent,
    Supervisor,
    Admin,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether the settings are good, and which are not.
    Check {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Subcommand)]
enum Check {
    /// Find what is wrong, with file, line and column.
    Check {
        /// The folder; the one of the settings when left out.
        folder: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum CopilotCommand {
    /// Measure the offline Copilot on a pack of inputs.
    Eval {
        /// Which task.
        #[arg(long)]
        task: String,
        /// The folder with the task's inputs.
        #[arg(long)]
        pack: PathBuf,
        /// The folder with what the system knows.
        #[arg(long)]
        shared: PathBuf,
        /// Where predictions go, a JSON object a line.
        #[arg(long)]
        out: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").replace('\n', " ");
            eprintln!("relevo: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve { settings, port } => {
            let mut config = Config::load(settings.config.as_deref())?;
            relevo_server::telemetry::logs(config.log_format);
            if let Some(port) = port {
                config.listen.set_port(port);
            }
            let server = Server::compose(config, BTreeMap::new()).await?;
            let listener = server.bind().await?;
            tracing::info!(address = %server.app.config.address(), "Relevo is ready");
            server.run(listener).await
        }
        Command::Demo { port, data, quiet_visitors } => {
            let mut config = Config::load(None)?;
            relevo_server::telemetry::logs(config.log_format);
            config.listen.set_port(port);
            config.data = data;
            demo::run(config, if quiet_visitors { Visitors::Quiet } else { Visitors::Chatting }).await
        }
        Command::User(User::Add { settings, email, name, role, teams, password_stdin }) => {
            let config = Config::load(settings.config.as_deref())?;
            let password = password(password_stdin)?;
            let role = match role {
                CliRole::Agent => Role::Agent,
                CliRole::Supervisor => Role::Supervisor,
                CliRole::Admin => Role::Admin,
            };
            let store = open_store(&config).await?;
            let new = NewAgent { email: email.clone(), name, role, teams, languages: Vec::new() };
            let added = add(&store, new, password).await;
            store.close().await;
            added?;
            println!("{email} can sign in now");
            Ok(())
        }
        Command::Config(ConfigCommand::Check { settings }) => {
            let checked = Config::load(settings.config.as_deref()).and_then(|mut config| {
                config.or_one_inbox(None);
                config.check(&[]).map(|()| config)
            });
            match checked {
                Ok(config) => {
                    let (inboxes, bots) = (config.inboxes.len(), config.bots.len());
                    println!("the settings are good: {inboxes} inboxes, {bots} bots, listening on {}", config.listen);
                    Ok(())
                }
                Err(BadSettings(wrong)) => {
                    for bad in &wrong {
                        println!("{bad}");
                    }
                    bail!("{} settings are wrong", wrong.len());
                }
            }
        }
        Command::Shortcuts(Check::Check { folder }) => {
            let folder = folder.map_or_else(|| Config::load(None).map(|config| config.shortcuts_folder()), |f| Ok(Some(f)))?;
            let (library, wrong) = Library::load(read(folder, "shortcuts")?);
            let found = format!("{} shortcuts and {} macros", library.shortcuts().count(), library.macros().count());
            report(&wrong, &found)
        }
        Command::Prompts(Check::Check { folder }) => {
            let folder = folder.map_or_else(|| Config::load(None).map(|config| config.prompts_folder()), |f| Ok(Some(f)))?;
            let (prompts, wrong) = Prompts::load(read(folder, "prompts")?);
            report(&wrong, &format!("{} prompts", prompts.tasks().count()))
        }
        Command::Copilot(CopilotCommand::Eval { task, pack, shared, out }) => {
            let bar = indicatif::ProgressBar::new(0);
            let progress = bar.clone();
            let work = move || {
                relevo_copilot::eval::run(&task, &pack, &shared, &out, |done, of| {
                    progress.set_length(of as u64);
                    progress.set_position(done as u64);
                })
            };
            let predictions = tokio::task::spawn_blocking(work).await??;
            bar.finish();
            println!("{predictions} predictions written");
            Ok(())
        }
    }
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
        bail!("{} problems; {found} are good", wrong.len());
    }
    println!("{found}, all good");
    Ok(())
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
