//! `/$batch`: requests within a request.

mod answers;
mod commits;
mod order;
mod permissions;
mod refusals;
mod urls;

use hangar::testing::TestAnswer;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{House, string, text};

pub(crate) const BATCH: &str = "/beta/$batch";
pub(crate) const SET: &str = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// A part that reads.
fn get(id: &str, url: &str) -> Value {
    json!({ "id": id, "method": "GET", "url": url })
}

/// A part that writes JSON.
fn write(id: &str, method: &str, url: &str, body: &Value) -> Value {
    json!({
        "id": id, "method": method, "url": url, "body": body,
        "headers": { "Content-Type": "application/json" },
    })
}

/// A part that creates an import with this serial number.
fn create(id: &str, serial: &str) -> Value {
    write(id, "POST", SET, &json!({ "serialNumber": serial }))
}

/// The same part, after another.
fn after(mut part: Value, parent: &str) -> Value {
    part["dependsOn"] = json!([parent]);
    part
}

impl House {
    /// The answers to these parts, in their order.
    async fn batch(&self, parts: &[Value]) -> Vec<Value> {
        let answer = self.post(BATCH, &json!({ "requests": parts })).await;
        responses(&answer)
    }

    /// How many imports Contoso has.
    async fn imports(&self) -> String {
        let path = format!("/beta{SET}/$count");
        text(&self.get(&path).await)
    }

    async fn send_batch(&self, token: &str, parts: &[Value]) -> TestAnswer {
        let body = json!({ "requests": parts });
        let ask = self.ask(Method::POST, BATCH).token(token);
        ask.json(&body).send().await
    }
}

fn responses(answer: &TestAnswer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", text(answer));
    let body = answer.json();
    let responses = body["responses"].as_array().expect("responses");
    responses.clone()
}

/// The ids and statuses of answers.
fn statuses(answers: &[Value]) -> Vec<(String, u64)> {
    answers
        .iter()
        .map(|answer| {
            let status = answer["status"].as_u64().expect("a status");
            (string(&answer["id"]), status)
        })
        .collect()
}

/// A part's error in one line.
fn told(answer: &Value) -> String {
    let error = &answer["body"]["error"];
    format!(
        "{} {}: {}",
        answer["status"],
        error["code"].as_str().unwrap_or("?"),
        error["message"].as_str().unwrap_or("?")
    )
}
