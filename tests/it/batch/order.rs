//! Parts that wait for others.

use serde_json::json;

use super::{SET, after, create, get, statuses, told, write};
use crate::harness::House;

const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";

fn pairs(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs
        .iter()
        .map(|(id, status)| ((*id).to_owned(), *status))
        .collect()
}

#[tokio::test]
async fn serial_parts_see_what_those_before_them_did() {
    let house = House::new();
    let one = format!("{SET}/{A}");
    let new = json!({ "id": A, "serialNumber": "first" });
    let change = json!({ "serialNumber": "second" });
    let answers = house
        .batch(&[
            write("create", "POST", SET, &new),
            after(get("read", &one), "CREATE"),
            after(write("change", "PATCH", &one, &change), "read"),
            after(get("again", &one), "change"),
            after(
                json!({ "id": "delete", "method": "DELETE", "url": one }),
                "again",
            ),
        ])
        .await;
    let expected = [
        ("create", 201),
        ("read", 200),
        ("change", 200),
        ("again", 200),
        ("delete", 204),
    ];
    assert_eq!(statuses(&answers), pairs(&expected));
    assert_eq!(answers[1]["body"]["serialNumber"], "first");
    assert_eq!(answers[3]["body"]["serialNumber"], "second");
    assert_eq!(house.imports().await, "0");
}

#[tokio::test]
async fn after_a_failure_the_rest_of_a_line_is_not_done() {
    let house = House::new();
    let answers = house
        .batch(&[
            create("1", "a"),
            after(get("2", &format!("{SET}/{A}")), "1"),
            after(create("3", "b"), "2"),
            after(create("4", "c"), "3"),
        ])
        .await;
    assert_eq!(
        statuses(&answers),
        pairs(&[("1", 201), ("2", 404), ("3", 424), ("4", 424)])
    );
    assert_eq!(
        told(&answers[2]),
        "424 FailedDependency: The request was not done: the one that it depends on, with the id '2', failed."
    );
    assert!(answers[3]["headers"]["request-id"].is_string());
    assert_eq!(house.imports().await, "1");
}

#[tokio::test]
async fn several_may_wait_for_one() {
    let house = House::new();
    let parts = |root| {
        [
            create("other", "a"),
            root,
            after(create("1", "b"), "root"),
            after(create("2", "c"), "root"),
        ]
    };
    let answers = house.batch(&parts(create("root", "r"))).await;
    assert_eq!(
        statuses(&answers),
        pairs(&[("other", 201), ("root", 201), ("1", 201), ("2", 201)])
    );
    let answers = house
        .batch(&parts(get("root", "/deviceManagement/x")))
        .await;
    assert_eq!(
        statuses(&answers),
        pairs(&[("other", 201), ("root", 400), ("1", 424), ("2", 424)])
    );
    assert_eq!(house.imports().await, "5");
}

#[tokio::test]
async fn parts_that_fail_harm_no_others() {
    let house = House::new();
    let new = json!({ "id": A });
    let answers = house
        .batch(&[
            write("1", "POST", SET, &new),
            write("2", "POST", SET, &json!({ "unknown": 1 })),
            write("3", "POST", SET, &json!({ "serialNumber": 1 })),
            create("4", "d"),
            write("5", "POST", SET, &json!([])),
        ])
        .await;
    assert_eq!(
        statuses(&answers),
        pairs(&[("1", 201), ("2", 400), ("3", 400), ("4", 201), ("5", 400)])
    );
    let answers = house
        .batch(&[write("1", "POST", SET, &new), create("2", "e")])
        .await;
    assert_eq!(statuses(&answers), pairs(&[("1", 409), ("2", 201)]));
    assert_eq!(house.imports().await, "3");
}
