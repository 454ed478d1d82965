//! From an address to what is sent.

use std::borrow::Cow;
use std::fmt::Write;

use crate::negotiate::{self, Encoding};
use crate::source::File;

/// A file, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The body, encoded as `encoding` says.
    pub bytes: Cow<'static, [u8]>,
    /// The value of `content-type`.
    pub mime: String,
    /// The value of `etag`, with its quotes. Differs between encodings.
    pub etag: String,
    /// The name holds a hash of the content: it may be kept for ever. Others are asked for again (`widget.js` after
    /// five minutes).
    pub immutable: bool,
    /// The value of `content-encoding`; the caller then also says `vary: accept-encoding`.
    pub encoding: Option<&'static str>,
}

/// The build of the pages may be half done under a running debug server; only a release trusts the siblings.
const SIBLINGS: bool = !cfg!(debug_assertions);

pub(crate) fn find(address: &str, accept: &str, source: &dyn Fn(&str) -> Option<File>) -> Option<Page> {
    find_among(address, accept, SIBLINGS, source)
}

fn find_among(address: &str, accept: &str, siblings: bool, source: &dyn Fn(&str) -> Option<File>) -> Option<Page> {
    let name = file_name(address)?;
    if siblings {
        for encoding in negotiate::accepted(accept) {
            if let Some(file) = source(&format!("{name}{}", encoding.suffix())) {
                return Some(made(&name, file, Some(encoding)));
            }
        }
    }
    match source(&name) {
        Some(file) => Some(made(&name, file, None)),
        None => unbuilt(&name),
    }
}

/// The name in `dist/`. Siblings are not addresses, and nothing outside the folder is.
fn file_name(address: &str) -> Option<String> {
    let path = address.trim_matches('/');
    if path.split('/').any(|part| part.starts_with('.')) || path.contains('\\') {
        return None;
    }
    if [".br", ".gz"].iter().any(|end| path.ends_with(end)) {
        return None;
    }
    Some(match path {
        "" => "index.html".to_owned(),
        "demo/shop" => "demo/shop/index.html".to_owned(),
        "api/docs" => "api-docs/index.html".to_owned(),
        _ => match path.strip_prefix("api/docs/") {
            Some(file) => format!("api-docs/{file}"),
            None => path.to_owned(),
        },
    })
}

fn made(name: &str, file: File, encoding: Option<Encoding>) -> Page {
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let text = mime.type_() == "text" || matches!(mime.subtype().as_str(), "javascript" | "json");
    let mut etag = String::from("\"");
    for byte in &file.hash[..16] {
        write!(etag, "{byte:02x}").expect("a String takes every write");
    }
    etag.push('"');
    Page {
        bytes: file.bytes,
        mime: if text { format!("{mime}; charset=utf-8") } else { mime.to_string() },
        etag,
        immutable: name.starts_with("assets/"),
        encoding: encoding.map(Encoding::name),
    }
}

/// What stands in for a page that nobody has built: it names the command. A headless server has none to build.
fn unbuilt(name: &str) -> Option<Page> {
    if cfg!(feature = "headless") {
        return None;
    }
    let (mime, body) = match name {
        "index.html" | "demo/shop/index.html" | "api-docs/index.html" => ("text/html; charset=utf-8", UNBUILT_PAGE),
        "widget.js" => ("text/javascript; charset=utf-8", UNBUILT_SCRIPT),
        _ => return None,
    };
    Some(Page {
        bytes: Cow::Borrowed(body.as_bytes()),
        mime: mime.to_owned(),
        etag: "\"unbuilt\"".to_owned(),
        immutable: false,
        encoding: None,
    })
}

const UNBUILT_PAGE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Relevo: pages not built</title>
<h1>The pages are not built yet</h1>
<p>The server is running. Its pages are made by this command; then load this one again:
<pre>cargo xtask build</pre>
</html>
";

