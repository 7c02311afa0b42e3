//! What a rehearsal remembers of requests, and what it says of them.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DEVICES, House, IMPORTS, SETTINGS, device, text};

/// The kinds of what could be done better, with how often.
async fn found(house: &House) -> Vec<(String, u64)> {
    let report = house.look("report").await.unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            let kind = finding["kind"].as_str().unwrap().to_owned();
            (kind, finding["count"].as_u64().unwrap())
        })
        .collect()
}

fn tagged(seed: u64, tag: &str) -> Value {
    let mut body = device(seed);
    body["groupTag"] = json!(tag);
    body["serialNumber"] = json!(format!("SERIAL-{seed}"));
    body
}

#[tokio::test]
async fn requests_are_remembered_without_secrets() {
    let house = House::rehearsing();
    let body = tagged(1, "Kiosk");
    let hash = body["hardwareIdentifier"].as_str().unwrap();
    house.accept(&house.contoso, &body).await;
    house.get(&format!("{IMPORTS}?$top=1")).await;
    let ask = house.ask(Method::GET, IMPORTS).anonymous();
    assert_eq!(ask.send().await.status, 401);

    let answer = house.look("requests").await.unwrap();
    let whole = answer.to_string();
    for secret in [hash, house.contoso.as_str()] {
        assert!(!whole.contains(secret));
    }
    let requests = answer["requests"].as_array().unwrap();
    let told: Vec<_> = requests
        .iter()
        .map(|one| format!("{} {} {}", one["number"], one["method"], one["status"]))
        .collect();
    assert_eq!(told, ["1 \"POST\" 201", "2 \"GET\" 200", "3 \"GET\" 401"]);
    assert_eq!(requests[0]["group_tags"], json!(["Kiosk"]));
    assert_eq!(requests[0]["serial_numbers"], json!(["SERIAL-1"]));
    assert_eq!(requests[1]["query"], "$top=1");

    for (query, count) in [
        ("method=post", 1),
        ("status=401", 1),
        ("group_tag=Kiosk", 1),
        ("group_tag=kiosk", 0),
        ("serial_number=SERIAL-1&method=GET", 0),
        ("path=IMPORTEDWINDOWS", 3),
        ("after=1", 2),
        ("limit=2", 2),
    ] {
        let found = house.look(&format!("requests?{query}")).await.unwrap();
        assert_eq!(
            found["requests"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    for query in ["state=1", "limit=many", "status=70000"] {
        let name = query.split('=').next().unwrap();
        let refused = house.look(&format!("requests?{query}")).await.unwrap_err();
        assert!(refused.starts_with(&format!("400 {name}: ")), "{refused}");
    }
    let forget = house
        .api
        .direct(Method::DELETE, "/rehearsal/requests", None);
    assert_eq!(forget.await.status, 200);
    let nothing = house.look("requests").await.unwrap();
    assert_eq!(nothing, json!({"requests": [], "forgotten": 0}));
}

#[tokio::test]
async fn what_should_hold_is_held_to_the_record() {
    let house = House::rehearsing();
    for seed in 1..=3 {
        house.accept(&house.contoso, &tagged(seed, "Kiosk")).await;
    }
    let holds = async |assertion: Value| {
        let outcome = house.direct("requests/assert", &assertion).await.unwrap();
        (outcome["holds"] == true, outcome["why"].to_string())
    };
    let of = json!({"method": "POST", "group_tag": "Kiosk"});
    for (count, expected) in [
        (json!({"exactly": 3}), true),
        (json!({"exactly": 2}), false),
        (json!({"at_least": 3}), true),
        (json!({"at_least": 4}), false),
        (json!({"at_least": 1, "at_most": 3}), true),
        (json!({"at_most": 2}), false),
    ] {
        let mut assertion = count.clone();
        assertion["requests"] = of.clone();
        let (found, why) = holds(assertion).await;
        assert_eq!(found, expected, "{count}: {why}");
    }
    let (_, why) = holds(json!({"requests": of, "exactly": 2})).await;
    assert_eq!(why, "[\"3 such requests were made, not exactly 2\"]");

    for (assertion, told) in [
        (json!({}), "400 -: say what should hold"),
        (json!({"requests": {}}), "400 requests: say how many"),
        (
            json!({"exactly": 1}),
            "400 requests: `exactly` stands alone",
        ),
        (
            json!({"requests": {}, "exactly": 1, "at_most": 2}),
            "400 exactly: exactly leaves no room",
        ),
        (
            json!({"requests": {}, "at_least": 3, "at_most": 2}),
            "400 at_least: no number",
        ),
        (
            json!({"requests": {"tag": "x"}, "exactly": 1}),
            "400 requests.tag: unknown field",
        ),
        (
            json!({"requests": {"status": -1}, "exactly": 1}),
            "400 requests.status: invalid value",
        ),
        (
            json!({"retry_after_honoured": false}),
            "400 retry_after_honoured: that callers",
        ),
    ] {
        let refused = house
            .direct("requests/assert", &assertion)
            .await
            .unwrap_err();
        assert!(refused.starts_with(told), "{assertion}: {refused}");
    }
}

#[tokio::test]
async fn who_does_not_wait_is_found() {
    let house = House::rehearsing();
    let sync = format!("{SETTINGS}/sync");
    let post = async || house.ask(Method::POST, &sync).send().await.status.as_u16();
    let waited = json!({"retry_after_honoured": true});
    assert_eq!(post().await, 204);
    let advance = async |by: &str| {
        house
            .direct("clock/advance", &json!({"by": by}))
            .await
            .unwrap()
    };
    advance("5s").await;
    assert_eq!(post().await, 429);
    let outcome = house.direct("requests/assert", &waited).await.unwrap();
    assert_eq!(outcome["holds"], true, "{outcome}");
    advance("30s").await;
    assert_eq!(post().await, 429);
    let outcome = house.direct("requests/assert", &waited).await.unwrap();
    assert_eq!(
        outcome["why"].to_string(),
        "[\"request 3 came 30 s after request 2 was answered 429 with Retry-After 595\"]"
    );
    advance("10m").await;
    assert_eq!(post().await, 204);
    assert_eq!(found(&house).await, [("retry-after-ignored".to_owned(), 1)]);
}

#[tokio::test]
async fn the_report_says_what_could_be_done_better() {
    let house = House::rehearsing();
    assert_eq!(found(&house).await, []);
    // Nine creates are nine; ten would have been a batch.
    for seed in 1..=9 {
        house.accept(&house.contoso, &device(seed)).await;
    }
    assert_eq!(found(&house).await, []);
    house.accept(&house.contoso, &device(10)).await;
    assert_eq!(found(&house).await, [("single-creates".to_owned(), 10)]);

    // A page is left unread, then read.
    let list = house.get(&format!("{IMPORTS}?$top=5")).await;
    let unread = ("unread-pages".to_owned(), 1);
    assert_eq!(found(&house).await.last(), Some(&unread));
    let next = list.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    let path = next.strip_prefix("http://127.0.0.1:8080").unwrap();
    assert_eq!(house.get(path).await.status, 200);
    assert_eq!(found(&house).await.len(), 1);

    // Six polls at once are too many, six in six seconds are not.
    for _ in 0..6 {
        house.get(DEVICES).await;
        house
            .direct("clock/advance", &json!({"by": "1s"}))
            .await
            .unwrap();
    }
    assert_eq!(found(&house).await.len(), 1);
    for _ in 0..6 {
        house.get(DEVICES).await;
    }
    let polls = ("fast-polling".to_owned(), 6);
    assert_eq!(found(&house).await.last(), Some(&polls));
}

#[tokio::test]
async fn a_token_that_may_more_than_it_needs_is_found() {
    let house = House::rehearsing();
    let contoso = Uuid::parse_str("aaaaaaaa-0000-4000-8000-00000000000a").unwrap();
    let ask = async |scopes: &str, method: Method, path: &str| {
        let token = house.user_token(contoso, scopes);
        let ask = house.ask(method, path).token(&token).bytes("{}");
        ask.send().await.status.as_u16()
    };
    let read = "DeviceManagementServiceConfig.Read.All";
    let write = "DeviceManagementServiceConfig.ReadWrite.All";
    assert_eq!(
        ask(&format!("{read} openid"), Method::GET, DEVICES).await,
        200
    );
    assert_eq!(found(&house).await, []);
    assert_eq!(ask(write, Method::GET, DEVICES).await, 200);
    let report = house.look("report").await.unwrap();
    assert_eq!(
        report["findings"][0]["advice"],
        format!("{read} is enough for what was asked; {write} was never needed.")
    );
    let sync = format!("{SETTINGS}/sync");
    assert_eq!(ask(write, Method::POST, &sync).await, 204);
    assert_eq!(found(&house).await, []);
}

#[tokio::test]
async fn an_answer_says_which_rule_is_behind_it() {
    let house = House::rehearsing();
    let (_, device_id) = house.register(&house.contoso, 1).await;
    let explained = async |answer: hangar::testing::TestAnswer| {
        let header = answer.header("x-hangar-explain").unwrap_or("-").to_owned();
        let id = answer.header("request-id").unwrap();
        let told = house.look(&format!("explain/{id}")).await.unwrap();
        let expected = if header == "-" {
            "nothing was refused"
        } else {
            &header
        };
        assert_eq!(told["explanation"], expected);
        header
    };
    let read = house.get(&format!("{DEVICES}/{device_id}")).await;
    assert_eq!(explained(read).await, "-");
    let wrong = house.get(&format!("{DEVICES}?$filter=nope%20eq%201")).await;
    assert!(explained(wrong).await.starts_with("validation: "));
    let lost = house.get("/beta/deviceManagement/nothing").await;
    assert!(
        explained(lost)
            .await
            .starts_with("route: Resource not found")
    );
    let absent = house.get(&format!("{DEVICES}/{}", Uuid::nil())).await;
    assert!(explained(absent).await.starts_with("absence: "));
    let nobody = house.ask(Method::GET, DEVICES).anonymous().send().await;
    assert!(explained(nobody).await.starts_with("authentication: "));
    let reader = house.api.user_token("contoso", "reader");
    let ask = house.ask(Method::DELETE, &format!("{DEVICES}/{device_id}"));
    let refused = ask.token(&reader).send().await;
    assert!(explained(refused).await.starts_with("permission: "));

    let import = house.accept(&house.fabrikam, &device(1)).await;
    house.api.settle().await;
    let path = format!("{IMPORTS}/{import}");
    let refused = house
        .ask(Method::GET, &path)
        .token(&house.fabrikam)
        .send()
        .await;
    assert_eq!(
        explained(refused).await,
        "registration: 808 ZtdDeviceAssignedToOtherTenant: the hardware is another tenant's"
    );
    for (id, told) in [
        ("x", "400 request-id: a request-id is a GUID"),
        (
            "aaaaaaaa-0000-4000-8000-00000000000a",
            "404 request-id: no such request",
        ),
    ] {
        let said = house.look(&format!("explain/{id}")).await.unwrap_err();
        assert!(said.starts_with(told), "{said}");
    }
    // Without a rehearsal nothing is explained.
    let plain = House::new();
    let absent = plain.get(&format!("{DEVICES}/{}", Uuid::nil())).await;
    assert_eq!(absent.header("x-hangar-explain"), None, "{}", text(&absent));
}

#[tokio::test]
async fn the_parts_of_a_batch_are_remembered_each() {
    let house = House::rehearsing();
    let body = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/deviceManagement/windowsAutopilotDeviceIdentities"},
        {"id": "2", "method": "GET", "url": "/deviceManagement/nothing"},
    ]});
    assert_eq!(house.post("/beta/$batch", &body).await.status, 200);
    let answer = house.look("requests").await.unwrap();
    let requests = answer["requests"].as_array().unwrap();
    // The parts are done together; the batch ends last.
    let mut statuses: Vec<_> = requests.iter().map(|one| one["status"].as_u64()).collect();
    statuses[..2].sort_unstable();
    assert_eq!(statuses, [Some(200), Some(400), Some(200)]);
    assert_eq!(requests[0]["batch"], requests[2]["request_id"]);
    assert_eq!(requests[2]["batch"], Value::Null);
}
