//! The table of metrics, and the recorder that gathers them for Prometheus.
//!
//! Rooms record with the macros of the `metrics` crate and the names below; a test holds each name
//! to this table and `docs/metrics.md` to it as well. No metric has a tenant in its labels: how
//! many a service has is nobody's business, and each would be a series of its own.

use std::{sync::OnceLock, time::Duration};

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// One metric: how it is called and what it means.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it does over time.
    pub kind: MetricKind,
    /// What it counts in.
    pub unit: Unit,
    /// Its labels, each with what it can be.
    pub labels: &'static [(&'static str, &'static str)],
    /// One sentence that says what it means.
    pub help: &'static str,
}

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It sorts what it is given into buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl MetricKind {
    /// Its name in Prometheus' terms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// From what a cached read takes to what no client waits for.
const REQUEST_SECONDS: &[f64] = &[
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// From a disk with a battery behind its cache to one that is about to fail.
const COMMIT_SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Up to an `import` call's worth.
const GROUP_OPERATIONS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// Every metric there is.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "hangar_requests_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[
            ("route", "the route's template, or `none`"),
            ("method", "the HTTP method, or `other`"),
            (
                "status",
                "the answer's status code; 0 where the client left first",
            ),
        ],
        help: "Requests answered.",
    },
    Metric {
        name: "hangar_request_seconds",
        kind: MetricKind::Histogram(REQUEST_SECONDS),
        unit: Unit::Seconds,
        labels: &[("route", "the route's template, or `none`")],
        help: "Time from a request's headers to the end of its answer.",
    },
    Metric {
        name: "hangar_batch_parts_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[
            ("route", "the route's template, or `none`"),
            ("method", "the HTTP method, or `other`"),
            ("status", "the part's status code"),
        ],
        help: "Requests answered within a `$batch`, which itself is one request.",
    },
    Metric {
        name: "hangar_write_group_operations",
        kind: MetricKind::Histogram(GROUP_OPERATIONS),
        unit: Unit::Count,
        labels: &[],
        help: "Operations that were committed together.",
    },
    Metric {
        name: "hangar_lookup_group_operations",
        kind: MetricKind::Histogram(GROUP_OPERATIONS),
        unit: Unit::Count,
        labels: &[],
        help: "Imports that were looked up together. PostgreSQL only; who asks alone is not counted.",
    },
    Metric {
        name: "hangar_write_commit_seconds",
        kind: MetricKind::Histogram(COMMIT_SECONDS),
        unit: Unit::Seconds,
        labels: &[],
        help: "Time that a group's commit took to reach the disk.",
    },
    Metric {
        name: "hangar_write_queue_depth",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        labels: &[],
        help: "Operations that wait for the writer.",
    },
    Metric {
        name: "hangar_read_queue_depth",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        labels: &[],
        help: "Operations that wait for a reader.",
    },
    Metric {
        name: "hangar_waiting_imports",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        labels: &[],
        help: "Imports that were accepted and are not decided yet.",
    },
    Metric {
        name: "hangar_registrations_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[(
            "outcome",
            "`registered`, the name of the device directory's error, `superseded` or `retried`",
        )],
        help: "Imports decided.",
    },
    Metric {
        name: "hangar_registration_failures_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[],
        help: "Attempts to decide an import that failed for a reason of our own.",
    },
    Metric {
        name: "hangar_expired_imports_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[],
        help: "Settled imports deleted because `registration.keep_settled` had passed.",
    },
    Metric {
        name: "hangar_token_checks_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[(
            "outcome",
            "`verified`, `remembered`, or why the token was refused",
        )],
        help: "Tokens checked.",
    },
    Metric {
        name: "hangar_throttled_requests_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[(
            "limit",
            "the setting that was run into: `app_requests`, `tenant_requests`, `app_writes` or `tenant_writes`",
        )],
        help: "Requests answered 429 because their caller asks too often.",
    },
    Metric {
        name: "hangar_connections",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        labels: &[],
        help: "Open connections to the service.",
    },
    Metric {
        name: "hangar_refused_connections_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[],
        help: "Connections closed at once because too many were open.",
    },
    Metric {
        name: "hangar_tls_failures_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[],
        help: "Connections on which TLS was not agreed on, in time or at all.",
    },
    Metric {
        name: "hangar_tls_certificate_expiry_seconds",
        kind: MetricKind::Gauge,
        unit: Unit::Seconds,
        labels: &[],
        help: "When the certificate that is served expires, in Unix time; 0 where none is read from files.",
    },
    Metric {
        name: "hangar_store_errors_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[("kind", "the kind of the store's error")],
        help: "Operations that the store could not carry out.",
    },
    Metric {
        name: "hangar_store_retries_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        labels: &[],
        help: "Operations that were tried again, as the database could not do them just then.",
    },
];

/// The recorder of this process, once installed.
static INSTALLED: OnceLock<Result<PrometheusHandle, InstallError>> = OnceLock::new();

/// Why metrics cannot be gathered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("metrics cannot be gathered: {0}")]
pub struct InstallError(String);

