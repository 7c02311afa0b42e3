//! What becomes of an import after its 201, as a client sees it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hangar::testing::TestOptions;
use hardware_hash::{Builder, element_type};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, House, IMPORTS, device, id_of, ids_of, import_of, string, text, told,
};

const REGISTERED: &str = "complete 0 None +device";

#[tokio::test]
async fn an_invalid_hash_is_802() {
    let house = House::new();
    let mut damaged = Builder::new(1).build();
    damaged[40] ^= 1;
    let hashes = [
        b"toy string".to_vec(),
        damaged,
        Builder::new(1).build()[..500].to_vec(),
        Builder::new(1)
            .omit(element_type::SMBIOS_MANUFACTURER)
            .build(),
        Builder::new(1)
            .omit(element_type::SMBIOS_SERIAL_NUMBER)
            .build(),
        Builder::new(1).serial_number("").build(),
    ];
    for hash in hashes {
        let body = json!({
            "hardwareIdentifier": BASE64_STANDARD.encode(&hash),
            "serialNumber": "HT0000000000000001",
        });
        let outcome = house.outcome(&house.contoso, &body).await;
        assert_eq!(
            outcome,
            "error 802 InvalidZtdHardwareHash",
            "{} bytes",
            hash.len()
        );
    }
    assert_eq!(text(&house.get(&format!("{DEVICES}/$count")).await), "0");
    assert_eq!(house.outcome(&house.contoso, &device(1)).await, REGISTERED);
}

#[tokio::test]
async fn an_import_that_names_nothing_is_803_and_one_that_names_nothing_known_812() {
    let house = House::new();
    let nothing = "error 803 MissingZtdSerialNumberAndProductKey";
    let unknown = "error 812 ZtdDeviceNotFound";
    let cases = [
        (json!({}), nothing),
        (
            json!({ "hardwareIdentifier": "", "serialNumber": null, "productKey": "" }),
            nothing,
        ),
        (json!({ "serialNumber": " ", "productKey": "\t" }), nothing),
        (
            json!({ "groupTag": "T", "assignedUserPrincipalName": "a@b" }),
            nothing,
        ),
        (json!({ "serialNumber": "S" }), unknown),
        (json!({ "productKey": "P" }), unknown),
        (json!({ "serialNumber": "S", "productKey": "P" }), unknown),
    ];
    for (body, outcome) in cases {
        assert_eq!(
            house.outcome(&house.contoso, &body).await,
            outcome,
            "{body}"
        );
    }
    // The serial number alone names nothing, even where the device is known.
    house.register(&house.contoso, 1).await;
    let serial = json!({ "serialNumber": "HT0000000000000001" });
    assert_eq!(house.outcome(&house.contoso, &serial).await, unknown);
}

#[tokio::test]
async fn a_device_registered_here_is_806() {
    let house = House::new();
    let known = Builder::new(1).product_key_id("3302800000001");
    assert_eq!(
        house.outcome(&house.contoso, &import_of(&known)).await,
        REGISTERED
    );
    let named = json!({ "serialNumber": " ht0000000000000001 ", "productKey": "3302800000001" });
    for again in [
        import_of(&known),
        import_of(&known.clone().recaptured(3)),
        named,
    ] {
        assert_eq!(
            house.outcome(&house.contoso, &again).await,
            "error 806 ZtdDeviceAlreadyAssigned"
        );
    }
    assert_eq!(text(&house.get(&format!("{DEVICES}/$count")).await), "1");
}

