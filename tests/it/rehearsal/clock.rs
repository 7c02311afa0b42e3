//! The clock of a rehearsal: Autopilot's rules follow it, in no time.

use std::time::{Duration, Instant};

use hangar::{
    http::layers::throttle::{Limits, RetryAfter},
    testing::{Rehearsing, TestOptions},
};
use http::Method;
use serde_json::json;

use crate::harness::{DEVICES, House, PROFILES, SETTINGS, all_devices, device};

#[tokio::test]
async fn half_an_hour_of_autopilot_takes_no_time() {
    let house = House::rehearsing();
    let began = Instant::now();
    let sync = format!("{SETTINGS}/sync");
    let post = async || house.ask(Method::POST, &sync).send().await.status.as_u16();
    let advance = async |by: &str| house.direct("clock/advance", &json!({ "by": by })).await;

    let import = house.accept(&house.contoso, &device(1)).await;
    house.api.settle().await;
    assert_eq!(post().await, 204);
    advance("5s").await.unwrap();
    assert_eq!(post().await, 429);
    advance("10m").await.unwrap();
    assert_eq!(post().await, 204);
    let state = house.state(&house.contoso, &import).await;
    assert_eq!(state["deviceImportStatus"], "complete", "{state}");
    advance("20m").await.unwrap();
    assert_eq!(post().await, 204);
    // An hour after it was given, a token is none.
    advance("1h").await.unwrap();
    assert_eq!(post().await, 401);
    let token = house.api.user_token("contoso", "administrator");
    let ask = house.ask(Method::POST, &sync).token(&token);
    assert_eq!(ask.send().await.status, 204);
    assert!(began.elapsed() < Duration::from_secs(5), "it waits");
}

#[tokio::test]
async fn profiles_are_assigned_and_throttled_callers_let_in_by_the_clock() {
    let limits = Limits {
        app_requests: 100,
        tenant_requests: 100,
        app_writes: 4,
        tenant_writes: 4,
    };
    let house = House::with(TestOptions {
        rehearsing: Rehearsing::Yes,
        throttle: Some((limits, RetryAfter::Sent)),
        ..TestOptions::default()
    });
    let advance = async |by: &str| {
        let by = json!({ "by": by });
        house.direct("clock/advance", &by).await.unwrap();
    };
    let (_, device) = house.register(&house.contoso, 1).await;
    let profile = house.make_profile(&house.contoso, "one").await;
    let assignments = format!("{PROFILES}/{profile}/assignments");
    let assigned = house.post(&assignments, &all_devices()).await;
    assert_eq!(assigned.status, 201);
    let status = async || {
        let shown = house.get(&format!("{DEVICES}/{device}")).await.json();
        shown["deploymentProfileAssignmentStatus"].clone()
    };
    assert_eq!(status().await, "pending");
    advance("2s").await;
    assert_eq!(status().await, "assignedInSync");

    let sync = format!("{SETTINGS}/sync");
    let post = async || house.ask(Method::POST, &sync).send().await.status.as_u16();
    assert_eq!(post().await, 204);
    assert_eq!(post().await, 429, "four writes are enough");
    advance("20s").await;
    let again = house.post(&assignments, &json!({})).await;
    assert_eq!(again.status, 400, "it is looked at again");
}

#[tokio::test]
async fn the_clock_is_shown_and_moved() {
    let house = House::rehearsing();
    let shown = house.look("clock").await.unwrap();
    let expected = json!({
        "now": "2026-01-01T00:00:00Z",
        "offset_seconds": 0.0,
        "rate": 1.0,
        "frozen": false,
    });
    assert_eq!(shown, expected);
    let to = json!({ "to": "2026-01-02T00:00:00Z" });
    let moved = house.direct("clock/set", &to).await.unwrap();
    assert_eq!(moved["offset_seconds"], 86400.0);
    let frozen = house.direct("clock/freeze", &json!({})).await.unwrap();
    assert_eq!(frozen["frozen"], true);
    let run = json!({ "rate": 60 });
    let running = house.direct("clock/run", &run).await.unwrap();
    assert_eq!(running["rate"], 60.0);
    let reset = house.direct("clock/reset", &json!({})).await.unwrap();
    assert_eq!(reset, expected);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let house = House::rehearsing();
    let before = house.look("clock").await.unwrap();
    for (path, body, told) in [
        (
            "advance",
            json!({ "by": "-1s" }),
            "400 by: the clock shows 2026-01-01T00:00:00Z and never goes back",
        ),
        ("advance", json!({ "by": 5 }), "400 by: invalid type"),
        ("advance", json!({ "by": "5 apples" }), "400 by: "),
        (
            "advance",
            json!({ "by": "2000000h" }),
            "400 by: the clock goes no farther",
        ),
        (
            "advance",
            json!({ "by": "1m", "more": 1 }),
            "400 more: unknown field",
        ),
        ("advance", json!({}), "400 -: missing field `by`"),
        ("advance", json!([]), "400 -: "),
        ("advance", json!(null), "400 -: "),
        ("set", json!({ "to": "tomorrow" }), "400 to: "),
        (
            "set",
            json!({ "to": "2025-01-01T00:00:00Z" }),
            "400 to: the clock shows",
        ),
        (
            "run",
            json!({ "rate": -1 }),
            "400 rate: the clock runs at a rate from 0",
        ),
        ("run", json!({ "rate": "fast" }), "400 rate: invalid type"),
        ("freeze", json!({ "rate": 1 }), "400 rate: unknown field"),
        ("reset", json!("now"), "400 -: "),
    ] {
        let refused = house
            .direct(&format!("clock/{path}"), &body)
            .await
            .unwrap_err();
        assert!(refused.starts_with(told), "{path} {body}: {refused}");
    }
    assert_eq!(house.look("clock").await.unwrap(), before);
    let wrong = house
        .api
        .direct(Method::PUT, "/rehearsal/clock", None)
        .await;
    assert_eq!(wrong.status, 400, "{:?}", wrong.body);
}
