//! DELETE of a device, which frees its hardware for any tenant.

use http::Method;

use crate::harness::{DEVICES, House, VERSIONS, device, error, string, text, told};

#[tokio::test]
async fn a_deleted_device_frees_its_hardware_for_any_tenant() {
    let house = House::new();
    let owners = [&house.contoso, &house.fabrikam, &house.contoso];
    for (turn, owner) in owners.into_iter().enumerate() {
        let (import, id) = house.register(owner, 1).await;
        let other = if turn == 1 {
            &house.contoso
        } else {
            &house.fabrikam
        };
        assert_eq!(
            house.outcome(other, &device(1)).await,
            "error 808 ZtdDeviceAssignedToOtherTenant"
        );
        let path = format!("{}('{id}')", DEVICES.replace("beta", VERSIONS[turn % 2]));
        // Only its owner can delete it.
        let theirs = house.ask(Method::DELETE, &path).token(other).send().await;
        assert_eq!(theirs.status, 404);
        let answer = house.ask(Method::DELETE, &path).token(owner).send().await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer)),
            (204, String::new())
        );
        assert_eq!(answer.header("content-type"), None);
        let gone = house.ask(Method::GET, &path).token(owner).send().await;
        assert_eq!(gone.status, 404);

        // The import tells what happened to it, and what happened since does not matter.
        let state = house.state(owner, &import).await;
        assert_eq!(told(&state), "complete 0 None +device");
        assert_eq!(string(&state["deviceRegistrationId"]), id);
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    let house = House::new();
    let (import, id) = house.register(&house.contoso, 1).await;
    assert_eq!(house.delete(&format!("{DEVICES}/{id}")).await.status, 204);
    for key in [id.as_str(), import.as_str(), "7"] {
        assert_eq!(
            error(&house.delete(&format!("{DEVICES}/{key}")).await),
            format!(
                "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            )
        );
    }
}
