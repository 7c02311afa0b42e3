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
/// How often it is killed while answers get lost besides.
const KILLS_IN_FOUL_WEATHER: u64 = 6;
/// How often a client tries again in foul weather.
const ATTEMPTS: usize = 5;
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

    async fn grown_to(&self, count: usize) {
        let mut counts = self.count.subscribe();
        counts.wait_for(|now| *now >= count).await.unwrap();
    }
}

/// What a server does to its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// It rehearses, and many requests go wrong.
    Foul,
}

impl Weather {
    /// Starts a server in this weather.
    async fn server(self, data_dir: &Path, round: u64) -> Server {
        if self == Self::Fair {
            return Server::dev(data_dir);
        }
        let server = Server::rehearse(data_dir);
        let recipe = format!("{}/rehearsal/recipes/flaky-gateway", server.admin_url);
        let seed = json!({ "seed": round });
        let answer = client().post(recipe).json(&seed).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        server
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_device_survives_sigkill_exactly_once() {
    println!("{}", kill_and_judge(Weather::Fair, KILLS, 6).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_neither_lose_nor_double_a_device() {
    println!(
        "{}",
        kill_and_judge(Weather::Foul, KILLS_IN_FOUL_WEATHER, 4).await
    );
}

/// Kills servers so often, each after it has acknowledged so many imports at least, looks for what
/// must not be found, and says what there was.
async fn kill_and_judge(weather: Weather, kills: u64, fewest: usize) -> String {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let ledger = Ledger::default();
    for round in 0..kills {
        let server = weather.server(&data_dir, round).await;
        let tokens = tokens(&data_dir);
        let load = load(weather, &server.url, &tokens, &ledger);
        // Another moment each round, spread over the first third of a second and repeatable.
        let moment = Duration::from_millis(15 + round * 7919 % 300);
        let before = *ledger.count.borrow();
        let killed = async {
            tokio::time::sleep(moment).await;
            // A machine that is slow today is killed at work all the same.
            let grown = tokio::time::timeout(PATIENCE, ledger.grown_to(before + fewest)).await;
            grown.expect("too little is acknowledged");
            server.process.kill();
        };
        tokio::select! {
            () = load => panic!("the server went by itself"),
            () = killed => {}
        }
    }

    let server = match weather {
        Weather::Fair => Server::dev(&data_dir),
        Weather::Foul => Server::rehearse(&data_dir),
    };
    let tokens = tokens(&data_dir);
    let imports = settled_imports(&server.url, &tokens).await;
    let devices = devices(&server.url, &tokens).await;
    let acknowledged = ledger.acknowledged.into_inner().unwrap();
    let found = judge(&acknowledged, &imports, &devices);
    let said = format!(
        "{weather:?}, kills: {kills}, acknowledged: {}, imports: {}, devices: {}, {found:?}",
        acknowledged.len(),
        imports.len(),
        devices.len()
    );
    assert_eq!(found, Found::default());
    assert_eq!(server.stop().code, Some(0), "SIGTERM ends the server well");
    said
}

fn tokens(data_dir: &Path) -> [String; 2] {
    TENANTS.map(|tenant| token(data_dir, &["--tenant", tenant]))
}

/// Posts devices over several connections, every device to both tenants, until it is cut off.
async fn load(weather: Weather, url: &str, tokens: &[String; 2], ledger: &Ledger) {
    let clients = (0..CLIENTS).map(|number| async move {
        let client = client();
        loop {
            let device = ledger.next_device.fetch_add(1, Ordering::Relaxed);
            for tenant in [0, 1] {
                let post = Post {
                    client: &client,
                    url,
                    token: &tokens[tenant],
                    weather,
                };
                let accepted = if number % 2 == 0 {
                    post.one(device).await
                } else {
                    post.several(device).await
                };
                // The connection ends with the server; what was not answered is not counted.
                match accepted {
                    Answered::Accepted(ids) => ledger.add(tenant, ids),
                    Answered::Otherwise if weather == Weather::Foul => {}
                    Answered::Otherwise | Answered::Gone => return,
                }
            }
        }
    });
    futures_util::future::join_all(clients).await;
}

/// What a client learnt.
enum Answered {
    /// These imports are accepted.
    Accepted(Vec<Uuid>),
    /// Nothing that can be relied on.
    Otherwise,
    /// There is no server any more.
    Gone,
}

/// How a client posts.
struct Post<'a> {
    client: &'a Client,
    url: &'a str,
    token: &'a str,
    weather: Weather,
}

impl Post<'_> {
    async fn one(&self, device: u64) -> Answered {
        let id = Uuid::new_v4();
        self.send("", &identity(id, device, 0), 201, vec![id]).await
    }

    async fn several(&self, device: u64) -> Answered {
        let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        let rows: Vec<Value> = (0..)
            .zip(ids)
            .map(|(row, id)| identity(id, device, row + 1))
            .collect();
        let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
        self.send("/import", &body, 200, ids.to_vec()).await
    }

    /// Sends the same again where the weather may have spoilt it: who is told then that the ids are
    /// taken knows that the imports are there.
    async fn send(&self, action: &str, body: &Value, good: u16, ids: Vec<Uuid>) -> Answered {
        let attempts = match self.weather {
            Weather::Fair => 1,
            Weather::Foul => ATTEMPTS,
        };
        for attempt in 0..attempts {
            let request = self.client.post(format!("{}/{IMPORTS}{action}", self.url));
            match request.bearer_auth(self.token).json(body).send().await {
                Ok(answer) if answer.status() == good => return Answered::Accepted(ids),
                Ok(answer) if attempt > 0 && answer.status() == 409 => {
                    return Answered::Accepted(ids);
                }
                Err(error) if error.is_connect() => return Answered::Gone,
                Ok(_) | Err(_) => {}
            }
        }
        Answered::Otherwise
    }
}
