//! Scripts that ask more often than Intune lets them: the session waits for as long as it is told, and
//! nothing is lost or done twice.

use hangar::http::layers::throttle::Limits;
use serde_json::Value;

use super::{
    get_windows_autopilot_info::{import, machine},
    powershell::{Body, DEVICES, Desk, IMPORTS},
};

/// Intune's own, in twenty seconds.
const INTUNE: Limits = Limits {
    app_requests: 1_000,
    tenant_requests: 2_000,
    app_writes: 100,
    tenant_writes: 200,
};

#[tokio::test]
async fn import_autopilot_csv_of_350_rows_waits_three_times() {
    const ROWS: u64 = 350;
    let mut desk = Desk::throttled(INTUNE).await;
    for seed in 1..=ROWS {
        let (serial, hash) = machine(seed);
        let row = import(&serial, &hash, "", "");
        let added = desk.insist("POST", IMPORTS, Body::Json(row.as_bytes()));
        let added = added.await.object();
        assert_eq!(added["state"]["deviceImportStatus"], "unknown");
    }
    // No time passes between its requests, so that each hundred of them opens a window that lasts.
    assert_eq!(desk.waits, [20, 20, 20]);

    // What was refused was not written: there is a record a row.
    let mut polls = 0;
    let records = loop {
        polls += 1;
        assert!(polls < 10, "it waits without an end");
        let records = desk.all(IMPORTS).await;
        let waits = |record: &Value| record["state"]["deviceImportStatus"] == "unknown";
        if !records.iter().any(waits) {
            break records;
        }
        desk.sleep(15).await;
    };
    assert_eq!(records.len(), 350);
    desk.waits.clear();
    desk.sleep(20).await;
    for record in &records {
        assert_eq!(record["state"]["deviceImportStatus"], "complete");
        let one = format!("{IMPORTS}/{}", record["id"].as_str().unwrap());
        desk.insist("DELETE", &one, Body::None).await.done();
    }
    assert_eq!(desk.waits, [20, 20, 20]);
    assert_eq!(desk.all(IMPORTS).await.len(), 0);
    assert_eq!(desk.all(DEVICES).await.len(), 350);
}
