//! Bodies: none, no JSON, of wrong types, with members that nobody knows, too large.

use hangar::{
    graph::behavior::Behavior,
    http::router::{Operation, Route},
};
use serde_json::{Value, json};

use super::{BAD, BEHAVIORS, Ground, calls, faults, named};

/// What an operation's description says of its body, and whether it can be left out.
fn described<'g>(ground: &'g Ground, route: &Route, version: &str) -> Option<(&'g Value, bool)> {
    let document = ground.document(version);
    let paths = document["paths"].as_object().unwrap();
    let is_path = |path: &str| {
        let path: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
        let segments: Vec<_> = route.segments().collect();
        let same = |(described, known): (&&str, &&str)| {
            let short = described.trim_start_matches("microsoft.graph.");
            short == *known || (short.starts_with('{') && known.starts_with('{'))
        };
        path.len() == segments.len() && path.iter().zip(&segments).all(same)
    };
    let mut items = paths.iter().filter(|(path, _)| is_path(path));
    let (_, item) = items
        .next()
        .unwrap_or_else(|| panic!("{route:?} is not described"));
    let operation = &item[route.method.as_str().to_ascii_lowercase()];
    let body = operation.get("requestBody")?;
    let schema = &body["content"]["application/json"]["schema"];
    Some((schema, body["required"] == false))
}

/// The body of a good request.
fn good(ground: &Ground, route: &Route) -> Value {
    ground.case(route).body.unwrap_or_else(|| json!({}))
}

/// The good body with these members instead of its own, or beside them.
fn with(mut body: Value, wrong: Value) -> Value {
    match (&mut body, wrong) {
        (Value::Object(members), Value::Object(wrong)) => members.extend(wrong),
        (_, wrong) => return wrong,
    }
    body
}

fn limit_bytes(operation: Operation) -> usize {
    match operation {
        Operation::CreateImports | Operation::CreateUpload | Operation::CreateUploadImports => {
            16 << 20
        }
        Operation::Batch => 4 << 20,
        _ => 1 << 20,
    }
}

#[tokio::test]
async fn what_is_not_as_described_is_refused() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        for (route, version) in calls() {
            let Some((schema, _)) = described(&ground, route, version) else {
                continue;
            };
            let good = good(&ground, route);
            for wrong in faults::of(schema, ground.document(version)) {
                let case = format!("{} {wrong}", named(route, version));
                let body = with(good.clone(), wrong);
                let ask = ground.ask(route, version, "").json(&body);
                ground.refuses(&case, ask, BAD).await;
            }
            // A name may stand once, whatever stands behind it.
            let name = good.as_object().and_then(|members| members.keys().next());
            let name = name.map_or("@a", String::as_str);
            let twice = format!("{{\"{name}\":null,\"{name}\":null}}");
            let ask = ground.ask(route, version, "").bytes(twice.clone());
            ground
                .refuses(&format!("{} {twice}", named(route, version)), ask, BAD)
                .await;
        }
        ground.close(2_000);
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let ground = Ground::new(Behavior::Documented).await;
    for (route, version) in calls() {
        let Some((_, may_be_missing)) = described(&ground, route, version) else {
            continue;
        };
        let good = good(&ground, route).to_string();
        let mut bodies = vec![
            "{".to_owned(),
            "}".to_owned(),
            "null".to_owned(),
            "true".to_owned(),
            "7".to_owned(),
            "\"x\"".to_owned(),
            "[]".to_owned(),
            format!("[{good}]"),
            format!("{good}{good}"),
            good[..good.len() - 1].to_owned(),
            "a=b".to_owned(),
            "{\"\\ud800\":1}".to_owned(),
            "[".repeat(10_000),
            "{\"@a\":".repeat(10_000),
            format!("\u{feff}{good}"),
        ];
        if !may_be_missing {
            bodies.push(String::new());
        }
        for body in bodies {
            let case = format!("{} {body:.60}", named(route, version));
            let ask = ground.ask(route, version, "").bytes(body);
            ground.refuses(&case, ask, BAD).await;
        }
        let case = |what: &str| format!("{} {what}", named(route, version));
        for kind in [
            "",
            "text/plain",
            "application/xml",
            "application/json;charset=x",
        ] {
            let ask = ground.ask(route, version, "").bytes(good.clone());
            let ask = ask.header("content-type", kind);
            ground.refuses(&case(kind), ask, BAD).await;
        }
        let ask = ground.ask(route, version, "").bytes(vec![b'{', 0xff, b'}']);
        ground.refuses(&case("no UTF-8"), ask, BAD).await;
        let ask = ground.ask(route, version, "").bytes(good.clone());
        let ask = ask.header("content-encoding", "gzip");
        ground.refuses(&case("no gzip"), ask, BAD).await;
        let ask = ground.ask(route, version, "").bytes(good.clone());
        let ask = ask.header("content-encoding", "br");
        ground.refuses(&case("br"), ask, &[415]).await;
    }
    ground.close(500);
}

#[tokio::test]
async fn what_is_too_large_is_413() {
    let ground = Ground::new(Behavior::Documented).await;
    for (route, version) in calls() {
        if described(&ground, route, version).is_none() {
            continue;
        }
        let mut body = good(&ground, route).to_string();
        let blanks = limit_bytes(route.operation) + 1 - body.len();
        body.push_str(&" ".repeat(blanks));
        let ask = ground.ask(route, version, "").bytes(body);
        ground.refuses(&named(route, version), ask, &[413]).await;
    }
    ground.close(30);
}
