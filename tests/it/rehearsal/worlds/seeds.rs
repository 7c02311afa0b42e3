//! Seed files: what they bring, what is wrong with them, and that a world's export brings it again.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use http::Method;
use serde_json::{Value, json};

use super::{DONE, OURS, THEIRS, token_of};
use crate::harness::{DEVICES, House, PROFILES, device, string, text};

const GROUP: &str = "dddddddd-0000-4000-8000-000000000001";

fn whole() -> Value {
    let hash = BASE64_STANDARD.encode(Builder::new(21).build());
    json!({
        "notes": ["For the tests."],
        "tenants": [
            { "name": "adatum", "id": "eeeeeeee-0000-4000-8000-000000000001", "domain": "adatum.test" },
            { "name": "contoso" },
        ],
        "users": [
            { "principal_name": "amy@adatum.test", "tenant": "adatum" },
            { "principal_name": "joe@adatum.test", "name": "joseph", "tenant": "adatum", "password": "x", "scopes": ["User.Read"] },
        ],
        "clients": [{ "name": "Our tool", "id": "our-tool", "secret": "s", "roles": ["A"] }],
        "profiles": [
            {
                "tenant": "adatum",
                "properties": { "displayName": "Sales", "locale": "de-DE", "preprovisioningAllowed": true },
                "assignments": ["all_devices", { "group": GROUP }],
            },
            {
                "tenant": "adatum",
                "properties": {
                    "@odata.type": "#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile",
                    "displayName": "Lab", "hybridAzureADJoinSkipConnectivityCheck": true,
                },
                "assignments": [{ "exclude": GROUP }],
            },
        ],
        "devices": [
            { "hardware_hash": hash, "group_tag": "Sales" },
            { "tenant": "contoso", "hash_seed": 22, "serial_number": "S-22", "model": "M", "user": "amy@adatum.test" },
            { "tenant": "adatum", "serial_number": "S-23", "manufacturer": "Contoso", "model": "Book", "profile": "Lab", "display_name": "Desk" },
        ],
    })
}

#[tokio::test]
async fn a_seed_brings_what_it_says() {
    let house = House::rehearsing();
    let told = house.direct("seed", &whole()).await.unwrap();
    let expected = json!({ "tenants": 1, "users": 2, "clients": 1, "profiles": 2, "devices": 3 });
    assert_eq!(told, expected);
    let adatum = house.api.user_token("adatum", "amy");
    let devices = house.list(&adatum, DEVICES).await.json();
    let by_serial = |serial: &str| {
        let mut devices = devices["value"].as_array().unwrap().iter();
        let found = devices.find(|device| device["serialNumber"] == serial);
        found.cloned().unwrap_or_default()
    };
    let desk = by_serial("S-23");
    assert_eq!(
        (&desk["displayName"], &desk["model"]),
        (&json!("Desk"), &json!("Book"))
    );
    // A device waits for its profile a moment, as ever.
    house
        .direct("clock/advance", &json!({ "by": "1m" }))
        .await
        .unwrap();
    let path = format!(
        "{DEVICES}/{}?$expand=deploymentProfile",
        string(&desk["id"])
    );
    let shown = house.list(&adatum, &path).await.json();
    assert_eq!(shown["deploymentProfile"]["displayName"], "Lab", "{shown}");
    let profiles = house
        .list(&adatum, &format!("{PROFILES}?$expand=assignments"))
        .await;
    let profiles = profiles.json();
    let sales = profiles["value"].as_array().unwrap();
    let sales = sales
        .iter()
        .find(|one| one["displayName"] == "Sales")
        .unwrap();
    assert_eq!(sales["locale"], "de-DE");
    assert_eq!(sales["assignments"].as_array().unwrap().len(), 2);
    // The hardware is registered, as if it had been imported.
    assert_eq!(house.outcome(&adatum, &device(21)).await, OURS);
    assert_eq!(house.outcome(&house.contoso, &device(21)).await, THEIRS);
    let same = Builder::new(22).serial_number("S-22").product_name("M");
    let same = crate::harness::import_of(&same);
    assert_eq!(house.outcome(&house.contoso, &same).await, OURS);
    assert_eq!(house.outcome(&adatum, &device(23)).await, DONE);
    // A fork has all of them.
    let fork = house.fork("x").await;
    assert_eq!(house.device_count(&token_of(&fork, "adatum")).await, 3);
}

