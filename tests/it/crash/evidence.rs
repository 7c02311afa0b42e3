//! What is found in the end, held against what was acknowledged: nothing lost, nothing doubled,
//! every import settled as its device says.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::client;

pub(crate) const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const DEVICES: &str = "beta/deviceManagement/windowsAutopilotDeviceIdentities";

/// What must not be found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Acknowledged, and not there.
    pub(crate) lost: usize,
    /// There more than once, or owned twice.
    pub(crate) doubled: usize,
    /// Settled in a way that does not fit the devices.
    pub(crate) unfit: Vec<String>,
}

/// Holds what was found against what was acknowledged: tenants and ids.
pub(crate) fn judge(
    acknowledged: &[(usize, Uuid)],
    imports: &[SeenImport],
    devices: &[SeenDevice],
) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for import in imports {
        found.doubled += usize::from(!seen.insert((import.tenant, import.id)));
    }
    let lost = |row: &&(usize, Uuid)| !seen.contains(*row);
    found.lost = acknowledged.iter().filter(lost).count();
    let mut owners = HashSet::new();
    for device in devices {
        found.doubled += usize::from(!owners.insert(device.serial.as_str()));
    }
    let ids: HashSet<_> = devices
        .iter()
        .map(|device| (device.tenant, &device.id))
        .collect();
    let fits = |import: &&SeenImport| match import.status.as_str() {
        "complete" => ids.contains(&(import.tenant, &import.device)),
        // Every device goes to both tenants: who is refused, is refused for the other's sake.
        "error" => import.code == 808 && owners.contains(import.serial.as_str()),
        _ => false,
    };
    let unfit = imports.iter().filter(|import| !fits(import));
    found.unfit = unfit.map(|import| format!("{import:?}")).collect();
    found
}

#[test]
fn what_is_lost_or_doubled_is_found() {
    let import = |tenant, id, device: &str| SeenImport {
        tenant,
        id: Uuid::from_u128(id),
        serial: format!("S{id}"),
        status: "complete".to_owned(),
        code: 0,
        device: device.to_owned(),
    };
    let device = |tenant, id: &str, serial: &str| SeenDevice {
        tenant,
        id: id.to_owned(),
        serial: serial.to_owned(),
    };
    let acknowledged = [(0, Uuid::from_u128(1)), (1, Uuid::from_u128(2))];
    let imports = [import(0, 1, "a"), import(1, 2, "b")];
    let devices = [device(0, "a", "S1"), device(1, "b", "S2")];
    assert_eq!(judge(&acknowledged, &imports, &devices), Found::default());
    assert_eq!(judge(&acknowledged, &imports[..1], &devices).lost, 1);
    let twice = [import(0, 1, "a"), import(0, 1, "a"), import(1, 2, "b")];
    assert_eq!(judge(&acknowledged, &twice, &devices).doubled, 1);
    let owned_twice = [device(0, "a", "S1"), device(1, "b", "S1")];
    assert_eq!(judge(&acknowledged, &imports, &owned_twice).doubled, 1);
    assert_eq!(judge(&acknowledged, &imports, &devices[..1]).unfit.len(), 1);
}

/// The body of an import of an invented device.
pub(crate) fn identity(id: Uuid, device: u64, row: u64) -> Value {
    let blob = Builder::new(device * 10 + row).build();
    json!({ "id": id.to_string(), "hardwareIdentifier": BASE64_STANDARD.encode(blob) })
}

/// An import as it was answered.
#[derive(Debug)]
pub(crate) struct SeenImport {
    tenant: usize,
    id: Uuid,
    serial: String,
    status: String,
    code: i64,
    device: String,
}

/// A device as it was answered.
pub(crate) struct SeenDevice {
    tenant: usize,
    id: String,
    serial: String,
}

/// All imports, once none waits any more.
pub(crate) async fn settled_imports(url: &str, tokens: &[String; 2]) -> Vec<SeenImport> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let mut imports = Vec::new();
        for (tenant, token) in tokens.iter().enumerate() {
            for item in all(url, IMPORTS, token).await {
                let blob = BASE64_STANDARD
                    .decode(item["hardwareIdentifier"].as_str().unwrap())
                    .unwrap();
                let report = hardware_hash::decode(&blob).unwrap();
                imports.push(SeenImport {
                    tenant,
                    id: item["id"].as_str().unwrap().parse().unwrap(),
                    serial: report.serial_number().unwrap().to_owned(),
                    status: text(&item["state"]["deviceImportStatus"]),
                    code: item["state"]["deviceErrorCode"].as_i64().unwrap(),
                    device: text(&item["state"]["deviceRegistrationId"]),
                });
            }
        }
        if imports.iter().all(|import| import.status != "unknown") {
            return imports;
        }
        assert!(
            Instant::now() < deadline,
            "imports still wait after a minute"
        );
    }
}

/// All devices.
pub(crate) async fn devices(url: &str, tokens: &[String; 2]) -> Vec<SeenDevice> {
    let mut devices = Vec::new();
    for (tenant, token) in tokens.iter().enumerate() {
        for item in all(url, DEVICES, token).await {
            devices.push(SeenDevice {
                tenant,
                id: text(&item["id"]),
                serial: text(&item["serialNumber"]),
            });
        }
    }
    devices
}

/// Every item of a list, page by page.
async fn all(url: &str, set: &str, token: &str) -> Vec<Value> {
    let client = client();
    let mut items = Vec::new();
    let mut next = Some(format!("{url}/{set}"));
    while let Some(link) = next {
        let answer = client.get(link).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut page: Value = answer.json().await.unwrap();
        items.append(page["value"].as_array_mut().unwrap());
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    items
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
