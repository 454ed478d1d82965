//! Where files come from: the binary in release, the folder in debug, nowhere when headless.

use std::borrow::Cow;

/// A file as it lies in `dist/`.
pub(crate) struct File {
    pub bytes: Cow<'static, [u8]>,
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
}

#[cfg(not(feature = "headless"))]
pub(crate) fn find(name: &str) -> Option<File> {
    #[derive(rust_embed::RustEmbed)]
    #[folder = "dist"]
    #[allow_missing = true]
    struct Dist;

    let file = <Dist as rust_embed::RustEmbed>::get(name)?;
    Some(File { hash: file.metadata.sha256_hash(), bytes: file.data })
}

#[cfg(feature = "headless")]
pub(crate) fn find(_name: &str) -> Option<File> {
    None
}
