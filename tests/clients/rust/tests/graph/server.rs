//! The server under test, as `cargo xtask test` started it: its address, its tokens, and devices that
//! nobody has. What is asked of it stands in the tests.

use std::{
    env,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use graph_rs_sdk::{
    GraphClient, GraphClientConfiguration, GraphResult,
    error::ErrorType,
    http::{ResponseExt as _, Url},
};
use reqwest::Response;
use serde_json::Value;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

static SEED: AtomicU64 = AtomicU64::new(1);

pub fn is_observed() -> bool {
    variable("SERVER_BEHAVIOR") == "observed"
}

/// The administrator's client of the beta.
pub fn client() -> GraphClient {
    client_for("beta", &[])
}

/// A client of a version, with the token that `hangar token` prints for these words.
pub fn client_for(version: &str, words: &[&str]) -> GraphClient {
    client_with(version, &hangar(&[&["token"], words].concat()))
}

/// A client of a version, with a token.
pub fn client_with(version: &str, token: &str) -> GraphClient {
    let configuration = GraphClientConfiguration::new()
        .access_token(token)
        .https_only(false);
    let mut client = GraphClient::from(configuration);
    let url = format!("{}/{version}", variable("SERVER_HTTP"));
    client.use_test_endpoint(&Url::parse(&url).unwrap());
    client
}

/// The body of an import of a device that no test has sent.
pub fn device() -> Value {
    let seed = SEED.fetch_add(1, Ordering::Relaxed).to_string();
    let line = hangar(&["hash", "generate", "--wire", "--seed", &seed]);
    serde_json::from_str(&line).unwrap()
}

/// The JSON of an answer that is a success.
pub async fn json(answer: GraphResult<Response>) -> Value {
    let response = answer.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Checks that an answer without a body is a success.
pub async fn done(answer: GraphResult<Response>) {
    let response = answer.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    let expected = if is_observed() { 200 } else { 204 };
    assert_eq!((status.as_u16(), text.as_str()), (expected, ""));
}

/// The import, once its state is no longer the `unknown` that scripts wait out.
pub async fn settled(client: &GraphClient, id: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = client
            .device_management()
            .get_imported_windows_autopilot_device_identities(id);
        let import = json(asked.send().await).await;
        if import["state"]["deviceImportStatus"] != "unknown" {
            return import;
        }
        assert!(Instant::now() < deadline, "it does not settle: {import}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends an import: the settled one.
pub async fn registered(client: &GraphClient, body: &Value) -> Value {
    let sent = client
        .device_management()
        .create_imported_windows_autopilot_device_identities(body);
    let accepted = json(sent.send().await).await;
    let import = settled(client, text(&accepted["id"])).await;
    assert_eq!(import["state"]["deviceImportStatus"], "complete");
    import
}

/// Checks that an answer becomes the crate's own error with this kind and code, and a message that
/// holds this text. The live service wraps its message in a JSON document of its own.
pub async fn refused(answer: GraphResult<Response>, kind: ErrorType, code: &str, message: &str) {
    let response = answer.unwrap();
    assert_eq!(response.graph_error_type(), Some(kind), "{response:?}");
    let error = response.into_graph_error_message().await.unwrap();
    assert_eq!(error.code_property().as_deref(), Some(code), "{error}");
    let told = error.message().unwrap();
    assert!(told.contains(message), "{told}");
    if is_observed() {
        let document: Value = serde_json::from_str(&told).unwrap();
        assert!(text(&document["Message"]).contains(message), "{told}");
    }
    assert_eq!(error.request_id().unwrap().len(), 36);
    assert!(error.date().is_some());
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What the program prints.
fn hangar(words: &[&str]) -> String {
    let output = Command::new(variable("SERVER_PROGRAM"))
        .args(words)
        .current_dir(variable("SERVER_DIRECTORY"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`"))
}
