//! Logs, metrics and spans. None of them holds what people say, nor secrets, nor phone numbers.

mod otlp;

use crate::config::{Config, LogFormat};
use anyhow::Result;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use otlp::Collector;
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// The bounds of histograms, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// The bounds of how many share something.
const NUMBERS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The histograms of numbers.
const COUNTED: [&str; 1] = ["relevo_store_group_size"];

/// What is logged when nothing is asked for. The store's library shows whole statements, which nobody reads all day.
const QUIET: &str = "info,sqlx=error";

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// What ends when the program does.
pub struct Telemetry(Option<Collector>);

impl Telemetry {
    /// Sends what is left to the collector, if there is one.
    pub async fn end(self) {
        if let Some(collector) = self.0 {
            let _ = tokio::task::spawn_blocking(move || collector.end()).await;
        }
    }
}

/// Starts logging (`RELEVO_LOG` filters: `info`, `relevo=debug`), and sends spans and metrics to the collector of the
/// settings. A second start in one process (tests) keeps the first.
pub fn start(config: &Config) -> Result<Telemetry> {
    let filter = EnvFilter::try_from_env("RELEVO_LOG").unwrap_or_else(|_| EnvFilter::new(QUIET));
    // It quotes answers that it cannot read, and those hold what people said.
    let filter = filter.add_directive("async_openai=off".parse().expect("a directive"));
    let colours = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    let logs = match config.log_format {
        LogFormat::Json => logs.json().with_filter(filter).boxed(),
        LogFormat::Text => logs.compact().with_filter(filter).boxed(),
    };
    let settings = &config.telemetry;
    let collector = settings.endpoint.as_deref().map(|endpoint| Collector::new(settings, endpoint)).transpose()?;
    let spans = collector.as_ref().map(|collector| {
        // Relevo's own spans and nothing else: a library's may hold anything.
        let ours = filter_fn(|of| of.is_span() && of.target().starts_with("relevo") && *of.level() <= Level::DEBUG);
        let layer = tracing_opentelemetry::layer().with_tracer(collector.tracer());
        layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_filter(ours)
    });
    let _ = tracing_subscriber::registry().with(logs).with(spans).try_init();
    METRICS.get_or_init(|| recorded(collector.as_ref()));
    Ok(Telemetry(collector))
}

/// The process's metrics.
pub fn metrics() -> PrometheusHandle {
    METRICS.get_or_init(|| recorded(None)).clone()
}

fn recorded(collector: Option<&Collector>) -> PrometheusHandle {
    let mut builder = PrometheusBuilder::new().set_buckets(&SECONDS).expect("there are buckets");
    for name in COUNTED {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &NUMBERS).expect("there are buckets");
    }
    let prometheus = builder.build_recorder();
    let handle = prometheus.handle();
    let all = FanoutBuilder::default().add_recorder(prometheus);
    // Another recorder in the process (an embedding program's) keeps its place; ours then shows nothing.
    let _ = match collector {
        Some(collector) => metrics::set_global_recorder(all.add_recorder(collector.recorder()).build()),
        None => metrics::set_global_recorder(all.build()),
    };
    handle
}

/// The bounds of a histogram.
fn bounds(name: &str) -> &'static [f64] {
    if COUNTED.contains(&name) { &NUMBERS } else { &SECONDS }
}
