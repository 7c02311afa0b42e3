//! POST of an import: what each property may be, and what becomes of it. The forms of bodies and
//! answers are in `create_forms`.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{House, IMPORTS, error, id_of, string, text};

const ID: &str = "985b4f49-4f49-985b-494f-5b98494f5b98";

async fn refusal(house: &House, body: &Value) -> String {
    error(&house.post(IMPORTS, body).await)
}

#[tokio::test]
async fn an_id_is_the_clients_guid_or_else_the_servers() {
    let house = House::new();
    let nothing = [
        json!({}),
        json!({ "id": null }),
        json!({ "id": "" }),
        json!({ "id": "00000000-0000-0000-0000-000000000000" }),
    ];
    for body in nothing {
        let id = id_of(&house.post(IMPORTS, &body).await);
        let id = Uuid::try_parse(&id).unwrap();
        assert_eq!(id.get_version_num(), 7, "{body}");
    }

    let answer = house
        .post(IMPORTS, &json!({ "id": ID.to_uppercase() }))
        .await;
    assert_eq!((answer.status.as_u16(), id_of(&answer)), (201, ID.into()));
    assert!(
        answer
            .header("location")
            .unwrap()
            .ends_with(&format!("('{ID}')"))
    );
    let answer = house.get(&format!("{IMPORTS}/{ID}")).await;
    assert_eq!(id_of(&answer), ID);

    let odd = [
        "{985b4f49-4f49-985b-494f-5b98494f5b98}",
        "985b4f494f49985b494f5b98494f5b98",
        "urn:uuid:985b4f49-4f49-985b-494f-5b98494f5b98",
        "985b4f49-4f49-985b-494f-5b98494f5b9",
        "985b4f49-4f49-985b-494f-5b98494f5b9g",
        " 985b4f49-4f49-985b-494f-5b98494f5b98",
        "device 7",
    ];
    for id in odd {
        assert_eq!(
            refusal(&house, &json!({ "id": id })).await,
            format!(
                "400 BadRequest: The value '{id}' is not a GUID of 36 characters. Property: 'id'."
            )
        );
    }
    assert!(
        refusal(&house, &json!({ "id": 7 }))
            .await
            .starts_with("400")
    );
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "5");
}

#[tokio::test]
async fn a_repeated_post_is_a_conflict_and_changes_nothing() {
    let house = House::new();
    let path = format!("{IMPORTS}/{ID}");
    house
        .post(IMPORTS, &json!({ "id": ID, "serialNumber": "first" }))
        .await;
    let before = text(&house.get(&path).await);
    for (version, id) in [("beta", ID.to_owned()), ("v1.0", ID.to_uppercase())] {
        let body = json!({ "id": id, "serialNumber": "second", "groupTag": "T" });
        let answer = house.post(&IMPORTS.replace("beta", version), &body).await;
        assert_eq!(
            error(&answer),
            format!("409 Conflict: An import with the id '{ID}' already exists in this tenant.")
        );
        assert_eq!(
            answer.json()["error"]["details"],
            json!([{
                "code": "Conflict",
                "message": format!("An import with the id '{ID}' already exists in this tenant."),
                "target": "id",
            }])
        );
    }
    assert_eq!(text(&house.get(&path).await), before);

    // Another tenant's ids are its own.
    let theirs = json!({ "id": ID, "serialNumber": "theirs" });
    house.accept(&house.fabrikam, &theirs).await;
    let ask = house.ask(Method::GET, &path).token(&house.fabrikam);
    assert_eq!(ask.send().await.json()["serialNumber"], "theirs");
    assert_eq!(text(&house.get(&path).await), before);

    // A settled import keeps its id too, and a deleted one gives it back.
    house.api.settle().await;
    let again = json!({ "id": ID });
    assert_eq!(house.post(IMPORTS, &again).await.status, 409);
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(house.post(IMPORTS, &again).await.status, 201);
}

