//! How many requests were answered, and how fast.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Histogram, counter, histogram};

/// The metrics of requests. Each is looked up by its labels once: finding it among all others takes
/// the recorder longer than counting.
#[derive(Default)]
pub struct RequestMetrics {
    known: RwLock<HashMap<Labels, Handles>>,
}

/// What a request is counted under. None is the client's to invent, so there are not many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Labels {
    /// The route's template, or what stands for none.
    pub(super) route: &'static str,
    /// A known method's name, or what stands for others.
    pub(super) method: &'static str,
    /// 0 where there is no answer.
    pub(super) status: u16,
}

struct Handles {
    total: Counter,
    seconds: Histogram,
}

impl Handles {
    fn count(&self, time: Duration) {
        self.total.increment(1);
        self.seconds.record(time);
    }
}

impl RequestMetrics {
    /// Counts a request that took so long.
    pub(super) fn count(&self, labels: Labels, time: Duration) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(handles) = known.get(&labels) {
            return handles.count(time);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let handles = known.entry(labels).or_insert_with(|| register(labels));
        handles.count(time);
    }
}

fn register(labels: Labels) -> Handles {
    let Labels {
        route,
        method,
        status,
    } = labels;
    Handles {
        total: counter!("hangar_requests_total", "route" => route, "method" => method, "status" => status.to_string()),
        seconds: histogram!("hangar_request_seconds", "route" => route),
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let requests = RequestMetrics::default();
            for (method, status) in [("GET", 200), ("GET", 200), ("GET", 404), ("POST", 200)] {
                let labels = Labels {
                    route: "/x",
                    method,
                    status,
                };
                requests.count(labels, Duration::from_millis(3));
            }
        });
        let text = recorder.handle().render();
        for line in [
            r#"hangar_requests_total{route="/x",method="GET",status="200"} 2"#,
            r#"hangar_requests_total{route="/x",method="GET",status="404"} 1"#,
            r#"hangar_requests_total{route="/x",method="POST",status="200"} 1"#,
            r#"hangar_request_seconds_count{route="/x"} 4"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
