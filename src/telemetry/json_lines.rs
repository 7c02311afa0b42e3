//! Log lines as JSON: an object a line, with the event's fields beside what every line says.
//!
//! tracing-subscriber has such a format too. It sends a line piece by piece through an adaptor that
//! checks each for UTF-8, and every request is a line: that was to be seen in profiles of creates.

use std::fmt;

use serde::Serializer as _;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// About as long as a line is.
const LINE_BYTES: usize = 512;

/// Writes an event as one object: `timestamp`, `level`, its fields, `target`. Spans are left out:
/// Hangar opens none.
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut members = Members {
            out: Vec::with_capacity(LINE_BYTES),
        };
        members.write("level", event.metadata().level().as_str());
        event.record(&mut members);
        members.write("target", event.metadata().target());
        let members = String::from_utf8(members.out).map_err(|_| fmt::Error)?;

        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        writer.write_char('"')?;
        writer.write_str(&members)?;
        writer.write_str("}\n")
    }
}

/// The members of an object, each with the comma before it.
struct Members {
    out: Vec<u8>,
}

impl Members {
    fn name(&mut self, name: &str) {
        // Names are identifiers of the code: they need no escaping.
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn write(&mut self, name: &str, value: impl serde::Serialize) {
        self.name(name);
        // Writing into a `Vec` never fails.
        let _ = serde_json::to_writer(&mut self.out, &value);
    }
}

impl Visit for Members {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field.name());
        let mut serializer = serde_json::Serializer::new(&mut self.out);
        // Writing into a `Vec` never fails.
        let _ = serializer.collect_str(&format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tracing_subscriber::{fmt, layer::SubscriberExt as _};

    use super::*;
    use crate::telemetry::captured::Captured;

    /// The line of what `log` logs, without its time.
    fn line(log: impl FnOnce()) -> Value {
        let lines = Captured::default();
        let layer = fmt::layer()
            .event_format(JsonLines)
            .with_writer(lines.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = lines.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        let time = line.as_object_mut().unwrap().remove("timestamp");
        let time = time.unwrap().as_str().unwrap().to_owned();
        time.parse::<jiff::Timestamp>().unwrap();
        line
    }

    #[test]
    fn values_keep_their_kinds() {
        let line = line(|| {
            tracing::warn!(
                count = 3,
                below = -3_i64,
                share = 0.5,
                done = true,
                absent = None::<u64>,
                shown = %"1 2",
                looked_at = ?Some("x"),
                "all \"kinds\"\n\u{1}é"
            );
        });
        let expected = json!({
            "level": "WARN",
            "message": "all \"kinds\"\n\u{1}é",
            "count": 3,
            "below": -3,
            "share": 0.5,
            "done": true,
            "shown": "1 2",
            "looked_at": "Some(\"x\")",
            "target": module_path!(),
        });
        assert_eq!(line, expected);
    }
}
