//! The API's description (OpenAPI 3.1), made from the handlers themselves.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi as Description, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

/// What the description says besides the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Relevo", description = "Handing a chatbot's conversation to a human. Every error is a problem \
        detail (RFC 9457) with a stable `code`; the shapes of items, cards and socket frames are in docs/protocol.md."),
    tags(
        (name = "session", description = "Signing in"),
        (name = "conversations", description = "What agents do"),
        (name = "copilot", description = "What the Copilot makes"),
        (name = "knowledge", description = "What the Copilot may cite"),
        (name = "library", description = "Shortcuts and macros"),
        (name = "widget", description = "What the visitor's page asks"),
        (name = "bots", description = "What bots send"),
        (name = "channels", description = "What providers of channels send, signed after Standard Webhooks"),
        (name = "operation", description = "For whoever runs it"),
    ),
    components(schemas(ProblemDetail)),
)]
pub struct Base;

/// Why a request was refused (RFC 9457). Some codes have more members, such as `agent` of `already_taken`.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what `error::Problem` writes")]
struct ProblemDetail {
    /// Names the kind of problem.
    #[schema(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    code: String,
    /// For people: what is wrong and what to do.
    detail: String,
    /// The field that is wrong.
    field: Option<String>,
    /// The limit that was passed.
    limit: Option<u64>,
}

/// The media type of refusals.
const PROBLEM: &str = "application/problem+json";

/// The operations that need no session.
const OPEN: [(&str, &str); 9] = [
    ("post", "/api/session"),
    ("post", "/api/session/link"),
    ("post", "/widget/session"),
    ("options", "/widget/session"),
    ("options", "/widget/files"),
    ("options", "/widget/files/{seq}/{n}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

/// Completes the description of the routes: who may call them, and how they refuse.
#[derive(Debug, Clone, Copy)]
pub struct Completed;

impl Modify for Completed {
    fn modify(&self, api: &mut Description) {
        let components = api.components.get_or_insert_default();
        let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::sign_in::COOKIE));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("epoch_token").build();
        components.add_security_scheme("turn", SecurityScheme::Http(bearer));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("session token").build();
        components.add_security_scheme("visitor", SecurityScheme::Http(bearer));
        let signature = ApiKey::Header(ApiKeyValue::new("webhook-signature"));
        components.add_security_scheme("signature", SecurityScheme::ApiKey(signature));
        let problem = Ref::from_schema_name("Problem");
        for (path, item) in &mut api.paths.paths {
            let operations = [
                ("get", &mut item.get),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
                ("options", &mut item.options),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let needs = match path.as_str() {
                    path if OPEN.contains(&(method, path)) => None,
                    "/bots/{bot}/replies" => Some("turn"),
                    path if path.starts_with("/widget/") => Some("visitor"),
                    path if path.starts_with("/channels/") => Some("signature"),
                    _ => Some("session"),
                };
                if let Some(scheme) = needs {
                    let scopes: [&str; 0] = [];
                    operation.security = Some(vec![SecurityRequirement::new(scheme, scopes)]);
                }
                let content = || ContentBuilder::new().schema(Some(RefOr::Ref(problem.clone()))).build();
                let responses = &mut operation.responses.responses;
                for (_, refusal) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
                    if let RefOr::T(refusal) = refusal {
                        refusal.content.insert(PROBLEM.to_owned(), content().into());
                    }
                }
                let refused = ResponseBuilder::new().description("A problem").content(PROBLEM, content()).build();
                responses.insert("default".to_owned(), RefOr::T(refused));
            }
        }
    }
}
