//! What a long-lived server forgets from time to time, so that its memory does not grow with everybody who ever came.

use crate::limits::Limiters;
use metrics_exporter_prometheus::PrometheusHandle;
use relevo::clock::Clock;
use relevo::domain::time::Timestamp;
use relevo::store::{Lane, Store};
use relevo_backends::files::Files;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the outbox is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Every how many looks the house is tidied.
const TIDY: u32 = 6;
/// A file that no message carried after this long is not wanted.
const UNSENT_FILES: Duration = Duration::from_hours(24);

/// Keeps house until `stop` is cancelled.
pub async fn keep(
    (store, limiters, files, metrics): (Arc<dyn Store>, Arc<Limiters>, Arc<Files>, PrometheusHandle),
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut looks = 0;
    loop {
        outbox(store.as_ref(), clock.now()).await;
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
        looks = (looks + 1) % TIDY;
        if looks != 0 {
            continue;
        }
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

/// For how long the oldest work that is due has waited for somebody to claim it.
async fn outbox(store: &dyn Store, now: Timestamp) {
    for lane in Lane::ALL {
        // Where the store is away, the last figure stays: others tell of that.
        if let Ok(due) = store.next_due(lane).await {
            let age = due.map_or(Duration::ZERO, |due| now.since(due));
            metrics::gauge!("relevo_outbox_age_seconds", "lane" => lane.as_str()).set(age.as_secs_f64());
        }
    }
}
