//! GET of the devices. Pages are in `conventions::paging`, options in `conventions::options`.

use crate::harness::{DEVICES, ENTITY_CONTENT_TYPE, House, VERSIONS, ids_of, masked};

#[tokio::test]
async fn the_list_holds_every_device_of_the_tenant() {
    let house = House::new();
    let empty = house.get(DEVICES).await;
    assert_eq!(empty.header("content-type"), Some(ENTITY_CONTENT_TYPE));
    insta::assert_snapshot!(masked(&empty), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities","value":[]}"#);

    let mut ids = Vec::new();
    for seed in 1..=3 {
        ids.push(house.register(&house.contoso, seed).await.1);
    }
    house.register(&house.fabrikam, 4).await;
    ids.sort_unstable();
    for version in VERSIONS {
        let list = house.get(&DEVICES.replace("beta", version)).await;
        assert_eq!(ids_of(&list), ids, "in the order of their ids");
    }
    house.delete(&format!("{DEVICES}/{}", ids[0])).await;
    house.delete(&format!("{DEVICES}/{}", ids[2])).await;
    let list = house.get(&DEVICES.replace("beta", "v1.0")).await;
    assert_eq!(ids_of(&list), [ids[1].as_str()]);
    assert_eq!(list.json().get("@odata.count"), None);
}
