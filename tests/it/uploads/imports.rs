//! The imports in an upload: the same operations, by the way through it.

use http::Method;
use serde_json::json;

use crate::harness::{House, IMPORTS, UPLOADS, device, error, id_of, ids_of, string, text};

#[tokio::test]
async fn an_import_in_an_upload_is_an_import_like_any_other() {
    let house = House::new();
    let upload = house.make_upload(&[]).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let created = house.post(&nested, &device(1)).await;
    assert_eq!(created.status, 201);
    let id = id_of(&created);
    let location = format!("http://127.0.0.1:8080{IMPORTS}('{id}')");
    assert_eq!(created.header("location"), Some(location.as_str()));
    house.api.settle().await;

    let path = format!("{nested}/{id}");
    let main = format!("{IMPORTS}/{id}");
    let read = house.get(&path).await;
    assert_eq!(read.json()["state"]["deviceImportStatus"], "complete");
    assert_eq!(
        text(&read),
        text(&house.get(&main).await),
        "one import, one answer"
    );
    assert_eq!(
        house
            .get(&format!("{UPLOADS}('{upload}')/DEVICEIDENTITIES('{id}')"))
            .await
            .status,
        200
    );
    let changed = house.patch(&path, &json!({ "groupTag": "T" })).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["groupTag"]),
        (200, &json!("T"))
    );
    assert_eq!(
        house
            .patch(&path, &json!({ "serialNumber": "S" }))
            .await
            .status,
        409
    );
    assert_eq!(house.get(&main).await.json()["groupTag"], "T");
    assert_eq!(ids_of(&house.get(&nested).await), [id.as_str()]);
    assert_eq!(text(&house.get(&format!("{nested}/$count")).await), "1");
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(house.get(&main).await.status, 404);
    assert_eq!(house.status_of(&upload).await, "noUpload");
}

#[tokio::test]
async fn a_client_may_prefer_not_to_see_what_it_sent_into_an_upload() {
    let house = House::new();
    let upload = house.make_upload(&[]).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let ask = house.ask(Method::POST, &format!("{nested}/import"));
    let rows = json!({ "importedWindowsAutopilotDeviceIdentities": [device(1), device(2)] });
    let answer = ask
        .header("prefer", "return=minimal")
        .json(&rows)
        .send()
        .await;
    assert_eq!((answer.status.as_u16(), text(&answer).as_str()), (204, ""));
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    assert_eq!(text(&house.get(&format!("{nested}/$count")).await), "2");
}

#[tokio::test]
async fn only_what_is_in_an_upload_is_found_by_it() {
    let house = House::new();
    let one = house.make_upload(&[device(1)]).await;
    let other = house.make_upload(&[device(2)]).await;
    let outside = house.accept(&house.contoso, &device(3)).await;
    let inside = ids_of(
        &house
            .get(&format!("{UPLOADS}/{other}/deviceIdentities"))
            .await,
    );
    for import in [outside.as_str(), inside[0].as_str(), "x"] {
        let path = format!("{UPLOADS}/{one}/deviceIdentities/{import}");
        let absent = format!(
            "404 ResourceNotFound: Resource '{import}' does not exist or one of its queried reference-property objects are not present."
        );
        for answer in [
            house.get(&path).await,
            house.patch(&path, &json!({})).await,
            house.delete(&path).await,
        ] {
            assert_eq!(error(&answer), absent);
        }
    }
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "3");
    // An id that is taken anywhere in the tenant is taken here.
    let nested = format!("{UPLOADS}/{one}/deviceIdentities");
    let answer = house.post(&nested, &json!({ "id": outside })).await;
    assert_eq!(answer.json()["error"]["details"][0]["target"], "id");
    assert_eq!(answer.status, 409);
    for body in [
        json!({ "x": 1 }),
        json!([]),
        json!({ "hardwareIdentifier": "!" }),
    ] {
        assert_eq!(house.post(&nested, &body).await.status, 400, "{body}");
    }
    assert_eq!(ids_of(&house.get(&nested).await).len(), 1);
}

