//! The document that Hangar starts from: its request's very bytes, and every property of its answer.

use hangar::testing::BASE_URL;
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::{
    DEVICES, ENTITY_CONTENT_TYPE, House, IMPORTS, VERSIONS, device, id_of, string, text, told,
};

const REQUEST: &[u8] = include_bytes!("seed/request.json");
const RESPONSE: &str = include_str!("seed/response.json");

#[tokio::test]
async fn the_seeds_request_gives_the_seeds_answer_under_both_versions() {
    let house = House::new();
    let expected: Value = serde_json::from_str(RESPONSE).unwrap();
    for version in VERSIONS {
        let path = IMPORTS.replace("beta", version);
        let answer = house
            .ask(Method::POST, &path)
            .header("accept", "application/json")
            .bytes(REQUEST)
            .send()
            .await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
        let body = answer.json();
        let id = id_of(&answer);
        assert_eq!(
            answer.header("location"),
            Some(format!("{BASE_URL}{path}('{id}')").as_str())
        );
        assert_eq!(Uuid::try_parse(&id).unwrap().get_version_num(), 7);
        let properties = expected.as_object().unwrap();
        assert_eq!(properties.len(), 7);
        for (name, value) in properties.iter().filter(|(name, _)| *name != "id") {
            assert_eq!(body[name], *value, "{name}");
        }
        // What is later than the seed stands beside its properties, and nothing else does.
        let mut beside: Vec<_> = body.as_object().unwrap().keys().collect();
        beside.retain(|name| !properties.contains_key(*name));
        assert_eq!(
            beside,
            [
                "@odata.context",
                "assignedUserPrincipalName",
                "groupTag",
                "importId"
            ]
        );
    }
}

#[tokio::test]
async fn the_seeds_hash_is_refused_later_and_a_sound_one_leads_to_a_device() {
    let house = House::new();
    let ask = house.ask(Method::POST, IMPORTS).bytes(REQUEST);
    let seeds = id_of(&ask.send().await);
    let sound = house.accept(&house.contoso, &device(7)).await;
    for import in [&seeds, &sound] {
        let state = house.state(&house.contoso, import).await;
        assert_eq!(told(&state), "unknown 0 ");
    }

    house.api.settle().await;
    let state = house.state(&house.contoso, &seeds).await;
    assert_eq!(told(&state), "error 802 InvalidZtdHardwareHash");

    let state = house.state(&house.contoso, &sound).await;
    assert_eq!(told(&state), "complete 0 None +device");
    let device = string(&state["deviceRegistrationId"]);
    for version in VERSIONS {
        let path = format!("{}/{device}", DEVICES.replace("beta", version));
        let answer = house.get(&path).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        assert_eq!(id_of(&answer), device);
        assert_eq!(answer.json()["serialNumber"], "HT0000000000000007");
    }
}
