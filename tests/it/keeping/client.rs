//! What a client of these tests says: devices by their seeds.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::PATIENCE;

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const DEVICES: &str = "beta/deviceManagement/windowsAutopilotDeviceIdentities";

/// Talks to one server as one tenant.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub(super) fn new(url: &str, token: String) -> Self {
        let client = reqwest::Client::builder().timeout(PATIENCE).build();
        Self {
            http: client.unwrap(),
            url: url.to_owned(),
            token,
        }
    }

    /// Posts a device, which must be acknowledged, and returns the id.
    pub(super) async fn post(&self, seed: u64) -> Uuid {
        let id = Uuid::new_v4();
        let answer = self
            .http
            .post(format!("{}/{IMPORTS}", self.url))
            .bearer_auth(&self.token)
            .json(&identity(id, seed))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        id
    }

    /// Makes an upload without imports, and returns its id.
    pub(super) async fn upload(&self) -> Value {
        let url = format!(
            "{}/beta/deviceManagement/importedWindowsAutopilotDeviceIdentityUploads",
            self.url
        );
        let ask = self.http.post(url).bearer_auth(&self.token);
        let answer = ask.json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let body: Value = answer.json().await.unwrap();
        body["id"].clone()
    }

    /// Posts devices in one request, which must be acknowledged, and returns the ids.
    pub(super) async fn post_many(&self, seeds: std::ops::Range<u64>) -> Vec<Uuid> {
        let ids: Vec<_> = seeds.clone().map(|_| Uuid::new_v4()).collect();
        let rows: Vec<_> = ids
            .iter()
            .zip(seeds)
            .map(|(&id, seed)| identity(id, seed))
            .collect();
        let answer = self
            .http
            .post(format!("{}/{IMPORTS}/import", self.url))
            .bearer_auth(&self.token)
            .json(&json!({ "importedWindowsAutopilotDeviceIdentities": rows }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        ids
    }

    pub(super) async fn imports(&self) -> Vec<Value> {
        self.all(IMPORTS).await
    }

    pub(super) async fn devices(&self) -> Vec<Value> {
        self.all(DEVICES).await
    }

    /// The imports, once none waits any more.
    pub(super) async fn settled(&self) -> Vec<Value> {
        let settled = async {
            loop {
                let imports = self.imports().await;
                let waits = |import: &Value| import["state"]["deviceImportStatus"] == "unknown";
                if !imports.iter().any(waits) {
                    return imports;
                }
            }
        };
        let patience = Duration::from_mins(1);
        let settled = tokio::time::timeout(patience, settled).await;
        settled.expect("imports still wait after a minute")
    }

    /// Every item of a list, page by page.
    async fn all(&self, set: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(format!("{}/{set}", self.url));
        while let Some(link) = next {
            let request = self.http.get(link).bearer_auth(&self.token);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let mut page: Value = answer.json().await.unwrap();
            items.append(page["value"].as_array_mut().unwrap());
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        items
    }
}

fn identity(id: Uuid, seed: u64) -> Value {
    let blob = Builder::new(seed).build();
    json!({ "id": id.to_string(), "hardwareIdentifier": BASE64_STANDARD.encode(blob) })
}
