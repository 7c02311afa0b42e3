//! POST of a device that has no hash: it is known by its manufacturer, model and serial number.

use hardware_hash::Builder;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, ENTITY_CONTENT_TYPE, House, VERSIONS, device, error, id_of, ids_of, import_of, masked,
    text,
};

fn kite(serial: &str) -> Value {
    json!({ "manufacturer": "Hangar Test Works", "model": "Kite", "serialNumber": serial })
}

/// What the blob of this seed says of its device.
fn description(seed: u64) -> Value {
    let report = Builder::new(seed).report();
    json!({
        "manufacturer": report.manufacturer(),
        "model": report.product_name(),
        "serialNumber": report.serial_number(),
    })
}

#[tokio::test]
async fn a_device_is_registered_as_its_client_describes_it() {
    let house = House::new();
    let mut body = kite("K-1");
    for (name, value) in [
        ("groupTag", "T"),
        ("purchaseOrderIdentifier", "PO 7"),
        ("productKey", "0000000000007"),
        ("addressableUserName", "Adele"),
        ("userPrincipalName", "adele@contoso.example"),
        ("resourceName", "Room"),
        ("skuNumber", "SKU"),
        ("systemFamily", "Kites"),
        (
            "azureActiveDirectoryDeviceId",
            "985b4f49-4f49-985b-494f-5b98494f5b98",
        ),
        ("displayName", "PC-1"),
    ] {
        body[name] = json!(value);
    }
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let set = DEVICES.replace("beta", version);
        body["serialNumber"] = json!(format!("K-{number}"));
        let answer = house.post(&set, &body).await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
        let id = id_of(&answer);
        let location = format!("http://127.0.0.1:8080{set}('{id}')");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        let shown = answer.json();
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(shown[name], *value, "{name}");
        }
        let read = house.get(&format!("{set}/{id}")).await;
        assert_eq!(text(&read), text(&answer));
        assert_eq!(read.header("etag"), answer.header("etag"));
    }
    let beta = house.get(DEVICES).await;
    assert_eq!(ids_of(&beta).len(), 2);
    insta::assert_snapshot!(masked(&house.post(DEVICES, &kite("K-9")).await), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"<id 1>","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"K-9","productKey":"","manufacturer":"Hangar Test Works","model":"Kite","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"","systemFamily":"","azureActiveDirectoryDeviceId":"","azureAdDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"","deviceAccountPassword":"","deviceFriendlyName":"","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus":"unknown"}"##);
}

#[tokio::test]
async fn what_the_server_makes_is_read_and_means_nothing() {
    let house = House::new();
    let mut body = kite("K-1");
    let own = "985b4f49-4f49-985b-494f-5b98494f5b99";
    body["id"] = json!(own);
    body["@odata.type"] = json!("#microsoft.graph.windowsAutopilotDeviceIdentity");
    body["enrollmentState"] = json!("enrolled");
    body["lastContactedDateTime"] = json!("2026-01-01T00:00:00Z");
    body["deviceAccountUpn"] = json!("room@contoso.example");
    body["deviceAccountPassword"] = json!("a secret");
    body["userlessEnrollmentStatus"] = json!("blocked");
    body["deploymentProfileAssignmentStatus"] = json!("assignedInSync");
    let answer = house.post(DEVICES, &body).await;
    assert_eq!(answer.status, 201, "{}", text(&answer));
    let shown = answer.json();
    assert_ne!(shown["id"], own);
    assert_eq!(shown["enrollmentState"], "notContacted");
    assert_eq!(shown["deviceAccountUpn"], "room@contoso.example");
    assert_eq!(shown["deviceAccountPassword"], "");
    assert_eq!(shown["userlessEnrollmentStatus"], "unknown");
    assert_eq!(house.get(&format!("{DEVICES}/{own}")).await.status, 404);
}

