//! DELETE of a deployment profile.

use serde_json::json;

use crate::harness::{House, PROFILES, all_devices, error, text};

#[tokio::test]
async fn an_assigned_profile_stays_until_its_assignments_are_gone() {
    for house in [House::new(), House::observed()] {
        let id = house.make_profile(&house.contoso, "one").await;
        let path = format!("{PROFILES}/{id}");
        let assigned = house
            .post(&format!("{path}/assignments"), &all_devices())
            .await;
        let refused = house.delete(&path).await;
        assert_eq!(refused.status, 400);
        assert!(text(&refused).contains("delete its assignments first"));
        let assignment = format!("{path}/assignments/{}", crate::harness::id_of(&assigned));
        assert_eq!(house.delete(&assignment).await.status, 204);
        let gone = house.delete(&path).await;
        assert_eq!((gone.status.as_u16(), text(&gone)), (204, String::new()));
        assert_eq!(house.delete(&path).await.status, 404);
        assert_eq!(house.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn devices_that_were_assigned_one_by_one_are_released() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let (_, device) = house.register(&house.contoso, 1).await;
    let path = format!("{PROFILES}/{id}");
    let assign = json!({ "deviceIds": [device] });
    house.post(&format!("{path}/assign"), &assign).await;
    assert_eq!(house.delete(&path).await.status, 204);
    let path = format!("{}/{device}", crate::harness::DEVICES);
    let shown = house.get(&path).await.json();
    assert_eq!(shown["deploymentProfileAssignmentStatus"], "notAssigned");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    let house = House::new();
    for key in ["7", "0198c0de-0000-7000-8000-000000000001"] {
        assert_eq!(
            error(&house.delete(&format!("{PROFILES}/{key}")).await),
            format!(
                "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            )
        );
    }
}
