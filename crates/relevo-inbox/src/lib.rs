//! The pages that people see, carried inside the server: the agents' inbox, the visitors' widget, the sample shop and
//! the page of the API. Their sources are in `ui/`; their build writes `dist/`, which this crate embeds.
//!
//! | address | file |
//! | --- | --- |
//! | `/` | `index.html`, the inbox |
//! | `/widget.js` | the widget: one script, short-lived |
//! | `/assets/…` | the inbox's hashed files: immutable |
//! | `/demo/shop` | `demo/shop/index.html` |
//! | `/api/docs` | `api-docs/index.html` |
//!
//! A debug build reads the folder when it is asked, so that a page can be rebuilt under a running server; a missing page
//! becomes one that names the command. A release build carries the files and does not compile without them, unless the
//! feature `headless` says that no pages are wanted.
//!
//! ```
//! match relevo_inbox::page("/", "br, gzip") {
//!     Some(page) => assert!(page.mime.starts_with("text/html")),
//!     None => assert!(cfg!(feature = "headless")),
//! }
//! assert!(relevo_inbox::page("/../Cargo.toml", "").is_none());
//! ```

mod negotiate;
mod page;
mod source;

pub use page::Page;

/// The file behind an address, in the best encoding that `accept_encoding` (the header's value) allows.
///
/// None means that there is no such file; whether the inbox's page stands in for it is the caller's decision
/// (ask again for `/`). Query strings are the caller's to cut.
pub fn page(address: &str, accept_encoding: &str) -> Option<Page> {
    page::find(address, accept_encoding, &source::find)
}

/// Whether the inbox and the widget have been built: false on a fresh clone, and in a headless server.
pub fn built() -> bool {
    ["index.html", "widget.js"].iter().all(|name| source::find(name).is_some())
}

#[cfg(test)]
mod tests {
    /// The folder is read when it is asked: whatever the UI build has left there is served, byte for byte.
    #[cfg(all(debug_assertions, not(feature = "headless")))]
    #[test]
    fn a_debug_build_reads_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dist");
        let probe = format!("{folder}/probe-{}.txt", std::process::id());
        std::fs::write(&probe, "fresh").unwrap();
        let page = super::page(&probe[folder.len()..], "br");
        std::fs::remove_file(&probe).unwrap();
        assert_eq!(&*page.unwrap().bytes, b"fresh");
    }
}
