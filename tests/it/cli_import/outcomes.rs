//! What becomes of rows: registered, refused by the server, never sent; and what is said of each.

use hardware_hash::Builder;
use serde_json::Value;

use super::stage::{HEADER, Stage, csv, hash, import, ran, serial};

#[tokio::test]
async fn every_row_is_registered_and_the_journal_goes() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..250));
    let ran = stage.import(&file, &["--chunk", "20"]).await;
    ran.expect(0, &["devices.csv: 250 rows", "250 registered"]);
    stage.assert_each_once(250).await;
    assert!(!stage.path("devices.csv.hangar-journal").exists());
    let again = stage.import(&file, &[]).await;
    again.expect(
        1,
        &[
            "250 refused, 806 ZtdDeviceAlreadyAssigned",
            "nothing to do",
            "and 240 more",
        ],
    );
}

#[tokio::test]
async fn files_as_windows_writes_them_are_read() {
    let stage = Stage::new();
    let (one, two) = (hash(0), hash(1));
    let text = format!(
        "\u{feff}device serial NUMBER,Windows Product ID,Hardware Hash,Group Tag,Assigned User\r\n\
         \"{}\",,\"{one}\",\"Kiosk, \u{fc}\",ada@contoso.example\r\n{},,{two},,\r\n\r\n\r\n",
        serial(0),
        serial(1)
    );
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = stage.file("utf16.csv", utf16);
    stage.import(&file, &[]).await.expect(0, &["2 registered"]);
    let devices = stage.all("windowsAutopilotDeviceIdentities").await;
    let first = devices
        .iter()
        .find(|device| device["serialNumber"] == serial(0))
        .unwrap();
    assert_eq!(first["groupTag"], "Kiosk, \u{fc}");
    assert_eq!(first["userPrincipalName"], "ada@contoso.example");
}

#[tokio::test]
async fn the_report_says_what_to_do_about_each_row() {
    let stage = Stage::new();
    let theirs = stage.file("theirs.csv", csv(1..2));
    let token = stage.token_of("fabrikam");
    stage
        .import(&theirs, &["--token", &token])
        .await
        .expect(0, &[]);

    let again = Builder::new(0).serial_number(&serial(0)).recaptured(1);
    let again = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, again.build());
    let text = format!(
        "{HEADER}{},,{}\n{},,{}\n,,{again}\nSN-X,0001,\nSN-9,,{}\n,,not base64!\n{},,{},\n",
        serial(0),
        hash(0),
        serial(1),
        hash(1),
        hash(2),
        serial(3),
        hash(3)
    );
    let file = stage.file("mixed.csv", text);
    let report = stage.path("report.json");
    let ran = stage
        .import(&file, &["--report", report.to_str().unwrap()])
        .await;
    ran.expect(
        1,
        &[
            "1 registered",
            "1 refused, 808 ZtdDeviceAssignedToOtherTenant: Registered by another tenant: ask its owner to delete it",
            "1 refused, 812 ZtdDeviceNotFound",
            "3 not sent: a fault was found",
            "1 not sent: the device stands further up",
            "row 6: \"SN-9\", serial-differs",
        ],
    );
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let rows = report.as_array().unwrap();
    let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("row"), [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        column("status"),
        [
            "complete", "error", "refused", "error", "refused", "refused", "refused"
        ]
    );
    assert_eq!(
        column("name"),
        [
            "None",
            "ZtdDeviceAssignedToOtherTenant",
            "duplicate",
            "ZtdDeviceNotFound",
            "serial-differs",
            "hash-not-base64",
            "row-unreadable"
        ]
    );
    assert_eq!(rows[0]["code"], 0);
    assert_eq!(rows[1]["code"], 808);
    assert_eq!(rows[4]["code"], Value::Null);
    assert_eq!(rows[0]["serial"], serial(0));
    assert!(rows[2]["advice"].as_str().unwrap().contains("row 2"));
    let imports = stage.all("importedWindowsAutopilotDeviceIdentities").await;
    let ids: Vec<_> = imports.iter().map(|import| import["id"].clone()).collect();
    assert!(ids.contains(&rows[0]["id"]) && !ids.contains(&rows[2]["id"]));
}

#[tokio::test]
async fn a_dry_run_needs_no_server_and_sends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("devices.csv");
    std::fs::write(&file, csv(0..3)).unwrap();
    let mut good = import(&file);
    good.arg("--dry-run");
    ran(good).await.expect(0, &["3 in order, not sent"]);
    std::fs::write(&file, csv(0..3) + "SN-9,,AAAA\n").unwrap();
    let report = directory.path().join("report.csv");
    let mut bad = import(&file);
    bad.arg("--dry-run").arg("--report").arg(&report);
    ran(bad).await.expect(1, &["1 not sent", "row 5"]);
    let report = std::fs::read_to_string(report).unwrap();
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines[0], "row,serial,id,status,code,name,advice");
    assert!(lines[1].starts_with("2,SN-00000,,ready,,"), "{}", lines[1]);
    assert!(
        lines[4].starts_with("5,SN-9,,refused,,too-short,"),
        "{}",
        lines[4]
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn who_does_not_wait_learns_the_outcome_later() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..5));
    let first = stage.import(&file, &["--no-wait"]).await;
    first.expect(
        0,
        &[
            "5 accepted, not decided yet",
            "Start the same command again",
        ],
    );
    let second = stage.import(&file, &[]).await;
    second.expect(0, &["going on where the journal", "5 registered"]);
    stage.assert_each_once(5).await;
}

#[tokio::test]
async fn a_long_list_is_searched_for_our_rows() {
    let stage = Stage::new();
    let first = stage.file("first.csv", csv(0..5_100));
    stage
        .import(&first, &["--chunk", "1000"])
        .await
        .expect(0, &["5100 registered"]);
    let second = stage.file("second.csv", csv(5_100..5_300));
    let ran = stage.import(&second, &[]).await;
    ran.expect(0, &["200 registered"]);
}
