//! GET of the deployment profiles.

use serde_json::Value;
use uuid::Uuid;

use crate::harness::{House, PROFILES, error, group_target, ids_of, masked, text};

#[tokio::test]
async fn profiles_are_listed_page_by_page() {
    let house = House::new();
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(
            house
                .make_profile(&house.contoso, &number.to_string())
                .await,
        );
        house.make_profile(&house.fabrikam, "theirs").await;
    }
    made.sort_unstable();
    assert_eq!(ids_of(&house.get(PROFILES).await), made);
    let mut found = Vec::new();
    let mut path = format!("{PROFILES}?$top=2&$count=true");
    loop {
        let page = house.get(&path).await;
        assert_eq!(page.json()["@odata.count"], 5);
        found.extend(ids_of(&page));
        let Value::String(next) = &page.json()["@odata.nextLink"] else {
            break;
        };
        path = next
            .strip_prefix("http://127.0.0.1:8080")
            .unwrap()
            .to_owned();
    }
    assert_eq!(found, made);
    // A link leads to nobody else's.
    let ask = house.ask(http::Method::GET, &path).token(&house.fabrikam);
    assert_eq!(ask.send().await.status, 400);
}

#[tokio::test]
async fn assignments_are_expanded() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "assigned").await;
    house.make_profile(&house.contoso, "not assigned").await;
    let group = Uuid::from_u128(0x5a1e5);
    let path = format!("{PROFILES}/{id}/assignments");
    house.post(&path, &group_target(group)).await;
    let list = house.get(&format!("{PROFILES}?$expand=assignments")).await;
    let list = list.json();
    let shown = |name: &str| {
        let rows = list["value"].as_array().unwrap();
        let row = rows.iter().find(|row| row["displayName"] == name);
        row.unwrap()["assignments"].clone()
    };
    let assignments = &shown("assigned");
    assert_eq!(assignments[0]["target"]["groupId"], group.to_string());
    assert_eq!(shown("not assigned"), Value::Array(Vec::new()));
    let path = format!("{PROFILES}('{id}')?expand=assignments");
    assert_eq!(&house.get(&path).await.json()["assignments"], assignments);
    let plain = house.get(&format!("{PROFILES}/{id}")).await.json();
    assert_eq!(plain.get("assignments"), None);
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_name() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let empty = house
        .ask(http::Method::GET, PROFILES)
        .token(&house.fabrikam);
    insta::assert_snapshot!(masked(&empty.send().await), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles","value":[]}"#);
    for option in ["$filter", "$search"] {
        let answer = house.get(&format!("{PROFILES}?{option}=x")).await;
        assert_eq!(
            error(&answer),
            format!("400 BadRequest: The query option '{option}' is not supported here.")
        );
    }
    for path in [
        format!("{PROFILES}?$orderby=x"),
        format!("{PROFILES}?$select=x"),
        format!("{PROFILES}?$expand=devices"),
        format!("{PROFILES}/{id}?$expand=Assignments"),
        format!("{PROFILES}/{id}?$top=1"),
        format!("{PROFILES}/{id}/assignments?$expand=target"),
        format!("{PROFILES}/{id}/assignedDevices?$count=true"),
        format!("{PROFILES}/{id}/assignedDevices?$skip=1"),
        format!("{PROFILES}/{id}/assignedDevices?$skiptoken=x"),
        PROFILES.replace("beta", "v1.0"),
        format!("{}/{id}/assignments", PROFILES.replace("beta", "v1.0")),
    ] {
        let answer = house.get(&path).await;
        assert_eq!(answer.status, 400, "{path}: {}", text(&answer));
    }
}
