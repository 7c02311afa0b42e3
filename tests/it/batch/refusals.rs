//! What is no batch: 400, and nothing of it is done.

use http::Method;
use serde_json::{Value, json};

use super::{BATCH, SET, after, create, get};
use crate::harness::{House, error};

/// A part's members, with one of them otherwise.
fn part(name: &str, value: &Value) -> Value {
    let mut part = create("2", "S");
    part[name] = value.clone();
    part
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let house = House::new();
    let many: Vec<_> = (0..21).map(|id| create(&id.to_string(), "S")).collect();
    let cases = [
        (
            json!([]),
            "400 BadRequest: Invalid batch payload format. The collection 'requests' holds no request.",
        ),
        (
            json!(many),
            "400 MaximumValueExceeded: Number of batch request steps exceeds the maximum value of 20.",
        ),
        (
            json!([create("1", "S"), create("1", "S")]),
            "400 BadRequest: Request Id 1 has to be unique in a batch.",
        ),
        (
            json!([create("a", "S"), create("A", "S")]),
            "400 BadRequest: Request Id A has to be unique in a batch.",
        ),
        (
            json!([after(create("1", "S"), "1")]),
            "400 BadRequest: Invalid dependency for request Id 1: a request can't depend on itself.",
        ),
        (
            json!([after(create("1", "S"), "2"), create("2", "S")]),
            "400 BadRequest: Invalid dependency for request Id 1: '2' is not the id of an earlier request.",
        ),
        (
            json!([after(create("1", "S"), "2"), after(create("2", "S"), "1")]),
            "400 BadRequest: Invalid dependency for request Id 1: '2' is not the id of an earlier request.",
        ),
        (
            json!([create("1", "S"), after(create("2", "S"), "3")]),
            "400 BadRequest: Invalid dependency for request Id 2: '3' is not the id of an earlier request.",
        ),
        (
            json!([
                create("1", "S"),
                create("2", "S"),
                after(create("3", "S"), "1"),
                after(create("4", "S"), "2")
            ]),
            "400 BadRequest: Batch should be either fully sequential or fully parallel.",
        ),
        (
            json!([create("1", "S"), { "id": "2", "method": "POST", "url": SET, "body": {} }]),
            "400 BadRequest: Write request with id '2' does not contain a Content-Type header.",
        ),
    ];
    for (requests, expected) in cases {
        let answer = house.post(BATCH, &json!({ "requests": requests })).await;
        let told = error(&answer);
        assert!(told.starts_with(expected), "{requests}: {told}");
    }
    assert_eq!(house.imports().await, "0", "nothing of it was done");
}

#[tokio::test]
async fn a_part_that_is_none_spoils_the_batch() {
    let house = House::new();
    let format = "400 BadRequest: Invalid batch payload format.";
    for part in [
        json!(null),
        json!("x"),
        json!({}),
        json!({ "id": "2" }),
        part("id", &json!(null)),
        part("id", &json!({})),
        part("id", &json!("x".repeat(2_000))),
        part("method", &json!(1)),
        part("method", &json!("")),
        part("method", &json!("P OST")),
        part("url", &json!(null)),
        part("url", &json!("x".repeat(20_000))),
        part("headers", &json!("Content-Type: application/json")),
        part("headers", &json!({ "Content-Type": ["application/json"] })),
        part(
            "headers",
            &json!({ "Content-Type": "application/json", "a b": "c" }),
        ),
        part(
            "headers",
            &json!({ "Content-Type": "application/json", "a": "b\r\nc: d" }),
        ),
        part(
            "headers",
            &json!({ "Content-Type": "application/json", "content-type": "application/json" }),
        ),
        part("body", &json!("{}")),
        part("dependsOn", &json!("1")),
        part("dependsOn", &json!({ "1": 1 })),
        part("atomicityGroup", &json!("g")),
        part("Id", &json!("2")),
        part("method", &json!("GET")),
    ] {
        let requests = json!([create("1", "S"), part]);
        let answer = house.post(BATCH, &json!({ "requests": requests })).await;
        let told = error(&answer);
        assert!(told.starts_with(format), "{requests}: {told}");
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"requests\":null}",
        "{\"requests\":[],\"requests\":[]}",
        "{\"Requests\":[]}",
    ] {
        let answer = house.ask(Method::POST, BATCH).bytes(body).send().await;
        assert_eq!(answer.status, 400, "{body}: {}", error(&answer));
    }
    assert_eq!(house.imports().await, "0", "nothing of it was done");
}

#[tokio::test]
async fn a_batch_is_bounded_and_so_are_its_parts() {
    let house = House::new();
    let of_bytes = |bytes: usize| {
        let body = json!({ "requests": [create("1", ""), create("2", &"x".repeat(bytes))] });
        house.ask(Method::POST, BATCH).json(&body).send()
    };
    let answers = super::responses(&of_bytes(2 << 20).await);
    assert_eq!(
        (&answers[0]["status"], &answers[1]["status"]),
        (&json!(201), &json!(413))
    );
    assert!(answers[1]["headers"].get("Connection").is_none());
    assert_eq!(of_bytes(4 << 20).await.status, 413);
    assert_eq!(house.imports().await, "1");
}

#[tokio::test]
async fn the_batch_itself_is_a_request_like_any_other() {
    let house = House::new();
    let body = json!({ "requests": [get("1", SET)] });
    let ask = || house.ask(Method::POST, BATCH).json(&body);
    let unreadable = "400 BadRequest: Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
    let answer = ask().header("content-type", "text/plain").send().await;
    assert_eq!(error(&answer), unreadable);
    let answer = ask().header("accept", "text/html").send().await;
    assert_eq!(answer.status, 406);
    let answer = house.get(BATCH).await;
    assert_eq!(
        error(&answer),
        "400 No method match route template: No method match route template"
    );
    let answer = house.post(&format!("{BATCH}?$top=1"), &body).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$top' is not supported here."
    );
    let answer = house.post("/beta/$batch/x", &body).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: Resource not found for the segment 'x'."
    );
}
