//! What a long-lived server forgets from time to time, so that its memory does not grow with everybody who ever came.

use crate::limits::Limiters;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often.
const EVERY: Duration = Duration::from_secs(30);

/// Keeps house until `stop` is cancelled.
pub async fn keep(limiters: Arc<Limiters>, metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        limiters.forget();
        metrics.run_upkeep();
    }
}
