//! Logs and metrics. Logs never hold what people say, nor secrets, nor phone numbers.

use crate::config::LogFormat;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// The bounds of histograms, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// The bounds of how many callers share a commit.
const CALLERS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What is logged when nothing is asked for. The store's library shows whole statements, which nobody reads all day.
const QUIET: &str = "info,sqlx=error";

/// Starts logging: `RELEVO_LOG` filters (`info`, `relevo=debug`).
pub fn logs(format: LogFormat) {
    let filter = EnvFilter::try_from_env("RELEVO_LOG").unwrap_or_else(|_| EnvFilter::new(QUIET));
    // It quotes answers that it cannot read, and those hold what people said.
    let filter = filter.add_directive("async_openai=off".parse().expect("a directive"));
    let colours = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
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
            let builder = PrometheusBuilder::new().set_buckets(&SECONDS).expect("there are buckets");
            let group_size = Matcher::Full("relevo_store_group_size".to_owned());
            let builder = builder.set_buckets_for_metric(group_size, &CALLERS).expect("there are buckets");
            // Another recorder in the process (an embedding program's) keeps its place; ours then shows nothing.
            builder.install_recorder().unwrap_or_else(|_| PrometheusBuilder::new().build_recorder().handle())
        })
        .clone()
}
