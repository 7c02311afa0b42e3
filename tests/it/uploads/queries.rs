//! Queries of uploads and of the imports in them, and expansions with options of their own.

use serde_json::{Value, json};

use super::nameless;
use crate::harness::{House, UPLOADS, device, error, ids_of, string, text};

/// A query string with its blanks escaped.
fn escaped(query: &str) -> String {
    query.replace(' ', "%20")
}

/// Where a link leads, below the server.
fn path_of(link: &Value) -> String {
    let link = string(link);
    link["http://127.0.0.1:8080".len()..].to_owned()
}

fn tagged(tag: &str) -> Value {
    json!({ "groupTag": tag, "serialNumber": format!("S-{tag}") })
}

#[tokio::test]
async fn uploads_are_filtered_sorted_and_counted() {
    let house = House::new();
    let empty = house.make_upload(&[]).await;
    let good = house.make_upload(&[device(1)]).await;
    let bad = house.make_upload(&[device(2), nameless()]).await;
    house.api.settle().await;
    let waiting = house.make_upload(&[nameless()]).await;
    let of = async |query: &str| {
        let answer = house.get(&format!("{UPLOADS}?{}", escaped(query))).await;
        assert_eq!(answer.status, 200, "{query}: {}", text(&answer));
        ids_of(&answer)
    };
    assert_eq!(of("$filter=status eq 'error'").await, [bad.as_str()]);
    assert_eq!(
        of("$orderby=status desc").await,
        [bad.as_str(), &good, &waiting, &empty]
    );
    assert_eq!(
        of("$orderby=status desc&$skip=1&$top=2").await,
        [good.as_str(), &waiting]
    );
    let is_one = format!("$filter=id eq '{}'", good.to_uppercase());
    assert_eq!(of(&is_one).await, [good.as_str()]);
    assert_eq!(
        of("$filter=createdDateTimeUtc gt 2030-01-01").await.len(),
        0
    );
    let path = format!("{UPLOADS}/$count?$filter=status%20ne%20'noUpload'");
    assert_eq!(text(&house.get(&path).await), "3");

    let mut seen = Vec::new();
    let mut path = format!("{UPLOADS}?$orderby=status&$top=1&$count=true&$select=status");
    loop {
        let page = house.get(&path).await.json();
        assert_eq!(page["@odata.count"], 4);
        let row = page["value"][0].as_object().unwrap();
        let members: Vec<_> = row.keys().filter(|key| !key.contains('@')).collect();
        assert_eq!(members, ["status"]);
        seen.push(string(&row["status"]));
        if page["@odata.nextLink"].is_null() {
            break;
        }
        path = path_of(&page["@odata.nextLink"]);
    }
    assert_eq!(seen, ["noUpload", "pending", "complete", "error"]);
    let one = house.get(&format!("{UPLOADS}/{good}?$select=status")).await;
    assert_eq!(one.json()["status"], "complete");
    assert!(one.json().get("createdDateTimeUtc").is_none());
}

