//! Query options, by the crate.

use graph_rs_sdk::{GraphClient, ODataQuery as _, error::ErrorType};
use serde_json::{Value, json as object};

use crate::server::{client, device, json, refused, registered, settled, text};

/// The devices that these options bring.
async fn devices(client: &GraphClient, filter: &str, more: &[(&str, &str)]) -> Value {
    // The crate wants an id here, and puts it nowhere.
    let mut asked = client
        .device_management()
        .windows_autopilot_device_identities("")
        .list_windows_autopilot_device_identities()
        .filter(&[filter]);
    for (name, value) in more {
        asked = asked.append_query_pair(*name, *value);
    }
    json(asked.send().await).await
}

fn serials(answer: &Value) -> Vec<&str> {
    let rows = answer["value"].as_array().unwrap().iter();
    rows.map(|row| text(&row["serialNumber"])).collect()
}

#[tokio::test]
async fn filter_by_a_part_of_the_serial_number() {
    let client = client();
    let sent = device();
    registered(&client, &sent).await;
    let serial = text(&sent["serialNumber"]);
    let filter = format!("contains(serialNumber,'{}')", &serial[2..12]);
    assert_eq!(serials(&devices(&client, &filter, &[]).await), [serial]);
    let none = devices(&client, "contains(serialNumber,'no such number')", &[]).await;
    assert_eq!(none["value"], object!([]));
}

#[tokio::test]
async fn filter_by_state_and_quotes() {
    let client = client();
    let serial = "O'Hara & Söhne #1";
    let body = object!({ "serialNumber": serial, "hardwareIdentifier": "bm8=" });
    let sent = client
        .device_management()
        .create_imported_windows_autopilot_device_identities(&body);
    let accepted = json(sent.send().await).await;
    settled(&client, text(&accepted["id"])).await;
    let filter = "state/deviceImportStatus eq 'error' and serialNumber eq 'O''Hara & Söhne #1'";
    let asked = client
        .device_management()
        .list_imported_windows_autopilot_device_identities()
        .filter(&[filter]);
    assert_eq!(serials(&json(asked.send().await).await), [serial]);
}

#[tokio::test]
async fn select_and_order() {
    let client = client();
    for _ in 0..3 {
        let mut sent = device();
        sent["groupTag"] = object!("Ordered");
        registered(&client, &sent).await;
    }
    let filter = "groupTag eq 'Ordered'";
    let order = ("$orderby", "serialNumber desc");
    let more = [order, ("$select", "serialNumber"), ("$count", "true")];
    let whole = devices(&client, filter, &more).await;
    assert_eq!(whole["@odata.count"], 3);
    let numbers = serials(&whole);
    assert!(numbers.is_sorted_by(|one, next| one > next), "{numbers:?}");
    assert_eq!(whole["value"][0].get("groupTag"), None);
    let rest = devices(&client, filter, &[order, ("$skip", "1")]).await;
    assert_eq!(serials(&rest), numbers[1..]);
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let client = client();
    let list = || {
        client
            .device_management()
            .list_imported_windows_autopilot_device_identities()
    };
    let code = "BadRequest";
    let answer = list().filter(&["serialNumber equals 'x'"]).send().await;
    refused(answer, ErrorType::BadRequest, code, "position").await;
    let answer = list().order_by(&["colour"]).send().await;
    refused(answer, ErrorType::BadRequest, code, "colour").await;
    let answer = list().select(&["colour"]).send().await;
    refused(answer, ErrorType::BadRequest, code, "colour").await;
}