const UNBUILT_SCRIPT: &str = "console.error('Relevo: the widget is not built yet. Run: cargo xtask build');\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files; each file's content is its own name.
    fn folder(names: &'static [&'static str]) -> impl Fn(&str) -> Option<File> {
        move |wanted| {
            let name = names.iter().find(|name| **name == wanted)?;
            let mut hash = [0; 32];
            hash[..name.len().min(32)].copy_from_slice(&name.as_bytes()[..name.len().min(32)]);
            Some(File { bytes: Cow::Borrowed(name.as_bytes()), hash })
        }
    }

    const BUILT: &[&str] = &[
        "index.html",
        "index.html.br",
        "widget.js",
        "widget.js.br",
        "widget.js.gz",
        "assets/inbox-1f2e.css",
        "demo/shop/index.html",
        "demo/shop/shop.js",
        "api-docs/index.html",
        "api-docs/swagger-ui.css",
    ];

    fn ask(address: &str, accept: &str) -> Option<Page> {
        find_among(address, accept, true, &folder(BUILT))
    }

    fn body(page: &Page) -> &str {
        std::str::from_utf8(&page.bytes).unwrap()
    }

    #[test]
    fn addresses_lead_to_their_files() {
        for (address, file, mime) in [
            ("/", "index.html", "text/html; charset=utf-8"),
            ("/widget.js", "widget.js", "text/javascript; charset=utf-8"),
            ("/demo/shop", "demo/shop/index.html", "text/html; charset=utf-8"),
            ("/demo/shop/", "demo/shop/index.html", "text/html; charset=utf-8"),
            ("/demo/shop/shop.js", "demo/shop/shop.js", "text/javascript; charset=utf-8"),
            ("/api/docs", "api-docs/index.html", "text/html; charset=utf-8"),
            ("/api/docs/swagger-ui.css", "api-docs/swagger-ui.css", "text/css; charset=utf-8"),
        ] {
            let page = ask(address, "").unwrap();
            assert_eq!((body(&page), page.mime.as_str()), (file, mime), "{address}");
        }
    }

    #[test]
    fn the_smallest_accepted_sibling_is_sent_under_the_type_of_the_original() {
        let page = ask("/widget.js", "gzip, br").unwrap();
        assert_eq!((body(&page), page.encoding), ("widget.js.br", Some("br")));
        assert_eq!(page.mime, "text/javascript; charset=utf-8");
        let other = ask("/widget.js", "gzip").unwrap();
        assert_eq!((body(&other), other.encoding), ("widget.js.gz", Some("gzip")));
        assert_ne!(page.etag, other.etag);
        let plain = ask("/index.html", "gzip").unwrap();
        assert_eq!((body(&plain), plain.encoding), ("index.html", None));
    }

    #[test]
    fn only_hashed_files_are_kept_for_ever() {
        assert!(ask("/assets/inbox-1f2e.css", "").unwrap().immutable);
        assert!(!ask("/widget.js", "").unwrap().immutable);
        assert!(!ask("/", "").unwrap().immutable);
    }

    #[test]
    fn nothing_outside_the_folder_and_no_sibling_is_an_address() {
        for address in ["/../Cargo.toml", "/assets/../../x", "/.env", "/a\\..\\b", "/widget.js.br", "/nothing.css"] {
            assert_eq!(ask(address, "br"), None, "{address}");
        }
    }

    #[cfg(not(feature = "headless"))]
    #[test]
    fn a_missing_page_names_the_command() {
        for address in ["/", "/demo/shop", "/api/docs", "/widget.js"] {
            let page = find_among(address, "br", true, &folder(&[])).unwrap();
            assert!(body(&page).contains("cargo xtask build"), "{address}");
        }
        assert_eq!(find_among("/assets/x.js", "", true, &folder(&[])), None);
    }

    /// A server was once shipped with an empty folder inside: a release looks into what it carries.
    #[cfg(not(any(debug_assertions, feature = "headless")))]
    #[test]
    fn a_release_carries_its_pages() {
        assert!(crate::built());
        for address in ["/", "/widget.js", "/demo/shop", "/api/docs"] {
            let page = crate::page(address, "br").unwrap();
            assert!(!page.bytes.is_empty() && page.encoding == Some("br"), "{address}");
        }
    }
}
