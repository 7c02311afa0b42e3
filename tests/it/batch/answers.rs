//! What parts are answered: as by themselves, with what belongs to the whole answer left out.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{BATCH, SET, create, get, responses, statuses, told, write};
use crate::harness::{DEVICES, ENTITY_CONTENT_TYPE, House, VERSIONS, error, string, text};

#[tokio::test]
async fn a_part_of_each_kind_is_answered_as_by_itself() {
    let house = House::new();
    let (import, device) = house.register(&house.contoso, 1).await;
    let one = format!("{SET}/{import}");
    let devices = "/deviceManagement/windowsAutopilotDeviceIdentities";
    let count = format!("{SET}/$count");
    let answers = house
        .batch(&[
            get("one", &one),
            get("count", &count),
            get("device", &format!("{devices}/{device}")),
            get("nothing", &format!("{SET}/{device}")),
            get("nowhere", "/deviceManagement/other"),
            json!({ "id": "none", "method": "PUT", "url": one }),
            write(
                "many",
                "POST",
                &format!("{SET}/import"),
                &json!({ "importedWindowsAutopilotDeviceIdentities": [{}] }),
            ),
            create("new", "S"),
        ])
        .await;
    let expected = [
        ("one", 200),
        ("count", 200),
        ("device", 200),
        ("nothing", 404),
        ("nowhere", 400),
        ("none", 400),
        ("many", 200),
        ("new", 201),
    ];
    let expected = expected.map(|(id, status)| (id.to_owned(), status));
    assert_eq!(statuses(&answers), expected, "in the order of the requests");

    let body = |place: usize| answers[place]["body"].clone();
    assert_eq!(body(0), house.get(&format!("/beta{one}")).await.json());
    assert_eq!(body(1), json!("1"), "text stands as text");
    assert_eq!(
        body(2),
        house.get(&format!("{DEVICES}/{device}")).await.json()
    );
    assert_eq!(
        told(&answers[4]),
        "400 BadRequest: Resource not found for the segment 'other'."
    );
    assert_eq!(
        told(&answers[5]),
        "400 No method match route template: No method match route template"
    );
    assert_eq!(body(7)["serialNumber"], "S");
    let new = string(&body(7)["id"]);
    let ours = house.get(&format!("/beta{SET}/{new}")).await;
    assert_eq!(ours.status, 200, "what is answered is there");

    // What has no body says so.
    let answers = house
        .batch(&[json!({ "id": "1", "method": "DELETE", "url": one })])
        .await;
    assert_eq!(answers[0]["status"], 204);
    assert_eq!(answers[0]["body"], Value::Null);
    assert!(answers[0].as_object().unwrap().contains_key("body"));
}

