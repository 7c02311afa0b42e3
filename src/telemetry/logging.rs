//! Structured log lines on the standard error stream: pretty on a terminal, JSON elsewhere.
//!
//! Nothing that a client sent is logged above debug: no token ever, no hash, no serial number, no
//! query string. A line at `info` or above may name ids that Hangar made, routes, counts and times.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, fmt, fmt::MakeWriter, layer::SubscriberExt,
};

use super::json_lines::JsonLines;
use crate::config::{Log, LogFormat};

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter cannot be read.
    #[error("log.level cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// This process logs already.
    #[error("logging has been started already")]
    Started,
}

/// Starts logging for the whole process. The second call in a process fails.
pub fn start(log: &Log) -> Result<(), LoggingError> {
    let subscriber = subscriber(log, io::stderr().is_terminal(), io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LoggingError::Started)
}

/// What turns events into lines, for a writer that is a terminal or is not.
fn subscriber<W>(
    log: &Log,
    is_terminal: bool,
    writer: W,
) -> Result<impl tracing::Subscriber + Send + Sync + use<W>, LoggingError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let is_pretty = match log.format {
        LogFormat::Auto => is_terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(writer);
    let lines = if is_pretty {
        lines.with_ansi(is_terminal).boxed()
    } else {
        lines.event_format(JsonLines).boxed()
    };
    // Not the environment's RUST_LOG: settings come from `config` alone.
    let filter = EnvFilter::builder().parse(&log.level)?;
    Ok(Registry::default().with(lines).with(filter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::captured::Captured;

    fn logged(format: LogFormat, level: &str, is_terminal: bool) -> String {
        let lines = Captured::default();
        let log = Log {
            level: level.to_owned(),
            format,
        };
        let subscriber = subscriber(&log, is_terminal, lines.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(count = 3, "rows kept");
            tracing::debug!("detail");
        });
        lines.text()
    }

    #[test]
    fn lines_are_json_where_nobody_watches() {
        for (format, is_terminal) in [(LogFormat::Auto, false), (LogFormat::Json, true)] {
            let text = logged(format, "info", is_terminal);
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(line["message"], "rows kept");
            assert_eq!(line["count"], 3);
            assert_eq!(line["level"], "INFO");
            assert!(line["timestamp"].is_string());
        }
    }

    #[test]
    fn lines_are_for_people_on_a_terminal() {
        let text = logged(LogFormat::Auto, "info", true);
        assert!(
            text.contains("rows kept") && text.contains('\u{1b}'),
            "{text}"
        );
        let text = logged(LogFormat::Pretty, "info", false);
        assert!(
            text.contains("rows kept count=3") && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn the_level_filters_lines() {
        assert_eq!(logged(LogFormat::Pretty, "warn", false), "");
        assert_eq!(logged(LogFormat::Pretty, "info", false).lines().count(), 1);
        assert_eq!(logged(LogFormat::Pretty, "debug", false).lines().count(), 2);
        let filter = format!("error,{}=debug", module_path!());
        assert_eq!(logged(LogFormat::Pretty, &filter, false).lines().count(), 2);
    }
}
