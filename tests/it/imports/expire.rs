//! Imports that are kept no longer once they were decided (`registration.keep_settled`): what a
//! client sees of it.

use hangar::{
    registrar::expiry::Expiry,
    store::{self, soundness::Depth},
    testing::postgres::shared_server,
};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;

use crate::harness::{DEVICES, House, IMPORTS, UPLOADS, VERSIONS, device, error, ids_of, text};

const KEEP: SignedDuration = SignedDuration::from_hours(1);

/// Deletes all that is old enough.
async fn expire(house: &House) {
    let (store, clock) = (Arc::clone(&house.api.store), Arc::clone(&house.api.clock));
    let expiry = Expiry::new(store, clock, KEEP);
    while expiry.step().await.unwrap().more {}
}

#[tokio::test]
async fn a_settled_import_is_gone_after_its_time_and_its_device_stays() {
    let house = House::new();
    let (import, device_id) = house.register(&house.contoso, 1).await;
    let refused = house.accept(&house.fabrikam, &device(1)).await;
    house.api.settle().await;
    let second = SignedDuration::from_secs(1);
    house.api.clock.advance(KEEP - second);
    let waits = house.accept(&house.contoso, &device(2)).await;
    expire(&house).await;
    let status = async |path: String| house.get(&path).await.status.as_u16();
    assert_eq!(status(format!("{IMPORTS}/{import}")).await, 200);
    house.api.clock.advance(second);
    expire(&house).await;
    for version in VERSIONS {
        let imports = IMPORTS.replace("beta", version);
        let gone = house.get(&format!("{imports}/{import}")).await;
        assert_eq!(gone.status, 404);
        assert!(error(&gone).contains("does not exist"), "{}", error(&gone));
        let devices = DEVICES.replace("beta", version);
        assert_eq!(status(format!("{devices}/{device_id}")).await, 200);
        assert_eq!(ids_of(&house.get(&imports).await), [waits.as_str()]);
        let count = house.get(&format!("{imports}/$count")).await;
        assert_eq!(text(&count), "1");
    }
    let ask = house.ask(http::Method::GET, &format!("{IMPORTS}/{refused}"));
    assert_eq!(ask.token(&house.fabrikam).send().await.status, 404);
    // Whose the hardware is, does not hang on the import.
    let outcome = house.outcome(&house.fabrikam, &device(1)).await;
    assert_eq!(outcome, "error 808 ZtdDeviceAssignedToOtherTenant");
    if shared_server().is_none() {
        let url = format!("sqlite://{}", house.database().display());
        let found = store::inspect(&url, Depth::Whole).unwrap();
        assert!(found.is_sound(), "{found:?}");
    }
}

#[tokio::test]
async fn a_link_to_what_is_gone_leads_to_an_empty_page() {
    let house = House::new();
    for seed in 1..=5 {
        house.register(&house.contoso, seed).await;
    }
    let page = house.get(&format!("{IMPORTS}?$top=2")).await;
    assert_eq!(ids_of(&page).len(), 2);
    let link = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    house.api.clock.advance(KEEP);
    expire(&house).await;
    let path = link.find("/beta/").and_then(|at| link.get(at..)).unwrap();
    let next = house.get(path).await;
    assert_eq!(next.status, 200);
    assert_eq!(next.json()["value"], json!([]));
    assert_eq!(next.json().get("@odata.nextLink"), None);
}

#[tokio::test]
async fn an_upload_stands_where_its_imports_stood() {
    let house = House::new();
    let (upload, _, _) = house.upload(&house.contoso, 1).await;
    let path = format!("{UPLOADS}/{upload}");
    let before = house.get(&path).await;
    assert_eq!(before.json()["status"], "complete");
    house.api.clock.advance(KEEP);
    expire(&house).await;
    let after = house.get(&path).await;
    assert_eq!(after.json(), before.json());
    assert_eq!(after.header("etag"), before.header("etag"));
    let within = house.get(&format!("{path}/deviceIdentities")).await;
    assert_eq!(within.json()["value"], json!([]));
}
