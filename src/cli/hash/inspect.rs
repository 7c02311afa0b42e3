//! `hangar hash inspect`: one hash, or each row of a device CSV, with its findings.

use std::{
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    checkup::{Checkup, Finding},
    input::{Content, Input},
    redact::Veil,
    summary::Summary,
    table::{facts_table, findings_table},
};
use crate::{
    cli::EXIT_REFUSED,
    devices_csv::{Row, RowError},
};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// A hash (bytes or base64) or a device CSV; - is the standard input
    #[arg(value_name = "FILE")]
    file: Input,
    /// One JSON object a line, a line a device
    #[arg(long)]
    json: bool,
    /// Hide serial numbers, MAC addresses and keys
    #[arg(long)]
    redact: bool,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> anyhow::Result<ExitCode> {
    let content = arguments.file.read(arguments.redact)?;
    let mut doctor = Doctor {
        output: BufWriter::new(io::stdout().lock()),
        json: arguments.json,
        redact: arguments.redact,
        tally: Tally::default(),
    };
    match content {
        Content::Hash(hash) => {
            let name = arguments.file.to_string();
            doctor.show(&name, None, Checkup::of_hash(hash, now))?;
        }
        Content::Devices(rows) => {
            for row in rows {
                match row {
                    Ok(row) => {
                        let name = format!("Row {}", row.number);
                        doctor.show(&name, Some(&row), Checkup::of_row(&row, now))?;
                    }
                    Err(error) if error.is_final() => {
                        doctor.output.flush()?;
                        return Err(error)
                            .with_context(|| format!("{} can't be read further", arguments.file));
                    }
                    Err(error) => doctor.show_unreadable(&error)?,
                }
            }
            doctor.conclude()?;
        }
    }
    doctor.output.flush()?;
    Ok(doctor.tally.exit_code())
}

struct Doctor<W> {
    output: W,
    json: bool,
    redact: bool,
    tally: Tally,
}

/// How many devices came to what.
#[derive(Default)]
struct Tally {
    in_order: u64,
    noted: u64,
    refused: u64,
    unreadable: u64,
}

/// A device, as `--json` shows it.
#[derive(Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    refused: bool,
    device: Option<Summary>,
    findings: Vec<Finding>,
}

/// A row that is none, as `--json` shows it.
#[derive(Serialize)]
struct Unreadable {
    row: u64,
    refused: bool,
    error: String,
}

impl<W: Write> Doctor<W> {
    fn show(&mut self, name: &str, row: Option<&Row>, checkup: Checkup) -> io::Result<()> {
        let refused = checkup.is_refused();
        let verdict = self.tally.count(refused, &checkup.findings);
        let mut device = checkup.report.as_ref().map(Summary::of);
        let mut findings = checkup.findings;
        if self.redact {
            let veil = Veil::over(checkup.report.as_ref(), row);
            device = device.map(|device| veil.summary(device));
            findings = findings
                .into_iter()
                .map(|finding| veil.finding(finding))
                .collect();
        }
        if self.json {
            let row = row.map(|row| row.number);
            return self.write_json(&Shown {
                row,
                refused,
                device,
                findings,
            });
        }
        writeln!(self.output, "{name}: {verdict}")?;
        if let Some(device) = &device {
            self.output.write_all(facts_table(device).as_bytes())?;
        }
        writeln!(self.output, "{}", findings_table(&findings))
    }

    fn show_unreadable(&mut self, error: &RowError) -> io::Result<()> {
        self.tally.unreadable += 1;
        if self.json {
            return self.write_json(&Unreadable {
                row: error.row,
                refused: true,
                error: error.to_string(),
            });
        }
        writeln!(self.output, "Row {}: can't be read\n  {error}\n", error.row)
    }

    fn conclude(&mut self) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let Tally {
            in_order,
            noted,
            refused,
            unreadable,
        } = self.tally;
        let rows = in_order + noted + refused + unreadable;
        writeln!(
            self.output,
            "{rows} rows: {in_order} in order, {noted} with notes, {refused} would be refused, {unreadable} can't be \
             read"
        )
    }

    fn write_json(&mut self, shown: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, shown)?;
        writeln!(self.output)
    }
}

impl Tally {
    /// Counts a device, and says in words how it stands.
    fn count(&mut self, refused: bool, findings: &[Finding]) -> &'static str {
        let (count, verdict) = if refused {
            (&mut self.refused, "would be refused")
        } else if findings.is_empty() {
            (&mut self.in_order, "in order")
        } else {
            (&mut self.noted, "in order, with notes")
        };
        *count += 1;
        verdict
    }

    fn exit_code(&self) -> ExitCode {
        if self.refused + self.unreadable > 0 {
            ExitCode::from(EXIT_REFUSED)
        } else {
            ExitCode::SUCCESS
        }
    }
}