#[tokio::test]
async fn a_device_of_another_tenant_is_808_and_nothing_else_is_told_of_it() {
    let house = House::new();
    let mut theirs = import_of(&Builder::new(1).product_key_id("3302800000001"));
    theirs["groupTag"] = json!("their-secret-tag");
    theirs["assignedUserPrincipalName"] = json!("their-secret-user@fabrikam.example");
    theirs["importId"] = json!("their-secret-import");
    let import = house.accept(&house.fabrikam, &theirs).await;
    house.api.settle().await;
    let state = house.state(&house.fabrikam, &import).await;
    let device_id = string(&state["deviceRegistrationId"]);
    assert!(!device_id.is_empty());

    let ours = import_of(&Builder::new(1).recaptured(2));
    let named = json!({ "serialNumber": "HT0000000000000001", "productKey": "3302800000001" });
    let mut answers = Vec::new();
    for body in [ours, named] {
        let answer = house.post(IMPORTS, &body).await;
        let path = format!("{IMPORTS}/{}", id_of(&answer));
        house.api.settle().await;
        let read = house.get(&path).await;
        assert_eq!(
            told(&read.json()["state"]),
            "error 808 ZtdDeviceAssignedToOtherTenant"
        );
        answers.extend([answer, read]);
    }
    let device_path = format!("{DEVICES}/{device_id}");
    let import_path = format!("{IMPORTS}/{import}");
    answers.push(house.get(IMPORTS).await);
    answers.push(house.get(DEVICES).await);
    assert_eq!(text(&house.get(&format!("{DEVICES}/$count")).await), "0");
    for path in [&device_path, &import_path] {
        assert_eq!(house.get(path).await.status, 404);
        assert_eq!(house.delete(path).await.status, 404);
    }
    assert_eq!(house.patch(&import_path, &json!({})).await.status, 404);

    let fabrikam = "bbbbbbbb-0000-4000-8000-00000000000b";
    for answer in answers {
        let whole = format!("{:?} {}", answer.headers, text(&answer));
        for secret in ["their-secret", "abrikam", fabrikam, &device_id, &import] {
            assert!(!whole.contains(secret), "{secret}: {whole}");
        }
    }
}

#[tokio::test]
async fn more_than_one_match_is_813() {
    let house = House::new();
    let clone = |seed| {
        Builder::new(seed)
            .serial_number("Default S")
            .product_key_id("3302800000001")
    };
    for seed in [1, 2] {
        let outcome = house
            .outcome(&house.contoso, &import_of(&clone(seed)))
            .await;
        assert_eq!(
            outcome, REGISTERED,
            "two boards, one name: both have keys of their own"
        );
    }
    let named = json!({ "serialNumber": "Default S", "productKey": "3302800000001" });
    let outcome = house.outcome(&house.contoso, &named).await;
    assert_eq!(outcome, "error 813 ZtdDeviceIsNotUnique");
    // Nor can a hash without a key be told from two that have its name and its UUID.
    let uuid = *b"hangar test uuid";
    for seed in [3, 4] {
        let outcome = house
            .outcome(&house.contoso, &import_of(&clone(seed).uuid(uuid)))
            .await;
        assert_eq!(outcome, REGISTERED);
    }
    let keyless = import_of(&clone(5).uuid(uuid).without_tpm());
    let outcome = house.outcome(&house.contoso, &keyless).await;
    assert_eq!(outcome, "error 813 ZtdDeviceIsNotUnique");
}

#[tokio::test]
async fn a_device_that_stands_twice_in_one_call_is_815_the_second_time() {
    let house = House::new();
    let action = format!("{IMPORTS}/import");
    let rows = json!({ "importedWindowsAutopilotDeviceIdentities": [
        device(1),
        device(2),
        import_of(&Builder::new(1).recaptured(1)),
        device(1),
    ] });
    let ids = ids_of(&house.post(&action, &rows).await);
    house.api.settle().await;
    let mut outcomes = Vec::new();
    for id in ids {
        outcomes.push(told(&house.state(&house.contoso, &id).await));
    }
    let duplicated = "error 815 ZtdDeviceDuplicated";
    assert_eq!(outcomes, [REGISTERED, REGISTERED, duplicated, duplicated]);
    // Later it is not the call's affair any more.
    assert_eq!(
        house.outcome(&house.contoso, &device(1)).await,
        "error 806 ZtdDeviceAlreadyAssigned"
    );
}

#[tokio::test]
async fn released_hardware_is_known_by_its_name_and_free_for_anybody() {
    let house = House::new();
    let known = Builder::new(1).product_key_id("3302800000001");
    let import = house.accept(&house.contoso, &import_of(&known)).await;
    house.api.settle().await;
    let id = string(&house.state(&house.contoso, &import).await["deviceRegistrationId"]);
    let named = json!({ "serialNumber": "HT0000000000000001", "productKey": "3302800000001" });
    assert_eq!(
        house.outcome(&house.fabrikam, &named).await,
        "error 808 ZtdDeviceAssignedToOtherTenant"
    );
    assert_eq!(house.delete(&format!("{DEVICES}/{id}")).await.status, 204);
    assert_eq!(house.outcome(&house.fabrikam, &named).await, REGISTERED);
    assert_eq!(
        house.outcome(&house.contoso, &import_of(&known)).await,
        "error 808 ZtdDeviceAssignedToOtherTenant"
    );
}

