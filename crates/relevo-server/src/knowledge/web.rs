//! Pages of the web, fetched with care: public addresses only, looked at again after every redirect, and no more bytes,
//! time or hops than are given.

use relevo::hook::guard::{PublicOnly, is_private};
use relevo_copilot::knowledge::read::{Format, LARGEST};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Url, redirect};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long one page may take, redirects included.
const WITHIN: Duration = Duration::from_secs(20);
/// The most redirects.
const HOPS: usize = 5;
/// Says who is asking, so that a site may refuse it or slow it down.
const AGENT: &str = concat!("Relevo-Knowledge/", env!("CARGO_PKG_VERSION"), " (reads listed help pages)");

/// Fetches pages.
pub struct Web {
    client: Client,
    private: Private,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Private {
    Refused,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests serve their pages from this machine"))]
    Allowed,
}

impl Web {
    /// Public addresses only.
    pub fn public() -> anyhow::Result<Self> {
        // A second provider in the process is refused, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Every address that a name has is looked at, and the connection goes to one that was looked at: a name that
        // changes its mind in between gains nothing. A redirect to a bare address is looked at in `fetch`.
        let client = builder().dns_resolver(Arc::new(PublicOnly)).build()?;
        Ok(Self { client, private: Private::Refused })
    }

    /// This machine's addresses too: for tests.
    #[cfg(test)]
    pub(super) fn anywhere() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: builder().build().unwrap(), private: Private::Allowed }
    }

    /// A page: what it is written in, and its text. An error says why not and what to do.
    pub async fn fetch(&self, url: &str) -> Result<(Format, String), String> {
        let late = || format!("did not come within {} s: try again later", WITHIN.as_secs());
        tokio::time::timeout(WITHIN, self.follow(url)).await.map_err(|_| late())?
    }

    async fn follow(&self, url: &str) -> Result<(Format, String), String> {
        let mut url = address(url)?;
        for _ in 0..=HOPS {
            self.admit(&url)?;
            let request = self.client.get(url.clone()).header(ACCEPT, "text/html, text/markdown, text/plain, text/csv");
            let response = request.send().await.map_err(|error| reason(&error))?;
            let status = response.status();
            if status.is_redirection() {
                let next = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                let next = next.ok_or_else(|| format!("answered with HTTP {} and no address", status.as_u16()))?;
                url = url.join(next).map_err(|_| "leads to something that is not an address".to_owned())?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("answered with HTTP {}: check the address", status.as_u16()));
            }
            return read(response).await;
        }
        Err(format!("leads on more than {HOPS} times: name the last address instead"))
    }

    /// A bare address asks no resolver, so it is looked at here.
    fn admit(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("leads to an address that is neither http nor https".to_owned());
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let own = name == "localhost" || name.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(is_private);
        if own && self.private == Private::Refused { Err(refused()) } else { Ok(()) }
    }
}

/// An http or https address.
pub(super) fn address(url: &str) -> Result<Url, String> {
    let wrong = || "is not an http or https address: write it as https://example.com/help".to_owned();
    let url: Url = url.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a password: name a page that anybody may read".to_owned());
    }
    Ok(url)
}

fn builder() -> reqwest::ClientBuilder {
    // A proxy would resolve names where nobody looks at them.
    Client::builder().user_agent(AGENT).redirect(redirect::Policy::none()).timeout(WITHIN).no_proxy()
}

async fn read(mut response: reqwest::Response) -> Result<(Format, String), String> {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("text/html");
    let unknown = || format!("is `{}`: HTML, Markdown, plain text, CSV and JSON lines are read", media_type.trim());
    let format = Format::of_media_type(media_type).ok_or_else(unknown)?;
    // `text/plain` is what many servers call a table or a Markdown file.
    let format =
        if format == Format::Markdown { Format::of_path(response.url().path()).unwrap_or(format) } else { format };
    let large = || format!("is larger than {} MiB", LARGEST / 1024 / 1024);
    if response.content_length().is_some_and(|length| length > LARGEST) {
        return Err(large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > LARGEST {
            return Err(large());
        }
    }
    Ok((format, String::from_utf8_lossy(&bytes).into_owned()))
}

fn refused() -> String {
    "is an address of this machine or of a private network: only public pages are read".to_owned()
}

fn reason(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("has a private address") {
            return refused();
        }
        cause = error.source();
    }
    match error {
        error if error.is_timeout() => "did not come in time: try again later".to_owned(),
        error if error.is_connect() => "cannot be reached: check the address".to_owned(),
        _ => "broke off: try again later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;

    async fn site() -> String {
        let big = "x".repeat(usize::try_from(LARGEST).unwrap() + 1);
        let to = |place: &'static str| get(move || async move { (StatusCode::FOUND, [(LOCATION, place)]) });
        let named = |headers: HeaderMap| async move { headers["user-agent"].to_str().unwrap().to_owned() };
        let app = Router::new()
            .route("/page", get(|| async { axum::response::Html("<p>hola</p>") }))
            .route("/table.csv", get(|| async { "question,answer\na,b\n" }))
            .route("/who", get(named))
            .route("/moved", to("/page"))
            .route("/round", to("/round"))
            .route("/out", to("file:///etc/passwd"))
            .route("/big", get(move || async move { big }))
            .route("/picture", get(|| async { ([(CONTENT_TYPE, "image/png")], "x") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        address
    }

    // covers: A06
    #[tokio::test]
    async fn a_page_is_fetched_within_its_limits() {
        let (web, site) = (Web::anywhere(), site().await);
        let fetch = async |path: &str| web.fetch(&format!("{site}{path}")).await;
        assert_eq!(fetch("/page").await.unwrap(), (Format::Html, "<p>hola</p>".to_owned()));
        assert_eq!(fetch("/moved").await.unwrap().0, Format::Html);
        assert_eq!(fetch("/table.csv").await.unwrap().0, Format::Csv);
        assert!(fetch("/who").await.unwrap().1.starts_with("Relevo-Knowledge/"));
        for (path, why) in [
            ("/round", "more than 5 times"),
            ("/out", "neither http nor https"),
            ("/big", "larger than 8 MiB"),
            ("/picture", "is `image/png`"),
            ("/missing", "HTTP 404"),
        ] {
            let error = fetch(path).await.unwrap_err();
            assert!(error.contains(why), "{path}: {error}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_refused_by_number_by_name_and_behind_a_redirect() {
        let (web, site) = (Web::public().unwrap(), site().await);
        for url in [
            site.as_str(),
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://localhost:1/",
            "http://LOCALHOST./",
            "http://me.localhost/",
        ] {
            let error = web.fetch(url).await.unwrap_err();
            assert!(error.contains("private network"), "{url}: {error}");
        }
        for url in ["file:///etc/passwd", "ftp://example.com/", "no address", "http://me:secret@example.com/"] {
            assert!(web.fetch(url).await.is_err(), "{url}");
        }
        // What a public page leads to is looked at as the first address was.
        let next = address("https://example.com/").unwrap().join("http://127.0.0.1/").unwrap();
        assert!(web.admit(&next).is_err());
    }
}