#[tokio::test]
async fn hardware_has_one_owner_however_it_is_registered() {
    let house = House::new();
    let ours =
        "409 Conflict: The device is already registered in this tenant. (ZtdDeviceAlreadyAssigned)";
    let theirs = "409 Conflict: The device is registered by another tenant. (ZtdDeviceAssignedToOtherTenant)";
    let post = async |token: &str, body: &Value| {
        let ask = house.ask(Method::POST, DEVICES).token(token);
        ask.json(body).send().await
    };
    // Registered by its hash, then described.
    let (_, hashed) = house.register(&house.contoso, 1).await;
    assert_eq!(error(&post(&house.contoso, &description(1)).await), ours);
    assert_eq!(error(&post(&house.fabrikam, &description(1)).await), theirs);
    assert_eq!(
        house.delete(&format!("{DEVICES}/{hashed}")).await.status,
        204
    );
    let answer = post(&house.fabrikam, &description(1)).await;
    assert_eq!(answer.status, 201, "{}", text(&answer));
    assert_eq!(error(&post(&house.contoso, &description(1)).await), theirs);
    assert_eq!(
        house.outcome(&house.contoso, &device(1)).await,
        "error 808 ZtdDeviceAssignedToOtherTenant"
    );

    // Described, then with its hash.
    let described = post(&house.contoso, &description(2)).await;
    assert_eq!(described.status, 201);
    assert_eq!(
        house.outcome(&house.contoso, &device(2)).await,
        "error 806 ZtdDeviceAlreadyAssigned"
    );
    assert_eq!(
        house.outcome(&house.fabrikam, &device(2)).await,
        "error 808 ZtdDeviceAssignedToOtherTenant"
    );
    let path = format!("{DEVICES}/{}", id_of(&described));
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(
        house.outcome(&house.fabrikam, &device(2)).await,
        "complete 0 None +device"
    );

    // Of several known devices nobody can say which is meant.
    for seed in [50, 51] {
        let twin = Builder::new(seed).serial_number("TWIN");
        let import = house.accept(&house.contoso, &import_of(&twin)).await;
        house.api.settle().await;
        let state = house.state(&house.contoso, &import).await;
        let path = format!(
            "{DEVICES}/{}",
            state["deviceRegistrationId"].as_str().unwrap()
        );
        house.delete(&path).await;
    }
    let mut twin = description(50);
    twin["serialNumber"] = json!("twin ");
    assert_eq!(
        error(&post(&house.fabrikam, &twin).await),
        "409 Conflict: More than one known device has this manufacturer, model and serial number: import its hardware hash instead. (ZtdDeviceIsNotUnique)"
    );
}

#[tokio::test]
async fn a_description_that_tells_no_device_from_another_is_refused() {
    let house = House::new();
    let needed = "A device without a hardware hash is registered by its 'manufacturer', 'model' and 'serialNumber'.";
    for (name, value, what) in [
        ("manufacturer", json!(null), "is missing"),
        ("model", json!(" "), "is missing"),
        ("serialNumber", json!(""), "is missing"),
        (
            "serialNumber",
            json!("Default string"),
            "tells no device from another: 'Default string'",
        ),
        (
            "manufacturer",
            json!("To be filled by O.E.M."),
            "tells no device from another: 'To be filled by O.E.M.'",
        ),
    ] {
        let mut body = kite("K-1");
        body[name] = value;
        assert_eq!(
            error(&house.post(DEVICES, &body).await),
            format!("400 BadRequest: The property '{name}' {what}. {needed}")
        );
    }
    let answer = house.post(DEVICES, &json!({})).await;
    assert_eq!(
        error(&answer),
        format!("400 BadRequest: The property 'manufacturer' is missing. {needed}")
    );
    assert_eq!(ids_of(&house.get(DEVICES).await), Vec::<String>::new());
}

#[tokio::test]
async fn the_answer_may_be_no_more_than_an_address() {
    let house = House::new();
    let answer = house
        .ask(Method::POST, DEVICES)
        .header("prefer", "return=minimal")
        .json(&kite("K-1"))
        .send()
        .await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (204, String::new())
    );
    let location = answer.header("location").unwrap();
    let path = location.strip_prefix("http://127.0.0.1:8080").unwrap();
    let read = house.get(path).await;
    assert_eq!(read.json()["serialNumber"], "K-1");
    assert_eq!(read.header("etag"), answer.header("etag"));
}
