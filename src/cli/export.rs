//! `hangar export`: devices or imports of any Graph server, page by page, to a file.

use std::{
    borrow::Cow,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{new_file::NewFile, server::ServerArguments};
use crate::{
    devices_csv::{Column, Row, Writer},
    graph::schema::EntitySet,
    lifecycle::Shutdown,
};

/// The exit code of an export that Ctrl-C stopped.
const EXIT_INTERRUPTED: u8 = 130;

#[derive(Args)]
pub(super) struct ExportArguments {
    /// What to export
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    server: ServerArguments,
    /// The form [default: what the output's name ends in, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Where to [default: the standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Registered devices. No server gives their hashes back.
    Devices,
    /// Requests to register, with their hashes where the server gives them back.
    Imports,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The columns that `hangar import` reads.
    Csv,
    /// One object a line, as the server writes it.
    #[value(alias = "ndjson")]
    Jsonl,
}

/// Exports. Gives the exit code.
pub(super) async fn run(arguments: ExportArguments) -> Result<ExitCode> {
    let shutdown = Shutdown::on_signals()?;
    let interrupted = || {
        let _ = writeln!(io::stderr(), "hangar: interrupted; the export is not whole");
        Ok(ExitCode::from(EXIT_INTERRUPTED))
    };
    tokio::select! {
        exported = export(&arguments) => exported.map(|()| ExitCode::SUCCESS),
        () = shutdown.requested() => interrupted(),
    }
}

async fn export(arguments: &ExportArguments) -> Result<()> {
    let notice = Arc::new(|sentence: &str| {
        // Without a standard error stream nobody is told.
        let _ = writeln!(io::stderr(), "hangar: {sentence}");
    });
    let client = arguments.server.client(notice)?;
    client.greet().await?;
    let named = arguments.output.as_deref().and_then(|path| {
        let extension = path.extension()?.to_str()?;
        Format::from_str(extension, true).ok()
    });
    let format = arguments.format.or(named).unwrap_or(Format::Csv);
    let output = match &arguments.output {
        Some(path) => Output::File(NewFile::create(path)?),
        None => Output::Standard(BufWriter::new(io::stdout())),
    };
    let mut items = Items::start(output, format, arguments.what)?;
    let set = match arguments.what {
        What::Devices => EntitySet::Devices,
        What::Imports => EntitySet::Imports,
    };
    let mut next = Some(format!("{}?$top=999", client.address().of(set)));
    while let Some(link) = next {
        let page = client.raw_page(&link).await?;
        for item in &page.items {
            items.write(item)?;
        }
        next = page.next;
    }
    items.finish()
}

enum Output {
    File(NewFile),
    Standard(BufWriter<io::Stdout>),
}

impl Output {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::File(file) => file,
            Self::Standard(stdout) => stdout,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

enum Items {
    Csv(Writer<Output>),
    Lines(Output),
}

impl Items {
    fn start(output: Output, format: Format, what: What) -> io::Result<Self> {
        let columns: &[Column] = match what {
            What::Devices => &Column::ALL,
            What::Imports => &Column::IMPORTED,
        };
        Ok(match format {
            Format::Csv => Self::Csv(Writer::start(output, columns)?),
            Format::Jsonl => Self::Lines(output),
        })
    }

    fn write(&mut self, item: &RawValue) -> Result<()> {
        match self {
            Self::Csv(writer) => writer.write(&read(item.get())?)?,
            Self::Lines(output) => {
                // A line break in JSON is never part of a text: it may be a space as well.
                output.write_all(item.get().replace(['\r', '\n'], " ").as_bytes())?;
                output.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let mut output = match self {
            Self::Csv(writer) => writer.finish()?,
            Self::Lines(output) => output,
        };
        output.flush()?;
        match output {
            Output::File(file) => file.finish(),
            Output::Standard(_) => Ok(()),
        }
    }
}

/// What a device or an import has of the columns.
fn read(item: &str) -> Result<Row> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Item<'a> {
        #[serde(borrow)]
        serial_number: Option<Cow<'a, str>>,
        #[serde(borrow)]
        product_key: Option<Cow<'a, str>>,
        #[serde(borrow)]
        hardware_identifier: Option<Cow<'a, str>>,
        #[serde(borrow)]
        group_tag: Option<Cow<'a, str>>,
        #[serde(borrow)]
        assigned_user_principal_name: Option<Cow<'a, str>>,
        #[serde(borrow)]
        user_principal_name: Option<Cow<'a, str>>,
        #[serde(borrow)]
        manufacturer: Option<Cow<'a, str>>,
        #[serde(borrow)]
        model: Option<Cow<'a, str>>,
    }
    let item: Item<'_> =
        serde_json::from_str(item).context("the server's list holds what is no device")?;
    let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
    let some = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    Ok(Row {
        number: 0,
        serial_number: text(item.serial_number),
        product_key: text(item.product_key),
        hardware_hash: text(item.hardware_identifier),
        group_tag: some(item.group_tag),
        assigned_user: some(
            item.assigned_user_principal_name
                .or(item.user_principal_name),
        ),
        manufacturer: some(item.manufacturer),
        model: some(item.model),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_items_become_rows() {
        let import = read(r#"{"id":"x","serialNumber":"S","productKey":null,"hardwareIdentifier":"aGFzaA==","groupTag":"T","assignedUserPrincipalName":"u@x"}"#).unwrap();
        assert_eq!(
            (&*import.serial_number, &*import.hardware_hash),
            ("S", "aGFzaA==")
        );
        assert_eq!(import.assigned_user.as_deref(), Some("u@x"));
        let device =
            read(r#"{"serialNumber":"S","manufacturer":"M","model":"N","userPrincipalName":"u"}"#)
                .unwrap();
        assert_eq!(device.manufacturer.as_deref(), Some("M"));
        assert_eq!(device.assigned_user.as_deref(), Some("u"));
        assert!(read("[]").is_err());
    }
}
