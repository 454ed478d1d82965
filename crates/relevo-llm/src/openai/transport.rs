//! What lies between `async-openai` and the socket.
//!
//! Three things the crate's default does are not wanted: it retries by itself, it reads error bodies
//! of any size, and it writes them to the log. This service reads at most a few kilobytes of an error,
//! turns it into an [`Error`] and bounds the body of a good answer.

use std::pin::Pin;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::{Stream, StreamExt, stream};
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::Endpoint;
use super::wire::Refusal;
use crate::{Error, Reason};

/// Enough for any error object; a proxy's whole error page is not wanted.
const ERROR_BYTES: usize = 16 << 10;
/// Ends a stream that grew too large in a way the event reader understands.
const TOO_LARGE: &[u8] = b"\n\ndata: {\"error\":{\"message\":\"the answer is larger than allowed\"}}\n\n";

pub(super) fn client(endpoint: &Endpoint) -> Result<Client<OpenAIConfig>, Error> {
    let mut extra = HeaderMap::new();
    for (name, value) in &endpoint.headers {
        let bad = || Error::permanent(format!("the extra header `{name}` is not a valid HTTP header"));
        let header = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
        let mut value = HeaderValue::try_from(value.reveal()).map_err(|_| bad())?;
        value.set_sensitive(true);
        extra.insert(header, value);
    }
    let http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .default_headers(extra)
        // A redirect would carry the key and the conversation to a host nobody configured.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::permanent(format!("no HTTP client: {}", error.without_url())))?;
    // Read from the settings only: the crate would otherwise look into OPENAI_* variables.
    let config = OpenAIConfig::new()
        .with_api_base(&endpoint.base_url)
        .with_api_key(endpoint.key.reveal())
        .with_org_id("")
        .with_project_id("");
    let max_bytes = endpoint.max_bytes;
    let service = tower::service_fn(move |factory: HttpRequestFactory| {
        let http = http.clone();
        async move {
            let request = factory.build().await?;
            let response = http.execute(request).await?;
            if response.status().is_success() {
                return Ok(bounded(response, max_bytes));
            }
            Err(OpenAIError::Boxed(Box::new(refusal(response).await)))
        }
    });
    Ok(Client::with_config(config).with_http_service(service))
}

/// The same response, cut after `max_bytes`.
fn bounded(response: Response, max_bytes: usize) -> Response {
    type Bytes = Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes: Bytes = Box::pin(response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())));
    let body = stream::unfold(Some((bytes, max_bytes)), |state| async move {
        let (mut bytes, left) = state?;
        match bytes.next().await? {
            Ok(chunk) if chunk.len() > left => Some((Ok(TOO_LARGE.to_vec()), None)),
            Ok(chunk) => {
                let left = left - chunk.len();
                Some((Ok(chunk), Some((bytes, left))))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut bounded = http::Response::new(reqwest::Body::wrap_stream(body));
    *bounded.status_mut() = status;
    *bounded.headers_mut() = headers;
    bounded.into()
}

/// Reads what an error status has to say.
async fn refusal(response: Response) -> Error {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut bytes = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = bytes.next().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ERROR_BYTES {
            body.truncate(ERROR_BYTES);
            break;
        }
    }
    let said = serde_json::from_slice::<Wrapped>(&body).map(|wrapped| wrapped.error).unwrap_or_default();
    let message: String = said.message.iter().flat_map(|text| text.chars()).take(300).collect();
    let reason = Reason::Status { status: status.as_u16(), said: message };
    match status.as_u16() {
        413 => Error::TooLong { reason },
        400 | 422 if said.is_too_long() => Error::TooLong { reason },
        // Out of credit is also sent as 429, and waiting does not fill an account.
        429 if said.code.as_ref().is_some_and(|code| code == "insufficient_quota") => Error::Permanent { reason },
        408 | 409 | 425 | 429 | 500..=599 => Error::Transient { reason, retry_after },
        _ => Error::Permanent { reason },
    }
}

#[derive(Deserialize)]
struct Wrapped {
    error: Refusal,
}

/// Both spellings in use: seconds (RFC 9110) and OpenAI's milliseconds. The date form is not used by
/// model endpoints and would need a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms").map(Duration::from_millis).or_else(|| number("retry-after").map(Duration::from_secs))
}

/// What to do about a failed call.
pub(super) fn reaction(error: &OpenAIError) -> Error {
    match error {
        OpenAIError::Boxed(inner) => {
            inner.downcast_ref::<Error>().cloned().unwrap_or_else(|| Error::transient("the call failed"))
        }
        OpenAIError::Reqwest(error) if error.is_builder() => Error::permanent("the endpoint's address is not usable"),
        OpenAIError::Reqwest(error) if error.is_connect() => Error::transient(Reason::Unreachable),
        OpenAIError::Reqwest(error) if error.is_timeout() => Error::transient(Reason::NoAnswer),
        OpenAIError::Reqwest(_) => Error::transient(Reason::BrokenOff),
        OpenAIError::StreamError(_) => Error::transient(Reason::BrokenOff),
        // Its text quotes the answer, which belongs neither on a log line nor on a screen.
        OpenAIError::JSONDeserialize(..) => Error::permanent(Reason::NotUnderstood),
        OpenAIError::ApiError(error) => {
            Error::permanent(Reason::Status { status: error.status_code.as_u16(), said: String::new() })
        }
        _ => Error::permanent("the request could not be made"),
    }
}