#[tokio::test]
async fn an_export_seeds_an_equal_world() {
    let house = House::rehearsing();
    house.direct("seed", &whole()).await.unwrap();
    house.register(&house.fabrikam, 31).await;
    let exported = house.look("export").await.unwrap();
    assert_eq!(exported["devices"].as_array().unwrap().len(), 4);
    let note = string(&exported["notes"][0]);
    assert!(
        note.starts_with("1 imports and uploads are not in this file"),
        "{note}"
    );

    let other = House::rehearsing();
    other.direct("seed", &exported).await.unwrap();
    let mut again = other.look("export").await.unwrap();
    // Imports stay behind, as the note says.
    again["notes"] = exported["notes"].clone();
    assert_eq!(again, exported);
    let adatum = other.api.user_token("adatum", "amy");
    assert_eq!(other.outcome(&adatum, &device(31)).await, THEIRS);
    assert_eq!(other.outcome(&other.fabrikam, &device(31)).await, OURS);
    for path in [DEVICES, PROFILES] {
        let ours = house
            .list(&house.api.user_token("adatum", "amy"), path)
            .await;
        let theirs = other.list(&adatum, path).await;
        let strip = |answer: &str| without_etags(answer);
        assert_eq!(strip(&text(&ours)), strip(&text(&theirs)));
    }
    // Into itself it does not go: everything is there.
    let refused = other.direct("seed", &exported).await.unwrap_err();
    assert!(
        refused.starts_with("400 profiles[0].id: the world has a profile"),
        "{refused}"
    );
    other
        .direct("reset", &json!({ "world": "main" }))
        .await
        .unwrap();
    other.direct("seed", &exported).await.unwrap();
}

/// What is shown, without the revisions: a device that was given its profile has been written to.
fn without_etags(text: &str) -> Value {
    let mut body: Value = serde_json::from_str(text).unwrap();
    for row in body["value"].as_array_mut().unwrap() {
        row.as_object_mut()
            .unwrap()
            .retain(|name, _| !name.contains("etag"));
    }
    body
}

