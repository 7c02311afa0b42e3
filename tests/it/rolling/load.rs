//! Clients that create and read all the time, each request at the process that the balancer names.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use uuid::Uuid;

use super::balancer::{Backend, Balancer};
use crate::{
    crash::evidence::{IMPORTS, identity},
    process::{PATIENCE, client},
};

const CLIENTS: u64 = 6;

/// How many more requests are answered before another process is touched.
const ENOUGH: u64 = 60;

/// What became of the requests.
#[derive(Default)]
pub(super) struct Told {
    pub(super) requests: u64,
    /// What was accepted: tenants and ids.
    pub(super) acknowledged: Vec<(usize, Uuid)>,
    /// What should not have been answered so.
    pub(super) failed: Vec<String>,
}

/// Clients at work.
pub(super) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

struct Shared {
    balancer: Arc<Balancer>,
    is_over: AtomicBool,
    next_device: AtomicU64,
    requests: watch::Sender<u64>,
    told: Mutex<Told>,
}

impl Load {
    pub(super) fn start(balancer: &Arc<Balancer>) -> Self {
        let shared = Arc::new(Shared {
            balancer: Arc::clone(balancer),
            is_over: AtomicBool::new(false),
            next_device: AtomicU64::new(0),
            requests: watch::Sender::default(),
            told: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let shared = Arc::clone(&shared);
            clients.spawn(async move { shared.work(number).await });
        }
        Self { clients, shared }
    }

    /// Completes when enough requests have been answered since this was called.
    pub(super) async fn grown(&self) {
        let mut requests = self.shared.requests.subscribe();
        let enough = *requests.borrow() + ENOUGH;
        let grown = timeout(PATIENCE, requests.wait_for(|now| *now >= enough)).await;
        grown.expect("nothing is answered").unwrap();
    }

    /// Lets every client finish what it has begun.
    pub(super) async fn stop(mut self) -> Told {
        self.shared.is_over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        let told = std::mem::take(&mut *self.shared.told.lock().unwrap());
        Told {
            requests: *self.shared.requests.borrow(),
            ..told
        }
    }
}

impl Shared {
    /// Registers every device for both tenants and reads what it has sent, elsewhere.
    async fn work(&self, number: u64) {
        let client = client();
        while !self.is_over.load(Ordering::Relaxed) {
            let device = self.next_device.fetch_add(1, Ordering::Relaxed);
            for tenant in [0, 1] {
                let ids = if number.is_multiple_of(2) {
                    self.post_one(&client, tenant, device).await
                } else {
                    self.post_several(&client, tenant, device).await
                };
                let Some(ids) = ids else { continue };
                let id = ids[0];
                self.acknowledge(tenant, ids);
                // Whichever process is asked, what was acknowledged is there.
                self.ask("read", StatusCode::OK, |backend| {
                    let url = format!("{}/{IMPORTS}/{id}", backend.url);
                    client.get(url).bearer_auth(&backend.tokens[tenant])
                })
                .await;
                self.ask("list", StatusCode::OK, |backend| {
                    let url = format!("{}/{IMPORTS}?$top=5&$count=true", backend.url);
                    client.get(url).bearer_auth(&backend.tokens[tenant])
                })
                .await;
            }
        }
    }

    fn acknowledge(&self, tenant: usize, ids: Vec<Uuid>) {
        let ids = ids.into_iter().map(|id| (tenant, id));
        self.told.lock().unwrap().acknowledged.extend(ids);
    }

    async fn post_one(&self, client: &Client, tenant: usize, device: u64) -> Option<Vec<Uuid>> {
        let id = Uuid::new_v4();
        let body = identity(id, device, 0);
        let accepted = self.ask("create", StatusCode::CREATED, |backend| {
            let url = format!("{}/{IMPORTS}", backend.url);
            let post = client.post(url).bearer_auth(&backend.tokens[tenant]);
            post.json(&body)
        });
        accepted.await.then(|| vec![id])
    }

    async fn post_several(&self, client: &Client, tenant: usize, device: u64) -> Option<Vec<Uuid>> {
        let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        let rows: Vec<Value> = (1..)
            .zip(ids)
            .map(|(row, id)| identity(id, device, row))
            .collect();
        let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
        let accepted = self.ask("import", StatusCode::OK, |backend| {
            let url = format!("{}/{IMPORTS}/import", backend.url);
            let post = client.post(url).bearer_auth(&backend.tokens[tenant]);
            post.json(&body)
        });
        accepted.await.then(|| ids.to_vec())
    }

    /// Sends a request to a process that is ready; true if it was answered as it should be. One that
    /// refuses the connection was sent nothing: the next one is asked.
    async fn ask(
        &self,
        what: &str,
        expected: StatusCode,
        request: impl Fn(&Backend) -> RequestBuilder,
    ) -> bool {
        let problem = loop {
            let Some(backend) = self.balancer.next() else {
                break "nobody is ready".to_owned();
            };
            match request(&backend).send().await {
                Err(error) if error.is_connect() => tokio::task::yield_now().await,
                Err(error) => break format!("{error:?}"),
                Ok(answer) => {
                    let status = answer.status();
                    // The whole answer has to come, not only its beginning.
                    let body = answer.text().await;
                    if status == expected && body.is_ok() {
                        self.requests.send_modify(|count| *count += 1);
                        return true;
                    }
                    break format!("{status}: {body:?}");
                }
            }
        };
        let mut told = self.told.lock().unwrap();
        told.failed.push(format!("{what}: {problem}"));
        false
    }
}
