//! The binary as a person and a supervisor meet it: what it prints, refuses and logs, how it ends.

mod admin;
mod authority;
mod config;
mod data_directory;
mod ending;
mod guard;
mod ledger;
mod logs;
mod refusals;
mod tokens;

use std::time::Instant;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use serde_json::{Value, json};

use crate::process::{PATIENCE, Server, client};

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const CONTOSO: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const FABRIKAM: &str = "bbbbbbbb-0000-4000-8000-00000000000b";

/// Posts an import and returns the status and the body of the answer.
async fn post(server: &Server, token: &str, body: &Value) -> (u16, Value) {
    let answer = client()
        .post(format!("{}/{IMPORTS}", server.url))
        .bearer_auth(token)
        .json(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The status of the answer to a list of imports.
async fn get(server: &Server, token: &str) -> u16 {
    let request = client().get(format!("{}/{IMPORTS}", server.url));
    let answer = request.bearer_auth(token).send().await.unwrap();
    answer.status().as_u16()
}

/// Posts an import and returns it once it is settled.
async fn settled(server: &Server, token: &str, body: &Value) -> Value {
    let (status, import) = post(server, token, body).await;
    assert_eq!(status, 201, "{import}");
    let id = import["id"].as_str().unwrap();
    let url = format!("{}/{IMPORTS}/{id}", server.url);
    let client = client();
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let answer = client.get(&url).bearer_auth(token).send().await.unwrap();
        let import: Value = answer.json().await.unwrap();
        if import["state"]["deviceImportStatus"] != "unknown" {
            return import;
        }
    }
    panic!("the import {id} is not settled");
}

/// An import of a made-up device with this serial number.
fn device(seed: u64, serial: &str) -> Value {
    let blob = Builder::new(seed).serial_number(serial).build();
    json!({ "hardwareIdentifier": BASE64_STANDARD.encode(blob) })
}
