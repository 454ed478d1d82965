//! The demonstration: a sample shop with its bot, three agents, and visitors who chat at a human pace, so that the inbox
//! is alive at first sight.

pub mod bot;
mod scenes;
mod visitors;

use crate::app::App;
use crate::compose::Server;
use crate::config::{BotConfig, BotKind, Config, TeamConfig};
use crate::sign_in;
use crate::users::{NewAgent, add};
use anyhow::Result;
use relevo::domain::command::Role;
use relevo::domain::id::{BotId, TeamId};
use relevo::store::{Agent, Presence};
use std::collections::BTreeMap;

/// Whether scripted visitors come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitors {
    /// They do.
    Chatting,
    /// They do not.
    Quiet,
}

/// The demonstration's settings on top of what is configured.
pub fn configure(mut config: Config) -> Config {
    let slug = "ids that are written here are slugs";
    config.name = "Tienda Faro".into();
    config.teams = ["ventas", "soporte"]
        .map(|id| TeamConfig {
            id: TeamId::new(id).expect(slug),
            name: if id == "ventas" { "Ventas" } else { "Soporte" }.into(),
        })
        .into();
    let faro = BotId::new("faro").expect(slug);
    config.bots = vec![BotConfig::new(faro.clone(), "Faro", BotKind::Sample)];
    config.inboxes.clear();
    config.or_one_inbox(Some(faro));
    config.inboxes[0].identity_secret = Some(sign_in::token());
    // Its own visitors all come from one address, and keep coming.
    config.limits.conversations_per_hour = 100_000;
    config.limits.visitors_per_hour = 100_000;
    config.limits.sockets_per_address = 1_000;
    config
}

/// Serves the demonstration until told to stop.
pub async fn run(config: Config, visitors: Visitors) -> Result<()> {
    let server = Server::compose(configure(config), BTreeMap::new()).await?;
    let listener = server.bind().await?;
    let app = server.app.clone();
    let agents = people(&app).await?;
    let address = app.config.address();
    println!("\n  Relevo is ready.\n");
    for agent in &agents {
        let link = app.links.issue(agent.id);
        println!("  {:<7} {address}/?link={link}", agent.name.split(' ').next().unwrap_or_default());
    }
    println!(
        "  shop    {address}/demo/shop\n\n  Each sign-in link works once; a restart prints new ones. Ctrl-C stops.\n"
    );
    if visitors == Visitors::Chatting {
        let secret = app.config.inboxes[0].identity_secret.clone().unwrap_or_default();
        visitors::come(&visitors::Shop { address: app.config.listen.to_string(), secret }, &app.stop);
    }
    server.run(listener).await
}

/// Prints how to sign in; where nobody can yet, an admin is made.
pub async fn welcome(app: &App) -> Result<()> {
    let store = app.desk.store();
    let address = app.config.address();
    let agents = store.agents().await?;
    let admin = if let Some(agent) = agents.iter().find(|agent| agent.role == Role::Admin) {
        agent.id
    } else {
        let new = agent("Admin", "admin@example.com", Role::Admin, "es", None, None);
        add(store.as_ref(), new, sign_in::token()).await?
    };
    app.agents.refresh().await?;
    println!("inbox: {address}/?link={}\nshop page with the widget: {address}/demo/shop", app.links.issue(admin));
    Ok(())
}

/// The demonstration's three agents, made once.
async fn people(app: &App) -> Result<Vec<Agent>> {
    let store = app.desk.store();
    if store.agents().await?.is_empty() {
        for new in [
            agent("Lucía Ferrer", "lucia@example.com", Role::Agent, "es", Some("soporte"), Some("devoluciones")),
            agent("Rui Almeida", "rui@example.com", Role::Agent, "pt", Some("ventas"), Some("facturas")),
            agent("Ana Costa", "ana@example.com", Role::Admin, "es", Some("soporte"), Some("devoluciones")),
        ] {
            // Nobody knows this password: the links sign in.
            let id = add(store.as_ref(), new, sign_in::token()).await?;
            store.set_presence(id, Presence::Available).await?;
        }
    }
    app.agents.refresh().await?;
    let mut agents = store.agents().await?;
    agents.sort_by_key(|agent| agent.id);
    Ok(agents)
}

fn agent(name: &str, email: &str, role: Role, language: &str, team: Option<&str>, skill: Option<&str>) -> NewAgent {
    NewAgent {
        email: email.into(),
        name: name.into(),
        role,
        teams: team.and_then(|team| TeamId::new(team).ok()).into_iter().collect(),
        skills: skill.into_iter().map(str::to_owned).collect(),
        languages: vec![language.into()],
    }
}