#[tokio::test]
async fn a_seed_is_loaded_wholly_or_not_at_all() {
    let house = House::rehearsing();
    house.register(&house.fabrikam, 5).await;
    let before = house.look("export").await.unwrap();
    let table = [
        (
            json!({ "tenants": [{ "name": "adatum" }], "devices": [{ "hash_seed": 1 }, { "hash_seed": 1 }] }),
            "400 devices[1]: the device is refused: ZtdDeviceAlreadyAssigned (806)",
        ),
        (
            json!({ "tenants": [{ "name": "adatum" }], "devices": [{ "hash_seed": 1 }, { "hash_seed": 5 }] }),
            "400 devices[1]: the device is refused: ZtdDeviceAssignedToOtherTenant (808)",
        ),
        (
            json!({
                "profiles": [
                    { "properties": { "displayName": "a" }, "assignments": ["all_devices"] },
                    { "properties": { "displayName": "b" }, "assignments": ["all_devices"] },
                ],
            }),
            "400 profiles[1].assignments[0]: the profile ",
        ),
    ];
    for (seed, told) in table {
        let refused = house.direct("seed", &seed).await.unwrap_err();
        assert!(refused.starts_with(told), "{refused}");
        assert_eq!(house.look("export").await.unwrap(), before, "{seed}");
        assert!(
            house
                .api
                .authority
                .directory()
                .find_tenant("adatum")
                .is_none()
        );
    }
    // The world works on.
    house.register(&house.contoso, 1).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn every_fault_is_told_with_its_place() {
    let house = House::rehearsing();
    let device = |seed: Value| json!({ "devices": [{ "hash_seed": 1 }, seed] });
    let table = [
        (json!({ "x": 1 }), "x: unknown field `x`"),
        (
            json!({ "devices": [{ "serial": "x" }] }),
            "devices[0].serial: unknown field",
        ),
        (
            device(json!({})),
            "devices[1].manufacturer: `` tells no device",
        ),
        (
            device(json!({ "serial_number": "Default string", "manufacturer": "A", "model": "B" })),
            "devices[1].serial_number: `Default string` tells no device",
        ),
        (
            device(json!({ "hash_seed": -1 })),
            "devices[1].hash_seed: invalid value",
        ),
        (
            device(json!({ "hardware_hash": "?" })),
            "devices[1].hardware_hash: a hash is base64",
        ),
        (
            device(json!({ "hardware_hash": "AAAA" })),
            "devices[1].hardware_hash: the hash would be refused",
        ),
        (
            device(json!({ "hardware_hash": "A".repeat(20_000) })),
            "devices[1].hardware_hash: a hash is base64",
        ),
        (
            device(json!({ "hash_seed": 1, "hardware_hash": "AAAA" })),
            "devices[1]: a device has a hardware_hash, a hash_seed or fingerprints",
        ),
        (
            device(
                json!({ "hardware_hash": BASE64_STANDARD.encode(Builder::new(3).build()), "serial_number": "X" }),
            ),
            "devices[1].serial_number: the hash says `",
        ),
        (
            device(json!({ "hash_seed": 2, "tenant": "nowhere" })),
            "devices[1].tenant: there is no tenant `nowhere`; there are contoso, fabrikam, personal",
        ),
        (
            device(json!({ "hash_seed": 2, "group_tag": "x".repeat(1025) })),
            "devices[1].group_tag: a text has 1024",
        ),
        (
            device(json!({ "hash_seed": 2, "user": "\u{0}" })),
            "devices[1].user: a text has no U+0000",
        ),
        (
            device(json!({ "hash_seed": 2, "profile": "Lab" })),
            "devices[1].profile: the file has no profile",
        ),
        (
            device(json!({ "hash_seed": 2, "registered_at": "soon" })),
            "devices[1].registered_at: ",
        ),
        (
            device(json!({ "fingerprints": [{ "kind": "x", "sha256": "1" }] })),
            "devices[1].fingerprints[0].kind: a fingerprint is of one of",
        ),
        (
            device(json!({ "fingerprints": [{ "kind": "mac", "sha256": "0".repeat(64) }] })),
            "devices[1].fingerprints: a device is found by",
        ),
        (
            json!({ "devices": [
                { "hash_seed": 1, "id": GROUP }, { "hash_seed": 2, "id": GROUP },
            ]}),
            "devices[1].id: devices[0] has this id too",
        ),
        (
            json!({ "tenants": [{}] }),
            "tenants[0]: missing field `name`",
        ),
        (
            json!({ "tenants": [{ "name": "" }] }),
            "tenants[0].name: a name is not blank",
        ),
        (
            json!({ "tenants": [{ "name": "a/b" }] }),
            "tenants[0].name: a name is not blank",
        ),
        (
            json!({ "tenants": [{ "name": "contoso", "id": GROUP }] }),
            "tenants[0].id: `contoso` is the tenant aaaaaaaa",
        ),
        (
            json!({ "tenants": [{ "name": "x", "id": "aaaaaaaa-0000-4000-8000-00000000000a" }] }),
            "tenants[0].id: this is the id of the tenant `contoso`",
        ),
        (
            json!({ "tenants": [{ "name": "x", "id": "1" }] }),
            "tenants[0].id: ",
        ),
        (
            json!({ "tenants": [{ "name": "x", "id": "666f726b-0000-4000-8000-000000000000" }] }),
            "tenants[0].id: a tenant can't have this id",
        ),
        (
            json!({ "users": [{ "principal_name": "amy" }] }),
            "users[0].principal_name: a sign-in name is",
        ),
        (
            json!({ "users": [{ "principal_name": "reader@contoso.example", "scopes": [] }] }),
            "users[0].principal_name: this user is there already",
        ),
        (
            json!({ "clients": [{ "name": "x", "id": "cccccccc-0000-4000-8000-000000000002" }] }),
            "clients[0].id: this client is there already",
        ),
        (
            json!({ "profiles": [{ "properties": {} }] }),
            "profiles[0].properties: ",
        ),
        (
            json!({ "profiles": [{ "properties": { "displayName": 1 } }] }),
            "profiles[0].properties.displayName: ",
        ),
        (
            json!({ "profiles": [{ "properties": { "displayName": "x", "y": 1 } }] }),
            "profiles[0].properties",
        ),
        (
            json!({ "profiles": [{ "properties": { "displayName": "x" }, "assignments": ["nobody"] }] }),
            "profiles[0].assignments[0]",
        ),
        (
            json!({ "profiles": [{ "properties": { "displayName": "x" }, "assignments": ["all_devices", "all_devices"] }] }),
            "profiles[0].assignments: two of the assignments",
        ),
    ];
    let mut wrong = Vec::new();
    for (seed, told) in table {
        let refused = house.direct("seed", &seed).await.unwrap_err();
        if !refused.starts_with(&format!("400 {told}")) {
            wrong.push(format!("{told}: {refused}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let many = json!({ "devices": vec![json!({ "tenant": "nowhere", "user": "\u{0}" }); 30] });
    let refused = house.direct("seed", &many).await.unwrap_err();
    assert!(
        refused.contains("\ndevices[9].tenant: ") && refused.ends_with("and 40 more"),
        "{refused}"
    );
    let fork = json!({ "tenants": [{ "name": "adatum" }] });
    house.fork("x").await;
    let refused = house.direct("seed?world=x", &fork).await.unwrap_err();
    assert!(
        refused.starts_with("409 -: a fork has the tenants"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_fork_is_seeded_and_exported_by_the_names_of_its_originals() {
    let house = House::rehearsing();
    let fork = house.fork("x").await;
    let seed = json!({ "devices": [{ "tenant": "fabrikam", "hash_seed": 1 }] });
    house.direct("seed?world=x", &seed).await.unwrap();
    assert_eq!(house.device_count(&token_of(&fork, "fabrikam")).await, 1);
    assert_eq!(house.device_count(&house.fabrikam).await, 0);
    let exported = house.look("export?world=x").await.unwrap();
    house.direct("seed", &exported).await.unwrap();
    assert_eq!(house.look("export").await.unwrap(), exported);
    let ask = house.ask(Method::GET, DEVICES).token(&house.fabrikam);
    assert_eq!(ask.send().await.status, 200);
}

#[tokio::test]
async fn many_devices_are_loaded_at_once() {
    let house = House::rehearsing();
    let devices = |count: usize| {
        let device = |number| json!({ "serial_number": format!("S-{number}"), "manufacturer": "Contoso", "model": "Book" });
        (0..count).map(device).collect::<Vec<_>>()
    };
    let told = house
        .direct("seed", &json!({ "devices": devices(2_500) }))
        .await;
    assert_eq!(told.unwrap()["devices"], 2_500);
    let exported = house.look("export").await.unwrap();
    assert_eq!(exported["devices"].as_array().unwrap().len(), 2_500);
}
