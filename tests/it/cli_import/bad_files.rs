//! Files and places that will not do: a sentence that says what and where, the right exit code.

use std::{fs, process::Stdio};

use super::stage::{HEADER, Ran, Stage, csv, hash, import, ran, serial};

async fn dry(name: &str, content: &[u8]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    let mut command = import(&path);
    command.arg("--dry-run");
    ran(command).await
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_with_its_place() {
    dry("a.csv", b"")
        .await
        .expect(2, &["a.csv", "the file is empty"]);
    dry("a.csv", HEADER.as_bytes())
        .await
        .expect(0, &["a.csv: 0 rows"]);
    dry("a.csv", b"Serial,Colour\n1,2\n")
        .await
        .expect(2, &["row 1, column", "no column of a device CSV"]);
    let short = format!(
        "{HEADER}{},,{}\nSN-1,\n{},,{}\n",
        serial(0),
        hash(0),
        serial(2),
        hash(2)
    );
    dry("a.csv", short.as_bytes()).await.expect(
        1,
        &[
            "2 in order",
            "1 not sent",
            "row 3: row-unreadable",
            "names 3 columns and the row has 2",
        ],
    );
    let nul = format!("{HEADER}SN\0-1,,{}\n{},,{}\n", hash(1), serial(2), hash(2));
    dry("a.csv", nul.as_bytes())
        .await
        .expect(1, &["1 in order", "row 2, column", "NUL character"]);
}

#[tokio::test]
async fn a_file_that_can_not_be_read_to_its_end_is_told() {
    let mut long = format!("{HEADER}{},,{}\nSN-1,,\"", serial(0), hash(0)).into_bytes();
    long.resize(100 << 20, b'A');
    dry("a.csv", &long).await.expect(
        2,
        &[
            "1 in order",
            "row 3, column",
            "longer than 64 KiB",
            "Nothing from there on was read",
        ],
    );
    let text = format!("\u{feff}{HEADER}{},,{}\n", serial(0), hash(0));
    let mut odd: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    odd.pop();
    dry("a.csv", &odd).await.expect(2, &["half a character"]);
    let mut mixed = format!("{HEADER}{},,{}\nSN-\u{fc},,\n", serial(0), hash(0)).into_bytes();
    mixed.extend_from_slice(b"SN-\xfc,,\n");
    dry("a.csv", &mixed).await.expect(2, &["stops being UTF-8"]);
}

#[tokio::test]
async fn what_is_no_file_is_refused_before_anything_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.csv");
    let fifo = directory.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    for (path, part) in [
        (directory.path(), "is a directory"),
        (&missing, "there is no file"),
        (&fifo, "can't be read twice"),
    ] {
        let mut command = import(path);
        command.args(["--url", "http://127.0.0.1:1", "--token", "t"]);
        ran(command).await.expect(2, &[part]);
    }
    let file = directory.path().join("a.csv");
    fs::write(&file, csv(0..1)).unwrap();
    ran(import(&file)).await.expect(2, &["--url"]);
    let mut command = import(&file);
    command.args(["--url", "http://127.0.0.1:1"]);
    ran(command).await.expect(2, &["a token is needed"]);
    let mut command = import(&file);
    command.args(["--dry-run", "--report"]).arg(&file);
    ran(command).await.expect(2, &["would take the place of"]);
}

#[tokio::test]
async fn a_journal_of_another_file_is_refused_and_left_alone() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let journal = stage.path("devices.csv.hangar-journal");
    stage.import(&file, &["--no-wait"]).await.expect(0, &[]);
    let written = fs::read(&journal).unwrap();
    fs::write(&file, csv(3..6)).unwrap();
    let other = stage.import(&file, &[]).await;
    other.expect(
        2,
        &["is the journal of another file (devices.csv", "--journal"],
    );
    assert_eq!(fs::read(&journal).unwrap(), written);
    stage.assert_each_once(3).await;
    fs::write(&journal, "a diary\n").unwrap();
    let strange = stage.import(&file, &[]).await;
    strange.expect(2, &["line 1 of", "is no line of a journal"]);
    assert_eq!(fs::read_to_string(&journal).unwrap(), "a diary\n");
}

#[tokio::test]
async fn nothing_is_sent_where_the_journal_can_not_be_written() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let nowhere = stage.import(&file, &["--journal", "no/such/place"]).await;
    nowhere.expect(
        2,
        &["the journal no/such/place can't be written, so nothing was sent"],
    );
    let full = stage.import(&file, &["--journal", "/dev/full"]).await;
    full.expect(2, &["is no regular file"]);
    stage.assert_each_once(0).await;
}

/// A limit on the size of files fails writes as a full disk does.
#[tokio::test]
async fn a_disk_that_fills_up_stops_the_import_and_it_goes_on_later() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..60));
    // Blocks of 512 bytes: the header fits, the lines of sixty calls do not.
    let mut limited = tokio::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_hangar"))
        .arg("import")
        .arg(&file)
        .args(["--url", &stage.server.url, "--token", &stage.token])
        .args(["--chunk", "1"])
        .stdin(Stdio::null());
    let stopped = ran(limited).await;
    stopped.expect(
        2,
        &[
            "can't be written, so nothing more was sent",
            "start the same command again",
        ],
    );
    let imports = stage.all("importedWindowsAutopilotDeviceIdentities").await;
    assert!(
        !imports.is_empty() && imports.len() < 60,
        "{}",
        imports.len()
    );
    stage.import(&file, &[]).await.expect(0, &["60 registered"]);
    stage.assert_each_once(60).await;
}

#[tokio::test]
async fn a_report_that_can_not_be_written_costs_nothing_else() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let nowhere = stage
        .import(&file, &["--report", "no/such/report.csv"])
        .await;
    nowhere.expect(2, &["report.csv.part can't be written"]);
    stage.assert_each_once(0).await;
    let full = stage.import(&file, &["--report", "/dev/full"]).await;
    full.expect(
        2,
        &["the report: /dev/full can't be written", "No space left"],
    );
    stage.assert_each_once(3).await;
    let again = stage.import(&file, &[]).await;
    again.expect(0, &["3 registered"]);
    stage.assert_each_once(3).await;
}
