//! The uploads as a collection: made, listed, counted.

use serde_json::{Value, json};

use super::nameless;
use crate::harness::{
    ENTITY_CONTENT_TYPE, House, IMPORTS, UPLOADS, device, error, id_of, ids_of, masked, string,
    text,
};

const A: &str = "985b4f49-4f49-985b-494f-5b98494f5b98";

#[tokio::test]
async fn an_upload_is_made_and_answered() {
    let house = House::new();
    let body = json!({
        "@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload",
        "createdDateTimeUtc": "2016-12-31T23:58:46.7156189-08:00",
        "status": "pending",
    });
    let answer = house.post(UPLOADS, &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
    let id = id_of(&answer);
    let location = format!("http://127.0.0.1:8080{UPLOADS}('{id}')");
    assert_eq!(answer.header("location"), Some(location.as_str()));
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload","id":"<id 1>","createdDateTimeUtc":"2026-01-01T00:00:00Z","status":"noUpload"}"##);
    let read = house.get(&format!("{UPLOADS}/{id}")).await;
    assert_eq!(text(&read), text(&answer));

    let chosen = json!({ "id": A.to_uppercase() });
    assert_eq!(id_of(&house.post(UPLOADS, &chosen).await), A);
    let again = house.post(UPLOADS, &chosen).await;
    assert_eq!(
        error(&again),
        format!("409 Conflict: An upload with the id '{A}' already exists in this tenant.")
    );
    let ask = house.ask(http::Method::POST, UPLOADS).json(&json!({}));
    let minimal = ask.header("prefer", "return=minimal").send().await;
    assert_eq!((minimal.status.as_u16(), minimal.body.len()), (204, 0));
    assert!(minimal.header("odata-entityid").is_some());
}

#[tokio::test]
async fn an_upload_may_bring_its_imports() {
    let house = House::new();
    let body = json!({ "deviceIdentities": [device(1), { "id": A, "groupTag": "T" }] });
    let answer = house.post(UPLOADS, &body).await;
    let upload = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &upload["status"]),
        (201, &json!("pending"))
    );
    let imports = upload["deviceIdentities"].as_array().unwrap();
    assert_eq!((imports.len(), &imports[1]["groupTag"]), (2, &json!("T")));
    // They are imports like any other.
    let id = string(&imports[0]["id"]);
    let main = ids_of(&house.get(IMPORTS).await);
    assert!(main.contains(&id) && main.contains(&A.to_owned()));
    house.api.settle().await;
    let state = house.state(&house.contoso, &id).await;
    assert_eq!(state["deviceImportStatus"], "complete");

    // All, or nothing.
    let taken = json!({ "deviceIdentities": [{}, { "id": A }] });
    let answer = house.post(UPLOADS, &taken).await;
    assert_eq!(answer.status, 409);
    assert_eq!(
        answer.json()["error"]["details"][0]["target"],
        "deviceIdentities[1].id"
    );
    for (body, at) in [
        (
            json!({ "deviceIdentities": [{}, { "x": 1 }] }),
            "deviceIdentities[1].x",
        ),
        (json!({ "deviceIdentities": {} }), "deviceIdentities"),
        (json!({ "deviceIdentities": null }), "deviceIdentities"),
        (
            json!({ "deviceIdentities": vec![json!({}); 1001] }),
            "deviceIdentities",
        ),
        (json!({ "id": 1 }), "id"),
        (json!({ "id": "x" }), "id"),
        (json!({ "status": "done" }), "status"),
        (
            json!({ "createdDateTimeUtc": "yesterday" }),
            "createdDateTimeUtc",
        ),
        (
            json!({ "@odata.type": "#microsoft.graph.user" }),
            "@odata.type",
        ),
        (json!({ "DeviceIdentities": [] }), "DeviceIdentities"),
        (json!([]), ""),
    ] {
        let answer = house.post(UPLOADS, &body).await;
        let told = error(&answer);
        assert!(
            told.starts_with("400 BadRequest: ") && told.contains(at),
            "{told}"
        );
    }
    assert_eq!(text(&house.get(&format!("{UPLOADS}/$count")).await), "1");
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "2");
}

#[tokio::test]
async fn uploads_are_listed_in_pages() {
    let house = House::new();
    let mut made = Vec::new();
    for seed in 0..5 {
        made.push(house.make_upload(&[device(seed)]).await);
    }
    made.sort();
    let mut seen = Vec::new();
    let mut path = format!("{UPLOADS}?$top=2&$count=true");
    loop {
        let page = house.get(&path).await;
        let body = page.json();
        assert_eq!(body["@odata.count"], 5);
        seen.extend(ids_of(&page));
        let Some(link) = body["@odata.nextLink"].as_str() else {
            break;
        };
        link["http://127.0.0.1:8080".len()..].clone_into(&mut path);
    }
    assert_eq!(seen, made);
    let whole = house.get(UPLOADS).await.json();
    assert_eq!(
        whole["@odata.context"],
        "http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentityUploads"
    );
    assert!(whole["value"][0].get("deviceIdentities").is_none());
    let skipped = house.get(&format!("{UPLOADS}?$skip=4")).await;
    assert_eq!(ids_of(&skipped), made[4..]);
}

#[tokio::test]
async fn expanded_uploads_show_their_imports() {
    let house = House::new();
    for seed in 0..25 {
        house.make_upload(&[device(seed), nameless()]).await;
    }
    let many: Vec<_> = (0..120).map(|_| nameless()).collect();
    house.make_upload(&many).await;
    let mut shown = 0;
    let mut pages = 0;
    let mut path = format!("{UPLOADS}?$expand=deviceIdentities");
    loop {
        let body = house.get(&path).await.json();
        pages += 1;
        for upload in body["value"].as_array().unwrap() {
            let imports = upload["deviceIdentities"].as_array().unwrap();
            shown += imports.len();
            if let Some(link) = upload["deviceIdentities@odata.nextLink"].as_str() {
                let rest = house.get(&link["http://127.0.0.1:8080".len()..]).await;
                assert_eq!(ids_of(&rest).len(), 20);
            }
        }
        let Some(link) = body["@odata.nextLink"].as_str() else {
            break;
        };
        link["http://127.0.0.1:8080".len()..].clone_into(&mut path);
    }
    assert_eq!((pages, shown), (2, 150));
    for query in [
        "$expand=Imports",
        "$expand=deviceIdentities($top=x)",
        "$expand=deviceIdentities($expand=x)",
        "$expand=deviceIdentities($filter=x eq 1)",
        "$expand=deviceIdentities($search=x)",
        "$expand=deviceIdentities&expand=deviceIdentities",
        "$filter=id eq ''",
        "$filter=status eq 'done'",
        "$orderby=deviceIdentities",
        "$select=imports",
    ] {
        let answer = house
            .get(&format!("{UPLOADS}?{}", query.replace(' ', "%20")))
            .await;
        assert!(
            error(&answer).starts_with("400 BadRequest: The query option '$"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn uploads_exist_in_beta_only() {
    let house = House::new();
    let v1 = UPLOADS.replace("beta", "v1.0");
    let expected = "400 BadRequest: Resource not found for the segment 'importedWindowsAutopilotDeviceIdentityUploads'.";
    assert_eq!(error(&house.get(&v1).await), expected);
    assert_eq!(error(&house.post(&v1, &json!({})).await), expected);
    let put = house.ask(http::Method::PUT, UPLOADS).send().await;
    assert_eq!(
        put.json()["error"]["code"],
        "No method match route template"
    );
    let none: Value = house.get(UPLOADS).await.json();
    assert_eq!(none["value"], json!([]));
}
