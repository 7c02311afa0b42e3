//! Delays: how long imports wait, by the rehearsal's clock or by polls.

use hardware_hash::Builder;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{House, IMPORTS, device, import_of, told};

const COMPLETE: &str = "complete 0 None +device";
const UNKNOWN: &str = "unknown 0 ";

async fn advance(house: &House, by: &str) {
    house
        .direct("clock/advance", &json!({ "by": by }))
        .await
        .unwrap();
    house.api.settle().await;
}

/// The state of an import, asked for with a token that holds now.
async fn state(house: &House, import: &str) -> String {
    let token = house.api.user_token("contoso", "administrator");
    told(&house.state(&token, import).await)
}

fn of_serial(seed: u64, serial: &str) -> Value {
    import_of(&Builder::new(seed).serial_number(serial))
}

#[tokio::test]
async fn a_fixed_delay_is_by_tenant_and_by_serial_number() {
    let house = House::rehearsing();
    for delay in [
        json!({ "name": "lab", "when": { "serial": "LAB-*" }, "fixed": "30m" }),
        json!({ "name": "contoso", "when": { "tenant": "contoso" }, "fixed": "15m" }),
    ] {
        house.direct("delays", &delay).await.unwrap();
    }
    let lab = house.accept(&house.contoso, &of_serial(1, "LAB-1")).await;
    let other = house.accept(&house.contoso, &device(2)).await;
    let elsewhere = house.accept(&house.fabrikam, &device(3)).await;
    house.api.settle().await;
    let found = house.state(&house.fabrikam, &elsewhere).await;
    assert_eq!(told(&found), COMPLETE);
    let path = format!("{IMPORTS}/{other}");
    let answer = house.get(&path).await;
    assert_eq!(told(&answer.json()["state"]), UNKNOWN);
    assert_eq!(answer.header("x-hangar-explain"), Some("delay contoso"));
    advance(&house, "14m59s").await;
    assert_eq!(state(&house, &other).await, UNKNOWN);
    advance(&house, "1s").await;
    assert_eq!(state(&house, &other).await, COMPLETE);
    assert_eq!(state(&house, &lab).await, UNKNOWN);
    advance(&house, "15m").await;
    assert_eq!(state(&house, &lab).await, COMPLETE);
}

#[tokio::test]
async fn a_range_gives_each_device_its_time_and_the_same_in_every_run() {
    let run = async |seed: u64| {
        let house = House::rehearsing();
        let range = json!({ "from": "5m", "to": "15m", "seed": seed });
        let delay = json!({ "name": "slow", "range": range });
        house.direct("delays", &delay).await.unwrap();
        let mut imports = Vec::new();
        for number in 1..=12 {
            imports.push(house.accept(&house.contoso, &device(number)).await);
        }
        house.api.settle().await;
        advance(&house, "4m59s").await;
        let mut minutes = vec![0; imports.len()];
        for minute in 5..=16 {
            for (place, import) in imports.iter().enumerate() {
                if minutes[place] == 0 && state(&house, import).await == COMPLETE {
                    minutes[place] = minute;
                }
            }
            advance(&house, if minute == 5 { "1m1s" } else { "1m" }).await;
        }
        minutes
    };
    let first = run(1).await;
    assert!(
        first.iter().all(|minute| (6..=15).contains(minute)),
        "{first:?}"
    );
    assert!(first.iter().any(|minute| *minute != first[0]), "{first:?}");
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}

#[tokio::test]
async fn the_poll_after_the_last_shows_the_outcome() {
    let house = House::rehearsing();
    let delay = json!({ "name": "patience", "after_polls": 3 });
    house.direct("delays", &delay).await.unwrap();
    let refused = json!({ "when": { "serial": "BAD-*" }, "then": { "refuse": 806 } });
    house.direct("faults", &refused).await.unwrap();
    house
        .api
        .run_beside(async {
            for (body, outcome) in [
                (device(1), COMPLETE),
                (of_serial(2, "BAD-2"), "error 806 ZtdDeviceAlreadyAssigned"),
            ] {
                let import = house.accept(&house.contoso, &body).await;
                let other = house.accept(&house.contoso, &of_serial(99, "BAD-99")).await;
                for _ in 0..3 {
                    assert_eq!(state(&house, &import).await, UNKNOWN);
                }
                // Nobody sleeps here: the poll itself waits until it is decided.
                assert_eq!(state(&house, &import).await, outcome);
                assert_eq!(state(&house, &import).await, outcome);
                assert_eq!(state(&house, &other).await, UNKNOWN, "each for itself");
            }
        })
        .await;
    // Who asks for what is not there does not wait for long, and not twice.
    let nothing = format!("{IMPORTS}/00000000-0000-4000-8000-000000000001");
    for _ in 0..6 {
        assert_eq!(house.get(&nothing).await.status, 404);
    }
}

#[tokio::test]
async fn polls_are_the_tenants_own() {
    let house = House::rehearsing();
    house
        .direct("delays", &json!({ "after_polls": 1 }))
        .await
        .unwrap();
    house
        .api
        .run_beside(async {
            let import = house.accept(&house.contoso, &device(1)).await;
            let path = format!("{IMPORTS}/{import}");
            for _ in 0..3 {
                let ask = house.ask(Method::GET, &path).token(&house.fabrikam);
                assert_eq!(ask.send().await.status, 404);
            }
            assert_eq!(state(&house, &import).await, UNKNOWN);
            let reader = house.api.user_token("contoso", "reader");
            let ask = house.ask(Method::GET, &path).token(&reader);
            assert_eq!(told(&ask.send().await.json()["state"]), COMPLETE);
        })
        .await;
}

#[tokio::test]
async fn never_is_until_the_delay_goes() {
    let house = House::rehearsing();
    let delay = json!({ "name": "never", "never": true });
    house.direct("delays", &delay).await.unwrap();
    let listed = house.look("delays").await.unwrap();
    assert_eq!(listed["delays"][0]["never"], true);
    let import = house.accept(&house.contoso, &device(1)).await;
    house.api.settle().await;
    advance(&house, "90000h").await;
    assert_eq!(state(&house, &import).await, UNKNOWN);
    house
        .api
        .run_beside(async {
            let deleted = house.undirect("delays/never").await.unwrap();
            assert_eq!(deleted["deleted"], 1);
            while state(&house, &import).await != COMPLETE {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let gone = house.undirect("delays/never").await.unwrap_err();
    assert_eq!(gone, "404 -: there is no delay 'never'");
}

#[tokio::test]
async fn a_withdrawn_import_is_not_decided_later() {
    let house = House::rehearsing();
    house
        .direct("delays", &json!({ "fixed": "1h" }))
        .await
        .unwrap();
    let import = house.accept(&house.contoso, &device(1)).await;
    house.api.settle().await;
    assert_eq!(
        house.delete(&format!("{IMPORTS}/{import}")).await.status,
        204
    );
    advance(&house, "2h").await;
    let token = house.api.user_token("contoso", "administrator");
    let ask = house
        .ask(Method::GET, crate::harness::DEVICES)
        .token(&token);
    assert_eq!(ask.send().await.json()["value"], json!([]));
}
