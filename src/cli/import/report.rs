//! What became of the file, row by row and in sum. The file is read once more for it: what a row
//! says is not kept.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::{
    advice,
    check::{check, quoted},
    ids::RowIds,
    outcome::{Outcome, Outcomes, State},
};
use crate::{
    cli::new_file::NewFile,
    devices_csv::{Reader, Row, RowError, write_record},
    domain::{clock::Clock, registration::HashValidation},
    graph::json_writer::{ObjectWriter, write_number},
    lifecycle::SystemClock,
};

/// How many rows that went wrong are shown on the terminal.
const MOST_SHOWN: usize = 10;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// Comma-separated, under a header.
    Csv,
    /// One array of objects.
    Json,
}

impl ReportFormat {
    /// The form that a file's name asks for.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::from_str(extension, true).ok()
    }
}

/// The columns, which are the names in JSON too.
const COLUMNS: [&str; 7] = ["row", "serial", "id", "status", "code", "name", "advice"];

/// One row of the report.
#[derive(Debug, Default)]
struct Entry {
    line: u64,
    serial: String,
    id: String,
    status: &'static str,
    code: Option<i32>,
    name: String,
    advice: String,
}

/// Whether people should hear of a row.
fn went_wrong(outcome: Outcome) -> bool {
    !matches!(
        outcome.state,
        State::Ready | State::Complete | State::Accepted
    )
}

/// What the report is made of.
pub(super) struct Report<'a> {
    pub(super) outcomes: &'a Outcomes,
    pub(super) ids: RowIds,
    pub(super) validation: HashValidation,
}

impl Report<'_> {
    /// Reads the file once more and writes each row, to the report if there is one. Gives the
    /// first rows that went wrong, for people.
    pub(super) fn write(
        &self,
        input: impl Read,
        target: Option<(NewFile, ReportFormat)>,
    ) -> Result<String> {
        let mut writer = target
            .map(|(file, format)| EntryWriter::start(file, format))
            .transpose()
            .context("the report")?;
        let mut shown = String::new();
        let mut wrong = 0;
        if writer.is_none() && !self.outcomes.iter().any(went_wrong) {
            return Ok(shown);
        }
        for ((row, outcome), read) in (0..).zip(self.outcomes.iter()).zip(Reader::open(input)?) {
            let went_wrong = went_wrong(outcome);
            wrong += usize::from(went_wrong);
            let is_shown = went_wrong && wrong <= MOST_SHOWN;
            if writer.is_none() && !is_shown {
                continue;
            }
            let entry = self.entry(row, outcome, read);
            if is_shown {
                // Writing to a String can't fail.
                let _ = writeln!(shown, "  row {}: {}", entry.line, told(&entry));
            }
            if let Some(writer) = &mut writer {
                writer.write(&entry).context("the report")?;
            }
        }
        if wrong > MOST_SHOWN {
            let _ = writeln!(shown, "  and {} more", wrong - MOST_SHOWN);
        }
        if let Some(writer) = writer {
            writer.finish().context("the report")?;
        }
        Ok(shown)
    }

    fn entry(&self, row: u32, outcome: Outcome, read: Result<Row, RowError>) -> Entry {
        let mut entry = Entry {
            status: advice::word(outcome.state),
            advice: advice::sentence(row, outcome, self.outcomes),
            ..Entry::default()
        };
        let is_sent = !matches!(
            outcome.state,
            State::Ready | State::Refused | State::Duplicate
        );
        if is_sent {
            let own = || self.ids.id(row).to_string();
            let foreign = self.outcomes.foreign_id(row);
            entry.id = foreign.map_or_else(own, str::to_owned);
        }
        if matches!(outcome.state, State::Complete | State::Error) {
            entry.code = Some(outcome.code);
            self.outcomes.name(outcome).clone_into(&mut entry.name);
        }
        match read {
            Err(error) => {
                entry.line = error.row;
                "row-unreadable".clone_into(&mut entry.name);
                entry.advice = error.to_string();
            }
            Ok(read) => {
                entry.line = read.number;
                if outcome.state == State::Duplicate {
                    "duplicate".clone_into(&mut entry.name);
                }
                if outcome.state == State::Refused || outcome.has_notes {
                    let checked = check(&read, self.validation, SystemClock.now());
                    if let Err(refusal) = checked.device {
                        refusal.name.clone_into(&mut entry.name);
                        entry.advice = refusal.sentence;
                    }
                    for note in checked.notes {
                        let gap = if entry.advice.is_empty() { "" } else { " " };
                        entry.advice.push_str(gap);
                        entry.advice.push_str(&note);
                    }
                }
                entry.serial = read.serial_number;
            }
        }
        entry
    }
}

