//! DELETE of an import: before it is decided that withdraws it, afterwards its device stays.

use http::Method;
use serde_json::json;

use crate::harness::{DEVICES, House, IMPORTS, VERSIONS, device, error, text};

#[tokio::test]
async fn an_import_that_waits_is_withdrawn() {
    let house = House::new();
    for (seed, version) in (1..).zip(VERSIONS) {
        let import = house.accept(&house.contoso, &device(seed)).await;
        let path = format!("{}('{import}')", IMPORTS.replace("beta", version));
        let answer = house.delete(&path).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer)),
            (204, String::new())
        );
        assert_eq!(answer.header("content-type"), None);
        house.api.settle().await;
        assert_eq!(house.get(&path).await.status, 404);
        assert_eq!(text(&house.get(&format!("{DEVICES}/$count")).await), "0");
        // Its hardware was never taken.
        let outcome = house.outcome(&house.fabrikam, &device(seed)).await;
        assert_eq!(outcome, "complete 0 None +device");
    }
}

#[tokio::test]
async fn the_device_of_a_deleted_import_stays() {
    let house = House::new();
    let (import, device_id) = house.register(&house.contoso, 1).await;
    assert_eq!(
        house.delete(&format!("{IMPORTS}/{import}")).await.status,
        204
    );
    let device_path = format!("{DEVICES}/{device_id}");
    assert_eq!(house.get(&device_path).await.status, 200);
    let outcome = house.outcome(&house.fabrikam, &device(1)).await;
    assert_eq!(outcome, "error 808 ZtdDeviceAssignedToOtherTenant");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    let house = House::new();
    let import = house.accept(&house.contoso, &json!({})).await;
    let path = format!("{IMPORTS}/{import}");
    let missing = format!(
        "404 ResourceNotFound: Resource '{import}' does not exist or one of its queried reference-property objects are not present."
    );
    let ask = house.ask(Method::DELETE, &path).token(&house.fabrikam);
    assert_eq!(error(&ask.send().await), missing);
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(error(&house.delete(&path).await), missing);
    assert_eq!(house.delete(&format!("{IMPORTS}/7")).await.status, 404);
}

#[tokio::test]
async fn an_id_that_is_given_again_stands_for_the_later_import() {
    let house = House::new();
    let id = "985b4f49-4f49-985b-494f-5b98494f5b98";
    for seed in [1, 2] {
        let mut body = device(seed);
        body["id"] = json!(id);
        house.accept(&house.contoso, &body).await;
        if seed == 1 {
            assert_eq!(house.delete(&format!("{IMPORTS}/{id}")).await.status, 204);
        }
    }
    house.api.settle().await;
    let list = house.get(DEVICES).await.json();
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    assert_eq!(list["value"][0]["serialNumber"], "HT0000000000000002");
    let state = house.state(&house.contoso, id).await;
    assert_eq!(state["deviceRegistrationId"], list["value"][0]["id"]);
}
