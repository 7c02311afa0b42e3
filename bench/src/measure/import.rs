//! `hangar import` of a CSV file to a server on this machine, from its start until every row is
//! decided.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::ensure;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Place, settled};
use crate::{
    body::{Bodies, Content, serial_number},
    results::Import,
    server::Server,
    summary::per_second,
};

/// Imports a file of so many rows; nothing where this Hangar has no such command.
pub(crate) fn measure(place: &Place, rows: u32, disk: f64) -> anyhow::Result<Option<Import>> {
    let help = Command::new(&place.hangar)
        .args(["import", "--help"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !help.success() {
        return Ok(None);
    }
    // The command's journal is written beside the file.
    let files = place.empty()?;
    let (csv, token) = (files.path().join("rows.csv"), files.path().join("token"));
    write_rows(&csv, rows)?;
    let directory = place.empty()?;
    let server = Server::hangar(&place.hangar, directory.path(), settled::AT_ONCE)?;
    std::fs::write(&token, server.token()?)?;

    let started = Instant::now();
    let output = Command::new(&place.hangar)
        .arg("import")
        .arg(&csv)
        .arg("--url")
        .arg(format!("http://{}", server.address))
        .arg("--token-file")
        .arg(&token)
        .stdin(Stdio::null())
        .output()?;
    let elapsed = started.elapsed();
    ensure!(
        output.status.success(),
        "hangar import ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    settled::drain(&server, u64::from(rows))?;
    server.stop()?;
    let rate = per_second(u64::from(rows), elapsed);
    Ok(Some(Import {
        rows,
        per_second: rate,
        of_disk: rate / disk,
    }))
}

fn write_rows(path: &Path, rows: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"Device Serial Number,Windows Product ID,Hardware Hash\r\n")?;
    let mut bodies = Bodies::new(Content::Padded, 1)?;
    for device in 1..=u64::from(rows) {
        let hash = BASE64_STANDARD.encode(bodies.next_blob());
        write!(file, "{},,{hash}\r\n", serial_number(device))?;
    }
    file.flush()?;
    Ok(())
}
