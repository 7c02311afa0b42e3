//! What Hangar says about itself: log lines and metrics. Where metrics are served is `http::admin`.

#[cfg(test)]
pub(crate) mod captured;
pub mod json_lines;
pub mod logging;
pub mod metrics;
