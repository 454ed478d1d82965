//! The one error of the edge: problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use relevo::desk::DeskError;
use relevo::domain::command::Rejection;
use relevo::store::StoreError;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Why a request was refused, in words that say how to mend it.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
    /// How long to wait before another attempt.
    wait: Option<Duration>,
}

/// What handlers answer.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// A problem with a stable code and a detail for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new(), wait: None }
    }

    /// There is no such thing, or it is not yours to see.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// A value is wrong.
    pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{field}: {problem}")).with("field", field)
    }

    /// A request that has to be signed is not, or not by whom it should be.
    pub fn unsigned(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad_signature", detail)
    }

    /// Too many at once.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
    }

    /// Too much in too short a time: how long to wait is told to people, to programs also as a header.
    pub fn too_fast(what: &str, wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let problem = Self::too_many(format!("{what}: wait {seconds} s")).with("retry_after", seconds);
        Self { wait: Some(wait), ..problem }
    }

    /// Something of ours broke; logged here, not shown.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here; it was logged")
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Its detail.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// How long to wait before another attempt, where only time is wanting.
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }
}

/// Rounded up: a client that comes back after so many is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "the store is not available");
                let detail = "the server cannot store anything right now; nothing was changed, try again soon";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
            }
            StoreError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let detail = rejection.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, detail.clone());
        match rejection {
            Rejection::AlreadyTaken { by } => conflict("already_taken").with("agent", by.to_string()),
            Rejection::HeldByOther { by } => conflict("held_by_other").with("agent", by.to_string()),
            Rejection::Closed => conflict("closed"),
            Rejection::NotClosed => conflict("not_closed"),
            Rejection::WindowClosed { ended_at } => conflict("window_closed").with("ended_at", ended_at.to_rfc3339()),
            Rejection::NoBot => conflict("no_bot"),
            Rejection::NotAllowed(_) => Self::new(StatusCode::FORBIDDEN, "not_allowed", detail),
            Rejection::Invalid { field, problem } => {
                let code = if problem.contains("the limit is") { "too_long" } else { "invalid" };
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("{field} {problem}")).with("field", field)
            }
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Rejected(rejection) => rejection.into(),
            DeskError::NotFound => Self::not_found("conversation"),
            DeskError::NoInbox(_) => Self::not_found("inbox"),
            DeskError::Busy => Self::new(StatusCode::CONFLICT, "busy", error.to_string()),
            DeskError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("https://relevo.dev/problems/{}", self.code),
            "title": self.status.canonical_reason(), "status": self.status.as_u16(), "code": self.code,
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more);
        }
        let wait = self.wait.map(whole_seconds);
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
