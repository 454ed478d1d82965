//! What can be written after `relevo`.

use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use relevo::domain::command::Role;
use relevo::domain::id::TeamId;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Hands a chatbot's conversation to a human, with a Copilot beside that human.
#[derive(Parser)]
#[command(
    name = "relevo",
    version,
    disable_help_subcommand = true,
    after_help = "Settings come from relevo.toml, then the environment (RELEVO__SECTION__KEY), then flags; without any, \
        everything works. RELEVO_LOG=debug says more."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the inbox, the widget and the API.
    Serve {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        instead: Instead,
    },
    /// Serve a sample shop with a bot, agents and scripted visitors. The environment's settings hold (a model for the
    /// Copilot, say); `relevo.toml` and where another deployment keeps its data do not.
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
    /// Move a deployment to another store, and compare. The server must not be running on it.
    Import {
        #[command(flatten)]
        settings: Settings,
        /// Where it is: the file in the settings' data folder.
        #[arg(long, value_enum)]
        from: ImportFrom,
        /// Where it goes: the settings' [postgres], whose schema must be empty.
        #[arg(long, value_enum)]
        to: ImportTo,
    },
    /// Look at everything that the settings name, and say what is wrong and what to do. The server may be running.
    Doctor {
        #[command(flatten)]
        settings: Settings,
        /// One JSON object, for machines.
        #[arg(long)]
        json: bool,
    },
    /// Copy a deployment on SQLite: database, files and knowledge. The server may be running.
    Backup {
        #[command(flatten)]
        settings: Settings,
        /// A new folder.
        #[arg(long)]
        to: PathBuf,
    },
    /// Make a deployment out of a backup, in the settings' data folder, which must be empty.
    Restore {
        #[command(flatten)]
        settings: Settings,
        /// The backup's folder.
        #[arg(long)]
        from: PathBuf,
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
    Prompts(PromptsCommand),
    /// The Copilot.
    #[command(subcommand)]
    Copilot(CopilotCommand),
    /// What the Copilot may cite. A running server follows what is changed here.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
}

#[derive(Args)]
pub(crate) struct Settings {
    /// The settings' file; `relevo.toml` in this folder, if there is one, when left out.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ImportFrom {
    /// An SQLite file.
    Sqlite,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ImportTo {
    /// A PostgreSQL database.
    Postgres,
}

/// What weighs more than the settings.
#[derive(Args)]
pub(crate) struct Instead {
    /// Listen on this address and port instead, as 127.0.0.1:7007.
    #[arg(long, conflicts_with = "port")]
    pub(crate) listen: Option<SocketAddr>,
    /// Listen on this port instead.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep everything in this folder instead.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum User {
    /// Add an agent. On SQLite the server must not be running; on PostgreSQL it finds the agent within seconds.
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
        /// What the agent knows, several times for several: a call for help that needs it is starred for them.
        #[arg(long = "skill")]
        skills: Vec<String>,
        /// Read the password from standard input; otherwise it is asked for, or `RELEVO_PASSWORD` where nobody can be.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change an agent's role, skills or password; their sessions end. On SQLite the server must not be running.
    #[command(group = ArgGroup::new("change").required(true).multiple(true))]
    Change {
        #[command(flatten)]
        settings: Settings,
        /// Whose.
        #[arg(long)]
        email: String,
        /// What the agent may do from now on.
        #[arg(long, value_enum, group = "change")]
        role: Option<CliRole>,
        /// What the agent knows from now on, several times for several; an empty one alone: nothing.
        #[arg(long = "skill", group = "change")]
        skills: Vec<String>,
        /// Ask for a new password.
        #[arg(long, group = "change")]
        password: bool,
        /// Read a new password from standard input.
        #[arg(long, group = "change")]
        password_stdin: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum CliRole {
    /// Talks with customers.
    Agent,
    /// Also leads a team.
    Supervisor,
    /// Also sets things up.
    Admin,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the settings are good, and which are not.
    Check {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Subcommand)]
pub(crate) enum Check {
    /// Find what is wrong, with file, line and column.
    Check {
        #[command(flatten)]
        settings: Settings,
        /// The folder; the one of the settings when left out.
        folder: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum PromptsCommand {
    /// Find what is wrong, with file, line and column.
    Check {
        #[command(flatten)]
        settings: Settings,
        /// The folder; the one of the settings when left out, or else the prompts that ship with Relevo.
        folder: Option<PathBuf>,
    },
    /// Show exactly what would be sent to the model for a conversation, and what it would cost. Nothing is sent.
    Render {
        #[command(flatten)]
        settings: Settings,
        /// `summary`, `reply`, `rewrite` or `ask`.
        task: String,
        /// The conversation: JSON, `{"lines":[{"seq":1,"who":"visitor","text":"…"}], "captured":{}, "inbox":"…"}`.
        #[arg(long)]
        conversation: PathBuf,
        /// The language that is written in; the agents' or the customer's when left out.
        #[arg(long)]
        language: Option<String>,
        /// For `rewrite`: the draft.
        #[arg(long)]
        draft: Option<String>,
        /// For `rewrite`: clearer, shorter, longer, friendlier, formal, corrected or translated.
        #[arg(long)]
        style: Option<String>,
        /// For `ask`: the question.
        #[arg(long)]
        question: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum CopilotCommand {
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

#[derive(Subcommand)]
pub(crate) enum KnowledgeCommand {
    /// Add a source: a folder or file (.md, .txt, .html, .csv, .jsonl), or pages of the web.
    Add {
        #[command(flatten)]
        settings: Settings,
        /// A path, or one or several http(s) addresses.
        #[arg(required = true)]
        places: Vec<String>,
        /// Its name for people; the place when left out.
        #[arg(long)]
        name: Option<String>,
        /// For the team only: customers never read it.
        #[arg(long)]
        internal: bool,
        /// The language of articles that name none: es, pt or en.
        #[arg(long)]
        language: Option<String>,
        /// The inbox that it is for, several times for several; all when left out.
        #[arg(long = "inbox")]
        inboxes: Vec<String>,
    },
    /// Read sources again.
    Sync {
        #[command(flatten)]
        settings: Settings,
        /// Which; all when left out.
        ids: Vec<String>,
    },
    /// List sources.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Take a source away with all its articles.
    Remove {
        #[command(flatten)]
        settings: Settings,
        /// Which.
        id: String,
    },
    /// Try what would be found for a question.
    Search {
        #[command(flatten)]
        settings: Settings,
        /// The question.
        #[arg(required = true)]
        question: Vec<String>,
        /// The most passages, 1 to 100.
        #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100))]
        limit: usize,
        /// Only what customers may read.
        #[arg(long)]
        public: bool,
    },
}

impl From<CliRole> for Role {
    fn from(role: CliRole) -> Self {
        match role {
            CliRole::Agent => Self::Agent,
            CliRole::Supervisor => Self::Supervisor,
            CliRole::Admin => Self::Admin,
        }
    }
}
