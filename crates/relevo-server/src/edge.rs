//! What surrounds every request: an id, a span without secrets, a measure, and headers that keep browsers strict.

use crate::app::App;
use crate::error::Problem;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Instant;
use tracing::Instrument;

/// The header that names a request, in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing of an answer that is no page may run, load or be framed.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Surrounds a request.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = app.desk.clock().id().simple().to_string();
    let method = known(request.method());
    // The route and not the address: addresses hold tickets and ids.
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let is_api = ["/api", "/widget/", "/bots/", "/channels/"].iter().any(|prefix| route.starts_with(prefix));
    let span = tracing::info_span!("request", request.id = %id, method, route);
    // On a task of its own: what it began it ends, also where its connection ends meanwhile.
    let answered = tokio::spawn(next.run(request).instrument(span.clone())).await;
    let mut response = answered.unwrap_or_else(|error| Problem::internal(&error).into_response());
    let (status, took) = (response.status().as_u16(), began.elapsed());
    span.in_scope(|| tracing::debug!(status, ms = took.as_secs_f64() * 1_000.0, "answered"));
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("relevo_http_requests_total", &labels).increment(1);
    metrics::histogram!("relevo_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Whoever makes methods up does not make metrics up.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
