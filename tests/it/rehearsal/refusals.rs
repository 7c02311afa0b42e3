//! Rules that make no sense are refused by their field, and leave nothing behind.

use serde_json::{Value, json};

use crate::harness::House;

/// A fault of these conditions that answers 500.
fn when(when: Value) -> Value {
    let then = json!({ "answer": { "status": 500 } });
    Value::from_iter([("when", when), ("then", then)])
}

fn then(then: Value) -> Value {
    Value::from_iter([("then", then)])
}

fn answer(answer: Value) -> Value {
    then(Value::from_iter([("answer", answer)]))
}

/// Checks that each of these is refused for its reason, and that only so many faults stand then.
async fn assert_refused(
    house: &House,
    faults: impl IntoIterator<Item = (Value, &str)>,
    stand: usize,
) {
    for (fault, why) in faults {
        let told = house.direct("faults", &fault).await.unwrap_err();
        assert!(told.starts_with(&format!("400 {why}")), "{fault}: {told}");
    }
    let faults = house.look("faults").await.unwrap();
    assert_eq!(faults["faults"].as_array().unwrap().len(), stand);
}

#[tokio::test]
async fn a_fault_has_a_name_of_its_own_and_no_other_members() {
    let house = House::rehearsing();
    let taken = json!({ "name": "taken", "then": { "hold": true } });
    house.direct("faults", &taken).await.unwrap();
    let faults = [
        (json!([]), "-: "),
        (json!({}), "-: missing field `then`"),
        (json!({ "then": {}, "more": 1 }), "more: unknown field"),
        (
            json!({ "name": "taken", "then": { "hold": true } }),
            "name: there is a fault of the name 'taken' already",
        ),
        (
            json!({ "name": "", "then": { "hold": true } }),
            "name: a name is 1 to 64",
        ),
        (
            json!({ "name": "a b", "then": { "hold": true } }),
            "name: a name is 1 to 64",
        ),
        (
            json!({ "name": "x".repeat(65), "then": { "hold": true } }),
            "name: a name is 1 to 64",
        ),
    ];
    assert_refused(&house, faults, 1).await;
}

#[tokio::test]
async fn conditions_that_make_no_sense_are_refused_by_their_field() {
    let house = House::rehearsing();
    let long = "x".repeat(257);
    let faults = [
        (
            when(json!({ "method": "PUT" })),
            "when.method: 'PUT' is none of GET",
        ),
        (when(json!({ "method": 5 })), "when.method: invalid type"),
        (when(json!({ "path": "" })), "when.path: an empty pattern"),
        (
            when(json!({ "path": "beta" })),
            "when.path: a path begins with / or *",
        ),
        (
            when(json!({ "path": "/beta?x" })),
            "when.path: a path holds no query",
        ),
        (
            when(json!({ "path": "/beta/" })),
            "when.path: paths are compared without the slash",
        ),
        (
            when(json!({ "path": format!("/{long}") })),
            "when.path: a pattern has at most",
        ),
        (
            when(json!({ "tenant": "nobody" })),
            "when.tenant: 'nobody' is neither",
        ),
        (
            when(json!({ "serial": "" })),
            "when.serial: an empty pattern",
        ),
        (
            when(json!({ "serial": " A" })),
            "when.serial: no serial number begins",
        ),
        (
            when(json!({ "method": "GET", "serial": "A" })),
            "when.serial: a request of that method has no body",
        ),
        (when(json!({ "nth": 0 })), "when.nth: it is counted from 1"),
        (when(json!({ "nth": -1 })), "when.nth: invalid value"),
        (
            when(json!({ "from_nth": 0 })),
            "when.from_nth: it is counted from 1",
        ),
        (
            when(json!({ "times": 0 })),
            "when.times: it is counted from 1",
        ),
        (
            when(json!({ "nth": 1, "from_nth": 2 })),
            "when.from_nth: it contradicts nth",
        ),
        (
            when(json!({ "nth": 1, "times": 2 })),
            "when.times: it contradicts nth",
        ),
        (
            when(json!({ "probability": 1.5 })),
            "when.probability: it is above 0",
        ),
        (
            when(json!({ "probability": 0 })),
            "when.probability: it is above 0",
        ),
        (
            when(json!({ "probability": -0.1 })),
            "when.probability: it is above 0",
        ),
        (
            when(json!({ "seed": 1 })),
            "when.seed: there is nothing to draw",
        ),
    ];
    assert_refused(&house, faults, 0).await;
}

