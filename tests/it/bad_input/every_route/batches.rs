//! The same through `$batch`: each part is refused for itself, as it is alone.

use hangar::http::{
    auth::permission::Access,
    router::{Operation, Route},
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{BEHAVIORS, Ground, calls, named};
use crate::{coverage::path_of, harness::text};

/// Most parts of a batch.
const PARTS: usize = 20;

/// Parts that are to be refused, each with the status.
fn parts(ground: &Ground, route: &Route, version: &str) -> Vec<(Value, Vec<u64>)> {
    let mut good = ground.case(route);
    let path = path_of(route, version, &good.keys);
    if route.method == Method::POST {
        // The live service wants a body of every part that writes.
        good.body.get_or_insert_with(|| json!({}));
    }
    let part = |url: String, body: Option<Value>| {
        let mut part = json!({ "method": route.method.as_str(), "url": url });
        if let Some(body) = body {
            part["body"] = body;
            part["headers"] = json!({ "Content-Type": "application/json" });
        }
        part
    };
    let mut parts = Vec::new();
    for query in [
        "$top=-1",
        "$skip=x",
        "$filter=(",
        "$search=x",
        "$skiptoken=x",
        "$x=1",
    ] {
        parts.push((
            part(format!("{path}?{query}"), good.body.clone()),
            vec![400],
        ));
    }
    if route.path.contains('{') {
        let keys = vec![Uuid::from_u128(7).to_string(); good.keys.len()];
        let nobodys = path_of(route, version, &keys);
        // The live service does not look whether there was an import.
        parts.push((part(nobodys, good.body.clone()), vec![404, 400, 200]));
    }
    if let Some(body) = good.body {
        let mut unknown = body.clone();
        unknown["nothingOfTheKind"] = json!(1);
        parts.push((part(path.clone(), Some(unknown)), vec![400]));
        parts.push((part(path.clone(), Some(json!([body]))), vec![400]));
        // Where a body may be as large as a batch, this is no fault.
        let takes_many = matches!(
            route.operation,
            Operation::CreateImports | Operation::CreateUpload | Operation::CreateUploadImports
        );
        if !takes_many {
            let long = json!({ "@a": "x".repeat(1 << 20) });
            let is_read = ground.offers(route.operation);
            parts.push((
                part(path, Some(long)),
                vec![if is_read { 413 } else { 400 }],
            ));
        }
    }
    parts
}

#[tokio::test]
async fn a_part_is_refused_as_it_is_alone() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        for (route, version) in calls() {
            // A batch in a batch spoils all of it: `batch::urls`.
            if route.access == Access::AnyToken {
                continue;
            }
            let parts = parts(&ground, route, version);
            for parts in parts.chunks(PARTS.min(4)) {
                let numbered = parts.iter().enumerate().map(|(number, (part, _))| {
                    let mut part = part.clone();
                    part["id"] = json!(number.to_string());
                    part
                });
                let body = json!({ "requests": numbered.collect::<Vec<_>>() });
                let answer = ground.house.post("/beta/$batch", &body).await;
                let named = named(route, version);
                ground.judge(&named, &answer, &[200]);
                let told = text(&answer);
                let responses = answer.json()["responses"].clone();
                for (number, (part, statuses)) in parts.iter().enumerate() {
                    let status = responses[number]["status"].as_u64();
                    let shown: String = part.to_string().chars().take(200).collect();
                    assert!(
                        status.is_some_and(|status| statuses.contains(&status)),
                        "{named}: {shown}: {status:?} {told:.300}"
                    );
                }
            }
        }
        ground.close(100);
    }
}
