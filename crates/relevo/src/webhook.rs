//! Signatures after Standard Webhooks 1.0 (<https://www.standardwebhooks.com>), and the token by which a bot that
//! answers later proves which turn it was given.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use relevo_domain::control::Turn;
use relevo_domain::id::ConversationId;
use relevo_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;

/// A signature older or newer than this is refused (the value that the standard's own libraries use).
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// A shared secret: `whsec_` and base64, 24 to 64 bytes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` followed by the base64 of 24 to 64 random bytes")]
pub struct BadSecret;

/// Why a signed request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or not what it should be.
    #[error("`webhook-id`, `webhook-timestamp` and `webhook-signature` are needed: sign the request")]
    Missing,
    /// Too old, or from the future.
    #[error("`webhook-timestamp` is more than 5 minutes off: check the clock")]
    Expired,
    /// None of the signatures is right.
    #[error("no signature in `webhook-signature` matches: check the secret, and sign the exact bytes of the body")]
    Wrong,
}

impl Secret {
    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").ok_or(BadSecret)?).map_err(|_| BadSecret)?;
        Self::from_bytes(bytes)
    }

    /// From raw bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadSecret> {
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSecret) }
    }

    /// The text that [`Secret::parse`] reads.
    pub fn to_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The `webhook-signature` of a request.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mac = self.mac(id, &seconds(at).to_string(), body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(mac))
    }

    /// Checks a request: any of the signatures in the header may match, compared in constant time.
    pub fn verify(
        &self,
        id: &str,
        timestamp: &str,
        signatures: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let sent: i64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
        if id.is_empty() || signatures.is_empty() {
            return Err(SignatureError::Missing);
        }
        if seconds(now).abs_diff(sent) > TOLERANCE.as_secs() {
            return Err(SignatureError::Expired);
        }
        let right = signatures
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|signature| self.mac(id, timestamp, body).verify_slice(&signature).is_ok());
        if right { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// A token for one turn. It says nothing that is secret, cannot be made without the secret, and is worth nothing
    /// once the epoch has moved: the desk compares.
    pub fn turn_token(&self, conversation: ConversationId, turn: &Turn, expires: Timestamp) -> String {
        let claims = TurnClaims { conversation, turn: turn.clone(), expires };
        let claims = serde_json::to_vec(&claims).expect("ids and numbers");
        let mac = self.mac("turn", "", &claims).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(mac))
    }

    /// What a turn token says; none when it was not made with this secret or has expired.
    pub fn read_turn_token(&self, token: &str, now: Timestamp) -> Option<(ConversationId, Turn)> {
        let (claims, mac) = token.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        self.mac("turn", "", &claims).verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
        let claims: TurnClaims = serde_json::from_slice(&claims).ok()?;
        (now < claims.expires).then_some((claims.conversation, claims.turn))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

#[derive(Serialize, Deserialize)]
struct TurnClaims {
    conversation: ConversationId,
    turn: Turn,
    expires: Timestamp,
}

/// Whole seconds since 1970, as the standard's header has them.
pub fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::control::Epoch;
    use relevo_domain::id::{BotId, TurnId};

    const NOW: Timestamp = Timestamp(1_614_265_330_000_000);

    fn secret() -> Secret {
        // The example of the standard's own documentation.
        Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // Published test vector: id, timestamp and body as in the specification's libraries.
        let body = br#"{"test": 2432232314}"#;
        let signature = secret().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_changed_body_a_stale_stamp_and_a_missing_header_are_refused() {
        let signed = secret().sign("id", NOW, b"body");
        let check = |stamp: &str, body: &[u8]| secret().verify("id", stamp, &signed, body, NOW);
        assert_eq!(check("1614265330", b"body"), Ok(()));
        assert_eq!(check("1614265330", b"Body"), Err(SignatureError::Wrong));
        assert_eq!(check("1614264000", b"body"), Err(SignatureError::Expired));
        assert_eq!(check("", b"body"), Err(SignatureError::Missing));
        let rotated = format!("v1,AAAA {signed}");
        assert_eq!(secret().verify("id", "1614265330", &rotated, b"body", NOW), Ok(()));
    }

    #[test]
    fn a_turn_token_is_read_only_with_its_secret_and_in_its_time() {
        let turn = Turn { id: TurnId(uuid::Uuid::from_u128(2)), bot: BotId::new("demo").unwrap(), epoch: Epoch(3) };
        let conversation = ConversationId(uuid::Uuid::from_u128(1));
        let token = secret().turn_token(conversation, &turn, Timestamp(100));
        assert_eq!(secret().read_turn_token(&token, Timestamp(99)), Some((conversation, turn)));
        assert_eq!(secret().read_turn_token(&token, Timestamp(100)), None);
        let other = Secret::from_bytes(vec![7; 32]).unwrap();
        assert_eq!(other.read_turn_token(&token, Timestamp(0)), None);
        assert_eq!(secret().read_turn_token(&format!("e30.{}", &token), Timestamp(0)), None);
    }
}
