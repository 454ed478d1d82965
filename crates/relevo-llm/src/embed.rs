//! Text to vectors.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Turns texts into vectors of one fixed length.
///
/// # How to write one
/// Return as many vectors as texts, in the same order. Stop at once when the token is cancelled and
/// return [`Error::Cancelled`]. Retries are the implementation's own business.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The model's name, part of the cache key of a vector.
    fn name(&self) -> &str;

    /// One vector for each text.
    async fn embed(&self, texts: &[String], cancel: &CancellationToken) -> Result<Vec<Vec<f32>>, Error>;
}
