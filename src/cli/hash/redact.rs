//! `--redact`: what tells one device from another is hidden, wherever it would be shown.

use hardware_hash::HardwareReport;

use super::{
    checkup::Finding,
    summary::{Summary, mac_text},
};
use crate::devices_csv::Row;

/// What is shown instead.
pub(super) const HIDDEN: &str = "[hidden]";

/// Shorter texts occur in other words by chance; alone they are hidden all the same.
const SHORTEST_SECRET: usize = 4;
/// How many characters a finding quotes of a text.
const QUOTED_CHARS: usize = 64;

/// What must not be shown of one device.
pub(super) struct Veil {
    /// The longest first, so that none leaves a part of another.
    secrets: Vec<String>,
}

impl Veil {
    /// Hides what identifies the device of this report, and of the row it came in.
    pub(super) fn over(report: Option<&HardwareReport>, row: Option<&Row>) -> Self {
        let mut secrets = Vec::new();
        if let Some(row) = row {
            secrets.extend([row.serial_number.clone(), row.product_key.clone()]);
        }
        if let Some(report) = report {
            let texts = [&report.smbios_serial_number, &report.product_key_id];
            secrets.extend(texts.into_iter().flatten().cloned());
            // Trimmed, as findings quote them.
            let trimmed = [report.serial_number(), report.product_key_id()];
            secrets.extend(trimmed.into_iter().flatten().map(str::to_owned));
            let disks = report
                .disk_serials
                .iter()
                .chain(&report.kernel_disk_serials);
            secrets.extend(disks.map(|disk| disk.serial.clone()));
            secrets.extend(
                report
                    .network_adapters
                    .iter()
                    .map(|adapter| mac_text(adapter.mac)),
            );
            secrets.extend(
                report
                    .smbios_uuid
                    .map(|uuid| uuid::Uuid::from_bytes(uuid).to_string()),
            );
        }
        let mut secrets: Vec<_> = secrets
            .iter()
            .flat_map(|secret| spellings(secret))
            .collect();
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// Hides every secret in a text.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = without(&text, secret);
        }
        text
    }

    /// Hides what a finding quotes.
    pub(super) fn finding(&self, mut finding: Finding) -> Finding {
        finding.message = self.text(&finding.message);
        finding
    }

    /// Hides the fields that identify, and secrets in all others.
    pub(super) fn summary(&self, mut summary: Summary) -> Summary {
        let hide = |text: &mut Option<String>| {
            if text.is_some() {
                *text = Some(HIDDEN.to_owned());
            }
        };
        hide(&mut summary.serial_number);
        hide(&mut summary.uuid);
        hide(&mut summary.product_key);
        hide(&mut summary.tpm_key_sha256);
        for adapter in &mut summary.network_adapters {
            HIDDEN.clone_into(&mut adapter.address);
        }
        for disk in &mut summary.disks {
            hide(&mut disk.serial);
        }
        for text in summary.texts() {
            *text = self.text(text);
        }
        summary
    }
}

/// How a text may be written in a message: as it is, or quoted, escaped and cut.
fn spellings(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    let escaped = |text: &str| {
        text.chars()
            .flat_map(char::escape_debug)
            .collect::<String>()
    };
    let cut: String = secret.chars().take(QUOTED_CHARS).collect();
    let mut all = vec![escaped(secret), escaped(&cut), secret.to_owned()];
    all.retain(|spelling| spelling.len() >= SHORTEST_SECRET);
    if !secret.is_empty() {
        all.push(format!("\"{}\"", escaped(secret)));
    }
    all
}

/// Replaces what is meant, in any case of ASCII letters.
fn without(text: &str, secret: &str) -> String {
    let (folded, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut shown = String::new();
    let mut at = 0;
    for (start, found) in folded.match_indices(&secret) {
        shown.push_str(&text[at..start]);
        shown.push_str(HIDDEN);
        at = start + found.len();
    }
    shown.push_str(&text[at..]);
    shown
}

#[cfg(test)]
mod tests {
    use hardware_hash::Builder;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let report = Builder::new(1)
            .serial_number("ab\"1")
            .product_key_id(" X1\u{1}")
            .report();
        let row = Row {
            serial_number: "Row-Serial".to_owned(),
            ..Row::default()
        };
        let veil = Veil::over(Some(&report), Some(&row));
        for (text, expected) in [
            ("says \"ab\\\"1\" here", "says [hidden] here"),
            ("say \"X1\", not X11", "say [hidden], not X11"),
            ("row-serial and ROW-SERIAL", "[hidden] and [hidden]"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(veil.text(text), expected);
        }
        let uuid = uuid::Uuid::from_bytes(report.smbios_uuid.unwrap());
        assert_eq!(veil.text(&format!("{uuid:X}")), HIDDEN);
    }
}
