//! Logs and metrics. Logs never hold what people say, nor secrets, nor phone numbers.

use crate::config::LogFormat;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// Starts logging: `RELEVO_LOG` filters (`info`, `relevo=debug`).
pub fn logs(format: LogFormat) {
    let filter = EnvFilter::try_from_env("RELEVO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Json => logs.json().try_init(),
        LogFormat::Text => logs.compact().try_init(),
    };
}

/// The process's metrics.
pub fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            // Another recorder in the process (an embedding program's) keeps its place; ours then shows nothing.
            builder.install_recorder().unwrap_or_else(|_| PrometheusBuilder::new().build_recorder().handle())
        })
        .clone()
}
