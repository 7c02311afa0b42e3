//! One upload: read, changed, deleted.

use serde_json::json;

use super::nameless;
use crate::harness::{House, IMPORTS, UPLOADS, device, error, ids_of, string, text};

#[tokio::test]
async fn its_status_follows_its_imports() {
    let house = House::new();
    let empty = house.make_upload(&[]).await;
    let good = house.make_upload(&[device(1)]).await;
    let bad = house.make_upload(&[device(2), nameless()]).await;
    for (upload, before) in [(&empty, "noUpload"), (&good, "pending"), (&bad, "pending")] {
        assert_eq!(house.status_of(upload).await, before);
    }
    house.api.settle().await;
    for (upload, after) in [(&empty, "noUpload"), (&good, "complete"), (&bad, "error")] {
        assert_eq!(house.status_of(upload).await, after);
    }
    // Without the import that was refused, nothing speaks against the upload.
    let path = format!("{UPLOADS}/{bad}?$expand=deviceIdentities");
    let expanded = house.get(&path).await.json();
    let imports = expanded["deviceIdentities"].as_array().unwrap();
    let refused = imports
        .iter()
        .find(|import| import["state"]["deviceImportStatus"] == "error");
    let id = string(&refused.unwrap()["id"]);
    house.delete(&format!("{IMPORTS}/{id}")).await;
    assert_eq!(house.status_of(&bad).await, "complete");
}

#[tokio::test]
async fn what_is_its_servers_does_not_change() {
    let house = House::new();
    let upload = house.make_upload(&[device(1)]).await;
    let path = format!("{UPLOADS}('{upload}')");
    let before = house.get(&path).await;
    // A client may send back what it read.
    let answer = house.patch(&path, &before.json()).await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (200, text(&before))
    );
    let change = json!({ "status": "error", "createdDateTimeUtc": "2018-01-01T00:00:00Z" });
    let answer = house.patch(&path, &change).await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (200, text(&before))
    );
    for body in [
        json!({ "status": 2 }),
        json!({ "x": 1 }),
        json!({ "deviceIdentities": [] }),
        json!([]),
    ] {
        let answer = house.patch(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", error(&answer));
    }
    assert_eq!(text(&house.get(&path).await), text(&before));
}

#[tokio::test]
async fn deleting_it_withdraws_what_waits_and_keeps_what_is_settled() {
    let house = House::new();
    let upload = house.make_upload(&[device(1), nameless()]).await;
    house.api.settle().await;
    let settled = ids_of(&house.get(IMPORTS).await);
    // More than a step of the deletion takes.
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let rows: Vec<_> = (0..300).map(|_| nameless()).collect();
    for chunk in rows.chunks(20) {
        let parts: Vec<_> = (0..)
            .zip(chunk)
            .map(|(id, body)| {
                json!({
                    "id": id, "method": "POST", "url": nested, "body": body,
                    "headers": { "Content-Type": "application/json" },
                })
            })
            .collect();
        let answer = house
            .post("/beta/$batch", &json!({ "requests": parts }))
            .await;
        let body = answer.json();
        let all = body["responses"].as_array().unwrap().iter();
        assert!(all.clone().all(|part| part["status"] == 201));
    }
    assert_eq!(text(&house.get(&format!("{nested}/$count")).await), "302");
    let path = format!("{UPLOADS}/{upload}");
    let answer = house.delete(&path).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(ids_of(&house.get(IMPORTS).await), settled);
    let absent = format!(
        "404 ResourceNotFound: Resource '{upload}' does not exist or one of its queried reference-property objects are not present."
    );
    for answer in [
        house.get(&path).await,
        house.delete(&path).await,
        house.get(&nested).await,
    ] {
        assert_eq!(error(&answer), absent);
    }
    house.api.settle().await;
    assert_eq!(ids_of(&house.get(IMPORTS).await), settled);
}

#[tokio::test]
async fn a_key_that_is_none_leads_nowhere() {
    let house = House::observed();
    for key in ["x", "00000000-0000-4000-8000-000000000001", "('')"] {
        let path = format!("{UPLOADS}/{key}");
        assert_eq!(house.get(&path).await.status, 404, "{key}");
        assert_eq!(house.delete(&path).await.status, 404, "{key}");
        assert_eq!(house.patch(&path, &json!({})).await.status, 404, "{key}");
        let nested = format!("{path}/deviceIdentities");
        assert_eq!(house.get(&nested).await.status, 404, "{key}");
        assert_eq!(house.post(&nested, &json!({})).await.status, 404, "{key}");
    }
    let upload = house.make_upload(&[]).await;
    let deleted = house.delete(&format!("{UPLOADS}/{upload}")).await;
    assert_eq!(deleted.status, 200, "as the live service answers deletions");
}
