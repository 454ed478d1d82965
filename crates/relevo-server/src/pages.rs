//! The pages that people see, with the headers that keep them safe.

use crate::error::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The page of the API lays itself out with inline styles.
const DOCS_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Whatever no route answers: a page's file, or the inbox, which knows its own paths.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let page_of_api = path == "/api/docs" || path.starts_with("/api/docs/");
    if ["/api", "/ws", "/widget/", "/bots/", "/channels/"].iter().any(|prefix| path.starts_with(prefix)) && !page_of_api
    {
        return Problem::not_found("route").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let detail = "this address only answers GET";
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response();
    }
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let page = relevo_inbox::page(path, accepts);
    let Some(page) = page.or_else(|| if is_file { None } else { relevo_inbox::page("/", accepts) }) else {
        return Problem::not_found("page").into_response();
    };
    let mut answer = HeaderMap::new();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &page.mime);
    set(header::ETAG, &page.etag);
    set(header::CONTENT_SECURITY_POLICY, if page_of_api { DOCS_POLICY } else { POLICY });
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::VARY, "accept-encoding");
    let cache = match (page.immutable, path) {
        (true, _) => "public, max-age=31536000, immutable",
        (false, "/widget.js") => "public, max-age=300",
        (false, _) => "no-cache",
    };
    set(header::CACHE_CONTROL, cache);
    if let Some(encoding) = page.encoding {
        set(header::CONTENT_ENCODING, encoding);
    }
    if path == "/widget.js" {
        // Other sites load it: that is what it is for.
        set(header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    }
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) == Some(page.etag.as_str());
    if known {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    let body = if method == Method::HEAD { Body::empty() } else { Body::from(page.bytes.into_owned()) };
    (answer, body).into_response()
}
