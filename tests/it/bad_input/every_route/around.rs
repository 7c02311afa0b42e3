//! What stands around a body and a query: methods, keys, and the headers that say what is wanted.

use hangar::{
    graph::{behavior::Behavior, version::Version},
    http::{
        auth::permission::Access,
        router::{Operation, ROUTES},
    },
};
use uuid::Uuid;

use super::{BAD, BEHAVIORS, Ground, calls, methods, named};
use crate::{
    coverage::{case, path_of},
    harness::error,
};

#[tokio::test]
async fn a_method_that_is_not_offered_is_refused() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        for (route, version) in calls() {
            let path = path_of(route, version, &ground.case(route).keys);
            for method in methods() {
                let known = Version::parse(version).unwrap();
                let offered = ROUTES.iter().any(|other| {
                    other.path == route.path
                        && other.method == method
                        && other.versions.include(known)
                });
                if offered {
                    continue;
                }
                let case = format!("{method} {}", named(route, version));
                let ask = ground.house.ask(method, &path).bytes("{}");
                let answer = ask.send().await;
                ground.judge(&case, &answer, BAD);
                let told = error(&answer);
                assert!(told.starts_with("400 No method match"), "{case}: {told}");
            }
        }
        ground.close(300);
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_leads_to_nothing() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        let nobodys = Uuid::from_u128(7).to_string();
        let long = "x".repeat(4_000);
        for (route, version) in calls() {
            let good = ground.case(route);
            let theirs = case(route.operation, &ground.foreign).keys;
            for (place, (key, foreign)) in good.keys.iter().zip(&theirs).enumerate() {
                if !route.path.contains('{') {
                    continue;
                }
                let bare = key.replace('-', "");
                let braced = format!("%7B{key}%7D");
                let more = format!("{key}x");
                let dotted = format!("{key}%00");
                let nil = Uuid::nil().to_string();
                for bad in [
                    foreign.as_str(),
                    nobodys.as_str(),
                    nil.as_str(),
                    "x",
                    "%27",
                    "%20",
                    "..",
                    long.as_str(),
                    bare.as_str(),
                    braced.as_str(),
                    more.as_str(),
                    dotted.as_str(),
                    "%ff",
                    "%F0%9F%98%80",
                    "null",
                ] {
                    let mut keys = good.keys.clone();
                    keys[place] = bad.to_owned();
                    let path = path_of(route, version, &keys);
                    let mut ask = ground.house.ask(route.method.clone(), &path);
                    if let Some(body) = &good.body {
                        ask = ask.json(body);
                    }
                    let case = format!("{} {bad:.60}", named(route, version));
                    // The live service does not look whether there was an import.
                    let is_import = matches!(
                        route.operation,
                        Operation::DeleteImport | Operation::DeleteUploadImport
                    );
                    let statuses: &[u16] = if is_import && behavior == Behavior::Observed {
                        &[200, 400, 404]
                    } else {
                        &[400, 404]
                    };
                    ground.refuses(&case, ask, statuses).await;
                }
            }
        }
        ground.close(600);
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_met_is_refused() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        for (route, version) in calls() {
            if !ground.offers(route.operation) {
                continue;
            }
            let good = ground.case(route);
            let ask = || {
                let ask = ground.ask(route, version, "");
                match &good.body {
                    Some(body) => ask.json(body),
                    None => ask,
                }
            };
            let named = named(route, version);
            for (name, value) in [
                ("if-match", "x"),
                ("if-match", "\"x"),
                ("if-none-match", "W/x"),
                ("if-none-match", "\"a\" \"b\""),
            ] {
                let case = format!("{named} {name}: {value}");
                ground.refuses(&case, ask().header(name, value), BAD).await;
            }
            // Numbers are plain text, descriptions may be XML, and what answers nothing has no type.
            let answers_json = !route.path.ends_with("$count") && good.status != 204;
            if answers_json && route.access != Access::Anonymous {
                for value in ["text/html", "application/json;q=0", "application/xml"] {
                    let case = format!("{named} accept: {value}");
                    let ask = ask().header("accept", value);
                    ground.refuses(&case, ask, &[406]).await;
                }
            }
        }
        ground.close(250);
    }
}
