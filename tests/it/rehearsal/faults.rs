//! Faults: what is done to requests and to imports, when, and how often.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, House, IMPORTS, SETTINGS, UPLOADS, device, error, id_of, ids_of, import_of, text, told,
};
use hangar::testing::{Rehearsing, TestAnswer, TestOptions};
use hardware_hash::Builder;

/// Which rule is behind an answer.
fn explained(answer: &TestAnswer) -> &str {
    answer.header("x-hangar-explain").unwrap_or("-")
}

/// An import of a device of this serial number.
fn serial(number: &str) -> Value {
    let builder = Builder::new(7).serial_number(number);
    let mut body = import_of(&builder);
    body["serialNumber"] = number.into();
    body
}

async fn count(house: &House, path: &str) -> String {
    text(&house.get(&format!("{path}/$count")).await)
}

#[tokio::test]
async fn an_answer_is_given_instead_of_doing_the_request() {
    let house = House::rehearsing();
    let fault = json!({
        "name": "full",
        "when": { "method": "post", "path": "*/importedWindowsAutopilotDeviceIdentities" },
        "then": { "answer": { "status": 503, "message": "Full.", "retry_after": "1500ms" } },
    });
    let made = house.direct("faults", &fault).await.unwrap();
    assert_eq!(made["name"], "full");
    assert_eq!((&made["matched"], &made["fired"]), (&json!(0), &json!(0)));

    let answer = house.post(IMPORTS, &device(1)).await;
    assert_eq!(error(&answer), "503 ServiceUnavailable: Full.");
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(explained(&answer), "fault full");
    let inner = &answer.json()["error"]["innerError"];
    assert_eq!(inner["request-id"], *answer.header("request-id").unwrap());
    assert_eq!(inner["date"], "2026-01-01T00:00:00");
    assert_eq!(count(&house, IMPORTS).await, "0", "nothing is done");
    // The path's other spellings are the same path; other paths and methods are not.
    let spelled = IMPORTS.replace("imported", "IMPORTED") + "/";
    assert_eq!(house.post(&spelled, &device(1)).await.status, 503);
    assert_eq!(house.get(IMPORTS).await.status, 200);
    let several = json!({ "importedWindowsAutopilotDeviceIdentities": [device(2)] });
    let answer = house.post(&format!("{IMPORTS}/import"), &several).await;
    assert_eq!((answer.status.as_u16(), explained(&answer)), (200, "-"));

    let listed = house.look("faults").await.unwrap();
    assert_eq!(listed["faults"][0]["fired"], 2);
    let answer = &listed["faults"][0]["then"]["answer"];
    let expected = json!({ "status": 503, "message": "Full.", "retry_after": "1s 500ms" });
    assert_eq!(*answer, expected);
    assert_eq!(house.undirect("faults/full").await.unwrap()["deleted"], 1);
    assert_eq!(house.post(IMPORTS, &device(1)).await.status, 201);
    let gone = house.undirect("faults/full").await.unwrap_err();
    assert_eq!(gone, "404 -: there is no fault 'full'");
}

#[tokio::test]
async fn errors_are_spelled_as_the_server_does_or_as_the_rule_wants() {
    let nested = |answer: &TestAnswer| -> Value {
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        serde_json::from_str(&message).unwrap_or_default()
    };
    let rule = |behavior: Value| {
        let answer = json!({ "status": 429, "behavior": behavior });
        json!({ "then": { "answer": answer } })
    };
    let observed = House::with(TestOptions {
        behavior: hangar::graph::behavior::Behavior::Observed,
        rehearsing: Rehearsing::Yes,
        ..TestOptions::default()
    });
    for (house, behavior, is_nested) in [
        (&House::rehearsing(), json!(null), false),
        (&House::rehearsing(), json!("observed"), true),
        (&observed, json!(null), true),
        (&observed, json!("documented"), false),
    ] {
        house.undirect("faults").await.unwrap();
        house.direct("faults", &rule(behavior)).await.unwrap();
        let answer = house.get(IMPORTS).await;
        assert_eq!(answer.json()["error"]["code"], "TooManyRequests");
        assert_eq!(answer.header("retry-after"), None);
        let document = nested(&answer);
        assert_eq!(document["_version"] == 3, is_nested, "{}", text(&answer));
        assert_eq!(document["RetryAfter"], json!(null));
    }
}

