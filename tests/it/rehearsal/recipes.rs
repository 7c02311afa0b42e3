//! Recipes: what people report, as a client meets it.

use std::collections::HashSet;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, House, IMPORTS, SETTINGS, device, error, ids_of, string, text, told,
};

async fn cook(house: &House, recipe: &str, choices: Value) -> Value {
    let path = format!("recipes/{recipe}");
    house.direct(&path, &choices).await.unwrap()
}

async fn advance(house: &House, by: &str) {
    let by = json!({ "by": by });
    house.direct("clock/advance", &by).await.unwrap();
    house.api.settle().await;
}

#[tokio::test]
async fn each_says_what_people_report_and_is_made_of_rules() {
    let house = House::rehearsing();
    let listed = house.look("recipes").await.unwrap();
    let recipes = listed["recipes"].as_array().unwrap();
    let names: Vec<_> = recipes
        .iter()
        .map(|recipe| string(&recipe["name"]))
        .collect();
    let expected = [
        "throttled-at-61",
        "lost-answer",
        "stuck-unknown",
        "other-tenant",
        "silent-delete",
        "sync-too-soon",
        "slow-directory",
        "flaky-gateway",
    ];
    assert_eq!(names, expected);
    for name in &names {
        let made = cook(&house, name, json!({})).await;
        for kind in ["faults", "delays"] {
            let stand = house.look(kind).await.unwrap();
            assert_eq!(made[kind], stand[kind], "{name}");
            house.undirect(kind).await.unwrap();
        }
        let count = made["faults"].as_array().unwrap().len();
        assert!(count > 0, "{name}");
    }
}

