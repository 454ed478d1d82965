//! Making and changing agents.

use crate::sign_in;
use anyhow::{Result, bail};
use relevo::clock::{Clock, SystemClock};
use relevo::domain::command::Role;
use relevo::domain::id::{AgentId, TeamId};
use relevo::store::{Agent, Presence, Store};
use std::collections::BTreeSet;

/// The shortest password that is taken, in characters.
pub const MIN_PASSWORD: usize = 10;

/// A new agent.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// To sign in with.
    pub email: String,
    /// For people.
    pub name: String,
    /// Rights.
    pub role: Role,
    /// Teams.
    pub teams: Vec<TeamId>,
    /// What they know: calls for help that need it are starred for them.
    pub skills: Vec<String>,
    /// Spoken languages.
    pub languages: Vec<String>,
}

/// What changes of an agent.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Rights.
    pub role: Option<Role>,
    /// What they know instead of what they knew; none: as it was.
    pub skills: Option<Vec<String>>,
    /// To sign in with.
    pub password: Option<String>,
}

/// Writes a new agent.
pub async fn add(store: &dyn Store, new: NewAgent, password: String) -> Result<AgentId> {
    let email = new.email.trim().to_lowercase();
    if !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) {
        bail!("--email: `{email}` is not an e-mail address");
    }
    check_password(&password)?;
    let agent = Agent {
        id: AgentId(SystemClock.id()),
        name: new.name,
        email: email.clone(),
        password_hash: sign_in::hash_password(password).await,
        role: new.role,
        teams: new.teams,
        skills: known(&new.skills),
        languages: new.languages,
        presence: Presence::Offline,
    };
    if !store.put_agent(&agent).await? {
        bail!("there is an agent with the e-mail {email} already");
    }
    Ok(agent.id)
}

/// Changes an agent. Their sessions end, and their sockets soon after: nobody goes on with what is theirs no more.
pub async fn change(store: &dyn Store, email: &str, change: Change) -> Result<()> {
    let email = email.trim().to_lowercase();
    let Some(mut agent) = store.agent_by_email(&email).await? else { bail!("--email: nobody has the e-mail {email}") };
    if let Some(role) = change.role {
        agent.role = role;
    }
    if let Some(skills) = change.skills {
        agent.skills = known(&skills);
    }
    if let Some(password) = change.password {
        check_password(&password)?;
        agent.password_hash = sign_in::hash_password(password).await;
    }
    store.put_agent(&agent).await?;
    store.end_sessions(agent.id).await?;
    Ok(())
}

/// Each once, without what is only spaces.
fn known(skills: &[String]) -> Vec<String> {
    let trimmed = skills.iter().map(|skill| skill.trim()).filter(|skill| !skill.is_empty());
    trimmed.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < MIN_PASSWORD {
        bail!("the password is shorter than {MIN_PASSWORD} characters: choose a longer one");
    }
    Ok(())
}
