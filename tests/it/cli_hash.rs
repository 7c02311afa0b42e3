//! `hangar hash`, as a person types it: the built binary, its output and its exit codes.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::{Builder, element_type};
use tempfile::TempDir;

fn hangar(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hangar"));
    command.current_dir(directory).arg("hash").args(arguments);
    command
}

/// Runs it: its exit code, standard output and standard error.
fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(hangar(directory, arguments).output().unwrap())
}

fn run_with_input(
    directory: &Path,
    arguments: &[&str],
    input: &[u8],
) -> (Option<i32>, String, String) {
    let mut command = hangar(directory, arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    told(child.wait_with_output().unwrap())
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A directory with these files.
fn files(files: &[(&str, Vec<u8>)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn base64(builder: &Builder) -> String {
    BASE64_STANDARD.encode(builder.build())
}

/// A device with everything to hide, and text that would clear a terminal.
fn odd_device() -> Builder {
    Builder::new(7)
        .serial_number("0012-ODD")
        .product_name("Plane\u{1b}[2J of 0012-ODD")
        .product_key_id("0000000000042")
        .winpe()
        .without_tpm()
        .extra(element_type::DISK_SERIAL, b"DISKSERIAL|Disk of 0012-odd|")
}

fn devices_csv() -> Vec<u8> {
    let mut broken = Builder::new(8).build();
    broken[40] ^= 1;
    let lines = [
        "device serial number,WINDOWS PRODUCT ID,Hardware Hash,OrderID".to_owned(),
        format!(
            ",,{},",
            base64(&Builder::new(1).serial_number("Default string"))
        ),
        format!("12-ODD,42,{},", base64(&odd_device())),
        format!(",,{},Tag", BASE64_STANDARD.encode(broken)),
        "KNOWN-1,0000000000001,,".to_owned(),
        "too,few".to_owned(),
        ",,T0FkB*,".to_owned(),
    ];
    lines.join("\r\n").into_bytes()
}

#[test]
fn a_csv_is_shown_row_by_row() {
    let directory = files(&[("devices.csv", devices_csv())]);
    let (code, shown, complaint) = run(directory.path(), &["inspect", "devices.csv"]);
    assert_eq!((code, complaint.as_str()), (Some(1), ""));
    assert!(!shown.contains('\u{1b}'), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn redacting_hides_everything_that_identifies() {
    let directory = files(&[("devices.csv", devices_csv())]);
    let (code, shown, _) = run(directory.path(), &["inspect", "--redact", "devices.csv"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(shown);
    let (_, json, _) = run(
        directory.path(),
        &["inspect", "--redact", "--json", "devices.csv"],
    );
    let reports = [
        Builder::new(1).serial_number("Default string").report(),
        odd_device().report(),
        Builder::new(8).report(),
    ];
    for shown in [shown, json] {
        let shown = shown.to_lowercase();
        for report in &reports {
            let mut secrets = vec![
                report.serial_number().unwrap().to_lowercase(),
                report.product_key_id().unwrap().to_owned(),
                format!("{:02x?}", report.smbios_uuid.unwrap()),
                uuid::Uuid::from_bytes(report.smbios_uuid.unwrap()).to_string(),
            ];
            secrets.extend(report.identity_disks());
            secrets.extend(report.network_adapters.iter().map(|adapter| {
                let bytes = adapter.mac.map(|byte| format!("{byte:02x}"));
                bytes.join("-")
            }));
            let digest = report.ek_digest().unwrap_or_default();
            secrets.push(digest.map(|byte| format!("{byte:02x}")).concat());
            for secret in secrets {
                assert!(!shown.contains(&secret), "{secret} in {shown}");
            }
        }
        assert!(!shown.contains("12-odd"), "{shown}");
    }
    let headerless = files(&[("x.csv", b"SERIAL-1,,T0E=\r\n".to_vec())]);
    let (code, _, complaint) = run(headerless.path(), &["inspect", "--redact", "x.csv"]);
    assert_eq!(code, Some(2));
    assert!(
        complaint.contains("[hidden]") && !complaint.contains("SERIAL-1"),
        "{complaint}"
    );
}

#[test]
fn json_is_one_object_a_line() {
    let directory = files(&[("devices.csv", devices_csv())]);
    let (_, shown, _) = run(directory.path(), &["inspect", "--json", "devices.csv"]);
    let lines: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["row"].as_u64().unwrap(),
                line["refused"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (2, false),
            (3, false),
            (4, true),
            (5, false),
            (6, true),
            (7, true)
        ]
    );
    assert_eq!(lines[0]["findings"][0]["code"], "placeholder-serial");
    assert_eq!(lines[1]["device"]["captured"]["system"], "Windows PE");
    assert_eq!(lines[3]["device"], serde_json::Value::Null);
    assert!(lines[4]["error"].as_str().unwrap().starts_with("row 6: "));
}

#[test]
fn one_hash_is_read_in_every_form_and_from_everywhere() {
    let builder = Builder::new(3);
    let text = base64(&builder);
    let utf16: Vec<u8> = format!("\u{feff}{text}\r\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wrapped: Vec<_> = text.as_bytes().chunks(76).collect();
    let forms = [
        builder.build(),
        text.clone().into_bytes(),
        utf16,
        wrapped.join(&b"\r\n"[..]),
    ];
    let directory = tempfile::tempdir().unwrap();
    for form in forms {
        let (code, shown, complaint) = run_with_input(directory.path(), &["inspect", "-"], &form);
        assert_eq!((code, complaint.as_str()), (Some(0), ""));
        assert!(
            shown.starts_with("the standard input: in order\n"),
            "{shown}"
        );
        assert!(shown.contains("HT0000000000000003"), "{shown}");
    }
}

#[test]
fn a_pipe_with_a_name_streams() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.csv");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let child = hangar(directory.path(), &["inspect", "pipe.csv"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(&pipe, devices_csv()).unwrap();
    let (code, shown, _) = told(child.wait_with_output().unwrap());
    assert_eq!(code, Some(1));
    assert!(
        shown.ends_with("6 rows: 0 in order, 3 with notes, 2 would be refused, 1 can't be read\n"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_read_is_a_sentence_and_exit_code_2() {
    let header = "Device Serial Number,Windows Product ID,Hardware Hash";
    let directory = files(&[
        ("empty", Vec::new()),
        ("header.csv", header.into()),
        ("columns.csv", b"Device Serial Number,Colour\n".to_vec()),
        (
            "quote.csv",
            format!("{header}\n\"{}", "x,".repeat(50_000)).into(),
        ),
        ("large", vec![0; 2 << 20]),
    ]);
    let at = |arguments: &[&str]| run(directory.path(), arguments);
    for (file, expected) in [
        ("missing.csv", "missing.csv can't be opened: No such file"),
        (".", ". is a directory; name a file in it"),
        (
            "empty",
            "empty is empty; a hash or a device CSV is expected",
        ),
        (
            "columns.csv",
            "columns.csv is no device CSV: row 1, column 2: \"Colour\" is no column",
        ),
        (
            "quote.csv",
            "quote.csv can't be read further: row 2, column \"Device Serial Number\": the field is longer than 64 KiB",
        ),
        ("large", "large holds more than 1 MiB"),
    ] {
        let (code, shown, complaint) = at(&["inspect", file]);
        assert_eq!((code, shown.as_str()), (Some(2), ""), "{complaint}");
        assert!(
            complaint.starts_with(&format!("hangar: {expected}")),
            "{complaint}"
        );
    }
    let (code, shown, _) = at(&["inspect", "header.csv"]);
    assert_eq!(code, Some(0));
    assert!(shown.starts_with("0 rows: "), "{shown}");
    let (code, _, complaint) = at(&["compare", "-", "-"]);
    assert_eq!(code, Some(2), "{complaint}");
}

#[test]
fn a_recaptured_device_is_the_same() {
    let directory = files(&[
        ("before", Builder::new(5).build()),
        ("after", base64(&Builder::new(5).recaptured(3)).into_bytes()),
    ]);
    let (code, shown, _) = run(directory.path(), &["compare", "before", "after"]);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(shown);
    let (code, shown, _) = run(
        directory.path(),
        &["compare", "--redact", "before", "after"],
    );
    assert_eq!(code, Some(0));
    assert_eq!(
        shown.matches("serial number [hidden]").count(),
        2,
        "{shown}"
    );
}

#[test]
fn comparing_says_what_decided() {
    let csv = format!("Hardware Hash\n{}\n", base64(&Builder::new(5)));
    let mut broken = Builder::new(5).build();
    broken[40] ^= 1;
    let directory = files(&[
        ("one.csv", csv.clone().into_bytes()),
        (
            "two.csv",
            format!("{csv}{}\n", base64(&Builder::new(6))).into_bytes(),
        ),
        ("other", Builder::new(6).build()),
        ("no-tpm", Builder::new(5).without_tpm().winpe().build()),
        ("new-tpm", Builder::new(5).ek_seed(9).build()),
        ("broken", broken),
        ("cut", b"T0FkBA==".to_vec()),
    ]);
    let at = |other: &str| run(directory.path(), &["compare", "one.csv", other]);
    for (other, expected, verdict) in [
        ("one.csv", 0, "The same device: "),
        ("no-tpm", 0, "Most likely the same device: "),
        (
            "new-tpm",
            1,
            "Different devices: the endorsement keys differ",
        ),
        ("other", 1, "Different devices: too little agrees."),
        ("broken", 0, "The same device: "),
    ] {
        let (code, shown, complaint) = at(other);
        assert_eq!(code, Some(expected), "{complaint}");
        assert!(shown.starts_with(verdict), "{shown}");
        let warns = shown.contains("B would be refused for digest-mismatch");
        assert_eq!(warns, other == "broken", "{shown}");
    }
    for (other, expected) in [
        ("two.csv", "two.csv has several rows"),
        (
            "cut",
            "cut holds no hash that can be compared. This is not a whole hardware hash",
        ),
    ] {
        let (code, _, complaint) = at(other);
        assert_eq!(code, Some(2));
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn one_seed_makes_the_same_devices_and_all_are_distinct() {
    let directory = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let arguments = [
            &["generate", "--count", "40", "--model", "Kite, \"9\""],
            more,
        ]
        .concat();
        let (code, made, complaint) = run(directory.path(), &arguments);
        assert_eq!(code, Some(0), "{complaint}");
        made
    };
    let csv = generate(&["--seed", "1"]);
    assert_eq!(csv, generate(&["--seed", "1", "--csv"]));
    generate(&["--seed", "1", "--output", "made.csv"]);
    assert_eq!(
        csv,
        fs::read_to_string(directory.path().join("made.csv")).unwrap()
    );

    let wire = generate(&["--seed", "1", "--wire"]) + &generate(&["--seed", "2", "--wire"]);
    let bodies: Vec<serde_json::Value> = wire
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut serials: Vec<_> = bodies
        .iter()
        .map(|body| body["serialNumber"].as_str())
        .collect();
    assert!(csv.contains(&format!("\r\n{},,", serials[39].unwrap())));
    let hash = bodies[39]["hardwareIdentifier"].as_str().unwrap();
    assert!(csv.contains(hash) && hash.len() == 4000);
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), 80);

    let (code, shown, _) = run(directory.path(), &["inspect", "made.csv"]);
    assert_eq!(code, Some(0));
    assert!(shown.contains("Hangar Test Works Kite, \"9\" (") && shown.contains("40 in order"));
}

#[test]
fn devices_stream_in_constant_memory() {
    const COUNT: usize = 20_000;
    const HEADER_BYTES: usize = 55;
    const ROW_BYTES: usize = 18 + 2 + 4000 + 2;
    // More than a pipe holds, so that the process still has to write when it is looked at.
    const UNREAD_BYTES: usize = 100_000;
    let directory = tempfile::tempdir().unwrap();
    let mut child = hangar(
        directory.path(),
        &["generate", "--count", &COUNT.to_string()],
    )
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut made = vec![0; HEADER_BYTES + COUNT * ROW_BYTES - UNREAD_BYTES];
    stdout.read_exact(&mut made).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kib: usize = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert_eq!(stdout.read_to_end(&mut made).unwrap(), UNREAD_BYTES);
    assert!(child.wait().unwrap().success());
    assert_eq!(String::from_utf8(made).unwrap().lines().count(), COUNT + 1);
    assert!(peak_kib < 48 * 1024, "{peak_kib} KiB, of 80 MB written");
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = hangar(directory.path(), &["generate", "--count", "1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (code, _, complaint) = told(child.wait_with_output().unwrap());
    assert_eq!((code, complaint.as_str()), (Some(0), ""));

    let full = ["generate", "--count", "100", "--output", "/dev/full"];
    let (code, _, complaint) = run(directory.path(), &full);
    assert_eq!(code, Some(2));
    assert!(
        complaint.starts_with(
            "hangar: /dev/full can't be written to its end; what it holds is incomplete: No space"
        ),
        "{complaint}"
    );
}
