//! What Hangar says about itself: log lines and metrics. Where metrics are served is `http::admin`.

pub mod logging;
pub mod metrics;