#[tokio::test]
async fn a_gateways_page_is_no_error_of_graphs() {
    let house = House::rehearsing();
    let answer = json!({ "status": 502, "body": "<html>no</html>", "retry_after": "0s" });
    let fault = json!({ "when": { "times": 1 }, "then": { "answer": answer } });
    let made = house.direct("faults", &fault).await.unwrap();
    assert_eq!(made["name"], "fault-1");
    let answer = house.get(IMPORTS).await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer).as_str()),
        (502, "<html>no</html>")
    );
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("retry-after"), Some("0"));
    assert_eq!(house.get(IMPORTS).await.status, 200, "once is once");
}

#[tokio::test]
async fn conditions_are_met_together() {
    let house = House::rehearsing();
    let rule = |when: Value| json!({ "when": when, "then": { "answer": { "status": 500 } } });
    let several = |rows: Value| json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    let action = format!("{IMPORTS}/import");
    let only_fabrikam = rule(json!({ "tenant": "fabrikam" }));
    house.direct("faults", &only_fabrikam).await.unwrap();
    assert_eq!(house.get(IMPORTS).await.status, 200);
    let ask = house.ask(Method::GET, IMPORTS).token(&house.fabrikam);
    assert_eq!(ask.send().await.status, 500);

    house.undirect("faults").await.unwrap();
    let lab = rule(json!({ "serial": "LAB-*" }));
    house.direct("faults", &lab).await.unwrap();
    let hash_only = import_of(&Builder::new(9).serial_number("lab-9"));
    let other_row =
        json!({ "serialNumber": "DESK-1", "hardwareIdentifier": hash_only["hardwareIdentifier"] });
    for (path, body, status) in [
        (IMPORTS, serial("LAB-1"), 500),
        (IMPORTS, serial("DESK-1"), 201),
        // Where a row says nothing, its hash does; where it does, the row counts.
        (IMPORTS, hash_only.clone(), 500),
        (IMPORTS, other_row, 201),
        (
            &action,
            several(json!([serial("DESK-2"), serial("LAB-2")])),
            500,
        ),
        (
            UPLOADS,
            json!({ "deviceIdentities": [serial("LAB-3")] }),
            500,
        ),
        (
            &format!("{DEVICES}/deleteDevices"),
            json!({ "serialNumbers": ["LAB-4"] }),
            500,
        ),
    ] {
        let answer = house.post(path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", text(&answer));
    }
}

#[tokio::test]
async fn matches_are_counted_and_the_first_rule_that_fires_counts() {
    let statuses = async |house: &House, requests: usize| {
        let mut statuses = Vec::new();
        for _ in 0..requests {
            statuses.push(house.get(IMPORTS).await.status.as_u16());
        }
        statuses
    };
    let rule = |when: Value, status: u16| json!({ "when": when, "then": { "answer": { "status": status } } });
    for (when, expected) in [
        (json!({ "nth": 2 }), [200, 500, 200, 200]),
        (json!({ "from_nth": 3 }), [200, 200, 500, 500]),
        (json!({ "times": 2 }), [500, 500, 200, 200]),
        (json!({ "from_nth": 2, "times": 1 }), [200, 500, 200, 200]),
        (json!({ "probability": 1 }), [500, 500, 500, 500]),
    ] {
        let house = House::rehearsing();
        house.direct("faults", &rule(when, 500)).await.unwrap();
        assert_eq!(statuses(&house, 4).await, expected);
    }
    let house = House::rehearsing();
    house
        .direct("faults", &rule(json!({ "nth": 2 }), 500))
        .await
        .unwrap();
    house
        .direct("faults", &rule(json!({ "from_nth": 2 }), 501))
        .await
        .unwrap();
    // The second rule is not asked where the first has fired.
    assert_eq!(statuses(&house, 4).await, [200, 500, 501, 501]);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_run() {
    let run = async |seed: u64| {
        let house = House::rehearsing();
        let when = json!({ "probability": 0.5, "seed": seed });
        let fault =
            json!({ "name": "half", "when": when, "then": { "answer": { "status": 500 } } });
        house.direct("faults", &fault).await.unwrap();
        let mut run = Vec::new();
        for _ in 0..32 {
            run.push(house.get(IMPORTS).await.status == 500);
        }
        run
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    assert!(first.contains(&true) && first.contains(&false));
}

#[tokio::test]
async fn who_waits_waits_by_the_machines_clock() {
    let house = House::rehearsing();
    house.direct("clock/freeze", &json!({})).await.unwrap();
    let fault = json!({ "then": { "wait": "30ms", "answer": { "status": 504 } } });
    house.direct("faults", &fault).await.unwrap();
    let began = Instant::now();
    let answer = house.get(IMPORTS).await;
    assert_eq!(answer.status, 504);
    assert!(began.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn devices_are_throttled_by_their_number() {
    let house = House::rehearsing();
    let throttle = json!({ "from_device": 4, "per": "1m", "retry_after": "20s" });
    let fault = json!({ "name": "four", "then": { "throttle": throttle } });
    house.direct("faults", &fault).await.unwrap();
    let several = |seeds: std::ops::Range<u64>| {
        let rows: Vec<_> = seeds.map(device).collect();
        json!({ "importedWindowsAutopilotDeviceIdentities": rows })
    };
    let action = format!("{IMPORTS}/import");
    assert_eq!(house.post(&action, &several(1..3)).await.status, 200);
    // Two more would be the fourth too: the call is refused whole, and counts nothing.
    let refused = house.post(&action, &several(3..5)).await;
    assert_eq!(error(&refused), "429 TooManyRequests: Too many requests.");
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert_eq!(explained(&refused), "fault four");
    assert_eq!(house.post(IMPORTS, &device(3)).await.status, 201);
    assert_eq!(house.post(IMPORTS, &device(4)).await.status, 429);
    assert_eq!(
        house.get(IMPORTS).await.status,
        200,
        "who reads brings none"
    );
    house
        .direct("clock/advance", &json!({ "by": "1m" }))
        .await
        .unwrap();
    assert_eq!(house.post(IMPORTS, &device(4)).await.status, 201);
}

#[tokio::test]
async fn imports_are_refused_with_any_of_the_directorys_errors() {
    for (error, expected) in [
        (json!(808), "error 808 ZtdDeviceAssignedToOtherTenant"),
        (json!("640"), "error 640 StorageError"),
        (json!("ztdDeviceNotFound"), "error 812 ZtdDeviceNotFound"),
    ] {
        let house = House::rehearsing();
        let fault = json!({ "name": "no", "when": { "nth": 2 }, "then": { "refuse": error } });
        house.direct("faults", &fault).await.unwrap();
        assert_eq!(
            house.outcome(&house.contoso, &device(1)).await,
            "complete 0 None +device"
        );
        let import = house.accept(&house.contoso, &device(2)).await;
        house.api.settle().await;
        let answer = house.get(&format!("{IMPORTS}/{import}")).await;
        assert_eq!(told(&answer.json()["state"]), expected);
        assert_eq!(explained(&answer), "fault no");
        assert_eq!(
            house.outcome(&house.contoso, &device(3)).await,
            "complete 0 None +device"
        );
        assert_eq!(count(&house, DEVICES).await, "2");
    }
}

#[tokio::test]
async fn an_import_is_held_until_its_rule_goes() {
    let house = House::rehearsing();
    let fault = json!({ "name": "stuck", "when": { "serial": "LAB-*" }, "then": { "hold": true } });
    house.direct("faults", &fault).await.unwrap();
    let held = house.accept(&house.contoso, &serial("LAB-1")).await;
    let free = house.accept(&house.contoso, &device(2)).await;
    house.api.settle().await;
    house
        .direct("clock/advance", &json!({ "by": "5000h" }))
        .await
        .unwrap();
    house.api.settle().await;
    let token = house.api.user_token("contoso", "administrator");
    assert_eq!(
        told(&house.state(&token, &free).await),
        "complete 0 None +device"
    );
    let ask = house
        .ask(Method::GET, &format!("{IMPORTS}/{held}"))
        .token(&token);
    let answer = ask.send().await;
    assert_eq!(told(&answer.json()["state"]), "unknown 0 ");
    assert_eq!(explained(&answer), "fault stuck");
    house
        .api
        .run_beside(async {
            house.undirect("faults/stuck").await.unwrap();
            until(async || told(&house.state(&token, &held).await) == "complete 0 None +device")
                .await;
        })
        .await;
}

/// Asks again and again, and gives others their turn between, until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never is");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_device_is_not_found_before_its_time() {
    let house = House::rehearsing();
    let (_, visible) = house.register(&house.contoso, 1).await;
    let fault = json!({ "name": "late", "then": { "unseen": "2m" } });
    house.direct("faults", &fault).await.unwrap();
    let (import, hidden) = house.register(&house.contoso, 2).await;
    let state = house.state(&house.contoso, &import).await;
    assert_eq!(told(&state), "complete 0 None +device");
    let one = format!("{DEVICES}/{hidden}");
    let ids = async || {
        let mut ids = ids_of(&house.get(DEVICES).await);
        ids.sort();
        ids
    };

    let answer = house.get(&one).await;
    assert_eq!(answer.status, 404, "{}", text(&answer));
    assert_eq!(answer.json()["error"]["code"], "ResourceNotFound");
    assert_eq!(explained(&answer), "fault late");
    let patched = house.patch(&one, &json!({ "groupTag": "x" })).await;
    assert_eq!(patched.status, 404);
    assert_eq!(house.delete(&one).await.status, 404);
    assert_eq!(ids().await, [visible.as_str()]);
    assert_eq!(count(&house, DEVICES).await, "1");
    let counted = house
        .get(&format!(
            "{DEVICES}?$count=true&$top=1&$orderby=serialNumber"
        ))
        .await;
    assert_eq!(
        (&counted.json()["@odata.count"], ids_of(&counted).len()),
        (&json!(1), 1)
    );
    assert!(counted.json()["@odata.nextLink"].is_null());
    let filtered = house
        .get(&format!("{DEVICES}/$count?$filter=id%20eq%20'{hidden}'"))
        .await;
    assert_eq!(
        (text(&filtered).as_str(), explained(&filtered)),
        ("0", "fault late")
    );
    // Its hardware is taken all the same.
    house.undirect("faults").await.unwrap();
    let again = house.direct("faults", &fault).await;
    again.unwrap();
    let again = house.outcome(&house.contoso, &device(2)).await;
    assert_eq!(again, "error 806 ZtdDeviceAlreadyAssigned");
    let (_, third) = house.register(&house.contoso, 3).await;
    let third = format!("{DEVICES}/{third}");
    house
        .direct("clock/advance", &json!({ "by": "119s" }))
        .await
        .unwrap();
    assert_eq!(house.get(&third).await.status, 404);
    house
        .direct("clock/advance", &json!({ "by": "1s" }))
        .await
        .unwrap();
    assert_eq!(house.get(&third).await.status, 200);
    assert_eq!(ids().await.len(), 3);
}

#[tokio::test]
async fn a_batchs_parts_meet_the_rules_each_for_itself() {
    let house = House::rehearsing();
    let rule = |name: &str, when: Value| json!({ "name": name, "when": when, "then": { "answer": { "status": 500 } } });
    house
        .direct("faults", &rule("second", json!({ "nth": 2 })))
        .await
        .unwrap();
    let part = |id: u64| json!({ "id": id.to_string(), "method": "GET", "url": IMPORTS.trim_start_matches("/beta") });
    let batch = json!({ "requests": [part(1), part(2), part(3)] });
    let answer = house.post("/beta/$batch", &batch).await;
    assert_eq!((answer.status.as_u16(), explained(&answer)), (200, "-"));
    let parts = answer.json();
    let statuses: Vec<_> = (0..3)
        .map(|part| parts["responses"][part]["status"].clone())
        .collect();
    assert_eq!(statuses, [200, 500, 200]);
    let headers = &parts["responses"][1]["headers"];
    assert_eq!(headers["X-Hangar-Explain"], "fault second", "{headers}");
    house.undirect("faults").await.unwrap();
    let whole = rule("whole", json!({ "path": "*/$batch" }));
    house.direct("faults", &whole).await.unwrap();
    assert_eq!(house.post("/beta/$batch", &batch).await.status, 500);
}

#[tokio::test]
async fn a_reset_leaves_nothing_behind() {
    let house = House::rehearsing();
    house
        .direct("faults", &json!({ "then": { "unseen": "1h" } }))
        .await
        .unwrap();
    house
        .direct(
            "delays",
            &json!({ "never": true, "when": { "serial": "LAB-*" } }),
        )
        .await
        .unwrap();
    let (_, device) = house.register(&house.contoso, 1).await;
    assert_eq!(house.get(&format!("{DEVICES}/{device}")).await.status, 404);
    house.api.rehearsal.as_ref().unwrap().rules.reset();
    assert_eq!(house.look("faults").await.unwrap(), json!({ "faults": [] }));
    assert_eq!(house.look("delays").await.unwrap(), json!({ "delays": [] }));
    assert_eq!(house.get(&format!("{DEVICES}/{device}")).await.status, 200);
    assert_eq!(house.get(SETTINGS).await.status, 200);
    let again = house.post(IMPORTS, &crate::harness::device(1)).await;
    assert_eq!(again.status, 201, "{}", id_of(&again));
}
