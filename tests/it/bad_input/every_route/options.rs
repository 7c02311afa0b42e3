//! Query options: each with values that it can't have, and those that nobody offers.

use hangar::{
    graph::{behavior::Behavior, version::Version},
    http::{metadata::options, router::Operation},
};
use http::Method;

use super::{BAD, BEHAVIORS, Ground, calls, named};
use crate::{
    coverage::{case, path_of},
    harness::{Ask, string},
};

/// Values that an option can't have, whoever takes it.
fn wrong() -> Vec<(&'static str, Vec<String>)> {
    let of = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let numbers = [
        "-1",
        "x",
        "",
        "1.5",
        "%2B1",
        "1e3",
        "0x1",
        "%201",
        "%EF%BC%91",
    ];
    let mut filters: Vec<String> = of(&[
        "",
        "id",
        "nothing%20eq%201",
        "id%20eq",
        "id%20eq%20%27x",
        "id%20eq%20%27x%27",
        "%28id%20eq%20null",
        "id%20eq%20@p",
        "id%20eq%20null%00",
    ]);
    filters.push("(".repeat(10_000));
    filters.push("not%20".repeat(2_500));
    filters.push(format!("@p&@p={}", "(".repeat(10_000)));
    filters.push(format!("id%20eq%20%27{}%27", "a".repeat(15_000)));
    vec![
        ("$top", of(&numbers)),
        ("$skip", of(&numbers)),
        ("$count", of(&["1", "yes", "", "tru"])),
        ("$filter", filters),
        (
            "$orderby",
            of(&["", "nothing", "id%20up", ",", "id,id", "id%20desc%20desc"]),
        ),
        ("$select", of(&["", "nothing", ",", "id/x", "ID"])),
        (
            "$expand",
            of(&["", "nothing", ",", "nothing($select=id)", "id"]),
        ),
        (
            "$skiptoken",
            vec![String::new(), "x".to_owned(), "A".repeat(6_000)],
        ),
        ("$search", of(&["x", "%22x%22"])),
        ("$format", of(&["json", "xml"])),
        ("$apply", of(&["x"])),
        ("$compute", of(&["x"])),
        ("$nothing", of(&["x"])),
        ("$", of(&["x"])),
    ]
}

#[tokio::test]
async fn an_option_with_a_wrong_value_is_refused() {
    for behavior in BEHAVIORS {
        let ground = Ground::new(behavior).await;
        for (route, version) in calls() {
            if !ground.offers(route.operation) {
                continue;
            }
            let body = ground.case(route).body;
            let good = |query: &str| -> Ask<'_> {
                let ask = ground.ask(route, version, query);
                match &body {
                    Some(body) => ask.json(body),
                    None => ask,
                }
            };
            for (option, values) in wrong() {
                for value in values {
                    // Elsewhere a key is a GUID; these are texts.
                    let by_text = [Operation::ListAssignments, Operation::ListEvents];
                    if value == "id%20eq%20%27x%27" && by_text.contains(&route.operation) {
                        continue;
                    }
                    let mut queries = vec![format!("?{option}={value}")];
                    // Beta knows the options without their dollar sign, the other says what is missing.
                    if !["$nothing", "$"].contains(&option) {
                        queries.push(format!("?{}={value}", &option[1..]));
                    }
                    for query in queries {
                        let case = format!("{}{query}", named(route, version));
                        ground.refuses(&case, good(&query), BAD).await;
                    }
                }
            }
            for query in [
                "?$top=1&$top=1",
                "?$top=%ff",
                "?%00=1",
                "?@a=1&@a=2",
                "?$Top=-1",
            ] {
                let case = format!("{}{query}", named(route, version));
                ground.refuses(&case, good(query), BAD).await;
            }
        }
        ground.close(5_000);
    }
}

/// Tokens that were given out, each used where it was not.
#[tokio::test]
async fn a_page_token_leads_nowhere_else() {
    let ground = Ground::new(Behavior::Documented).await;
    let mut tokens = Vec::new();
    for (route, version) in calls() {
        let parsed = Version::parse(version).unwrap();
        let offered = options(route.operation, parsed);
        // There are never any events, and so no second page of them.
        let has_pages = offered.iter().any(|option| option.name == "$skiptoken");
        if !has_pages || route.operation == Operation::ListEvents {
            continue;
        }
        let answer = ground.ask(route, version, "?$top=1").send().await;
        let link = answer.json()["@odata.nextLink"].clone();
        assert!(link.is_string(), "{} has one page", named(route, version));
        let token = string(&link)
            .rsplit_once("skiptoken=")
            .unwrap()
            .1
            .to_owned();
        let filters = offered.iter().any(|option| option.name == "$filter");
        tokens.push((route, version, token, filters));
    }
    for (route, version, token, filters) in &tokens {
        let named = named(route, version);
        let good = ground.ask(route, version, &format!("?$skiptoken={token}"));
        assert_eq!(good.send().await.status, 200, "{named}");
        let (half, rest) = token.split_at(token.len() / 2);
        let other = if rest.starts_with('A') { "B" } else { "A" };
        let forged = format!("{half}{other}{}", &rest[1..]);
        let mut bad = vec![
            forged,
            half.to_owned(),
            rest.to_owned(),
            format!("{token}A"),
        ];
        bad.push(token[..token.len() - 1].to_owned());
        bad.push(token.to_ascii_lowercase());
        let elsewhere = tokens.iter().filter(|other| other.2 != *token);
        bad.extend(elsewhere.map(|other| other.2.clone()));
        for bad in bad {
            let ask = ground.ask(route, version, &format!("?$skiptoken={bad}"));
            ground.refuses(&format!("{named} {bad}"), ask, BAD).await;
        }
        if *filters {
            for query in ["$filter=id%20ne%20null", "$orderby=id%20desc"] {
                let ask = ground.ask(route, version, &format!("?{query}&$skiptoken={token}"));
                ground.refuses(&format!("{named} {query}"), ask, BAD).await;
            }
        }
        // The other tenant, in its own collection of the kind.
        let keys = case(route.operation, &ground.foreign).keys;
        let path = format!("{}?$skiptoken={token}", path_of(route, version, &keys));
        let ask = ground.house.ask(Method::GET, &path);
        let ask = ask.token(&ground.house.fabrikam);
        ground
            .refuses(&format!("{named} of another tenant"), ask, BAD)
            .await;
    }
    ground.close(60);
}
