//! Lays out what is known of a device for a person at a terminal. Text from a hash is escaped here.

use std::fmt::Write as _;

use super::{
    checkup::Finding,
    summary::{AdapterSummary, Capture, DiskSummary, Summary},
};

/// How wide the column of labels is.
const LABEL_WIDTH: usize = 15;
/// How many characters are shown of a text.
const SHOWN_CHARS: usize = 128;

/// One line or several about one subject.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) lines: Vec<String>,
}

/// What a device's hash says, subject by subject.
pub(super) fn facts(summary: &Summary) -> Vec<Fact> {
    let one = |label, line: Option<String>| Fact {
        label,
        lines: line.into_iter().collect(),
    };
    let many = |label, lines: Vec<String>| Fact { label, lines };
    vec![
        one("Device", device(summary)),
        one("Serial number", summary.serial_number.as_deref().map(shown)),
        one("UUID", summary.uuid.clone()),
        one("Product key", summary.product_key.as_deref().map(shown)),
        many("TPM", tpm(summary)),
        many(
            "Network",
            summary.network_adapters.iter().map(adapter).collect(),
        ),
        many("Disks", summary.disks.iter().map(disk).collect()),
        one("Processor", processor(summary)),
        one("Memory", summary.memory_gb.map(|gb| format!("{gb} GB"))),
        many(
            "Captured",
            summary.captured.as_ref().map(capture).unwrap_or_default(),
        ),
    ]
}

/// The facts as a table.
pub(super) fn facts_table(summary: &Summary) -> String {
    let mut table = String::new();
    for Fact { label, mut lines } in facts(summary) {
        if lines.is_empty() {
            lines.push("not in the hash".to_owned());
        }
        write_lines(&mut table, label, &lines);
    }
    table
}

/// The findings as a table.
pub(super) fn findings_table(findings: &[Finding]) -> String {
    let mut table = String::new();
    if findings.is_empty() {
        write_lines(&mut table, "Findings", &["none".to_owned()]);
    }
    for finding in findings {
        let label = if finding.refused {
            "Refused for"
        } else {
            "Note"
        };
        let lines = [finding.code.to_owned(), finding.message.clone()];
        write_lines(&mut table, label, &lines);
    }
    table
}

/// Writes a label, and its lines beside it.
pub(super) fn write_lines(table: &mut String, label: &str, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        // Writing to a String can't fail.
        let _ = writeln!(table, "  {label:LABEL_WIDTH$} {line}");
    }
}

/// A text from outside as it can be shown: what a terminal would obey is escaped, and it is cut.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == SHOWN_CHARS {
            shown.push('…');
            break;
        }
        match character {
            '"' | '\'' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// The same, in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

fn device(summary: &Summary) -> Option<String> {
    let names = [&summary.manufacturer, &summary.model];
    let mut line: Vec<_> = names
        .into_iter()
        .flatten()
        .map(|name| shown(name))
        .collect();
    let more = [
        summary
            .family
            .as_deref()
            .map(|family| format!("family {}", shown(family))),
        summary
            .sku
            .as_deref()
            .map(|sku| format!("SKU {}", shown(sku))),
    ];
    let more: Vec<_> = more.into_iter().flatten().collect();
    if !more.is_empty() {
        line.push(format!("({})", more.join(", ")));
    }
    (!line.is_empty()).then(|| line.join(" "))
}

fn tpm(summary: &Summary) -> Vec<String> {
    let version = summary.tpm.as_deref().map(shown);
    let key = summary
        .tpm_key_sha256
        .as_deref()
        .map(|digest| format!("endorsement key with SHA-256 {digest}"));
    version.into_iter().chain(key).collect()
}

fn adapter(adapter: &AdapterSummary) -> String {
    let AdapterSummary {
        address,
        medium,
        bus,
    } = adapter;
    format!("{address}  {medium} ({})", shown(bus))
}

fn disk(disk: &DiskSummary) -> String {
    let size = disk.capacity_gb.map(|gb| format!("{gb} GB"));
    let product = disk.product.as_deref().map(shown);
    let mut line: Vec<_> = [size, disk.bus.clone(), product]
        .into_iter()
        .flatten()
        .collect();
    line.push(match disk.serial.as_deref() {
        Some(serial) => format!("serial number {}", shown(serial)),
        None => "without a serial number".to_owned(),
    });
    line.join(", ")
}

fn processor(summary: &Summary) -> Option<String> {
    let name = summary.processor.as_deref().map(shown);
    let cores = summary.cores.map(|cores| format!("{cores} cores"));
    let line: Vec<_> = [name, cores].into_iter().flatten().collect();
    (!line.is_empty()).then(|| line.join(", "))
}

fn capture(capture: &Capture) -> Vec<String> {
    let at = capture.at.map_or_else(
        || "at an unknown time".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    let Capture {
        tool,
        format,
        system,
        system_build,
        architecture,
        ..
    } = capture;
    let sees_less = if system == "Windows PE" {
        ", which sees less of the hardware"
    } else {
        ""
    };
    vec![
        at,
        format!("with version {tool} of the tool (format {format})"),
        format!("under {system} {system_build}, {architecture}{sees_less}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(shown("Zoë's \"14\""), "Zoë's \"14\"");
        assert_eq!(
            shown("a\u{1b}[2J\n\u{202e}\\"),
            "a\\u{1b}[2J\\n\\u{202e}\\\\"
        );
        assert_eq!(shown(&"x".repeat(200)), format!("{}…", "x".repeat(128)));
    }
}
