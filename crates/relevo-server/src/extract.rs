//! What handlers ask for: a signed-in agent, a conversation that this agent may see, a strict JSON body.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::sign_in::{self, COOKIE};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use relevo::domain::card::may_see;
use relevo::domain::conversation::Conversation;
use relevo::domain::id::ConversationId;
use relevo::domain::time::Timestamp;
use relevo::store::Agent;
use relevo::webhook::Secret;
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The largest JSON body, in bytes.
pub const MAX_JSON: usize = 256 * 1024;
/// The deepest JSON body, in levels of arrays and objects.
pub const MAX_DEPTH: usize = 32;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(20);

/// The agent whose session the cookie carries.
pub struct SignedIn(pub Agent);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let anonymous = || Problem::new(StatusCode::UNAUTHORIZED, "signed_out", "sign in first");
        let token = cookie(&parts.headers, COOKIE).ok_or_else(anonymous)?;
        let store = app.desk.store().as_ref();
        let id = sign_in::agent_of(store, token, app.desk.clock().now()).await?.ok_or_else(anonymous)?;
        let agent = if let Some(agent) = app.agents.get(id) {
            agent
        } else {
            // Added while the server was running.
            app.agents.refresh().await?;
            app.agents.get(id).ok_or_else(anonymous)?
        };
        let rate = app.limiters.api.check(&sign_in::hash(token));
        rate.map_err(|wait| Problem::too_fast("too many requests", wait))?;
        Ok(Self(agent))
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A path parameter; what cannot be one is not found.
pub struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(named)) => Ok(Self(named)),
            Err(_) => Err(Problem::not_found("resource")),
        }
    }
}

/// Query parameters; unknown ones are refused by the types.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        match axum::extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, "bad_query", error.body_text())),
        }
    }
}

/// A JSON body: at most [`MAX_JSON`] bytes and [`MAX_DEPTH`] levels, no unknown fields (the types say so), errors that
/// name the field.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let bytes = bytes(request.into_body()).await?;
        parse(if bytes.is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

/// The bytes of a body: at most [`MAX_JSON`], and not too slow.
pub async fn bytes(body: Body) -> Result<Bytes> {
    let read = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, MAX_JSON));
    let slow =
        || Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time: send it again");
    read.await.map_err(|_| slow())?.map_err(|_| {
        let detail = format!("the body is larger than {MAX_JSON} bytes: send less");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).with("limit", MAX_JSON)
    })
}

/// Whether whoever knows the secret has signed these bytes (Standard Webhooks).
pub fn signed(secret: &Secret, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<()> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, at, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    secret.verify(id, at, signature, body, now).map_err(|error| Problem::unsigned(error.to_string()))
}

/// JSON of at most [`MAX_DEPTH`] levels, or a problem that names the field.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    if depth(json) > MAX_DEPTH {
        return Err(Problem::invalid("body", format!("has more than {MAX_DEPTH} levels")).with("limit", MAX_DEPTH));
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        if field == "." {
            return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.inner().to_string());
        }
        Problem::invalid(&field, error.inner())
    })?;
    reader.end().map_err(|error| Problem::invalid("body", error))?;
    Ok(value)
}

/// How deep arrays and objects are nested at most. Whether the text is JSON at all is the parser's business.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// A conversation that the agent may see; any other does not exist for them.
pub async fn seen(app: &App, agent: &Agent, id: ConversationId) -> Result<Conversation> {
    let state = app.desk.store().load(id).await?;
    state
        .filter(|state| may_see(&agent.facts(), state, app.desk.directory().visibility))
        .ok_or_else(|| Problem::not_found("conversation"))
}

/// The address of whoever is connected: a visitor, or the proxy in front of this server.
pub struct Peer(pub IpAddr);

impl FromRequestParts<App> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self(peer(parts)))
    }
}

fn peer(parts: &Parts) -> IpAddr {
    parts.extensions.get::<SocketAddr>().map_or(IpAddr::from([127, 0, 0, 1]), SocketAddr::ip)
}

/// The address that a request came from. What a proxy says counts only if the proxy is one of ours.
pub struct Address(pub IpAddr);

impl FromRequestParts<App> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Self::Rejection> {
        let peer = peer(parts);
        Ok(Self(client(peer, &parts.headers, &app.config.trusted_proxies)))
    }
}

/// Whether a connection comes from a proxy of ours, so that what its headers add is believed.
pub fn from_own_proxy(peer: IpAddr, config: &crate::config::Config) -> bool {
    config.trusted_proxies.contains(&peer)
}

/// The last address in `X-Forwarded-For` that is no proxy of ours: those before it anybody could have written.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut client = peer;
    for address in addresses.iter().rev() {
        if !proxies.contains(&client) {
            break;
        }
        let Ok(address) = address.parse() else { break };
        client = address;
    }
    client
}

/// Whether a page of this origin may act for an agent: the server's own, or one that is allowed.
pub fn own_origin(headers: &HeaderMap, config: &crate::config::Config) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        || config.public_url.as_deref().is_some_and(|url| url.trim_end_matches('/') == origin)
        || config.allowed_origins.iter().any(|allowed| allowed == origin)
}

/// Refuses writes that another site's page sends in an agent's name.
pub async fn refuse_foreign_origin(
    axum::extract::State(app): axum::extract::State<App>,
    request: Request,
    next: axum::middleware::Next,
) -> std::result::Result<axum::response::Response, Problem> {
    let reads = matches!(request.method().as_str(), "GET" | "HEAD" | "OPTIONS");
    // Visitors' pages live elsewhere on purpose, bots and providers have no pages; all bring proofs of their own.
    let elsewhere = ["/widget/", "/bots/", "/channels/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
    if !reads && !elsewhere && !own_origin(request.headers(), &app.config) {
        let detail = "this request comes from a page of another site: add its origin to `allowed_origins` if it may";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn depth_is_that_of_the_structure_and_not_of_the_text() {
        assert_eq!(depth(br#"{"a":[{"b":1},[2]]}"#), 3);
        assert_eq!(depth(br#"{"a":"[[[[{{{{ \"[["}"#), 1);
        assert_eq!(depth("[".repeat(100_000).as_bytes()), 100_000);
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 203.0.113.7, 10.0.0.2"));
        let ours = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(client(ip("10.0.0.1"), &headers, &ours), ip("203.0.113.7"));
        assert_eq!(client(ip("198.51.100.9"), &headers, &ours), ip("198.51.100.9"), "not from our proxy");
        assert_eq!(client(ip("10.0.0.1"), &headers, &[]), ip("10.0.0.1"), "no proxy is ours");
    }
}
