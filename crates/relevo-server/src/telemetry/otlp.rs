//! Spans and metrics by OpenTelemetry's protocol (OTLP over HTTP), where a collector is set up. A span tells what was
//! done for whom and how long it took, by ids and names; never what people said.

use crate::config::TelemetryConfig;
use anyhow::{Context, Result};
use async_trait::async_trait;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::metrics::{Counter as OtelCounter, Gauge as OtelGauge, Histogram as OtelHistogram, Meter};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Tracer};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long the collector may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Where spans and metrics go.
pub(super) struct Collector {
    spans: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Collector {
    /// The collector of the settings. It need not be there: what cannot be sent is dropped.
    pub(super) fn new(settings: &TelemetryConfig, endpoint: &str) -> Result<Self> {
        // A second provider in the process is refused, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(WITHIN).no_proxy().build().context("no HTTP client")?;
        let client = Client { client, runtime: Handle::current() };
        let endpoint = endpoint.trim_end_matches('/');
        let headers: HashMap<String, String> = settings.headers.clone().into_iter().collect();
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_headers(headers.clone())
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .context("telemetry.endpoint")?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_headers(headers)
            .with_endpoint(format!("{endpoint}/v1/metrics"))
            .build()
            .context("telemetry.endpoint")?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("relevo").with_attribute(version).build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sampled)));
        Ok(Self {
            spans: SdkTracerProvider::builder()
                .with_batch_exporter(spans)
                .with_sampler(sampler)
                .with_resource(resource.clone())
                .build(),
            metrics: SdkMeterProvider::builder().with_periodic_exporter(metrics).with_resource(resource).build(),
        })
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.spans.tracer("relevo")
    }

    /// Hears of every metric besides whoever else does.
    pub(super) fn recorder(&self) -> ToCollector {
        ToCollector { meter: self.metrics.meter("relevo"), known: RwLock::default() }
    }

    /// Sends what is left. Blocks while it does.
    pub(super) fn end(&self) {
        // The collector may be away; nobody is left to be told.
        let _ = self.spans.shutdown();
        let _ = self.metrics.shutdown();
    }
}

/// The exporters have threads of their own; the requests are the runtime's.
#[derive(Debug, Clone)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let status = answer.status();
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            Ok::<_, reqwest::Error>(response)
        });
        Ok(sent.await??)
    }
}

/// What is measured, told to the collector under the names that `/metrics` shows.
pub(super) struct ToCollector {
    meter: Meter,
    known: RwLock<HashMap<Key, Known>>,
}

#[derive(Clone)]
enum Known {
    Counter(Arc<Counted>),
    Gauge(Arc<Gauged>),
    Histogram(Arc<Timed>),
}

struct Counted(OtelCounter<u64>, Vec<KeyValue>);

impl CounterFn for Counted {
    fn increment(&self, value: u64) {
        self.0.add(value, &self.1);
    }

    // Nothing here sets a counter.
    fn absolute(&self, _: u64) {}
}

/// Increments become values: the instrument knows only those.
struct Gauged(OtelGauge<f64>, Vec<KeyValue>, AtomicU64);

impl Gauged {
    fn change(&self, change: impl Fn(f64) -> f64) {
        let next = |bits| Some(change(f64::from_bits(bits)).to_bits());
        let before = self.2.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).unwrap_or_else(|bits| bits);
        self.0.record(change(f64::from_bits(before)), &self.1);
    }
}

impl GaugeFn for Gauged {
    fn increment(&self, value: f64) {
        self.change(|now| now + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|now| now - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

struct Timed(OtelHistogram<f64>, Vec<KeyValue>);

impl HistogramFn for Timed {
    fn record(&self, value: f64) {
        self.0.record(value, &self.1);
    }
}

impl ToCollector {
    /// The instrument of a key, made when it is first asked for.
    fn instrument(&self, key: &Key, make: impl FnOnce(String, Vec<KeyValue>) -> Known) -> Known {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return known.clone();
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let attributes =
            key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect();
        known.entry(key.clone()).or_insert_with(|| make(key.name().to_owned(), attributes)).clone()
    }
}

impl Recorder for ToCollector {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let make = |name, of| Known::Counter(Arc::new(Counted(self.meter.u64_counter(name).build(), of)));
        match self.instrument(key, make) {
            Known::Counter(counter) => Counter::from_arc(counter),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let make = |name, of| Known::Gauge(Arc::new(Gauged(self.meter.f64_gauge(name).build(), of, AtomicU64::new(0))));
        match self.instrument(key, make) {
            Known::Gauge(gauge) => Gauge::from_arc(gauge),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let bounds = super::bounds(key.name()).to_vec();
        let make = |name, of| {
            Known::Histogram(Arc::new(Timed(self.meter.f64_histogram(name).with_boundaries(bounds).build(), of)))
        };
        match self.instrument(key, make) {
            Known::Histogram(histogram) => Histogram::from_arc(histogram),
            _ => Histogram::noop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Span, Tracer};

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_is_not_to_be_sampled_is_not() {
        let settings = TelemetryConfig { sampled: 0.0, ..TelemetryConfig::default() };
        let collector = Collector::new(&settings, "http://127.0.0.1:1").unwrap();
        assert!(!collector.tracer().start("request").span_context().is_sampled());
        tokio::task::spawn_blocking(move || collector.end()).await.unwrap();
    }
}