#[tokio::test]
async fn the_group_tag_has_two_names() {
    let house = House::new();
    let cases = [
        (json!({}), json!(null)),
        (json!({ "groupTag": "T" }), json!("T")),
        (json!({ "orderIdentifier": "T" }), json!("T")),
        (
            json!({ "orderIdentifier": "T", "groupTag": "T" }),
            json!("T"),
        ),
        (
            json!({ "orderIdentifier": "", "groupTag": "T" }),
            json!("T"),
        ),
        (
            json!({ "orderIdentifier": "T", "groupTag": "" }),
            json!("T"),
        ),
        (
            json!({ "orderIdentifier": "T", "groupTag": null }),
            json!("T"),
        ),
        (
            json!({ "orderIdentifier": null, "groupTag": "T" }),
            json!("T"),
        ),
        (json!({ "orderIdentifier": "", "groupTag": "" }), json!("")),
    ];
    for (body, tag) in cases {
        let answer = house.post(IMPORTS, &body).await;
        assert_eq!(answer.status, 201, "{body}");
        let stored = house.get(&format!("{IMPORTS}/{}", id_of(&answer))).await;
        for answer in [answer.json(), stored.json()] {
            assert_eq!(
                (&answer["groupTag"], &answer["orderIdentifier"]),
                (&tag, &tag),
                "{body}"
            );
        }
    }
    let differ = json!({ "orderIdentifier": "T", "groupTag": "t" });
    assert_eq!(
        refusal(&house, &differ).await,
        "400 BadRequest: 'orderIdentifier' and 'groupTag' are two names of one value and must not \
         differ. Property: 'orderIdentifier'."
    );
}

#[tokio::test]
async fn the_import_id_defaults_to_the_id() {
    let house = House::new();
    for (body, own) in [
        (json!({}), None),
        (json!({ "importId": null }), None),
        (json!({ "importId": "batch 7" }), Some("batch 7")),
    ] {
        let answer = house.post(IMPORTS, &body).await;
        let id = id_of(&answer);
        let expected = own.unwrap_or(&id);
        assert_eq!(answer.json()["importId"], expected);
        let stored = house.get(&format!("{IMPORTS}/{id}")).await;
        assert_eq!(stored.json()["importId"], expected);
    }
}

#[tokio::test]
async fn texts_are_kept_as_they_came_within_their_bounds() {
    let house = House::new();
    let names = [
        "groupTag",
        "serialNumber",
        "productKey",
        "importId",
        "assignedUserPrincipalName",
    ];
    let kept = [
        "Default string".to_owned(),
        " Größe \"7\" \\ / \u{1}\u{7f} 😀\r\n ".to_owned(),
        "😀".repeat(1024),
    ];
    for name in names {
        for value in &kept {
            let answer = house.post(IMPORTS, &json!({ name: value })).await;
            assert_eq!(answer.status, 201, "{name}");
            let stored = house.get(&format!("{IMPORTS}/{}", id_of(&answer))).await;
            assert_eq!(string(&stored.json()[name]), *value, "{name}");
        }
        let refused = [
            (
                json!("a".repeat(1025)),
                "The value is longer than 1024 characters.",
            ),
            (json!("a\0"), "The value holds the character U+0000."),
            (
                json!(7),
                "Cannot convert a JSON number to the expected type 'Edm.String'.",
            ),
        ];
        for (value, message) in refused {
            assert_eq!(
                refusal(&house, &json!({ name: value })).await,
                format!("400 BadRequest: {message} Property: '{name}'.")
            );
        }
    }
}

#[tokio::test]
async fn a_hash_is_base64_of_bounded_length_and_may_be_missing() {
    let house = House::new();
    let longest = "A".repeat(16_384);
    let read = [
        ("aGE=", json!("aGE=")),
        ("aGE", json!("aGE=")),
        ("-_-_", json!("+/+/")),
        ("-_8", json!("+/8=")),
        (" aGE=\r\n", json!("aGE=")),
        ("", json!(null)),
        (&longest, json!(longest)),
        // Zeros are kept, though not at length.
        ("AAAA", json!("AAAA")),
        ("/wAAAAAAAAA=", json!("/wAAAAAAAAA=")),
    ];
    for (sent, answered) in read {
        let answer = house
            .post(IMPORTS, &json!({ "hardwareIdentifier": sent }))
            .await;
        assert_eq!(answer.status, 201, "{sent:?}");
        assert_eq!(answer.json()["hardwareIdentifier"], answered);
        let stored = house.get(&format!("{IMPORTS}/{}", id_of(&answer))).await;
        assert_eq!(stored.json()["hardwareIdentifier"], answered);
    }
    let answer = house
        .post(IMPORTS, &json!({ "hardwareIdentifier": null }))
        .await;
    assert_eq!(answer.status, 201);

    let refused = [
        (
            json!("a!=="),
            "Cannot convert the literal 'a!==' to the expected type 'Edm.Binary'.",
        ),
        (
            json!("+_+_"),
            "Cannot convert the literal '+_+_' to the expected type 'Edm.Binary'.",
        ),
        (
            json!(7),
            "Cannot convert a JSON number to the expected type 'Edm.Binary'.",
        ),
        (
            json!("A".repeat(16_385)),
            "The value is longer than 16384 characters.",
        ),
    ];
    for (sent, message) in refused {
        assert_eq!(
            refusal(&house, &json!({ "hardwareIdentifier": sent })).await,
            format!("400 BadRequest: {message} Property: 'hardwareIdentifier'.")
        );
    }
}