#[tokio::test]
async fn answers_that_make_no_sense_are_refused_by_their_field() {
    let house = House::rehearsing();
    let large = "x".repeat(65_537);
    let faults = [
        (answer(json!({})), "then.answer: missing field `status`"),
        (
            answer(json!({ "status": 99 })),
            "then.answer.status: a status is from 200",
        ),
        (
            answer(json!({ "status": 600 })),
            "then.answer.status: a status is from 200",
        ),
        (
            answer(json!({ "status": 200, "code": "X" })),
            "then.answer.code: it contradicts the status",
        ),
        (
            answer(json!({ "status": 204, "message": "X" })),
            "then.answer.message: it contradicts the status",
        ),
        (
            answer(json!({ "status": 204, "body": "X" })),
            "then.answer.body: an answer of 204 No Content has none",
        ),
        (
            answer(json!({ "status": 500, "body": "X", "code": "X" })),
            "then.answer.code: it contradicts body",
        ),
        (
            answer(json!({ "status": 500, "body": large })),
            "then.answer.body: it has at most",
        ),
        (
            answer(json!({ "status": 500, "message": "x".repeat(1025) })),
            "then.answer.message: it has at most",
        ),
        (
            answer(json!({ "status": 500, "content_type": "text/plain" })),
            "then.answer.content_type: there is no body",
        ),
        (
            answer(json!({ "status": 500, "body": "x", "content_type": "a\nb" })),
            "then.answer.content_type: it does not fit",
        ),
        (
            answer(json!({ "status": 500, "behavior": "odd" })),
            "then.answer.behavior: unknown variant",
        ),
        (
            answer(json!({ "status": 503, "retry_after": "-1s" })),
            "then.answer.retry_after: it is from 0s",
        ),
        (
            answer(json!({ "status": 503, "retry_after": 5 })),
            "then.answer.retry_after: invalid type",
        ),
    ];
    assert_refused(&house, faults, 0).await;
}

