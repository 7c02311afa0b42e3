//! `hangar ledger` beside a running server: found, released, registered by another, and audited.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::{CONTOSO, FABRIKAM, device, settled};
use crate::process::{Ended, Server, hangar, run, token};

const SERIAL: &str = "LEDGER-0001";

fn ledger(data: &std::path::Path, arguments: &[&str]) -> Ended {
    run(hangar()
        .arg("ledger")
        .args(arguments)
        .arg("--data-dir")
        .arg(data))
}

#[tokio::test]
async fn released_hardware_goes_to_whom_comes_next_and_everything_is_audited() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let contoso = token(&data, &[]);
    let fabrikam = token(&data, &["--tenant", "fabrikam"]);
    let device = device(7, SERIAL);
    let owned = settled(&server, &contoso, &device).await;
    assert_eq!(owned["state"]["deviceImportStatus"], "complete", "{owned}");
    let refused = settled(&server, &fabrikam, &device).await;
    assert_eq!(refused["state"]["deviceErrorCode"], 808, "{refused}");

    let found = ledger(&data, &["find", "--serial", "ledger-0001"]);
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(
        found
            .stdout
            .contains(&format!("owner          tenant {CONTOSO}")),
        "{found:?}"
    );
    assert!(found.stdout.contains(SERIAL));
    let entry = found.stdout.lines().next().unwrap().to_owned();
    for arguments in [["find", "--tenant", CONTOSO], ["find", "--entry", &entry]] {
        assert_eq!(ledger(&data, &arguments).stdout, found.stdout);
    }
    let none = ledger(&data, &["find", "--tenant", FABRIKAM]);
    assert_eq!(none.stdout, "No such hardware is in the ledger.");

    let released = ledger(&data, &["release", &entry]);
    assert_eq!(released.code, Some(0), "{released:?}");
    let again = ledger(&data, &["release", &entry]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("nobody owns the hardware"),
        "{}",
        again.stderr
    );

    // The server that ran all the time knows.
    let url = format!(
        "{}/beta/deviceManagement/windowsAutopilotDeviceIdentities",
        server.url
    );
    let devices = crate::process::client()
        .get(url)
        .bearer_auth(&contoso)
        .send()
        .await
        .unwrap();
    let devices: Value = devices.json().await.unwrap();
    assert_eq!(devices["value"].as_array().unwrap().len(), 0);
    let owned = settled(&server, &fabrikam, &device).await;
    assert_eq!(owned["state"]["deviceImportStatus"], "complete", "{owned}");
    let found = ledger(&data, &["find", "--entry", &entry]);
    assert!(found.stdout.contains(FABRIKAM), "{found:?}");

    let expected = [
        ("user", "import-created"),
        ("registrar", "import-registered"),
        ("user", "import-created"),
        ("registrar", "import-refused"),
        ("operator", "ledger-released"),
        ("user", "import-created"),
        ("registrar", "import-registered"),
    ];
    let expected = expected.map(|(kind, action)| (kind.to_owned(), action.to_owned()));
    assert_eq!(audited(&data), expected);
    assert_eq!(server.stop().code, Some(0));
}

/// Who did what, in order, read as an administrator reads it: while the server runs.
fn audited(data: &std::path::Path) -> Vec<(String, String)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(data.join("hangar.db"), flags).unwrap();
    let operator: String = database
        .query_row(
            "SELECT actor_id FROM audit WHERE actor_kind = 'operator'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(operator, "tester");
    let mut rows = database
        .prepare("SELECT actor_kind, action FROM audit ORDER BY seq")
        .unwrap();
    let rows = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn what_cannot_be_found_is_said_plainly() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let absent = ledger(&data, &["find", "--serial", "x"]);
    assert_eq!(absent.code, Some(2));
    assert!(
        absent.stderr.contains("there is no database at"),
        "{}",
        absent.stderr
    );
    assert!(!data.exists(), "looking makes nothing");
    let nothing = ledger(&data, &["find"]);
    assert_eq!(nothing.code, Some(2));
    assert!(
        nothing.stderr.contains("--serial, --tenant or --entry"),
        "{}",
        nothing.stderr
    );
}