#[tokio::test]
async fn a_state_is_repeated_and_its_gaps_are_filled() {
    let house = House::new();
    let full = |status: &str, device: Value, code: i32, name: Value| {
        json!({
            "@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
            "deviceImportStatus": status,
            "deviceRegistrationId": device,
            "deviceErrorCode": code,
            "deviceErrorName": name,
        })
    };
    let untold = full("unknown", json!(""), 0, json!(""));
    let cases = [
        (json!(null), untold.clone()),
        (json!({}), untold.clone()),
        (
            json!({ "deviceErrorCode": -15 }),
            full("unknown", json!(""), -15, json!("")),
        ),
        (
            json!({ "deviceRegistrationId": null, "deviceErrorName": null }),
            full("unknown", json!(null), 0, json!(null)),
        ),
        (
            json!({ "deviceImportStatus": "error", "deviceRegistrationId": "D", "deviceErrorName": "N" }),
            full("error", json!("D"), 0, json!("N")),
        ),
        (
            json!({ "deviceImportStatus": "partial" }),
            full("partial", json!(""), 0, json!("")),
        ),
        (
            json!({ "deviceImportStatus": "complete" }),
            full("complete", json!(""), 0, json!("")),
        ),
        (
            json!({ "deviceImportStatus": "pending" }),
            full("pending", json!(""), 0, json!("")),
        ),
    ];
    for (sent, answered) in cases {
        let answer = house.post(IMPORTS, &json!({ "state": sent })).await;
        assert_eq!(answer.json()["state"], answered, "{sent}");
        // Nothing of it is believed.
        let stored = house.get(&format!("{IMPORTS}/{}", id_of(&answer))).await;
        assert_eq!(stored.json()["state"], untold, "{sent}");
    }
    let answer = house.post(IMPORTS, &json!({})).await;
    assert_eq!(answer.json()["state"], untold);

    let status = "microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus";
    let refused = [
        (
            json!({ "deviceImportStatus": "Pending" }),
            format!("Cannot convert the literal 'Pending' to the expected type '{status}'. Property: 'state.deviceImportStatus'."),
        ),
        (
            json!({ "deviceImportStatus": null }),
            format!("Cannot convert a JSON null to the expected type '{status}'. Property: 'state.deviceImportStatus'."),
        ),
        (
            json!({ "deviceErrorCode": 2_147_483_648_i64 }),
            "Cannot convert the literal '2147483648' to the expected type 'Edm.Int32'. Property: 'state.deviceErrorCode'.".into(),
        ),
        (
            json!({ "deviceErrorCode": null }),
            "Cannot convert a JSON null to the expected type 'Edm.Int32'. Property: 'state.deviceErrorCode'.".into(),
        ),
        (
            json!({ "x": 1 }),
            "The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'. Make sure to only use property names that are defined by the type. Property: 'state.x'.".into(),
        ),
    ];
    for (sent, message) in refused {
        assert_eq!(
            refusal(&house, &json!({ "state": sent })).await,
            format!("400 BadRequest: {message}")
        );
    }
}

#[tokio::test]
async fn of_simultaneous_posts_with_one_id_one_is_accepted() {
    let house = House::new();
    let posts = (0..8).map(|number| {
        let body = json!({ "id": ID, "serialNumber": number.to_string() });
        let house = &house;
        async move { house.post(IMPORTS, &body).await }
    });
    let answers = futures_util::future::join_all(posts).await;
    let (accepted, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((accepted.len(), refused.len()), (1, 7));
    assert!(refused.iter().all(|answer| answer.status == 409));
    let stored = house.get(&format!("{IMPORTS}/{ID}")).await;
    assert_eq!(
        stored.json()["serialNumber"],
        accepted[0].json()["serialNumber"]
    );
}