/// Installs the recorder for the whole process; every later call gives the same one. Somebody must
/// run `keep_up` beside it.
pub fn install() -> Result<PrometheusHandle, InstallError> {
    INSTALLED.get_or_init(install_once).clone()
}

fn install_once() -> Result<PrometheusHandle, InstallError> {
    let builder = builder().map_err(|error| InstallError(error.to_string()))?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| InstallError(error.to_string()))?;
    describe();
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let MetricKind::Histogram(bounds) = metric.kind {
            let matcher = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(matcher, bounds)?;
        }
    }
    Ok(builder)
}

/// Tells the recorder in place what each metric means, and starts those without labels at zero, so
/// that a rate over the first event can be seen.
fn describe() {
    for metric in METRICS {
        let Metric {
            name, unit, help, ..
        } = *metric;
        let is_single = metric.labels.is_empty();
        match metric.kind {
            MetricKind::Counter => {
                metrics::describe_counter!(name, unit, help);
                if is_single {
                    metrics::counter!(name).absolute(0);
                }
            }
            MetricKind::Gauge => {
                metrics::describe_gauge!(name, unit, help);
                if is_single {
                    metrics::gauge!(name).set(0.0);
                }
            }
            MetricKind::Histogram(_) => metrics::describe_histogram!(name, unit, help),
        }
    }
}

/// Sorts what histograms were given into their buckets, every five seconds, for ever. Without it
/// a service that nobody scrapes would keep every single measurement.
pub async fn keep_up(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A metric's row in `docs/metrics.md`.
    fn row(metric: &Metric) -> String {
        let labels = metric.labels.iter();
        let labels: Vec<_> = labels
            .map(|(name, values)| format!("`{name}`: {values}"))
            .collect();
        let unit = match metric.unit {
            Unit::Seconds => "seconds",
            _ => "",
        };
        let cells = [
            format!("`{}`", metric.name),
            metric.kind.name().to_owned(),
            unit.to_owned(),
            labels.join("<br>"),
            metric.help.to_owned(),
        ];
        format!("| {} |", cells.join(" | "))
    }

    #[test]
    fn each_metric_is_documented() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(root.join("docs/metrics.md")).unwrap();
        let documented: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let expected: Vec<_> = METRICS.iter().map(row).collect();
        assert_eq!(documented.join("\n"), expected.join("\n"));
    }

    #[test]
    fn each_metric_in_the_sources_is_in_the_table() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = fs::read_to_string(&path).unwrap();
                    for name in recorded_names(&source) {
                        assert!(
                            METRICS.iter().any(|metric| metric.name == name),
                            "{name} in {} is not in METRICS",
                            path.display()
                        );
                    }
                }
            }
        }
    }

    /// The names that stand as text in calls of the recording macros.
    fn recorded_names(source: &str) -> Vec<&str> {
        let macros = ["counter!(", "gauge!(", "histogram!("];
        let calls = macros.iter().flat_map(|name| source.split(name).skip(1));
        calls
            .filter_map(|arguments| arguments.trim_start().strip_prefix('"'))
            .filter_map(|text| text.split('"').next())
            .filter(|text| text.starts_with("hangar"))
            .collect()
    }

    #[test]
    fn names_in_the_sources_are_found() {
        let source = "metrics::counter!(\n    \"hangar_a\", \"x\" => y); gauge!(\"hangar_b\")";
        assert_eq!(recorded_names(source), ["hangar_a", "hangar_b"]);
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            let is_counter = metric.kind == MetricKind::Counter;
            assert_eq!(
                metric.name.ends_with("_total"),
                is_counter,
                "{}",
                metric.name
            );
            let in_seconds = metric.unit == Unit::Seconds;
            assert_eq!(
                metric.name.ends_with("_seconds"),
                in_seconds,
                "{}",
                metric.name
            );
            assert!(
                metric
                    .labels
                    .iter()
                    .all(|(name, _)| !name.contains("tenant"))
            );
            if let MetricKind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted(), "{}", metric.name);
            }
        }
    }

    #[test]
    fn the_recorder_renders_what_it_was_given() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!("hangar_requests_total", "route" => "/x", "method" => "GET", "status" => "200")
                .increment(2);
            metrics::histogram!("hangar_request_seconds", "route" => "/x").record(0.003);
        });
        let text = handle.render();
        for line in [
            "# HELP hangar_requests_total Requests answered.",
            "# TYPE hangar_requests_total counter",
            r#"hangar_requests_total{route="/x",method="GET",status="200"} 2"#,
            "# TYPE hangar_request_seconds histogram",
            r#"hangar_request_seconds_bucket{route="/x",le="0.0025"} 0"#,
            r#"hangar_request_seconds_bucket{route="/x",le="0.005"} 1"#,
            "hangar_refused_connections_total 0",
            "hangar_connections 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }

    #[test]
    fn installing_twice_gives_the_same_recorder() {
        let first = install().unwrap();
        let second = install().unwrap();
        metrics::counter!("hangar_refused_connections_total").increment(1);
        for handle in [first, second] {
            assert!(
                handle
                    .render()
                    .contains("hangar_refused_connections_total 1")
            );
        }
    }
}
