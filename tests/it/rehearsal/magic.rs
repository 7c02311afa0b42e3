//! Serial numbers that say what becomes of their devices, in a rehearsal and nowhere else.

use hardware_hash::Builder;
use serde_json::{Value, json};

use crate::harness::{House, IMPORTS, error, id_of, import_of, text, told};

/// A row of this serial number, whose hash is a sound one of another's.
fn row(serial: &str) -> Value {
    let mut row = import_of(&Builder::new(5).serial_number("ANOTHER"));
    row["serialNumber"] = serial.into();
    row
}

#[tokio::test]
async fn the_serial_number_says_what_becomes_of_the_device() {
    let house = House::rehearsing();
    let toy = |serial: &str| json!({ "serialNumber": serial, "hardwareIdentifier": "dG95" });
    let bare = |serial: &str| json!({ "serialNumber": serial });
    let in_hash = |serial: &str| import_of(&Builder::new(6).serial_number(serial));
    for (body, expected) in [
        (row("HANGAR-806-1"), "error 806 ZtdDeviceAlreadyAssigned"),
        (toy("hangar-806-2"), "error 806 ZtdDeviceAlreadyAssigned"),
        (
            bare("HANGAR-808-1"),
            "error 808 ZtdDeviceAssignedToOtherTenant",
        ),
        (
            in_hash("HANGAR-808-2"),
            "error 808 ZtdDeviceAssignedToOtherTenant",
        ),
        (row("HANGAR-802-1"), "error 802 InvalidZtdHardwareHash"),
        (toy("HANGAR-NEVER-1"), "unknown 0 "),
        // The row's own counts, not its hash's; and without such a beginning, the rules.
        (
            {
                let mut row = in_hash("HANGAR-808-3");
                row["serialNumber"] = "PLAIN".into();
                row
            },
            "complete 0 None +device",
        ),
        (toy("HANGAR-807-1"), "error 802 InvalidZtdHardwareHash"),
    ] {
        assert_eq!(
            house.outcome(&house.contoso, &body).await,
            expected,
            "{body}"
        );
    }
    let import = house.accept(&house.contoso, &row("HANGAR-NEVER-2")).await;
    house.api.settle().await;
    let answer = house.get(&format!("{IMPORTS}/{import}")).await;
    let explained = answer.header("x-hangar-explain");
    assert_eq!(explained, Some("serial number HANGAR-NEVER-"));
    // What was changed before it was decided is decided on the new values.
    let import = house.accept(&house.contoso, &row("HANGAR-NEVER-3")).await;
    let renamed = json!({ "serialNumber": "HANGAR-806-9" });
    let changed = house.patch(&format!("{IMPORTS}/{import}"), &renamed).await;
    assert_eq!(changed.status, 200, "{}", text(&changed));
    house.api.settle().await;
    let state = house.state(&house.contoso, &import).await;
    assert_eq!(told(&state), "error 806 ZtdDeviceAlreadyAssigned");
}

#[tokio::test]
async fn who_is_told_to_come_again_is_let_through() {
    let house = House::rehearsing();
    let body = row("HANGAR-429-1");
    let refused = house.post(IMPORTS, &body).await;
    assert_eq!(error(&refused), "429 TooManyRequests: Too many requests.");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let explained = refused.header("x-hangar-explain");
    assert_eq!(explained, Some("serial number HANGAR-429-"));
    let accepted = house.post(IMPORTS, &body).await;
    assert_eq!(accepted.status, 201, "{}", text(&accepted));
    // Another tenant is another's first time.
    let ask = house
        .ask(http::Method::POST, IMPORTS)
        .token(&house.fabrikam);
    assert_eq!(ask.json(&body).send().await.status, 429);

    let action = format!("{IMPORTS}/import");
    let rows = [
        row("A"),
        row("HANGAR-429-1"),
        row("HANGAR-429-2"),
        row("HANGAR-429-3"),
    ];
    let several = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    assert_eq!(house.post(&action, &several).await.status, 429);
    assert_eq!(house.post(&action, &several).await.status, 200);

    let part = json!({
        "id": "1", "method": "POST", "url": IMPORTS.trim_start_matches("/beta"),
        "headers": { "Content-Type": "application/json" }, "body": row("HANGAR-429-4"),
    });
    let batch = json!({ "requests": [part] });
    for status in [429, 201] {
        let answer = house.post("/beta/$batch", &batch).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["responses"][0]["status"], status);
    }
}

#[tokio::test]
async fn without_a_rehearsal_they_mean_nothing() {
    let house = House::new();
    for (seed, serial) in (1..).zip([
        "HANGAR-806-1",
        "HANGAR-808-1",
        "HANGAR-802-1",
        "HANGAR-NEVER-1",
        "HANGAR-429-1",
    ]) {
        let mut body = import_of(&Builder::new(seed).serial_number(serial));
        body["serialNumber"] = serial.into();
        let accepted = house.post(IMPORTS, &body).await;
        assert_eq!(accepted.status, 201, "{serial}");
        house.api.settle().await;
        let state = house.state(&house.contoso, &id_of(&accepted)).await;
        assert_eq!(told(&state), "complete 0 None +device", "{serial}");
        assert_eq!(accepted.header("x-hangar-explain"), None);
    }
}