#[tokio::test]
async fn choices_narrow_a_recipe_and_name_it() {
    let house = House::rehearsing();
    let choices = json!({ "name": "mine", "when": { "tenant": "fabrikam", "serial": "LAB-*" } });
    let made = cook(&house, "other-tenant", choices).await;
    assert_eq!(made["faults"][0]["name"], "mine");
    assert_eq!(
        house.outcome(&house.contoso, &device(1)).await,
        "complete 0 None +device"
    );
    assert_eq!(
        house.outcome(&house.fabrikam, &device(2)).await,
        "complete 0 None +device"
    );
    cook(&house, "other-tenant", json!({})).await;
    for (recipe, choices, why) in [
        (
            "other-tenant",
            json!({}),
            "400 name: there is a fault of the name 'other-tenant' already",
        ),
        (
            "lost-answer",
            json!({ "seed": 1 }),
            "400 seed: this recipe draws nothing",
        ),
        (
            "lost-answer",
            json!({ "when": { "tenant": "nobody" } }),
            "400 when.tenant: 'nobody' is neither",
        ),
        (
            "silent-delete",
            json!({ "when": { "serial": "A*" } }),
            "400 when.serial: a request of that method has no body",
        ),
        (
            "lost-answer",
            json!({ "tenant": "contoso" }),
            "400 tenant: unknown field",
        ),
        (
            "unheard-of",
            json!({}),
            "404 -: there is no recipe 'unheard-of': there are throttled-at-61, lost-answer",
        ),
    ] {
        let told = house
            .direct(&format!("recipes/{recipe}"), &choices)
            .await
            .unwrap_err();
        assert!(told.starts_with(why), "{recipe}: {told}");
    }
    assert_eq!(
        house.look("faults").await.unwrap()["faults"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn throttled_at_61() {
    let house = House::rehearsing();
    cook(&house, "throttled-at-61", json!({})).await;
    for seed in 1..=60 {
        assert_eq!(
            house.post(IMPORTS, &device(seed)).await.status,
            201,
            "{seed}"
        );
    }
    for _ in 0..3 {
        let refused = house.post(IMPORTS, &device(61)).await;
        assert_eq!(error(&refused), "429 TooManyRequests: Too many requests.");
        assert_eq!(refused.header("retry-after"), None);
    }
    advance(&house, "5m").await;
    assert_eq!(house.post(IMPORTS, &device(61)).await.status, 201);
}

#[tokio::test]
async fn stuck_unknown() {
    let house = House::rehearsing();
    cook(
        &house,
        "stuck-unknown",
        json!({ "when": { "serial": "*" } }),
    )
    .await;
    let import = house.accept(&house.contoso, &device(1)).await;
    house.api.settle().await;
    advance(&house, "50m").await;
    assert_eq!(
        told(&house.state(&house.contoso, &import).await),
        "unknown 0 "
    );
}

#[tokio::test]
async fn other_tenant() {
    let house = House::rehearsing();
    cook(&house, "other-tenant", json!({})).await;
    let outcome = house.outcome(&house.contoso, &device(1)).await;
    assert_eq!(outcome, "error 808 ZtdDeviceAssignedToOtherTenant");
    assert_eq!(house.get(DEVICES).await.json()["value"], json!([]));
}

#[tokio::test]
async fn silent_delete() {
    let house = House::rehearsing();
    cook(&house, "silent-delete", json!({})).await;
    let (_, device) = house.register(&house.contoso, 1).await;
    let path = format!("{DEVICES}/{device}");
    let deleted = house.delete(&path).await;
    assert_eq!(
        (deleted.status.as_u16(), text(&deleted).as_str()),
        (204, "")
    );
    assert_eq!(
        deleted.header("x-hangar-explain"),
        Some("fault silent-delete")
    );
    assert_eq!(house.get(&path).await.status, 200, "it is still there");
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(house.get(&path).await.status, 404);
}

#[tokio::test]
async fn sync_too_soon() {
    let house = House::rehearsing();
    cook(&house, "sync-too-soon", json!({})).await;
    let sync = format!("{SETTINGS}/sync");
    let refused = house.ask(Method::POST, &sync).send().await;
    let why = "429 TooManyRequests: A sync was requested less than ten minutes ago.";
    assert_eq!(error(&refused), why);
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(house.ask(Method::POST, &sync).send().await.status, 204);
}

#[tokio::test]
async fn slow_directory() {
    let house = House::rehearsing();
    cook(&house, "slow-directory", json!({ "seed": 3 })).await;
    let import = house.accept(&house.contoso, &device(1)).await;
    house.api.settle().await;
    advance(&house, "4m59s").await;
    assert_eq!(
        told(&house.state(&house.contoso, &import).await),
        "unknown 0 "
    );
    let mut minutes = 0;
    let state = loop {
        let state = house.state(&house.contoso, &import).await;
        if told(&state) != "unknown 0 " {
            break state;
        }
        minutes += 1;
        assert!(minutes <= 10, "it takes too long");
        advance(&house, "1m1s").await;
    };
    let path = format!("{DEVICES}/{}", string(&state["deviceRegistrationId"]));
    assert_eq!(
        house.get(&path).await.status,
        404,
        "complete, and not found yet"
    );
    advance(&house, "2m").await;
    assert_eq!(house.get(&path).await.status, 200);
}

#[tokio::test]
async fn flaky_gateway() {
    let run = async |seed: u64| {
        let house = House::rehearsing();
        cook(&house, "flaky-gateway", json!({ "seed": seed })).await;
        let mut run = Vec::new();
        for _ in 0..100 {
            let answer = house.get(IMPORTS).await;
            run.push(answer.header("x-hangar-explain").unwrap_or("-").to_owned());
        }
        run
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
    let kinds: HashSet<_> = first.iter().map(String::as_str).collect();
    let expected = [
        "-",
        "fault flaky-gateway-503",
        "fault flaky-gateway-after",
        "fault flaky-gateway-before",
        "fault flaky-gateway-within",
    ];
    assert_eq!(kinds, HashSet::from(expected));
    let good = first.iter().filter(|rule| *rule == "-").count();
    assert!((55..=90).contains(&good), "{good}");

    // Who tries again gets on, and no device goes in twice.
    let house = House::rehearsing();
    cook(&house, "flaky-gateway", json!({ "seed": 4 })).await;
    for seed in 1..=20 {
        let mut body = device(seed);
        body["id"] = format!("00000000-0000-4000-8000-{seed:012}").into();
        // Within the router nothing breaks: a create that is done answers 201 or, done before, 409.
        while ![201, 409].contains(&house.post(IMPORTS, &body).await.status.as_u16()) {}
    }
    house.undirect("faults").await.unwrap();
    house.api.settle().await;
    assert_eq!(ids_of(&house.get(DEVICES).await).len(), 20);
}
