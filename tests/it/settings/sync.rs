//! POST of `sync`, by the clock.

use hangar::domain::clock::Clock as _;
use http::Method;
use jiff::SignedDuration;

use crate::harness::{House, SETTINGS, error, text};

fn sync() -> String {
    format!("{SETTINGS}/sync")
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_sync_runs_for_a_while_and_another_waits_for_its_turn() {
    for house in [House::new(), House::observed()] {
        let post = async || house.ask(Method::POST, &sync()).send().await;
        let status = async || {
            let body = house.get(SETTINGS).await.json();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            [
                text("syncStatus"),
                text("lastManualSyncTriggerDateTime"),
                text("lastSyncDateTime"),
            ]
        };
        house
            .api
            .clock
            .advance(SignedDuration::from_nanos(1_234_567_891));
        let started = post().await;
        assert_eq!(started.status, 204, "{}", text(&started));
        assert_eq!(text(&started), "");
        let begun = "2026-01-01T00:00:01.2345670Z";
        assert_eq!(
            status().await,
            ["inProgress", begun, "0001-01-01T00:00:00Z"]
        );
        house.api.clock.advance(seconds(4));
        assert_eq!(post().await.status, 409);
        house.api.clock.advance(seconds(1));
        let done = "2026-01-01T00:00:06.2345670Z";
        assert_eq!(status().await, ["completed", begun, done]);

        let soon = post().await;
        assert_eq!(soon.status, 429);
        // What is left of the ten minutes, rounded up.
        assert_eq!(soon.header("retry-after"), Some("595"));
        house.api.clock.advance(seconds(594));
        assert_eq!(post().await.status, 429);
        house.api.clock.advance(seconds(1));
        assert_eq!(post().await.status, 204);
        assert_eq!(status().await[2], done, "the last one that is complete");

        // Another tenant has its own turn.
        let ask = house.ask(Method::POST, &sync()).token(&house.fabrikam);
        assert_eq!(ask.send().await.status, 204);
    }
}

#[tokio::test]
async fn refusals_say_why() {
    let house = House::new();
    let post = async || error(&house.ask(Method::POST, &sync()).send().await);
    house.ask(Method::POST, &sync()).send().await;
    assert_eq!(post().await, "409 Conflict: A sync is in progress already.");
    house.api.clock.advance(seconds(5));
    assert_eq!(post().await, "429 TooManyRequests: Too many requests.");
}

#[tokio::test]
async fn a_body_may_be_empty_or_an_empty_object() {
    let house = House::new();
    let mut tries = 0;
    for (path, body) in [
        (sync(), "{}"),
        (format!("{SETTINGS}/microsoft.graph.sync"), ""),
        (sync().to_uppercase(), "{\"@odata.type\":\"x\"}"),
    ] {
        let path = path.replace("/BETA/", "/beta/");
        let answer = house.ask(Method::POST, &path).bytes(body).send().await;
        assert_eq!(answer.status, 204, "{path}: {}", text(&answer));
        house.api.clock.advance(SignedDuration::from_mins(10));
        tries += 1;
    }
    assert_eq!(tries, 3);
    let before = house.get(SETTINGS).await;
    for body in ["[]", "null", "{", "{\"a\":1}", "7"] {
        let answer = house.ask(Method::POST, &sync()).bytes(body).send().await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let untyped = house.ask(Method::POST, &sync()).bytes("{}");
    let answer = untyped.header("content-type", "text/plain").send().await;
    assert_eq!(answer.status, 400);
    let answer = house
        .ask(Method::POST, &format!("{}?$top=1", sync()))
        .send()
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(text(&house.get(SETTINGS).await), text(&before));
    assert!(house.api.clock.now().as_second() > 0);
}
