//! For whoever runs the server.

use crate::app::App;
use crate::error::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Health and metrics: what a process serves that serves nothing else.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(metrics))
}

/// The process runs.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It runs", body = String)))]
async fn alive() -> &'static str {
    "ok"
}

/// The process can serve: its store answers.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, description = "It can serve", body = String), (status = 503, description = "store_unavailable")))]
async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.desk.store().head().await?;
    if app.stop.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is stopping"));
    }
    Ok("ok")
}

/// Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "Metrics", body = String)))]
async fn metrics(State(app): State<App>) -> String {
    app.metrics.render()
}
