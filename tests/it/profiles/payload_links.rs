//! POST of `hasPayloadLinks`.

use serde_json::json;

use crate::harness::{House, PROFILES, all_devices, masked, text};

#[tokio::test]
async fn each_payload_is_told_whether_it_is_assigned() {
    let house = House::new();
    let assigned = house.make_profile(&house.contoso, "assigned").await;
    let spare = house.make_profile(&house.contoso, "spare").await;
    let theirs = house.make_profile(&house.fabrikam, "theirs").await;
    let path = format!("{PROFILES}/{assigned}/assignments");
    house.post(&path, &all_devices()).await;
    let path = format!("{PROFILES}/hasPayloadLinks");
    let body = json!({ "payloadIds": [assigned, spare, theirs, "x"] });
    let answer = house.post(&path, &body).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#Collection(microsoft.graph.hasPayloadLinkResultItem)","value":[{"@odata.type":"#microsoft.graph.hasPayloadLinkResultItem","payloadId":"<id 1>","hasLink":true,"error":null,"sources":["direct"]},{"@odata.type":"#microsoft.graph.hasPayloadLinkResultItem","payloadId":"<id 2>","hasLink":false,"error":null,"sources":[]},{"@odata.type":"#microsoft.graph.hasPayloadLinkResultItem","payloadId":"<id 3>","hasLink":false,"error":"The payload does not exist.","sources":[]},{"@odata.type":"#microsoft.graph.hasPayloadLinkResultItem","payloadId":"x","hasLink":false,"error":"The payload does not exist.","sources":[]}]}"##);
    for body in [
        json!({}),
        json!({ "payloadIds": [1] }),
        json!({ "payloadIds": {} }),
        json!({ "ids": [] }),
        json!({ "payloadIds": vec!["x"; 351] }),
    ] {
        let answer = house.post(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", text(&answer));
    }
}
