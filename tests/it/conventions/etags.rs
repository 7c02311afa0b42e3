//! Entity tags: where they are shown, and what `If-Match` and `If-None-Match` do.

use http::Method;
use serde_json::json;

use crate::harness::{DEVICES, House, IMPORTS, VERSIONS, error, text};

const NOBODYS: &str = "W/\"AAAAAAAAAAAAAAAAAAAAAA\"";

/// The paths of an import that waits, one that is decided, and its device.
async fn entities(house: &House) -> [String; 3] {
    let (import, device) = house.register(&house.contoso, 1).await;
    let waiting = house
        .accept(&house.contoso, &json!({ "serialNumber": "S" }))
        .await;
    [
        format!("{IMPORTS}/{waiting}"),
        format!("{IMPORTS}/{import}"),
        format!("{DEVICES}/{device}"),
    ]
}

async fn etag(house: &House, path: &str) -> String {
    let answer = house.get(path).await;
    answer.header("etag").expect("an ETag").to_owned()
}

#[tokio::test]
async fn one_entity_shows_its_etag_and_full_metadata_every_one() {
    let house = House::new();
    for path in entities(&house).await {
        let set = path.rsplit_once('/').unwrap().0.to_owned();
        let tag = etag(&house, &path).await;
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
        for version in VERSIONS {
            for level in ["none", "minimal", "full"] {
                let accept = format!("application/json;odata.metadata={level}");
                let get = async |path: &str| {
                    let ask = house.ask(Method::GET, &path.replace("beta", version));
                    ask.header("accept", &accept).send().await
                };
                let one = get(&path).await;
                assert_eq!(one.header("etag"), Some(tag.as_str()), "{version} {level}");
                let list = get(&set).await;
                assert_eq!(list.header("etag"), None);
                let body = list.json();
                let mut rows = body["value"].as_array().unwrap().iter();
                let row = rows.find(|row| row["id"] == one.json()["id"]).unwrap();
                for shown in [row, &one.json()] {
                    let expected = (level == "full").then(|| json!(tag));
                    assert_eq!(shown.get("@odata.etag"), expected.as_ref());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_write_answers_the_etag_that_the_next_read_has() {
    let house = House::new();
    let mut seen = Vec::new();
    let created = house.post(IMPORTS, &json!({ "serialNumber": "S" })).await;
    let path = format!("{IMPORTS}/{}", created.json()["id"].as_str().unwrap());
    seen.push(created.header("etag").unwrap().to_owned());
    assert_eq!(etag(&house, &path).await, seen[0]);
    for tag in ["T", "T", "U"] {
        let changed = house.patch(&path, &json!({ "groupTag": tag })).await;
        seen.push(changed.header("etag").unwrap().to_owned());
        assert_eq!(etag(&house, &path).await, *seen.last().unwrap());
    }
    house.api.settle().await;
    seen.push(etag(&house, &path).await);
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "every state has its own");

    let (_, device) = house.register(&house.contoso, 1).await;
    let path = format!("{DEVICES}/{device}");
    let mut before = etag(&house, &path).await;
    for action in ["unassignUserFromDevice", "allowNextEnrollment"] {
        house.post(&format!("{path}/{action}"), &json!({})).await;
        let after = etag(&house, &path).await;
        assert_ne!(after, before);
        before = after;
    }
    // An id that is free again and taken again is not what it was.
    let id = "985b4f49-4f49-985b-494f-5b98494f5b98";
    let mut anew = Vec::new();
    for _ in 0..2 {
        let created = house.post(IMPORTS, &json!({ "id": id })).await;
        anew.push(created.header("etag").unwrap().to_owned());
        house.delete(&format!("{IMPORTS}/{id}")).await;
    }
    assert_ne!(anew[0], anew[1]);
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let house = House::new();
    for path in entities(&house).await {
        let tag = etag(&house, &path).await;
        let strong = tag.trim_start_matches("W/").to_owned();
        let get = async |name: &'static str, value: &str| {
            let ask = house.ask(Method::GET, &path);
            ask.header(name, value).send().await
        };
        for value in [
            &tag,
            &strong,
            "*",
            &format!("\"x\", {tag}"),
            &format!("{NOBODYS},{strong}"),
        ] {
            let answer = get("if-none-match", value).await;
            assert_eq!(
                (answer.status.as_u16(), text(&answer)),
                (304, String::new()),
                "{value}"
            );
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(answer.header("content-type"), None);
        }
        for value in ["\"x\"", NOBODYS, "W/\"\""] {
            assert_eq!(get("if-none-match", value).await.status, 200, "{value}");
        }
        assert_eq!(get("if-match", &tag).await.status, 200);
        assert_eq!(get("if-match", "*").await.status, 200);
        let answer = get("if-match", NOBODYS).await;
        let told = error(&answer);
        assert!(
            told.starts_with("412 ConditionNotMet: Resource '"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_write_happens_only_to_what_its_client_has_seen() {
    let house = House::new();
    for path in entities(&house).await {
        let ask = async |method: Method, name: &'static str, value: &str| {
            let ask = house.ask(method.clone(), &path).header(name, value);
            let ask = if method == Method::PATCH {
                ask.json(&json!({ "groupTag": value.len().to_string() }))
            } else {
                ask
            };
            ask.send().await
        };
        let before = house.get(&path).await;
        let tag = before.header("etag").unwrap().to_owned();
        let strong = tag.trim_start_matches("W/").to_owned();
        for method in [Method::PATCH, Method::DELETE] {
            for (name, value) in [
                ("if-match", NOBODYS),
                ("if-match", "\"x\""),
                // The strong tag of the same text was never given out.
                ("if-match", &*strong),
                ("if-none-match", "*"),
                ("if-none-match", &*tag),
                ("if-none-match", &*strong),
            ] {
                let answer = ask(method.clone(), name, value).await;
                let told = error(&answer);
                assert!(
                    told.starts_with("412 ConditionNotMet: Resource '"),
                    "{method} {name} {value}: {told}"
                );
            }
        }
        assert_eq!(text(&house.get(&path).await), text(&before));
        let list = format!("\"x\", {tag}");
        assert_eq!(ask(Method::PATCH, "if-match", &list).await.status, 200);
        assert_eq!(ask(Method::PATCH, "if-match", &tag).await.status, 412);
        assert_eq!(ask(Method::PATCH, "if-match", "*").await.status, 200);
        let stale = ask(Method::PATCH, "if-none-match", &tag).await;
        assert_eq!(stale.status, 200);
        let tag = etag(&house, &path).await;
        assert_eq!(ask(Method::DELETE, "if-match", &tag).await.status, 204);
        // What is not there is not in another state: it is not there.
        assert_eq!(ask(Method::DELETE, "if-match", &tag).await.status, 404);
        assert_eq!(ask(Method::PATCH, "if-match", &tag).await.status, 404);
    }
}

#[tokio::test]
async fn an_action_depends_on_its_condition_too() {
    let house = House::new();
    let [_, _, path] = entities(&house).await;
    let tag = etag(&house, &path).await;
    for action in [
        "assignUserToDevice",
        "unassignUserFromDevice",
        "updateDeviceProperties",
        "assignResourceAccountToDevice",
        "unassignResourceAccountFromDevice",
        "allowNextEnrollment",
    ] {
        let body = match action {
            "assignUserToDevice" => json!({ "userPrincipalName": "a@b" }),
            "assignResourceAccountToDevice" => {
                json!({ "userPrincipalName": "a@b", "resourceAccountName": "r" })
            }
            _ => json!({}),
        };
        let call = async |tag: &str| {
            let ask = house.ask(Method::POST, &format!("{path}/{action}"));
            ask.header("if-match", tag).json(&body).send().await.status
        };
        assert_eq!(call(NOBODYS).await, 412, "{action}");
        let current = etag(&house, &path).await;
        assert_eq!(call(&current).await, 204, "{action}");
        assert_eq!(call(&current).await, 412, "{action}");
    }
    assert_ne!(etag(&house, &path).await, tag);
}

#[tokio::test]
async fn a_condition_that_is_none_is_refused() {
    let house = House::new();
    let [import, _, device] = entities(&house).await;
    for path in [&import, &device] {
        let before = house.get(path).await;
        for header in ["if-match", "if-none-match"] {
            let spelled = match header {
                "if-match" => "If-Match",
                _ => "If-None-Match",
            };
            for value in [
                "",
                "x",
                "\"",
                "W/x",
                "w/\"x\"",
                "\"a\" \"b\"",
                "*, \"a\"",
                "\"a b\"",
            ] {
                for method in [Method::GET, Method::PATCH, Method::DELETE] {
                    let ask = house.ask(method, path).json(&json!({ "groupTag": "T" }));
                    let answer = ask.header(header, value).send().await;
                    assert_eq!(
                        error(&answer),
                        format!(
                            "400 BadRequest: The header '{spelled}' is neither '*' nor a list of ETags as they were given out, such as W/\"…\"."
                        ),
                        "{value}"
                    );
                }
            }
        }
        assert_eq!(text(&house.get(path).await), text(&before));
    }
    // A collection has no ETag, and nothing is silently ignored.
    for (method, path) in [
        (Method::GET, IMPORTS.to_owned()),
        (Method::POST, IMPORTS.to_owned()),
        (Method::POST, format!("{IMPORTS}/import")),
        (Method::GET, DEVICES.to_owned()),
        (Method::POST, DEVICES.to_owned()),
        (Method::GET, format!("{DEVICES}/$count")),
        (Method::POST, format!("{DEVICES}/deleteDevices")),
    ] {
        let ask = house.ask(method, &path).header("if-match", "*");
        assert_eq!(
            error(&ask.json(&json!({})).send().await),
            "400 BadRequest: The header 'If-Match' is not supported here: only single entities have ETags.",
            "{path}"
        );
    }
}

#[tokio::test]
async fn of_two_writers_with_one_etag_one_wins() {
    let house = House::new();
    for path in entities(&house).await {
        let tag = etag(&house, &path).await;
        let write = async |name: &str| {
            let ask = house.ask(Method::PATCH, &path).header("if-match", &tag);
            ask.json(&json!({ "groupTag": name })).send().await.status
        };
        let (one, other) = tokio::join!(write("one"), write("other"));
        let mut statuses = [one.as_u16(), other.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}
