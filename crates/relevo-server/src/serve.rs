//! The listener: patient with people, not with connections that do not speak.

use crate::app::App;
use crate::extract::refuse_foreign_origin;
use crate::openapi::Completed;
use crate::{edge, pages, routes, ws};
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use axum::serve::Listener;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::Modify;

/// A client that has not sent its headers by then is gone.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// How long requests that are under way at a stop may take.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// All routes of a server.
pub fn router(app: App) -> Router {
    if !app.config.node.api {
        let (health, _) = routes::health::router().split_for_parts();
        return health.with_state(app);
    }
    let (api, mut description) = routes::router().split_for_parts();
    Completed.modify(&mut description);
    let description = description.to_json().unwrap_or_default();
    let openapi = move || {
        let description = description.clone();
        async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], description) }
    };
    api.route("/api/openapi.json", get(openapi))
        .route("/ws/agent", any(ws::agent::upgrade))
        .route("/ws/visitor", any(ws::visitor::upgrade))
        .fallback(pages::serve)
        .layer(axum::middleware::from_fn_with_state(app.clone(), refuse_foreign_origin))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            crate::error::Problem::internal(&"a handler panicked").into_response()
        }))
        .layer(axum::middleware::from_fn_with_state(app.clone(), edge::around))
        .with_state(app)
}

/// Serves until `stop` is cancelled, then lets requests under way end.
pub async fn serve(mut listener: impl Listener<Addr = SocketAddr>, router: Router, stop: CancellationToken) {
    let within = if relevo::sabotaged!("patience") { HEADERS_WITHIN * 60 } else { HEADERS_WITHIN };
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(within).max_header_size(HEAD).max_buf_size(4 * HEAD);
    let under_way = TaskTracker::new();
    loop {
        let (stream, address) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let router = router.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(address);
            let mut router = router.clone();
            async move {
                let ready = ServiceExt::<hyper::Request<hyper::body::Incoming>>::ready(&mut router).await?;
                ready.call(request).await
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let stop = stop.clone();
        under_way.spawn(async move {
            tokio::pin!(connection);
            // A client that goes away in the middle is no news.
            tokio::select! {
                _ = connection.as_mut() => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        });
    }
    drop(listener);
    under_way.close();
    let _ = tokio::time::timeout(LAST_REQUESTS, under_way.wait()).await;
}
