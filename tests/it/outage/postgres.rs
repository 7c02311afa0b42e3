//! `hangar serve` on a PostgreSQL server that is not there, then is, then goes: what clients and
//! supervisors are told. What the store does in worse weather is in its own tests.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hangar::testing::postgres;
use hardware_hash::Builder;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::process::{PATIENCE, Server, client, hangar, serve_dev, token};

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// A client of a server, and what it asks.
struct Asking<'a> {
    server: &'a Server,
    client: Client,
    token: String,
}

impl Asking<'_> {
    async fn post(&self, path: &str, body: &Value) -> Response {
        let post = self.client.post(format!("{}/{path}", self.server.url));
        let post = post.bearer_auth(&self.token).json(body);
        post.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        let get = self.client.get(format!("{}/{path}", self.server.url));
        get.bearer_auth(&self.token).send().await.unwrap()
    }

    async fn readiness(&self) -> (u16, String) {
        let get = self.client.get(format!("{}/readyz", self.server.admin_url));
        let answer = get.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn until_ready(&self) {
        let began = Instant::now();
        loop {
            let (status, said) = self.readiness().await;
            if status == 200 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{said}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks for everything that is refused while there is no database.
    async fn is_told_to_come_back(&self) {
        for answer in [
            self.post(IMPORTS, &json!({ "serialNumber": "S" })).await,
            self.get(IMPORTS).await,
        ] {
            assert_eq!(answer.status(), 503);
            assert!(answer.headers().contains_key("retry-after"));
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"]["code"], "ServiceUnavailable");
        }
        let (status, said) = self.readiness().await;
        assert_eq!(status, 503);
        assert!(said.contains("the database is unavailable"), "{said}");
    }

    async fn count(&self) -> String {
        let answer = self.get(&format!("{IMPORTS}/$count")).await;
        answer.text().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_waits_for_its_database_at_the_start_and_in_the_middle() {
    let mut database = postgres::Server::start(&[]);
    database.ask("CREATE DATABASE hangar");
    database.kill();
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let host = database
        .directory()
        .display()
        .to_string()
        .replace('/', "%2F");
    let url = format!("postgres://hangar:hush-hush@{host}/hangar");
    let mut command = hangar();
    command.args(serve_dev(&data_dir));
    command.args(["--database-url", &url, "--database-pool-size", "2"]);
    let server = Server::start(&mut command);
    let asking = Asking {
        token: token(&data_dir, &[]),
        client: client(),
        server: &server,
    };
    asking.is_told_to_come_back().await;

    let mut database = tokio::task::spawn_blocking(move || {
        database.bring_up();
        database
    })
    .await
    .unwrap();
    asking.until_ready().await;
    let rows: Vec<_> = (0..400_u64)
        .map(|seed| {
            let hash = BASE64_STANDARD.encode(Builder::new(seed).build());
            json!({ "hardwareIdentifier": hash })
        })
        .collect();
    let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
    let answer = asking.post(&format!("{IMPORTS}/import"), &body).await;
    assert_eq!(answer.status(), 200);
    clients_that_read_nothing_hold_no_connection(&asking).await;

    tokio::task::block_in_place(|| database.kill());
    asking.is_told_to_come_back().await;
    tokio::task::block_in_place(|| database.bring_up());
    asking.until_ready().await;
    assert_eq!(asking.count().await, "400");
    let ended = server.stop();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    assert!(ended.stderr.contains("can't be used"), "{}", ended.stderr);
}

/// More of them than there are connections to the database ask for all, and never read it.
async fn clients_that_read_nothing_hold_no_connection(asking: &Asking<'_>) {
    let address = asking.server.url.trim_start_matches("http://");
    let mut slow = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /{IMPORTS} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            asking.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        // The answer has begun: its rows were read.
        timeout(PATIENCE, stream.readable()).await.unwrap().unwrap();
        slow.push(stream);
    }
    for _ in 0..6 {
        assert_eq!(asking.count().await, "400");
    }
    drop(slow);
}