#[tokio::test]
async fn a_part_has_its_own_headers_and_graphs_spelling() {
    let house = House::new();
    let body = json!({ "requests": [
        create("1", "S"),
        json!({ "id": "2", "method": "GET", "url": format!("{SET}/$count"), "headers": { "client-request-id": "mine" } }),
        json!({
            "id": "3", "method": "POST", "url": SET, "body": {},
            "headers": { "content-type": "application/json", "prefer": "return=minimal" },
        }),
        json!({ "id": "4", "method": "GET", "url": SET, "headers": { "accept": "application/json;odata.metadata=none" } }),
        json!({ "id": "5", "method": "GET", "url": SET, "headers": { "Accept": "text/html" } }),
    ] });
    let ask = house.ask(Method::POST, BATCH).json(&body);
    let answer = ask.header("client-request-id", "whole").send().await;
    assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
    let whole = answer.header("request-id").unwrap().to_owned();
    let answers = responses(&answer);
    let names: Vec<BTreeSet<_>> = answers
        .iter()
        .map(|answer| {
            answer["headers"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect()
        })
        .collect();
    let expect = |more: &[&str]| -> BTreeSet<String> {
        let always = [
            "Content-Type",
            "OData-Version",
            "client-request-id",
            "request-id",
        ];
        always
            .iter()
            .chain(more)
            .map(|name| (*name).to_owned())
            .collect()
    };
    assert_eq!(names[0], expect(&["ETag", "Location"]));
    assert_eq!(names[1], expect(&[]));
    let mut minimal = expect(&["ETag", "Location", "OData-EntityId", "Preference-Applied"]);
    minimal.remove("Content-Type");
    assert_eq!(names[2], minimal);

    let header = |place: usize, name: &str| string(&answers[place]["headers"][name]);
    assert_eq!(header(0, "Content-Type"), ENTITY_CONTENT_TYPE);
    let location = format!(
        "http://127.0.0.1:8080/beta{SET}('{}')",
        string(&answers[0]["body"]["id"])
    );
    assert_eq!(header(0, "Location"), location);
    assert_eq!(header(0, "client-request-id"), "whole");
    assert_eq!(header(1, "client-request-id"), "mine");
    assert_eq!(header(1, "Content-Type"), "text/plain");
    assert_eq!(answers[2]["status"], 204);
    assert!(answers[3]["body"].get("@odata.context").is_none());
    assert_eq!(answers[4]["status"], 406);
    let mut ids: BTreeSet<_> = (0..5).map(|place| header(place, "request-id")).collect();
    ids.insert(whole);
    assert_eq!(ids.len(), 6, "each request has a name of its own");
    assert_eq!(
        string(&answers[4]["body"]["error"]["innerError"]["request-id"]),
        header(4, "request-id")
    );
}

#[tokio::test]
async fn both_versions_have_it_and_parts_have_their_versions_properties() {
    let house = House::new();
    let (_, device) = house.register(&house.contoso, 1).await;
    let url = format!("/deviceManagement/windowsAutopilotDeviceIdentities/{device}");
    for version in VERSIONS {
        let body = json!({ "requests": [get("1", &url)] });
        let answer = house.post(&format!("/{version}/$BATCH"), &body).await;
        let part = &responses(&answer)[0]["body"];
        let is_beta = part.get("azureAdDeviceId").is_some();
        assert_eq!(is_beta, version == "beta", "{part}");
    }
}

#[tokio::test]
async fn observed_parts_are_as_the_live_service_answers_them() {
    let house = House::observed();
    let answers = house
        .batch(&[
            create("1", "S"),
            get("2", &format!("{SET}/00000000-0000-4000-8000-000000000001")),
            json!({ "id": "3", "method": "DELETE", "url": format!("{SET}/00000000-0000-4000-8000-000000000001") }),
            write("4", "PATCH", &format!("{SET}/00000000-0000-4000-8000-000000000001"), &json!({})),
        ])
        .await;
    assert_eq!(answers[0]["status"], 201);
    assert_eq!(answers[0]["body"]["groupTag"], "");
    let message = string(&answers[1]["body"]["error"]["message"]);
    assert!(message.contains("\"_version\": 3,\r\n"), "{message}");
    let url = format!("Url: http://127.0.0.1:8080/beta{SET}/0000");
    assert!(message.contains(&url), "{message}");
    assert_eq!(
        (&answers[2]["status"], &answers[2]["body"]),
        (&json!(200), &Value::Null)
    );
    assert_eq!(
        answers[3]["body"]["error"]["code"],
        "No method match route template"
    );

    let bare = json!({ "requests": [{ "id": "1", "method": "POST", "url": SET }] });
    let answer = house.post(BATCH, &bare).await;
    assert!(
        text(&answer)
            .contains("Write request id : 1 does not contain Content-Type header or body.")
    );
}

#[tokio::test]
async fn bodies_arrive_whatever_the_batchs_charset_and_line_ends() {
    let house = House::new();
    let body = format!(
        "{{\r\n\"requests\": [\r\n{{\r\n\"id\": \"1\",\r\n\"method\": \"POST\",\r\n\"url\": \"{SET}\",\r\n\
         \"headers\": {{ \"Content-Type\": \"application/json; charset=iso-8859-1\" }},\r\n\
         \"body\": {{ \"serialNumber\": \"Gr\u{f6}\u{df}e\\r\\n\" }}\r\n}}\r\n]\r\n}}\r\n"
    );
    let latin: Vec<u8> = body
        .chars()
        .map(|character| u8::try_from(character).unwrap())
        .collect();
    let utf_16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (charset, bytes) in [
        ("iso-8859-1", latin),
        ("utf-16le", utf_16),
        ("utf-8", body.into_bytes()),
    ] {
        let ask = house.ask(Method::POST, BATCH).bytes(bytes);
        let content_type = format!("application/json; charset={charset}");
        let answers = responses(&ask.header("content-type", &content_type).send().await);
        assert_eq!(answers[0]["body"]["serialNumber"], "Größe\r\n", "{charset}");
    }
    // Base64 of JSON is JSON; its own charset counts.
    let part = json!({
        "id": 7, "method": "post", "url": SET, "body": "eyJzZXJpYWxOdW1iZXIiOiLkIn0=",
        "headers": { "Content-Type": "application/json;charset=iso-8859-1" },
    });
    let answers = house.batch(&[part]).await;
    assert_eq!(answers[0]["body"]["serialNumber"], "ä");
    assert_eq!(answers[0]["id"], "7", "a number as id is answered as text");
}

#[tokio::test]
async fn a_list_in_a_part_has_its_links() {
    let house = House::new();
    house
        .batch(&[create("1", "a"), create("2", "b"), create("3", "c")])
        .await;
    let answers = house.batch(&[get("1", &format!("{SET}?$top=2"))]).await;
    let body = &answers[0]["body"];
    assert_eq!(body["value"].as_array().unwrap().len(), 2);
    let link = string(&body["@odata.nextLink"]);
    // An absolute link of ours can be followed in a batch, too.
    let answers = house.batch(&[get("1", &link)]).await;
    assert_eq!(
        answers[0]["body"]["value"].as_array().unwrap().len(),
        1,
        "{}",
        told(&answers[0])
    );
    let answer = house.get(&link["http://127.0.0.1:8080".len()..]).await;
    assert_eq!(answer.status, 200, "{}", error(&answer));
}

#[tokio::test]
async fn large_answers_are_whole() {
    let house = House::new();
    let rows: Vec<_> = (0..300).map(crate::harness::device).collect();
    let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    house.post(&format!("/beta{SET}/import"), &body).await;
    let list = house.get(&format!("/beta{SET}")).await;
    assert!(list.body.len() > 1 << 20);
    let answers = house
        .batch(&[
            get("1", SET),
            get("2", &format!("{SET}/$count")),
            get("3", SET),
        ])
        .await;
    assert_eq!(answers[0]["body"], list.json());
    assert_eq!(answers[1]["body"], "300");
    assert_eq!(answers[2]["body"], list.json());
}
