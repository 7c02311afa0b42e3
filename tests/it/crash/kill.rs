//! SIGKILL at random moments under load: what was acknowledged is there, exactly once.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::Server;

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;
const TENANTS: [&str; 2] = ["contoso", "fabrikam"];
const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const DEVICES: &str = "beta/deviceManagement/windowsAutopilotDeviceIdentities";

/// What the clients know: which imports were acknowledged, by tenant.
#[derive(Default)]
struct Ledger {
    acknowledged: Mutex<Vec<(usize, Uuid)>>,
    next_device: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_device_survives_sigkill_exactly_once() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let ledger = Ledger::default();
    for round in 0..KILLS {
        let server = Server::start(&data_dir);
        let tokens = TENANTS.map(|tenant| token(&data_dir, tenant));
        // Another moment each round, spread over the first third of a second and repeatable.
        let moment = Duration::from_millis(15 + round * 7919 % 300);
        let load = load(&server.url, &tokens, &ledger);
        let _ = tokio::time::timeout(moment, load).await;
        server.kill();
    }
    let acknowledged = ledger.acknowledged.into_inner().unwrap();
    assert!(
        acknowledged.len() > 100,
        "only {} imports were acknowledged",
        acknowledged.len()
    );

    let server = Server::start(&data_dir);
    let tokens = TENANTS.map(|tenant| token(&data_dir, tenant));
    let imports = settled_imports(&server.url, &tokens).await;
    let devices = devices(&server.url, &tokens).await;

    for (tenant, id) in &acknowledged {
        let times = imports
            .iter()
            .filter(|import| import.tenant == *tenant && import.id == *id)
            .count();
        assert_eq!(
            times, 1,
            "the acknowledged import {id} is there {times} times"
        );
    }
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for device in &devices {
        let earlier = owners.insert(&device.serial, device.tenant);
        assert_eq!(earlier, None, "{} has two owners", device.serial);
    }
    let ids: HashSet<_> = devices
        .iter()
        .map(|device| (device.tenant, &device.id))
        .collect();
    for import in &imports {
        match import.status.as_str() {
            "complete" => assert!(
                ids.contains(&(import.tenant, &import.device)),
                "the complete import {} has no device",
                import.id
            ),
            "error" => assert!(
                owners.contains_key(import.serial.as_str()),
                "{} was refused, yet nobody has it",
                import.serial
            ),
            other => panic!("the import {} is {other}", import.id),
        }
    }
    println!(
        "kills: {KILLS}, acknowledged: {}, imports: {}, devices: {}, lost: 0, doubled: 0",
        acknowledged.len(),
        imports.len(),
        devices.len()
    );
    assert!(server.stop().success(), "SIGTERM ends the server with 0");
}

fn token(data_dir: &Path, tenant: &str) -> String {
    Server::token(data_dir, &["--tenant", tenant])
}

/// Posts devices over several connections, every device to both tenants, until it is cut off.
async fn load(url: &str, tokens: &[String; 2], ledger: &Ledger) {
    let clients = (0..CLIENTS).map(|number| async move {
        let client = Client::new();
        loop {
            let device = ledger.next_device.fetch_add(1, Ordering::Relaxed);
            for tenant in [0, 1] {
                let accepted = if number % 2 == 0 {
                    post_one(&client, url, &tokens[tenant], device).await
                } else {
                    post_several(&client, url, &tokens[tenant], device).await
                };
                // The connection ends with the server; what was not answered is not counted.
                let Some(ids) = accepted else { return };
                let mut acknowledged = ledger.acknowledged.lock().unwrap();
                acknowledged.extend(ids.into_iter().map(|id| (tenant, id)));
            }
        }
    });
    futures_util::future::join_all(clients).await;
}

async fn post_one(client: &Client, url: &str, token: &str, device: u64) -> Option<Vec<Uuid>> {
    let id = Uuid::new_v4();
    let body = identity(id, device, 0);
    let answer = client
        .post(format!("{url}/{IMPORTS}"))
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .ok()?;
    (answer.status() == 201).then(|| vec![id])
}

async fn post_several(client: &Client, url: &str, token: &str, device: u64) -> Option<Vec<Uuid>> {
    let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
    let rows: Vec<Value> = (0..)
        .zip(ids)
        .map(|(row, id)| identity(id, device, row + 1))
        .collect();
    let answer = client
        .post(format!("{url}/{IMPORTS}/import"))
        .bearer_auth(token)
        .json(&json!({ "importedWindowsAutopilotDeviceIdentities": rows }))
        .send()
        .await
        .ok()?;
    (answer.status() == 200).then(|| ids.to_vec())
}

fn identity(id: Uuid, device: u64, row: u64) -> Value {
    let blob = Builder::new(device * 10 + row).build();
    json!({ "id": id.to_string(), "hardwareIdentifier": BASE64_STANDARD.encode(blob) })
}

struct SeenImport {
    tenant: usize,
    id: Uuid,
    serial: String,
    status: String,
    device: String,
}

struct SeenDevice {
    tenant: usize,
    id: String,
    serial: String,
}

/// All imports, once none waits any more.
async fn settled_imports(url: &str, tokens: &[String; 2]) -> Vec<SeenImport> {
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

async fn devices(url: &str, tokens: &[String; 2]) -> Vec<SeenDevice> {
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
    let client = Client::new();
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
