//! SIGKILL at random moments under load: what was acknowledged is there, exactly once.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::evidence::{Found, IMPORTS, devices, identity, judge, settled_imports};
use crate::process::{PATIENCE, Server, client, token};

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;
const TENANTS: [&str; 2] = ["contoso", "fabrikam"];

/// What the clients know: which imports were acknowledged, by tenant.
#[derive(Default)]
struct Ledger {
    acknowledged: Mutex<Vec<(usize, Uuid)>>,
    count: watch::Sender<usize>,
    next_device: AtomicU64,
}

impl Ledger {
    fn add(&self, tenant: usize, ids: Vec<Uuid>) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.extend(ids.into_iter().map(|id| (tenant, id)));
        self.count.send_replace(acknowledged.len());
    }

    async fn grown_beyond(&self, count: usize) {
        let mut counts = self.count.subscribe();
        counts.wait_for(|now| *now > count).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_device_survives_sigkill_exactly_once() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let ledger = Ledger::default();
    for round in 0..KILLS {
        let server = Server::dev(&data_dir);
        let tokens = tokens(&data_dir);
        let load = load(&server.url, &tokens, &ledger);
        // Another moment each round, spread over the first third of a second and repeatable.
        let moment = Duration::from_millis(15 + round * 7919 % 300);
        let before = *ledger.count.borrow();
        let killed = async {
            tokio::time::sleep(moment).await;
            // A machine that is slow today is killed at work all the same.
            let grown = tokio::time::timeout(PATIENCE, ledger.grown_beyond(before)).await;
            grown.expect("nothing is acknowledged");
            server.process.kill();
        };
        tokio::select! {
            () = load => panic!("the server went by itself"),
            () = killed => {}
        }
    }

    let server = Server::dev(&data_dir);
    let tokens = tokens(&data_dir);
    let imports = settled_imports(&server.url, &tokens).await;
    let devices = devices(&server.url, &tokens).await;
    let acknowledged = ledger.acknowledged.into_inner().unwrap();
    let found = judge(&acknowledged, &imports, &devices);
    println!(
        "kills: {KILLS}, acknowledged: {}, imports: {}, devices: {}, {found:?}",
        acknowledged.len(),
        imports.len(),
        devices.len()
    );
    assert_eq!(found, Found::default());
    assert!(
        acknowledged.len() > 100,
        "too few imports were acknowledged"
    );
    assert_eq!(server.stop().code, Some(0), "SIGTERM ends the server well");
}

fn tokens(data_dir: &Path) -> [String; 2] {
    TENANTS.map(|tenant| token(data_dir, &["--tenant", tenant]))
}

/// Posts devices over several connections, every device to both tenants, until it is cut off.
async fn load(url: &str, tokens: &[String; 2], ledger: &Ledger) {
    let clients = (0..CLIENTS).map(|number| async move {
        let client = client();
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
                ledger.add(tenant, ids);
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
