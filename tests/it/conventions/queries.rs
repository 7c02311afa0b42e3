//! `$filter`, `$orderby`, `$select` and `$expand` on every collection. Which option is taken where is
//! in `options`, what a filter means in the tests of the crate `odata` and of the store.

use hangar::testing::TestAnswer;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{DEVICES, House, IMPORTS, VERSIONS, error, ids_of, string, text};

/// Percent-encodes what a URI can't hold.
fn encoded(query: &str) -> String {
    query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'&'
            | b'='
            | b'('
            | b')' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

async fn ask(house: &House, set: &str, query: &str) -> TestAnswer {
    house.get(&format!("{set}?{}", encoded(query))).await
}

/// The serial numbers that a query finds, in its order.
async fn serials(house: &House, set: &str, query: &str) -> Vec<String> {
    let answer = ask(house, set, query).await;
    assert_eq!(answer.status, 200, "{query}: {}", text(&answer));
    let body = answer.json();
    let rows = body["value"].as_array().expect("a collection");
    rows.iter()
        .map(|row| row["serialNumber"].as_str().unwrap_or("null").to_owned())
        .collect()
}

/// A house with three settled imports, one of which was refused, two of them devices; and one that
/// waits.
async fn house() -> House {
    let house = House::lenient();
    for (serial, tag, hash) in [
        ("PF-100", Some("Sales"), Some("aGE=")),
        ("pf-200 x", None, Some("aGI=")),
        ("é'%_", Some(""), None),
    ] {
        let mut body = json!({ "serialNumber": serial, "groupTag": tag });
        if let Some(hash) = hash {
            body["hardwareIdentifier"] = json!(hash);
        }
        house.accept(&house.contoso, &body).await;
    }
    let theirs = json!({ "serialNumber": "PF-100", "hardwareIdentifier": "aGM=" });
    house.accept(&house.fabrikam, &theirs).await;
    house.api.settle().await;
    house.accept(&house.contoso, &json!({})).await;
    house
}

#[tokio::test]
async fn imports_are_filtered_by_what_clients_read() {
    let house = house().await;
    let cases = [
        ("serialNumber eq 'PF-100'", vec!["PF-100"]),
        ("serialNumber eq 'pf-100'", vec![]),
        ("tolower(serialNumber) eq 'pf-100'", vec!["PF-100"]),
        ("contains(serialNumber,'-')", vec!["PF-100", "pf-200 x"]),
        ("contains(serialNumber,'é''%_')", vec!["é'%_"]),
        ("endswith(serialNumber,'_')", vec!["é'%_"]),
        ("startswith(serialNumber,'pf')", vec!["pf-200 x"]),
        ("serialNumber eq null", vec!["null"]),
        ("not contains(serialNumber,'-')", vec!["é'%_"]),
        ("state/deviceImportStatus eq 'unknown'", vec!["null"]),
        ("state/deviceImportStatus eq 'error'", vec!["é'%_"]),
        ("state/deviceErrorCode gt 0", vec!["é'%_"]),
        (
            "state/deviceErrorName eq 'None'",
            vec!["PF-100", "pf-200 x"],
        ),
        ("state/deviceRegistrationId eq ''", vec!["null", "é'%_"]),
        // One value with two names.
        ("groupTag eq 'Sales'", vec!["PF-100"]),
        ("orderIdentifier in ('Sales','x')", vec!["PF-100"]),
        ("orderIdentifier eq ''", vec!["é'%_"]),
        ("groupTag eq null", vec!["null", "pf-200 x"]),
        ("length(serialNumber) eq 4", vec!["é'%_"]),
    ];
    for version in VERSIONS {
        let set = IMPORTS.replace("beta", version);
        for (filter, expected) in &cases {
            let query = format!("$filter={filter}&$orderby=serialNumber");
            let found = serials(&house, &set, &query).await;
            assert_eq!(&found, expected, "{filter}");
            let path = format!("{set}/$count?{}", encoded(&format!("$filter={filter}")));
            assert_eq!(text(&house.get(&path).await), expected.len().to_string());
        }
    }
    // Whatever is asked, the answer is the asking tenant's.
    let path = format!("{IMPORTS}?{}", encoded("$filter=true&$count=true"));
    let theirs = house.ask(Method::GET, &path).token(&house.fabrikam);
    let theirs = theirs.send().await;
    assert_eq!(ids_of(&theirs).len(), 1);
    assert_eq!(theirs.json()["@odata.count"], 1);
}

#[tokio::test]
async fn devices_are_filtered_with_their_versions_own_properties() {
    let house = house().await;
    for version in VERSIONS {
        let set = DEVICES.replace("beta", version);
        let found = |filter: &'static str| serials_of(&house, set.clone(), filter);
        assert_eq!(found("serialNumber eq 'PF-100'").await, ["PF-100"]);
        assert_eq!(found("groupTag eq ''").await, ["pf-200 x"]);
        assert_eq!(found("groupTag eq null").await, [""; 0]);
        assert_eq!(found("enrollmentState eq 'notContacted'").await.len(), 2);
        assert_eq!(
            found("azureActiveDirectoryDeviceId eq '985b4f49-4f49-985b-494f-5b98494f5b98'").await,
            [""; 0]
        );
        assert_eq!(
            found("lastContactedDateTime lt 2024-01-01T00:00:00Z")
                .await
                .len(),
            2
        );
    }
    let filter = "$filter=azureAdDeviceId eq ''";
    assert_eq!(serials(&house, DEVICES, filter).await.len(), 2);
    let v1 = DEVICES.replace("beta", "v1.0");
    assert_eq!(
        error(&ask(&house, &v1, filter).await),
        "400 BadRequest: The query option '$filter' is not understood: Could not find a property named 'azureAdDeviceId' on type 'microsoft.graph.windowsAutopilotDeviceIdentity' (at position 0)."
    );
    // No more does the stable version know what beta alone calls a state.
    let filter = "$filter=enrollmentState eq 'blocked'";
    assert_eq!(ask(&house, DEVICES, filter).await.status, 200);
    assert_eq!(ask(&house, &v1, filter).await.status, 400);
    // A password is never found out by asking.
    let answer = ask(
        &house,
        DEVICES,
        "$filter=startswith(deviceAccountPassword,'a')",
    )
    .await;
    assert_eq!(answer.status, 400, "{}", text(&answer));
}

async fn serials_of(house: &House, set: String, filter: &str) -> Vec<String> {
    serials(house, &set, &format!("$filter={filter}")).await
}

#[tokio::test]
async fn filters_arrive_raw_encoded_and_with_pluses() {
    let house = house().await;
    for query in [
        "?$filter=contains(serialNumber,'PF-1')",
        "/?$filter=contains(serialNumber,'PF-1')",
        "/?%24filter=contains%28serialNumber%2C%27PF-1%27%29",
        "?$filter=serialNumber+eq+'PF-100'",
        "?filter=serialNumber%20eq%20'PF-100'",
        "?$FILTER=serialNumber%20eq%20@p1&@p1='PF-100'",
        "?@s='PF-1'&$filter=startswith(serialNumber,@s)",
    ] {
        for set in [IMPORTS, DEVICES] {
            let answer = house.get(&format!("{set}{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {}", text(&answer));
            let rows = answer.json()["value"].clone();
            assert_eq!(rows.as_array().unwrap().len(), 1, "{query}");
            assert_eq!(rows[0]["serialNumber"], "PF-100");
        }
    }
}

#[tokio::test]
async fn rows_are_sorted_by_any_property_and_nested_ones() {
    let house = house().await;
    let order = |query: &'static str| {
        let house = &house;
        async move { serials(house, IMPORTS, &format!("$orderby={query}")).await }
    };
    let ascending = ["null", "PF-100", "pf-200 x", "é'%_"];
    assert_eq!(order("serialNumber").await, ascending);
    assert_eq!(order("serialNumber asc").await, ascending);
    assert_eq!(
        order("serialNumber desc").await,
        ["é'%_", "pf-200 x", "PF-100", "null"]
    );
    assert_eq!(
        order("state/deviceImportStatus desc,serialNumber desc").await,
        ["é'%_", "pf-200 x", "PF-100", "null"]
    );
    assert_eq!(
        order("groupTag,serialNumber desc").await,
        ["pf-200 x", "null", "é'%_", "PF-100"]
    );
    let ids = ids_of(&ask(&house, IMPORTS, "$orderby=id desc").await);
    assert!(ids.is_sorted_by(|one, next| one > next));
    assert_eq!(
        serials(&house, DEVICES, "$orderby=serialNumber desc").await,
        ["pf-200 x", "PF-100"]
    );
}

#[tokio::test]
async fn sorted_pages_make_up_the_list() {
    let house = house().await;
    for query in [
        "$orderby=serialNumber",
        "$orderby=groupTag desc,state/deviceErrorCode",
        "$orderby=id desc",
        "$filter=serialNumber ne 'x'&$orderby=state/deviceImportStatus desc",
    ] {
        let whole = ids_of(&ask(&house, IMPORTS, query).await);
        for size in 1..=4 {
            let mut next = Some(format!("{IMPORTS}?{}&$top={size}", encoded(query)));
            let mut met = Vec::new();
            while let Some(path) = next {
                let answer = house.get(&path).await;
                met.extend(ids_of(&answer));
                let link = answer.json().get("@odata.nextLink").map(string);
                next = link.map(|link| link.replace("http://127.0.0.1:8080", ""));
            }
            assert_eq!(met, whole, "{query} by {size}");
        }
    }
}

#[tokio::test]
async fn a_link_belongs_to_its_filter_and_order() {
    let house = house().await;
    let first = ask(
        &house,
        IMPORTS,
        "$top=1&$filter=serialNumber ne null&$orderby=groupTag",
    )
    .await;
    let link = string(&first.json()["@odata.nextLink"]);
    let token = link.rsplit_once('=').unwrap().1;
    let goes_on = |query: &str| format!("$top=1&{query}$skiptoken={token}");
    let other = [
        "",
        "$orderby=groupTag&",
        "$filter=serialNumber ne null&",
        "$filter=serialNumber ne null&$orderby=groupTag desc&",
        "$filter=serialNumber ne 'x'&$orderby=groupTag&",
        "$filter=serialNumber ne null&$orderby=groupTag,id&",
    ];
    for query in other {
        let answer = ask(&house, IMPORTS, &goes_on(query)).await;
        assert_eq!(
            error(&answer),
            "400 BadRequest: The query option '$skiptoken' is not one that was given out for this query: follow '@odata.nextLink' as it is.",
            "{query}"
        );
    }
    // What is shown, how it is counted and how it is spelled are another matter.
    for query in [
        "$filter=serialNumber ne null&$orderby=groupTag&",
        "$filter=(serialNumber  ne  null)&$orderby=groupTag asc&",
        "$filter=serialNumber ne @n&@n=null&$orderby=groupTag&$select=id&$count=true&",
    ] {
        let answer = ask(&house, IMPORTS, &goes_on(query)).await;
        assert_eq!(answer.status, 200, "{query}: {}", text(&answer));
    }
}

#[tokio::test]
async fn only_what_is_selected_is_answered() {
    let house = house().await;
    let bare = async |path: &str| {
        let ask = house.ask(Method::GET, path);
        let answer = ask
            .header("accept", "application/json;odata.metadata=none")
            .send()
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        answer.json()
    };
    let list = ask(
        &house,
        IMPORTS,
        "$select=id,serialNumber&$top=1&$orderby=serialNumber desc",
    );
    let body = list.await.json();
    assert_eq!(
        body["@odata.context"],
        "http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities(id,serialNumber)"
    );
    let row = &body["value"][0];
    let members: Vec<_> = row.as_object().unwrap().keys().collect();
    assert_eq!(members, ["@odata.type", "id", "serialNumber"]);
    let link = string(&body["@odata.nextLink"]);
    assert!(link.contains("%24select=id%2CserialNumber&"), "{link}");

    let import = ids_of(&ask(&house, IMPORTS, "$filter=serialNumber eq 'é''%_'").await).remove(0);
    let one = format!("{IMPORTS}/{import}");
    assert_eq!(
        bare(&format!("{one}?$select=state/deviceErrorCode,groupTag")).await,
        json!({ "groupTag": "", "state": { "deviceErrorCode": 812 } })
    );
    assert_eq!(
        bare(&format!("{one}?$select=state")).await["state"]
            .as_object()
            .unwrap()
            .len(),
        4
    );
    let all = bare(&one).await;
    assert_eq!(bare(&format!("{one}?$select=*")).await, all);
    assert_eq!(bare(&format!("{one}?$select=id,*")).await, all);
    let entity = house.get(&format!("{one}?$select=id")).await.json();
    assert_eq!(
        entity["@odata.context"],
        "http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities(id)/$entity"
    );
    let v1 = DEVICES.replace("beta", "v1.0");
    let device = ids_of(&house.get(&v1).await).remove(0);
    assert_eq!(
        bare(&format!("{v1}/{device}?$select=enrollmentState")).await,
        json!({ "enrollmentState": "notContacted" })
    );
    let expanded = format!("{DEVICES}/{device}?$select=id&$expand=intendedDeploymentProfile");
    assert_eq!(
        bare(&expanded).await,
        json!({ "id": device, "intendedDeploymentProfile": null })
    );
    assert_eq!(
        house.get(&expanded).await.json()["@odata.context"],
        "http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities(id,intendedDeploymentProfile())/$entity"
    );
    let answer = house
        .get(&format!("{v1}/{device}?$select=azureAdDeviceId"))
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn what_is_not_understood_is_a_400_with_its_place() {
    let house = house().await;
    // What is longer than an address may be never gets here.
    let deepest = format!("$filter={}", "(".repeat(8_000));
    let deep = format!("$filter={}true{}", "(".repeat(200), ")".repeat(200));
    let many = format!("$filter=id eq null{}", " or id eq null".repeat(150));
    let long = format!("$filter=contains(serialNumber,'{}')", "a".repeat(9000));
    let cases = [
        ("$filter=", "$filter"),
        ("$filter=serialNumber", "$filter"),
        ("$filter=serialNumber eq", "$filter"),
        ("$filter=serialNumber eq 5", "$filter"),
        ("$filter=serialNumber like 'a'", "$filter"),
        ("$filter=contains(serialNumber,'a'", "$filter"),
        ("$filter=serialNumber eq 'a", "$filter"),
        ("$filter=serialNumber eq @missing", "$filter"),
        ("$filter=hardwareIdentifier eq 'a'", "$filter"),
        ("$filter=state eq null", "$filter"),
        ("$filter=state/deviceImportStatus eq 'Error'", "$filter"),
        ("$filter=id eq '7'", "$filter"),
        ("$filter=nothing eq 1", "$filter"),
        (deepest.as_str(), "$filter"),
        (deep.as_str(), "$filter"),
        (many.as_str(), "$filter"),
        (long.as_str(), "$filter"),
        ("$orderby=", "$orderby"),
        ("$orderby=nothing", "$orderby"),
        ("$orderby=serialNumber up", "$orderby"),
        ("$orderby=serialNumber,serialNumber desc", "$orderby"),
        ("$orderby=hardwareIdentifier", "$orderby"),
        ("$select=", "$select"),
        ("$select=nothing", "$select"),
        ("$select=state/nothing", "$select"),
        ("$expand=", "$expand"),
        ("$expand=deviceIdentities", "$expand"),
    ];
    for version in VERSIONS {
        let set = IMPORTS.replace("beta", version);
        for (query, option) in cases {
            let answer = ask(&house, &set, query).await;
            let said = error(&answer);
            let expected =
                format!("400 BadRequest: The query option '{option}' is not understood: ");
            assert!(said.starts_with(&expected), "{query}: {said}");
            assert!(said.contains("(at position "), "{query}: {said}");
        }
    }
    let answer = ask(
        &house,
        IMPORTS,
        "$filter=serialNumber eq 'a' and nothing eq 1",
    )
    .await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$filter' is not understood: Could not find a property named 'nothing' on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity' (at position 24)."
    );
    for query in ["$filter=id%20eq%20'%00'", "$filter=%ff"] {
        let answer = house.get(&format!("{IMPORTS}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_single_entity_takes_what_is_shown_and_nothing_else() {
    let house = house().await;
    let import = ids_of(&house.get(IMPORTS).await).remove(0);
    let device = ids_of(&house.get(DEVICES).await).remove(0);
    for path in [format!("{IMPORTS}/{import}"), format!("{DEVICES}/{device}")] {
        for option in [
            "$filter",
            "$orderby",
            "$top",
            "$skip",
            "$count",
            "$skiptoken",
            "$search",
        ] {
            let answer = house.get(&format!("{path}?{option}=true")).await;
            assert_eq!(
                error(&answer),
                format!("400 BadRequest: The query option '{option}' is not supported here.")
            );
        }
        for option in [
            "$top", "$orderby", "$select", "$expand", "$search", "$count",
        ] {
            let set = path.rsplit_once('/').unwrap().0;
            let answer = house.get(&format!("{set}/$count?{option}=1")).await;
            assert_eq!(
                error(&answer),
                format!("400 BadRequest: The query option '{option}' is not supported here.")
            );
        }
    }
    assert_eq!(
        house
            .get(&format!("{IMPORTS}/{import}?$select=id"))
            .await
            .json()["id"],
        Value::from(import)
    );
}
