//! What a long-lived server forgets from time to time, so that its memory does not grow with everybody who ever came.

use crate::limits::Limiters;
use metrics_exporter_prometheus::PrometheusHandle;
use relevo::clock::Clock;
use relevo::store::Store;
use relevo_backends::files::Files;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often.
const EVERY: Duration = Duration::from_secs(30);
/// A file that no message carried after this long is not wanted.
const UNSENT_FILES: Duration = Duration::from_hours(24);

/// Keeps house until `stop` is cancelled.
pub async fn keep(
    (store, limiters, files, metrics): (Arc<dyn Store>, Arc<Limiters>, Arc<Files>, PrometheusHandle),
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        limiters.forget();
        metrics.run_upkeep();
        if let Err(error) = store.forget_tickets(clock.now()).await {
            tracing::warn!(%error, "expired tickets cannot be forgotten");
        }
        match files.forget(clock.now(), UNSENT_FILES).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "files that no message carried were forgotten"),
            Err(error) => tracing::warn!(%error, "the folder of files cannot be looked through"),
        }
    }
}
