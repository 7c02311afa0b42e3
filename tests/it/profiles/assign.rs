//! POST of `assign`, which names devices.

use serde_json::json;

use crate::harness::{DEVICES, House, PROFILES, error, ids_of, text};

#[tokio::test]
async fn named_devices_have_the_profile_all_or_none() {
    let house = House::new();
    let (one, other) = (
        house.make_profile(&house.contoso, "one").await,
        house.make_profile(&house.contoso, "other").await,
    );
    let (_, first) = house.register(&house.contoso, 1).await;
    let (_, second) = house.register(&house.contoso, 2).await;
    let (_, theirs) = house.register(&house.fabrikam, 3).await;
    let assign = async |profile: &str, ids: &[&String]| {
        let path = format!("{PROFILES}/{profile}/assign");
        house.post(&path, &json!({ "deviceIds": ids })).await
    };
    let devices = async |profile: &str| {
        let path = format!("{PROFILES}/{profile}/assignedDevices");
        ids_of(&house.get(&path).await)
    };
    let foreign = assign(&one, &[&first, &theirs]).await;
    assert_eq!(
        error(&foreign),
        format!(
            "404 ResourceNotFound: The device '{theirs}' does not exist. No device was assigned."
        )
    );
    assert!(devices(&one).await.is_empty());
    let answer = assign(&one, &[&first, &second, &first]).await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (204, String::new())
    );
    let mut both = vec![first.clone(), second.clone()];
    both.sort_unstable();
    assert_eq!(devices(&one).await, both);
    assert_eq!(assign(&other, &[&second]).await.status, 204);
    assert_eq!(devices(&one).await, [first.as_str()]);
    assert_eq!(devices(&other).await, [second.as_str()]);
    assert_eq!(assign(&one, &[]).await.status, 204);
    // A deleted device leaves nothing behind.
    house.delete(&format!("{DEVICES}/{second}")).await;
    assert!(devices(&other).await.is_empty());
}

#[tokio::test]
async fn what_names_no_devices_is_refused() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let path = format!("{PROFILES}/{id}/assign");
    let many: Vec<_> = (0..1_001).map(|_| "x").collect();
    for body in [
        json!({}),
        json!([]),
        json!({ "deviceIds": null }),
        json!({ "deviceIds": "x" }),
        json!({ "deviceIds": [7] }),
        json!({ "deviceIds": [null] }),
        json!({ "deviceIds": ["x"] }),
        json!({ "deviceIds": many }),
        json!({ "DeviceIds": [] }),
        json!({ "deviceIds": [], "more": 1 }),
    ] {
        let answer = house.post(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", text(&answer));
    }
    let answer = house
        .post(&format!("{PROFILES}/7/assign"), &json!({ "deviceIds": [] }))
        .await;
    assert_eq!(answer.status, 404);
}