#[tokio::test]
async fn effects_that_contradict_each_other_are_refused_by_their_field() {
    let house = House::rehearsing();
    let faults = [
        (
            then(json!({ "explode": true })),
            "then.explode: unknown field",
        ),
        (then(json!({})), "then: there is no effect"),
        (
            then(json!({ "wait": "1h" })),
            "then.wait: it is above 0s and at most 5m",
        ),
        (
            then(json!({ "wait": "0s" })),
            "then.wait: it is above 0s and at most 5m",
        ),
        (then(json!({ "wait": "forever" })), "then.wait: "),
        (
            then(json!({ "break": "sometimes" })),
            "then.break: unknown variant",
        ),
        (
            then(json!({ "break": "after", "answer": { "status": 500 } })),
            "then.break: it contradicts answer",
        ),
        (
            then(json!({ "break": "before", "answer": { "status": 500 } })),
            "then.break: it contradicts answer",
        ),
        (
            then(json!({ "throttle": { "from_device": 1 }, "answer": { "status": 500 } })),
            "then.throttle: it contradicts answer",
        ),
        (
            then(json!({ "throttle": { "from_device": 1 }, "break": "after" })),
            "then.break: it contradicts throttle",
        ),
        (
            then(json!({ "throttle": { "from_device": 0 } })),
            "then.throttle.from_device: devices are counted",
        ),
        (
            then(json!({ "throttle": { "from_device": 1, "per": "0s" } })),
            "then.throttle.per: it is above 0s",
        ),
        (
            then(json!({ "refuse": 808, "answer": { "status": 200 } })),
            "then.refuse: it contradicts answer",
        ),
        (
            then(json!({ "refuse": 808, "hold": true })),
            "then.hold: it contradicts refuse",
        ),
        (
            then(json!({ "hold": true, "unseen": "1m" })),
            "then.unseen: it contradicts hold",
        ),
        (
            then(json!({ "wait": "1s", "unseen": "1m" })),
            "then.unseen: it contradicts wait",
        ),
        (
            then(json!({ "refuse": 809 })),
            "then.refuse: it is none of the directory's errors: 640 StorageError",
        ),
        (then(json!({ "refuse": 0 })), "then.refuse: it is none"),
        (
            then(json!({ "refuse": "Nonsense" })),
            "then.refuse: it is none",
        ),
        (then(json!({ "refuse": [808] })), "then.refuse: it is none"),
        (then(json!({ "hold": false })), "then.hold: to hold nothing"),
        (
            then(json!({ "unseen": "0s" })),
            "then.unseen: it is above 0s",
        ),
        (
            json!({ "when": { "method": "POST" }, "then": { "hold": true } }),
            "when.method: the effect is on imports",
        ),
        (
            json!({ "when": { "path": "*" }, "then": { "refuse": 806 } }),
            "when.path: the effect is on imports",
        ),
    ];
    assert_refused(&house, faults, 0).await;
}

#[tokio::test]
async fn delays_that_make_no_sense_are_refused_by_their_field() {
    let house = House::rehearsing();
    for (delay, why) in [
        (json!({}), "-: how long is missing"),
        (json!({ "fixed": "1m", "more": 1 }), "more: unknown field"),
        (
            json!({ "fixed": "1m", "never": true }),
            "never: it contradicts fixed",
        ),
        (json!({ "fixed": "-1m" }), "fixed: a delay is from 0s"),
        (json!({ "fixed": "100000h" }), "fixed: a delay is from 0s"),
        (json!({ "fixed": 60 }), "fixed: invalid type"),
        (
            json!({ "range": { "from": "5m" } }),
            "range: missing field `to`",
        ),
        (
            json!({ "range": { "from": "5m", "to": "4m" } }),
            "range.to: it is shorter than from",
        ),
        (json!({ "after_polls": 0 }), "after_polls: polls are from 1"),
        (
            json!({ "after_polls": 1_000_001 }),
            "after_polls: polls are from 1",
        ),
        (json!({ "never": false }), "never: to wait not for ever"),
        (
            json!({ "fixed": "1m", "when": { "path": "*" } }),
            "when.path: unknown field",
        ),
        (
            json!({ "fixed": "1m", "when": { "tenant": "x" } }),
            "when.tenant: 'x' is neither",
        ),
        (
            json!({ "fixed": "1m", "when": { "serial": "" } }),
            "when.serial: an empty pattern",
        ),
        (
            json!({ "fixed": "1m", "name": "/" }),
            "name: a name is 1 to 64",
        ),
    ] {
        let told = house.direct("delays", &delay).await.unwrap_err();
        assert!(told.starts_with(&format!("400 {why}")), "{delay}: {told}");
    }
    assert_eq!(house.look("delays").await.unwrap(), json!({ "delays": [] }));
}

#[tokio::test]
async fn there_are_only_so_many() {
    let house = House::rehearsing();
    for _ in 0..100 {
        house
            .direct("delays", &json!({ "never": true }))
            .await
            .unwrap();
    }
    let told = house
        .direct("delays", &json!({ "never": true }))
        .await
        .unwrap_err();
    assert_eq!(
        told,
        "409 -: 100 rules of this kind stand already: delete some"
    );
    assert_eq!(house.undirect("delays").await.unwrap()["deleted"], 100);
}