#[tokio::test]
async fn nothing_is_decided_before_its_time() {
    let house = House::with(TestOptions {
        delay: SignedDuration::from_mins(10),
        ..TestOptions::default()
    });
    let early = house.accept(&house.contoso, &device(1)).await;
    house.api.clock.advance(SignedDuration::from_mins(4));
    let late = house.accept(&house.contoso, &json!({})).await;
    let mut seen = Vec::new();
    for step in [0, 359, 1, 239, 1] {
        house.api.clock.advance(SignedDuration::from_secs(step));
        house.api.settle().await;
        let status = |state: &Value| string(&state["deviceImportStatus"]);
        seen.push([
            status(&house.state(&house.contoso, &early).await),
            status(&house.state(&house.contoso, &late).await),
        ]);
    }
    assert_eq!(
        seen,
        [
            ["unknown", "unknown"],
            ["unknown", "unknown"],
            ["complete", "unknown"],
            ["complete", "unknown"],
            ["complete", "error"],
        ]
    );
}

#[tokio::test]
async fn whoever_reads_complete_finds_the_device_at_every_step() {
    let house = House::new();
    let rows: Vec<_> = (1..=300).map(device).collect();
    let call = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    let ids = ids_of(&house.post(&format!("{IMPORTS}/import"), &call).await);
    let mut steps = Vec::new();
    loop {
        let worked = house.api.round().await;
        let list = house.get(IMPORTS).await.json();
        let mut complete = 0;
        for import in list["value"].as_array().unwrap() {
            match told(&import["state"]).as_str() {
                "unknown 0 " => {}
                REGISTERED => {
                    complete += 1;
                    let id = string(&import["state"]["deviceRegistrationId"]);
                    assert_eq!(house.get(&format!("{DEVICES}/{id}")).await.status, 200);
                }
                other => panic!("{other}"),
            }
        }
        let devices = text(&house.get(&format!("{DEVICES}/$count")).await);
        assert_eq!(devices, complete.to_string());
        steps.push(complete);
        if !worked {
            break;
        }
    }
    assert_eq!(steps, [256, ids.len(), ids.len()]);
}

#[tokio::test]
async fn lenient_validation_takes_toy_strings() {
    let house = House::lenient();
    let toy = |text: &str, serial: &str| json!({ "hardwareIdentifier": BASE64_STANDARD.encode(text), "serialNumber": serial });
    let seeds = toy("hardwareIdentifier", "Serial Number value");
    assert_eq!(house.outcome(&house.contoso, &seeds).await, REGISTERED);
    assert_eq!(
        house.outcome(&house.contoso, &seeds).await,
        "error 806 ZtdDeviceAlreadyAssigned"
    );
    assert_eq!(
        house.outcome(&house.fabrikam, &seeds).await,
        "error 808 ZtdDeviceAssignedToOtherTenant"
    );
    for (text, serial) in [
        ("hardwareIdentifier", "S2"),
        ("other", "Serial Number value"),
    ] {
        let outcome = house.outcome(&house.contoso, &toy(text, serial)).await;
        assert_eq!(outcome, REGISTERED, "{text} {serial}");
    }
    assert_eq!(house.outcome(&house.contoso, &device(1)).await, REGISTERED);
    assert_eq!(
        house.outcome(&house.contoso, &json!({})).await,
        "error 803 MissingZtdSerialNumberAndProductKey"
    );
    let list = house.ask(Method::GET, DEVICES).send().await.json();
    assert_eq!(list["value"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn of_tenants_that_ask_at_once_one_gets_the_device() {
    let house = House::new();
    let (mine, theirs) = (device(1), import_of(&Builder::new(1).recaptured(1)));
    let asked = [
        (&house.contoso, &mine),
        (&house.fabrikam, &theirs),
        (&house.contoso, &theirs),
        (&house.fabrikam, &mine),
    ];
    let accepted = asked.map(|(token, body)| house.accept(token, body));
    let imports = futures_util::future::join_all(accepted).await;
    // Two registrars at once are what a deployment may have.
    tokio::join!(house.api.settle(), house.api.settle());
    let mut outcomes = Vec::new();
    for ((token, _), import) in asked.iter().zip(&imports) {
        outcomes.push(told(&house.state(token, import).await));
    }
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            REGISTERED,
            "error 806 ZtdDeviceAlreadyAssigned",
            "error 808 ZtdDeviceAssignedToOtherTenant",
            "error 808 ZtdDeviceAssignedToOtherTenant",
        ]
    );
}
