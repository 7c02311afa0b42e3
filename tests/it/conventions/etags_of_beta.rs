//! Entity tags of what beta alone has: profiles, uploads and the settings.

use hangar::testing::TestAnswer;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{House, PROFILES, SETTINGS, UPLOADS, all_devices, error, id_of, text};

const NOBODYS: &str = "W/\"AAAAAAAAAAAAAAAAAAAAAA\"";

/// The paths of a profile, an upload with an import that waits, and the settings.
async fn entities(house: &House) -> [String; 3] {
    let profile = house.make_profile(&house.contoso, "one").await;
    let upload = make_upload(house).await;
    [
        format!("{PROFILES}/{profile}"),
        format!("{UPLOADS}/{upload}"),
        SETTINGS.to_owned(),
    ]
}

async fn make_upload(house: &House) -> String {
    let imports = json!({ "deviceIdentities": [{ "serialNumber": "S" }] });
    id_of(&house.post(UPLOADS, &imports).await)
}

fn tag_of(answer: &TestAnswer) -> String {
    answer.header("etag").expect("an ETag").to_owned()
}

/// Asks under a condition. A PATCH says what may change nothing, or a profile's description.
async fn ask(
    house: &House,
    method: Method,
    path: &str,
    condition: (&'static str, &str),
) -> TestAnswer {
    let ask = house
        .ask(method.clone(), path)
        .header(condition.0, condition.1);
    let body: Value = if path.starts_with(PROFILES) {
        json!({ "description": condition.1 })
    } else {
        json!({})
    };
    if method == Method::PATCH {
        ask.json(&body).send().await
    } else {
        ask.send().await
    }
}

#[tokio::test]
async fn each_shows_its_etag() {
    let house = House::new();
    for path in entities(&house).await {
        let tag = tag_of(&house.get(&path).await);
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
        let set = path.rsplit_once('/').unwrap().0;
        for level in ["none", "minimal", "full"] {
            let accept = format!("application/json;odata.metadata={level}");
            let get = async |path: &str| {
                let ask = house.ask(Method::GET, path).header("accept", &accept);
                ask.send().await
            };
            let one = get(&path).await;
            assert_eq!(one.header("etag"), Some(tag.as_str()), "{level}");
            let expected = (level == "full").then(|| json!(tag));
            assert_eq!(one.json().get("@odata.etag"), expected.as_ref());
            if path != SETTINGS {
                let list = get(set).await;
                assert_eq!(list.header("etag"), None);
                let row = &list.json()["value"][0];
                assert_eq!(row.get("@odata.etag"), expected.as_ref());
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let house = House::new();
    for path in entities(&house).await {
        let tag = tag_of(&house.get(&path).await);
        let strong = tag.trim_start_matches("W/");
        for value in [&tag, strong, "*"] {
            let answer = ask(&house, Method::GET, &path, ("if-none-match", value)).await;
            assert_eq!(
                (answer.status.as_u16(), text(&answer)),
                (304, String::new())
            );
            assert_eq!(tag_of(&answer), tag);
        }
        for (condition, status) in [
            (("if-none-match", NOBODYS), 200),
            (("if-match", &*tag), 200),
            (("if-match", "*"), 200),
            (("if-match", NOBODYS), 412),
            (("if-match", "x"), 400),
        ] {
            let answer = ask(&house, Method::GET, &path, condition).await;
            assert_eq!(answer.status, status, "{path} {condition:?}");
        }
    }
}

#[tokio::test]
async fn a_write_happens_only_to_what_its_client_has_seen() {
    let house = House::new();
    for path in entities(&house).await {
        let before = house.get(&path).await;
        let tag = tag_of(&before);
        let strong = tag.trim_start_matches("W/");
        for method in [Method::PATCH, Method::DELETE] {
            if path == SETTINGS && method == Method::DELETE {
                continue;
            }
            for condition in [
                ("if-match", NOBODYS),
                ("if-match", strong),
                ("if-none-match", "*"),
                ("if-none-match", &*tag),
            ] {
                let answer = ask(&house, method.clone(), &path, condition).await;
                let told = error(&answer);
                assert!(
                    told.starts_with("412 ConditionNotMet: Resource '") && !told.contains("''"),
                    "{method} {path} {condition:?} {told}"
                );
            }
            let answer = ask(&house, method, &path, ("if-match", "W/x")).await;
            assert_eq!(answer.status, 400);
        }
        assert_eq!(text(&house.get(&path).await), text(&before));
        let changed = ask(&house, Method::PATCH, &path, ("if-match", &tag)).await;
        assert_eq!(changed.status, 200, "{}", text(&changed));
        let tag = tag_of(&house.get(&path).await);
        assert_eq!(tag_of(&changed), tag);
        let ask = house
            .ask(Method::PATCH, &path)
            .header("prefer", "return=minimal");
        let minimal = ask.header("if-match", &tag).json(&json!({})).send().await;
        if path == SETTINGS {
            assert_eq!(minimal.status, 200);
            continue;
        }
        assert_eq!((minimal.status.as_u16(), tag_of(&minimal)), (204, tag));
        let tag = tag_of(&house.get(&path).await);
        let delete = async || {
            let ask = house.ask(Method::DELETE, &path).header("if-match", &tag);
            ask.send().await.status
        };
        assert_eq!(delete().await, 204);
        assert_eq!(delete().await, 404);
    }
}

#[tokio::test]
async fn what_happens_to_an_entity_makes_another_etag() {
    let house = House::new();
    let [profile, upload, _] = entities(&house).await;
    let tag = async |path: &str| tag_of(&house.get(path).await);

    // A profile's assignments are no part of it, but of what is shown with them.
    let expanded = format!("{profile}?$expand=assignments");
    let before = [tag(&profile).await, tag(&expanded).await];
    let assignments = format!("{profile}/assignments");
    assert_eq!(house.post(&assignments, &all_devices()).await.status, 201);
    assert_eq!(tag(&profile).await, before[0]);
    assert_ne!(tag(&expanded).await, before[1]);
    let change = house
        .ask(Method::PATCH, &profile)
        .header("if-match", &before[1]);
    let changed = change.json(&json!({ "description": "x" })).send().await;
    assert_eq!(changed.status, 200);
    assert_ne!(tag(&profile).await, before[0]);

    // An upload is where its imports are.
    let expanded = format!("{upload}?$expand=deviceIdentities");
    let before = [tag(&upload).await, tag(&expanded).await];
    house.api.settle().await;
    assert_ne!(tag(&upload).await, before[0]);
    assert_ne!(tag(&expanded).await, before[1]);
    let stale = ask(&house, Method::DELETE, &upload, ("if-match", &before[0])).await;
    assert_eq!(stale.status, 412);

    // The settings are shown by the clock, and written to by syncs.
    let before = house.get(SETTINGS).await;
    let seen = tag_of(&before);
    let sync = house.post(&format!("{SETTINGS}/sync"), &json!({})).await;
    assert_eq!(sync.status, 204);
    let running = tag(SETTINGS).await;
    assert_ne!(running, seen);
    let stale = ask(&house, Method::PATCH, SETTINGS, ("if-match", &seen)).await;
    assert_eq!(stale.status, 412);
    house.api.clock.advance(SignedDuration::from_secs(5));
    let complete = ask(&house, Method::GET, SETTINGS, ("if-none-match", &running)).await;
    assert_eq!(complete.status, 200, "it is complete now");
    let held = ask(&house, Method::PATCH, SETTINGS, ("if-match", &running)).await;
    assert_eq!(held.status, 200, "nobody wrote");
}

#[tokio::test]
async fn what_is_no_entity_has_no_etag() {
    let house = House::new();
    let [profile, upload, _] = entities(&house).await;
    for (method, path) in [
        (Method::GET, PROFILES.to_owned()),
        (Method::POST, format!("{profile}/assign")),
        (Method::GET, format!("{profile}/assignments")),
        (Method::GET, format!("{profile}/assignedDevices")),
        (Method::GET, UPLOADS.to_owned()),
        (Method::GET, format!("{upload}/deviceIdentities")),
        (Method::POST, format!("{SETTINGS}/sync")),
    ] {
        let answer = ask(&house, method, &path, ("if-match", "*")).await;
        assert_eq!(
            error(&answer),
            "400 BadRequest: The header 'If-Match' is not supported here: only single entities have ETags.",
            "{path}"
        );
    }
}

#[tokio::test]
async fn of_two_writers_with_one_etag_one_wins() {
    let house = House::new();
    let [profile, ..] = entities(&house).await;
    let tag = tag_of(&house.get(&profile).await);
    let write = async |name: &str| {
        let ask = house.ask(Method::PATCH, &profile).header("if-match", &tag);
        let ask = ask.json(&json!({ "description": name }));
        ask.send().await.status.as_u16()
    };
    let (one, other) = tokio::join!(write("one"), write("other"));
    let mut statuses = [one, other];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
