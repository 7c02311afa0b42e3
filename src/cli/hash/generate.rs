//! `hangar hash generate`: devices that nobody owns, as many as wanted, in constant memory.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use hardware_hash::Builder;
use serde::Serialize;

use crate::devices_csv::{Column, Row, Writer};

const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u64,
    /// What the devices are made from: the same seed makes the same devices
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Their manufacturer
    #[arg(long, value_name = "TEXT")]
    manufacturer: Option<String>,
    /// Their model
    #[arg(long, value_name = "TEXT")]
    model: Option<String>,
    /// JSON lines, each the body of a POST to importedWindowsAutopilotDeviceIdentities
    #[arg(long, conflicts_with = "csv")]
    wire: bool,
    /// A device CSV, which is the default
    #[arg(long)]
    csv: bool,
    /// Where to write; an existing file is replaced [default: the standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The body of a POST.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "@odata.type")]
    odata_type: &'static str,
    serial_number: &'a str,
    hardware_identifier: &'a str,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(path) = &arguments.output else {
        return Ok(write(arguments, io::stdout().lock())?);
    };
    let name = path.display();
    let file = File::create(path).with_context(|| format!("{name} can't be written"))?;
    write(arguments, file)
        .with_context(|| format!("{name} can't be written to its end; what it holds is incomplete"))
}

fn write(arguments: &Arguments, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, output);
    if arguments.wire {
        for n in 0..arguments.count {
            let device = device(arguments, n);
            let body = Body {
                odata_type: "#microsoft.graph.importedWindowsAutopilotDeviceIdentity",
                serial_number: &device.serial_number,
                hardware_identifier: &device.hardware_hash,
            };
            serde_json::to_writer(&mut output, &body)?;
            output.write_all(b"\n")?;
        }
        return output.flush();
    }
    let mut writer = Writer::start(output, &Column::PLAIN)?;
    for n in 0..arguments.count {
        writer.write(&device(arguments, n))?;
    }
    writer.finish().map(|_| ())
}

/// The n-th device. The Windows Product ID stays empty, as in files of real devices.
fn device(arguments: &Arguments, n: u64) -> Row {
    let seed = scattered(arguments.seed).wrapping_add(n);
    let serial_number = format!("HT{seed:016X}");
    let mut builder = Builder::new(seed).serial_number(&serial_number);
    if let Some(manufacturer) = &arguments.manufacturer {
        builder = builder.manufacturer(manufacturer);
    }
    if let Some(model) = &arguments.model {
        builder = builder.product_name(model);
    }
    Row {
        serial_number,
        hardware_hash: BASE64_STANDARD.encode(builder.build()),
        ..Row::default()
    }
}

/// Sends neighbouring seeds far apart, so that runs with seeds 1 and 2 share no device. Distinct
/// seeds stay distinct: each step can be undone.
fn scattered(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