#[tokio::test]
async fn its_pages_are_its_own() {
    let house = House::new();
    let rows: Vec<_> = (0..5).map(device).collect();
    let upload = house.make_upload(&rows).await;
    let other = house.make_upload(&[device(9)]).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let whole = ids_of(&house.get(&nested).await);
    let mut seen = Vec::new();
    let mut path = format!("{nested}?$top=2&$count=true");
    loop {
        let page = house.get(&path).await;
        seen.extend(ids_of(&page));
        let body = page.json();
        assert_eq!(body["@odata.count"], 5);
        let Some(link) = body["@odata.nextLink"].as_str() else {
            break;
        };
        assert!(
            link.contains(&format!("Uploads('{upload}')/deviceIdentities?$top=2")),
            "{link}"
        );
        link["http://127.0.0.1:8080".len()..].clone_into(&mut path);
        // A link of one collection is none of another.
        let token = string(&json!(link.split("$skiptoken=").nth(1).unwrap()));
        for elsewhere in [
            format!("{UPLOADS}/{other}/deviceIdentities"),
            IMPORTS.to_owned(),
            UPLOADS.to_owned(),
        ] {
            let answer = house.get(&format!("{elsewhere}?$skiptoken={token}")).await;
            assert_eq!(answer.status, 400, "{elsewhere}");
        }
    }
    assert_eq!((seen.len(), &seen), (5, &whole));
}

#[tokio::test]
async fn observed_imports_in_an_upload_are_as_the_live_service_answers() {
    let house = House::observed();
    let upload = house.make_upload(&[]).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let created = house.post(&nested, &device(1)).await.json();
    assert!(created["hardwareIdentifier"].is_null() && created.get("@odata.type").is_none());
    let path = format!("{nested}/{}", string(&created["id"]));
    assert_eq!(house.patch(&path, &json!({})).await.status, 400);
    assert_eq!(house.delete(&path).await.status, 200);
    assert_eq!(house.delete(&path).await.status, 404);
}

#[tokio::test]
async fn many_imports_go_into_an_upload_or_none() {
    let house = House::new();
    let upload = house.make_upload(&[]).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let many =
        |rows: Vec<serde_json::Value>| json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    for action in ["import", "microsoft.graph.import", "IMPORT"] {
        let path = format!("{nested}/{action}");
        let answer = house.post(&path, &many(vec![device(1), json!({})])).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        assert_eq!(ids_of(&answer).len(), 2, "{action}");
    }
    let inside = ids_of(&house.get(&nested).await);
    assert_eq!(inside.len(), 6);
    assert_eq!(ids_of(&house.get(IMPORTS).await), inside);

    let path = format!("{nested}/import");
    let taken = house
        .post(&path, &many(vec![json!({}), json!({ "id": inside[0] })]))
        .await;
    assert_eq!(taken.status, 409);
    let target = &taken.json()["error"]["details"][0]["target"];
    assert_eq!(target, "importedWindowsAutopilotDeviceIdentities[1].id");
    for (body, said) in [
        (json!({}), "importedWindowsAutopilotDeviceIdentities"),
        (many(vec![json!({ "x": 1 })]), "'x'"),
        (many(vec![json!({}); 1001]), "1000"),
        (json!({ "deviceIdentities": [] }), "deviceIdentities"),
    ] {
        let answer = house.post(&path, &body).await;
        assert_eq!(answer.status, 400, "{}", text(&answer));
        assert!(text(&answer).contains(said), "{}", text(&answer));
    }
    let none = house.post(&path, &many(Vec::new())).await;
    assert_eq!((none.status.as_u16(), ids_of(&none).len()), (200, 0));
    let nowhere = format!("{UPLOADS}/{}/deviceIdentities/import", inside[0]);
    for rows in [vec![], vec![json!({})]] {
        assert_eq!(house.post(&nowhere, &many(rows)).await.status, 404);
    }
    assert_eq!(text(&house.get(&format!("{nested}/$count")).await), "6");
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "6");
}
