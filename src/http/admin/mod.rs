//! The admin listener's router: does the process live, is it ready, what does it measure.
//!
//! It has no authentication, because it listens on loopback unless told otherwise; a web page in a
//! browser on the same machine is kept out by `layers::host_guard`. The service itself is not here.

mod answer;
mod readiness;

use std::{
    future::{Future, IntoFuture as _, pending},
    io,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use axum::{Router, extract::State, middleware, response::Response, routing::get};
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

pub use readiness::{Check, Readiness};

use super::layers::host_guard::{Gate, HostGuard, guard_host};

/// Finds out whether the service is ready.
pub type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Readiness> + Send>> + Send + Sync>;

/// What a rehearsal adds to the admin listener.
pub struct Rehearsed {
    /// Its routes.
    pub router: Router,
    /// What `/healthz` says of it.
    pub health: Arc<dyn Fn() -> Value + Send + Sync>,
}

/// Renders the metrics in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// How long requests under way may take once `stop` has completed. They take no time to answer; a
/// client that has not said its request by then must not hold the process up.
const DRAIN: Duration = Duration::from_secs(1);

/// Serves the admin listener until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        // Whoever listened for it has gone together with the whole.
        let _ = stopping.send(());
    });
    let over = async {
        match stopped.await {
            Ok(()) => sleep(DRAIN).await,
            // The server ended without being asked, and says why.
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = over => Ok(()),
    }
}

/// `/healthz`, `/readyz` and `/metrics`, and what a rehearsal adds, for those whom the guard lets in.
pub fn router(
    guard: HostGuard,
    probe: Probe,
    metrics: RenderMetrics,
    rehearsed: Option<Rehearsed>,
) -> Router {
    let gate = Gate::new(guard, answer::refused);
    let (further, health) = match rehearsed {
        Some(rehearsed) => (rehearsed.router, Some(rehearsed.health)),
        None => (Router::new(), None),
    };
    Router::new()
        .route("/healthz", get(alive).with_state(health))
        .merge(further)
        .route("/readyz", get(ready).with_state(probe))
        .route("/metrics", get(measured).with_state(metrics))
        .fallback(async || answer::not_found())
        .layer(middleware::from_fn_with_state(gate, guard_host))
}

async fn alive(State(health): State<Option<Arc<dyn Fn() -> Value + Send + Sync>>>) -> Response {
    answer::alive(health.map(|health| health()))
}

async fn ready(State(probe): State<Probe>) -> Response {
    answer::readiness(&readiness::ask(&probe).await)
}

async fn measured(State(metrics): State<RenderMetrics>) -> Response {
    answer::metrics(metrics())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::{Value, json};

    use super::*;

    /// The answer's status, content type and body to a request of this host for this path.
    async fn answer(host: &str, path: &str, readiness: Readiness) -> (StatusCode, String, String) {
        let probe: Probe = Arc::new(move || {
            let readiness = readiness.clone();
            Box::pin(async move { readiness })
        });
        let metrics: RenderMetrics = Arc::new(|| "hangar_connections 0\n".to_owned());
        let router = router(HostGuard::default(), probe, metrics, None);
        let request = Request::get(path).header("host", host);
        let request = request.body(Body::empty()).unwrap();
        let answer = TowerToHyperService::new(router)
            .call(request)
            .await
            .unwrap();
        let status = answer.status();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn json(host: &str, path: &str, readiness: Readiness) -> (u16, Value) {
        let (status, kind, body) = answer(host, path, readiness).await;
        assert_eq!(kind, "application/json");
        (status.as_u16(), serde_json::from_str(&body).unwrap())
    }

    #[tokio::test]
    async fn a_process_that_answers_lives() {
        let found = json("localhost:8081", "/healthz", Readiness::default()).await;
        assert_eq!(found, (200, json!({"status": "ok"})));
    }

    #[tokio::test]
    async fn a_service_is_ready_when_all_its_parts_are() {
        let ready = Readiness::of([Check::passed("store"), Check::passed("keys")]);
        let found = json("127.0.0.1", "/readyz", ready).await;
        let checks = json!({"store": {"status": "ok"}, "keys": {"status": "ok"}});
        assert_eq!(found, (200, json!({"status": "ok", "checks": checks})));

        let failing = Readiness::of([
            Check::passed("store"),
            Check::failed("keys", "no key has been fetched yet"),
        ]);
        let found = json("127.0.0.1", "/readyz", failing).await;
        let checks = json!({
            "store": {"status": "ok"},
            "keys": {"status": "failing", "reason": "no key has been fetched yet"},
        });
        assert_eq!(found, (503, json!({"status": "failing", "checks": checks})));
    }

    #[tokio::test]
    async fn metrics_are_in_the_text_format() {
        let (status, kind, body) = answer("[::1]:8081", "/metrics", Readiness::default()).await;
        assert_eq!(status.as_u16(), 200);
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(body, "hangar_connections 0\n");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let (status, body) = json("localhost", "/", Readiness::default()).await;
        assert_eq!((status, body["status"].as_str()), (404, Some("refused")));
    }

    #[tokio::test]
    async fn names_of_others_are_refused_everywhere() {
        for path in ["/healthz", "/readyz", "/metrics", "/"] {
            let (status, body) = json("example.com", path, Readiness::default()).await;
            assert_eq!((status, body["status"].as_str()), (421, Some("refused")));
        }
    }
}