#[tokio::test]
async fn imports_in_an_upload_are_queried_like_all_imports() {
    let house = House::new();
    let rows: Vec<_> = ["d", "a", "c", "b", "a"].map(tagged).to_vec();
    let upload = house.make_upload(&rows).await;
    house.make_upload(&rows).await;
    let nested = format!("{UPLOADS}/{upload}/deviceIdentities");
    let tags = async |path: &str| {
        let answer = house.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        let body = answer.json();
        let rows = body["value"].as_array().unwrap();
        let tags: Vec<_> = rows.iter().map(|row| string(&row["groupTag"])).collect();
        (tags, body["@odata.nextLink"].clone())
    };
    let query = escaped("$filter=groupTag ne 'b'&$orderby=groupTag desc&$top=3");
    let (first, link) = tags(&format!("{nested}?{query}")).await;
    assert_eq!(first, ["d", "c", "a"]);
    let (rest, end) = tags(&path_of(&link)).await;
    assert_eq!((rest, end), (vec!["a".to_owned()], Value::Null));
    let query = escaped("$filter=contains(serialNumber,'-a')");
    assert_eq!(tags(&format!("{nested}?{query}")).await.0, ["a", "a"]);
    let count = format!("{nested}/$count?{query}");
    assert_eq!(text(&house.get(&count).await), "2");
    let query = escaped("$filter=state/deviceImportStatus eq 'unknown'&$count=true&$top=1");
    let answer = house.get(&format!("{nested}?{query}")).await.json();
    assert_eq!(answer["@odata.count"], 5);
    // A page's end is of one question, of one upload.
    let token = string(&link);
    let token = token.rsplit_once("$skiptoken=").unwrap().1;
    let answer = house.get(&format!("{nested}?$skiptoken={token}")).await;
    assert_eq!(answer.status, 400);
    let answer = house.get(&format!("{nested}?$expand=x")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn what_is_expanded_has_options_of_its_own() {
    let house = House::new();
    let rows: Vec<_> = ["d", "a", "c", "b", "e&+"].map(tagged).to_vec();
    let upload = house.make_upload(&rows).await;
    let options =
        "$select=groupTag;$filter=groupTag ne @p;$orderby=groupTag desc;$top=2;$count=true";
    let query = escaped(&format!("$expand=deviceIdentities({options})&@p='d'"));
    for path in [
        format!("{UPLOADS}/{upload}?{query}"),
        format!("{UPLOADS}?{query}"),
    ] {
        let body = house.get(&path).await.json();
        let one = if body.get("value").is_some() {
            body["value"][0].clone()
        } else {
            body.clone()
        };
        let context = string(&body["@odata.context"]);
        assert!(
            context.contains("Uploads(deviceIdentities(groupTag))"),
            "{context}"
        );
        let context = string(&one["deviceIdentities@odata.context"]);
        assert!(context.ends_with("Identities(groupTag)"), "{context}");
        assert_eq!(one["deviceIdentities@odata.count"], 4);
        let shown = &one["deviceIdentities"];
        assert_eq!(shown[0]["groupTag"], "e&+");
        assert_eq!(
            (&shown[1]["groupTag"], shown.as_array().unwrap().len()),
            (&json!("c"), 2)
        );
        assert!(shown[0].get("serialNumber").is_none());
        let rest = house
            .get(&path_of(&one["deviceIdentities@odata.nextLink"]))
            .await;
        assert_eq!(rest.status, 200, "{}", text(&rest));
        let rest = rest.json();
        assert_eq!(rest["@odata.count"], 4);
        let tags: Vec<_> = rest["value"].as_array().unwrap().iter().collect();
        assert_eq!((tags.len(), &tags[0]["groupTag"]), (2, &json!("b")));
        assert!(tags[0].get("serialNumber").is_none());
        assert!(rest.get("@odata.nextLink").is_none());
    }
    // What is selected of an upload leaves what is expanded.
    let path = format!("{UPLOADS}/{upload}?$select=id&$expand=deviceIdentities($top=0)");
    let body = house.get(&path).await.json();
    assert_eq!(body["deviceIdentities"], json!([]));
    assert!(body.get("status").is_none() && body.get("deviceIdentities@odata.nextLink").is_none());
    for (query, said) in [
        (
            "$expand=deviceIdentities($filter=nothing eq 1)",
            "(at position 25)",
        ),
        (
            "$expand=deviceIdentities($orderby=state)",
            "(at position 26)",
        ),
        ("$expand=deviceIdentities($top=-1)", "(at position 22)"),
        (
            "$expand=deviceIdentities($filter=groupTag eq @q)",
            "'@q' has no value",
        ),
        ("$expand=deviceIdentities($levels=2)", "(at position 17)"),
    ] {
        let answer = house.get(&format!("{UPLOADS}?{}", escaped(query))).await;
        let told = error(&answer);
        assert!(
            told.starts_with("400 BadRequest: The query option '$expand'"),
            "{told}"
        );
        assert!(told.contains(said), "{told}");
    }
}
