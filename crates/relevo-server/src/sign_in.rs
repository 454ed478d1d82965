//! Passwords, sessions and sign-in links.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use relevo::bus::{Bus, Signal};
use relevo::domain::id::AgentId;
use relevo::domain::time::Timestamp;
use relevo::store::{Session, Store, StoreError};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The cookie that carries a session.
pub const COOKIE: &str = "relevo_session";
/// A session that is not used for this long ends.
const IDLE: Duration = Duration::from_hours(12);
/// A session ends after this in any case.
const ABSOLUTE: Duration = Duration::from_hours(168);
/// How often the last use is written down: not with every request.
const TOUCH: Duration = Duration::from_mins(1);

/// 256 random bits as text.
pub fn token() -> String {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

/// What is stored of a token.
pub fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The argon2id hash of a password, as text with its parameters and salt.
pub async fn hash_password(password: String) -> String {
    let work = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic").expect("default parameters are valid")
}

/// Whether a password is the one that was hashed. An unknown agent costs as much time as a known one.
pub async fn verify_password(password: String, stored: Option<String>) -> bool {
    tokio::task::spawn_blocking(move || {
        let Some(stored) = stored else {
            let _ = Argon2::default().hash_password(password.as_bytes());
            return false;
        };
        PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
    .expect("verifying does not panic")
}

/// A new session; its token.
pub async fn begin(store: &dyn Store, agent: AgentId, now: Timestamp) -> Result<String, StoreError> {
    let token = token();
    store.put_session(&hash(&token), &Session { agent, created_at: now, seen_at: now }).await?;
    Ok(token)
}

/// Ends a session, and its sockets.
pub async fn end(store: &dyn Store, bus: &dyn Bus, token: &str) -> Result<(), StoreError> {
    let hash = hash(token);
    if let Some(session) = store.session(&hash).await? {
        store.end_session(&hash).await?;
        bus.publish(Signal::SignedOut { agent: session.agent });
    }
    Ok(())
}

/// The session of this token's hash, if it still runs; one that is idle or old ends by being asked for.
pub async fn running(store: &dyn Store, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
    let Some(session) = store.session(hash).await? else { return Ok(None) };
    if now.since(session.created_at) > ABSOLUTE || now.since(session.seen_at) > IDLE {
        store.end_session(hash).await?;
        return Ok(None);
    }
    Ok(Some(session))
}

/// The agent whose session this token is, if it still runs.
pub async fn agent_of(store: &dyn Store, token: &str, now: Timestamp) -> Result<Option<AgentId>, StoreError> {
    let hash = hash(token);
    let Some(session) = running(store, &hash, now).await? else { return Ok(None) };
    if now.since(session.seen_at) > TOUCH {
        store.put_session(&hash, &Session { seen_at: now, ..session.clone() }).await?;
    }
    Ok(Some(session.agent))
}

/// Sign-in links that are out: each works once, as long as the process lives.
#[derive(Default)]
pub struct Links(Mutex<HashMap<String, AgentId>>);

impl Links {
    /// A new link's token.
    pub fn issue(&self, agent: AgentId) -> String {
        let link = token();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hash(&link), agent);
        link
    }

    /// Whose link it is; it is used up by asking.
    pub fn redeem(&self, link: &str) -> Option<AgentId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::memory::MemoryStore;

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_or_old() {
        let store = MemoryStore::default();
        let agent = AgentId(uuid::Uuid::nil());
        let begun = Timestamp(0);
        let (idle, used) = (begin(&store, agent, begun).await.unwrap(), begin(&store, agent, begun).await.unwrap());
        let later = |hours: u64| begun.after(Duration::from_secs(hours * 3_600 + 1));
        // Used every eight hours it lives on, but not for ever.
        for hours in (8..168).step_by(8) {
            assert_eq!(agent_of(&store, &used, later(hours)).await.unwrap(), Some(agent), "after {hours} h");
        }
        assert_eq!(agent_of(&store, &idle, later(12)).await.unwrap(), None);
        assert_eq!(agent_of(&store, &used, later(168)).await.unwrap(), None);
        assert!(store_is_empty(&store, &[&idle, &used]).await);
    }

    async fn store_is_empty(store: &dyn Store, tokens: &[&str]) -> bool {
        for token in tokens {
            if store.session(&hash(token)).await.unwrap().is_some() {
                return false;
            }
        }
        true
    }

    #[tokio::test]
    async fn a_password_verifies_only_against_its_own_hash() {
        let stored = hash_password("correct horse".into()).await;
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(verify_password("correct horse".into(), Some(stored.clone())).await);
        assert!(!verify_password("Correct horse".into(), Some(stored)).await);
        assert!(!verify_password("correct horse".into(), None).await);
    }
}
