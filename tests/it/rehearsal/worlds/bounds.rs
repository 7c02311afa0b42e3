//! What is refused, and why: names, worlds and snapshots that are not there or too many, and bodies
//! that make no sense.

use http::Method;
use serde_json::json;

use crate::harness::House;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let house = House::rehearsing();
    house.save("base").await;
    house.fork("x").await;
    let before = house.look("worlds").await.unwrap();
    let table = [
        ("worlds", json!({}), "400 -: missing field `name`"),
        ("worlds", json!({ "name": "" }), "400 name: a name has"),
        ("worlds", json!({ "name": "../y" }), "400 name: a name has"),
        ("worlds", json!({ "name": "Y" }), "400 name: a name has"),
        (
            "worlds",
            json!({ "name": "y".repeat(64) }),
            "400 name: a name has",
        ),
        ("worlds", json!({ "name": 1 }), "400 name: invalid type"),
        (
            "worlds",
            json!({ "name": "y", "of": "x" }),
            "400 of: unknown field",
        ),
        (
            "worlds",
            json!({ "name": "main" }),
            "409 name: there is a world `main` already",
        ),
        (
            "worlds",
            json!({ "name": "x" }),
            "409 name: there is a world `x` already",
        ),
        (
            "worlds",
            json!({ "name": "y", "world": "z" }),
            "404 world: there is no world `z`; there are main, x",
        ),
        (
            "worlds",
            json!({ "name": "y", "snapshot": "z" }),
            "404 name: there is no snapshot `z`",
        ),
        (
            "worlds",
            json!({ "name": "y", "world": "main", "snapshot": "base" }),
            "400 snapshot: a fork is made of a world or of a snapshot, not of both",
        ),
        (
            "snapshots",
            json!({ "name": "a.b" }),
            "400 name: a name has",
        ),
        (
            "snapshots",
            json!({ "name": "base" }),
            "409 name: there is a snapshot `base` already",
        ),
        (
            "snapshots",
            json!({ "name": "b", "replace": 1 }),
            "400 replace: invalid type",
        ),
        (
            "snapshots",
            json!({ "name": "b", "world": "z" }),
            "404 world: there is no world",
        ),
        (
            "snapshots/z/restore",
            json!({}),
            "404 name: there is no snapshot `z`",
        ),
        (
            "snapshots/base/restore",
            json!({ "world": "z" }),
            "404 world: there is no world",
        ),
        (
            "snapshots/base/restore",
            json!({ "into": "x" }),
            "400 into: unknown field",
        ),
        (
            "snapshots/base/restore?x=1",
            json!({}),
            "400 -: this path takes no parameters",
        ),
        (
            "reset",
            json!({ "world": "z" }),
            "404 world: there is no world",
        ),
        (
            "reset",
            json!({ "worlds": [] }),
            "400 worlds: unknown field",
        ),
        ("reset", json!([]), "400 -: "),
        ("seed?world=z", json!({}), "404 world: there is no world"),
        ("seed?to=z", json!({}), "400 to: there is no such parameter"),
        (
            "seed?world=x&world=y",
            json!({}),
            "400 world: the parameter stands twice",
        ),
        ("seed", json!("x"), "400 -: "),
    ];
    for (path, body, told) in table {
        let refused = house.direct(path, &body).await.unwrap_err();
        assert!(refused.starts_with(told), "{path} {body}: {refused}");
    }
    let table = [
        (
            "worlds/main",
            "409 the world `main` is the server's own database",
        ),
        ("worlds/z", "404 there is no world `z`"),
        ("worlds/..%2Fx", "404 there is no world `../x`"),
        ("snapshots/z", "404 there is no snapshot `z`"),
    ];
    for (path, told) in table {
        let refused = house.discard(path).await;
        assert!(refused.starts_with(told), "{path}: {refused}");
    }
    let body = json!({ "now": true });
    let path = "/rehearsal/worlds/x";
    let refused = house.api.direct(Method::DELETE, path, Some(&body)).await;
    assert_eq!(refused.status, 400);
    for path in [
        "export?world=z",
        "export?x=1",
        "worlds?x=1",
        "snapshots?x=1",
    ] {
        house.look(path).await.unwrap_err();
    }
    assert_eq!(house.look("worlds").await.unwrap(), before);
    let snapshots = house.look("snapshots").await.unwrap();
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_snapshot_gives_way_only_when_asked_to() {
    let house = House::rehearsing();
    house.save("base").await;
    house.register(&house.contoso, 1).await;
    let again = json!({ "name": "base", "replace": true });
    let told = house.direct("snapshots", &again).await.unwrap();
    assert_eq!(told["devices"], 1);
    assert_eq!(house.discard("snapshots/base").await, "200 -");
    let gone = house.direct("snapshots/base/restore", &json!({})).await;
    assert!(gone.unwrap_err().starts_with("404"));
}

#[tokio::test]
async fn there_are_only_so_many() {
    let house = House::rehearsing();
    for number in 0..32 {
        house.fork(&format!("f{number}")).await;
    }
    let refused = house.direct("worlds", &json!({ "name": "one-more" })).await;
    assert_eq!(
        refused.unwrap_err(),
        "409 -: there are 32 forks, as many as there can be: delete one"
    );
    assert_eq!(house.discard("worlds/f7").await, "200 -");
    house.fork("one-more").await;
    for number in 0..64 {
        house.save(&format!("s{number}")).await;
    }
    let refused = house
        .direct("snapshots", &json!({ "name": "one-more" }))
        .await;
    assert_eq!(
        refused.unwrap_err(),
        "409 -: there are 64 snapshots, as many as there can be: delete one"
    );
}