/// A row in a line for people.
fn told(entry: &Entry) -> String {
    let serial = match entry.serial.as_str() {
        "" => String::new(),
        serial => format!("{}, ", quoted(serial)),
    };
    let code = entry.code.map_or(String::new(), |code| format!("{code} "));
    let name = match entry.name.as_str() {
        "" => entry.status,
        name => name,
    };
    format!("{serial}{code}{name}. {}", entry.advice)
}

/// The sums, by result.
pub(super) fn summary(outcomes: &Outcomes, name: &str) -> String {
    let mut sums: BTreeMap<(u8, i32, String), usize> = BTreeMap::new();
    for outcome in outcomes.iter() {
        let is_error = outcome.state == State::Error;
        let code = if is_error { outcome.code } else { 0 };
        let error = if is_error { outcomes.name(outcome) } else { "" };
        let rank = match outcome.state {
            State::Complete => 0,
            State::Ready => 1,
            State::Accepted => 2,
            State::Error => 3,
            State::Refused => 4,
            State::Duplicate => 5,
            State::Rejected => 6,
            State::Doubtful => 7,
            State::Gone => 8,
        };
        *sums.entry((rank, code, error.to_owned())).or_default() += 1;
    }
    let mut text = format!("{name}: {}\n", rows(outcomes.len()));
    for ((rank, code, error), count) in sums {
        let what = match rank {
            0 => "registered".to_owned(),
            1 => "in order, not sent".to_owned(),
            2 => "accepted, not decided yet".to_owned(),
            3 => format!("refused, {code} {error}: {}", advice::about_code(code)),
            4 => "not sent: a fault was found in the row".to_owned(),
            5 => "not sent: the device stands further up in the file".to_owned(),
            6 => "not accepted by the server".to_owned(),
            7 => "in doubt: whether the server has them can't be told".to_owned(),
            _ => "deleted from the server before their outcome was read".to_owned(),
        };
        let _ = writeln!(text, "{count:>9} {what}");
    }
    text
}

pub(super) fn rows(count: usize) -> String {
    match count {
        1 => "1 row".to_owned(),
        _ => format!("{count} rows"),
    }
}

/// Writes entries in one of the forms.
struct EntryWriter {
    file: NewFile,
    format: ReportFormat,
    is_first: bool,
    line: Vec<u8>,
}

impl EntryWriter {
    fn start(mut file: NewFile, format: ReportFormat) -> io::Result<Self> {
        match format {
            ReportFormat::Csv => write_record(&mut file, COLUMNS)?,
            ReportFormat::Json => file.write_all(b"[")?,
        }
        Ok(Self {
            file,
            format,
            is_first: true,
            line: Vec::new(),
        })
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if self.format == ReportFormat::Csv {
            let line = entry.line.to_string();
            let code = entry.code.map_or(String::new(), |code| code.to_string());
            let fields = [
                line.as_str(),
                &entry.serial,
                &entry.id,
                entry.status,
                &code,
                &entry.name,
                &entry.advice,
            ];
            return write_record(&mut self.file, fields);
        }
        self.line.clear();
        let before: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.line.extend_from_slice(before);
        self.is_first = false;
        let mut object = ObjectWriter::new(&mut self.line);
        write_number(object.key("row"), entry.line);
        object.text("serial", &entry.serial);
        object.text("id", &entry.id);
        object.text("status", entry.status);
        match entry.code {
            Some(code) => write_number(object.key("code"), code),
            None => object.key("code").extend_from_slice(b"null"),
        }
        object.text("name", &entry.name);
        object.text("advice", &entry.advice);
        object.end();
        self.file.write_all(&self.line)
    }

    fn finish(mut self) -> Result<()> {
        if self.format == ReportFormat::Json {
            self.file.write_all(b"\n]\n")?;
        }
        self.file.finish()
    }
}
