//! POST of `deleteDevices`: devices by their serial numbers.

use hardware_hash::Builder;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{DEVICES, House, VERSIONS, error, id_of, ids_of, import_of, masked, text};

fn serial(seed: u64) -> String {
    let report = Builder::new(seed).report();
    report.serial_number().expect("a serial number").to_owned()
}

#[tokio::test]
async fn devices_are_deleted_and_their_hardware_is_free() {
    let house = House::new();
    for (first, version) in [(1, "beta"), (11, "v1.0")] {
        assert!(VERSIONS.contains(&version));
        let action = format!("{}/deleteDevices", DEVICES.replace("beta", version));
        let mut ids = Vec::new();
        for seed in first..first + 3 {
            ids.push(house.register(&house.contoso, seed).await.1);
        }
        let (_, theirs) = house.register(&house.fabrikam, first + 3).await;
        let numbers = [serial(first), serial(first + 3), serial(first + 1)];
        let answer = house
            .post(&action, &json!({ "serialNumbers": numbers }))
            .await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        let value = answer.json()["value"].clone();
        assert_eq!(value[0]["deviceRegistrationId"], json!(ids[0]));
        assert_eq!(value[1]["deletionState"], "failed");
        assert_eq!(value[2]["deviceRegistrationId"], json!(ids[1]));
        assert_eq!(ids_of(&house.get(DEVICES).await), [ids[2].as_str()]);
        if version == "beta" {
            insta::assert_snapshot!(masked(&answer), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#Collection(microsoft.graph.deletedWindowsAutopilotDeviceState)","value":[{"@odata.type":"microsoft.graph.deletedWindowsAutopilotDeviceState","serialNumber":"HT0000000000000001","deviceRegistrationId":"<id 1>","deletionState":"accepted","errorMessage":""},{"@odata.type":"microsoft.graph.deletedWindowsAutopilotDeviceState","serialNumber":"HT0000000000000004","deviceRegistrationId":"","deletionState":"failed","errorMessage":"No device of this tenant has this serial number."},{"@odata.type":"microsoft.graph.deletedWindowsAutopilotDeviceState","serialNumber":"HT0000000000000002","deviceRegistrationId":"<id 2>","deletionState":"accepted","errorMessage":""}]}"#);
        }
        // Free for any tenant, and gone as by DELETE.
        house.register(&house.fabrikam, first).await;
        assert_eq!(
            house.delete(&format!("{DEVICES}/{}", ids[0])).await.status,
            404
        );
        let path = format!("{DEVICES}/{theirs}");
        let ask = house.ask(Method::GET, &path).token(&house.fabrikam);
        assert_eq!(id_of(&ask.send().await), theirs);
        assert_eq!(
            house.delete(&format!("{DEVICES}/{}", ids[2])).await.status,
            204
        );
    }
}

#[tokio::test]
async fn a_number_that_devices_share_deletes_none_of_them() {
    let house = House::new();
    for seed in [1, 2] {
        let twin = Builder::new(seed).serial_number("Default string");
        house.accept(&house.contoso, &import_of(&twin)).await;
    }
    house.api.settle().await;
    let body = json!({ "serialNumbers": ["Default string", "Default string", ""] });
    let answer = house.post(&format!("{DEVICES}/DeleteDevices"), &body).await;
    let states: Vec<_> = answer.json()["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["errorMessage"].clone())
        .collect();
    let shared =
        "More than one device of this tenant has this serial number: delete them by their ids.";
    let absent = "No device of this tenant has this serial number.";
    assert_eq!(states, [json!(shared), json!(shared), json!(absent)]);
    assert_eq!(ids_of(&house.get(DEVICES).await).len(), 2);
    let none = house
        .post(
            &format!("{DEVICES}/deleteDevices"),
            &json!({ "serialNumbers": [] }),
        )
        .await;
    assert_eq!(none.json()["value"], json!([]));
}

#[tokio::test]
async fn a_call_is_read_whole_or_refused() {
    let house = House::new();
    house.register(&house.contoso, 1).await;
    let action = format!("{DEVICES}/deleteDevices");
    let own = serial(1);
    let many: Vec<Value> = vec![json!(own); 1_001];
    for (body, told) in [
        (json!({}), "The parameter 'serialNumbers' is missing."),
        (
            json!({ "serialNumbers": null }),
            "Cannot convert a JSON null to the expected type 'Collection(Edm.String)'. Property: 'serialNumbers'.",
        ),
        (
            json!({ "serialNumbers": own }),
            "Cannot convert a JSON string to the expected type 'Collection(Edm.String)'. Property: 'serialNumbers'.",
        ),
        (
            json!({ "serialNumbers": [own, 7] }),
            "Cannot convert a JSON number to the expected type 'Edm.String'. Property: 'serialNumbers[1]'.",
        ),
        (
            json!({ "serialNumbers": [own, null] }),
            "Cannot convert a JSON null to the expected type 'Edm.String'. Property: 'serialNumbers[1]'.",
        ),
        (
            json!({ "serialNumbers": [own, "x".repeat(1_025)] }),
            "The value is longer than 1024 characters. Property: 'serialNumbers[1]'.",
        ),
        (
            json!({ "serialNumbers": [own], "more": 1 }),
            "The parameter 'more' is not defined for this action.",
        ),
        (
            json!({ "SerialNumbers": [own] }),
            "The parameter 'SerialNumbers' is not defined for this action.",
        ),
        (
            json!({ "serialNumbers": many }),
            "The collection holds more than 1000 items. Property: 'serialNumbers'.",
        ),
        (
            json!([own]),
            "Cannot convert a JSON array to the expected type 'microsoft.graph.deleteDevices'.",
        ),
    ] {
        let answer = house.post(&action, &body).await;
        assert_eq!(error(&answer), format!("400 BadRequest: {told}"));
    }
    // Names without quotes are read by one action only, and that is another.
    let lenient = format!("{{serialNumbers: [\"{own}\"]}}");
    let ask = house.ask(Method::POST, &action).bytes(lenient);
    assert_eq!(ask.send().await.status, 400);
    assert_eq!(house.ask(Method::POST, &action).send().await.status, 400);
    assert_eq!(ids_of(&house.get(DEVICES).await).len(), 1);
}
