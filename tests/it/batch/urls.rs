//! Where parts lead: every form of a url that clients write.

use hangar::testing::TestOptions;
use http::Method;
use serde_json::json;

use super::{BATCH, SET, get, responses, statuses};
use crate::harness::{House, error};

#[tokio::test]
async fn a_part_is_found_by_every_form_of_its_url() {
    let house = House::new();
    let (import, _) = house.register(&house.contoso, 1).await;
    let urls = [
        format!("{SET}/{import}"),
        format!("{SET}('{import}')"),
        format!("{}/{import}/", &SET[1..]),
        format!("/beta{SET}/{import}"),
        format!("v1.0{SET}/{}", import.to_uppercase()),
        format!("http://127.0.0.1:8080/beta{SET}/{import}"),
        format!("https://127.0.0.1:8080/v1.0{SET}/{import}"),
        format!("http://127.0.0.1:8080{SET}/{import}?a=b c"),
    ];
    let parts: Vec<_> = (0..)
        .zip(&urls)
        .map(|(id, url)| get(&format!("{id}"), url))
        .collect();
    let answers = house.batch(&parts).await;
    for ((_, status), url) in statuses(&answers).iter().zip(&urls) {
        assert_eq!(*status, 200, "{url}");
    }
    for (answer, url) in answers.iter().zip(&urls) {
        let context = answer["body"]["@odata.context"].as_str().unwrap();
        let version = if url.contains("v1.0") { "v1.0" } else { "beta" };
        let start = format!("http://127.0.0.1:8080/{version}/$metadata");
        assert!(context.starts_with(&start), "{url}: {context}");
    }
}

#[tokio::test]
async fn the_public_address_is_this_server() {
    let house = House::with(TestOptions {
        public_url: Some("https://hangar.example/graph"),
        ..TestOptions::default()
    });
    let answers = house
        .batch(&[get("1", &format!("https://hangar.example/graph/beta{SET}"))])
        .await;
    assert_eq!(answers[0]["status"], 200);
    let elsewhere = json!({ "requests": [get("1", &format!("http://127.0.0.1:8080/beta{SET}"))] });
    assert_eq!(house.post(BATCH, &elsewhere).await.status, 400);
}

#[tokio::test]
async fn what_leads_elsewhere_spoils_the_batch() {
    let house = House::new();
    let refusal =
        |why: &str| format!("400 BadRequest: Invalid batch payload format. Request Id x: {why}");
    let elsewhere = refusal(
        "The url leads to another server. Write it relative to this one's version, as '/deviceManagement/…'.",
    );
    let nested = refusal("A batch can't hold a batch.");
    let cases = [
        (format!("https://graph.microsoft.com/beta{SET}"), &elsewhere),
        (format!("http://127.0.0.1:8081/beta{SET}"), &elsewhere),
        (format!("http://user@127.0.0.1:8080/beta{SET}"), &elsewhere),
        ("/$batch".to_owned(), &nested),
        ("beta/%24BATCH/".to_owned(), &nested),
        ("http://127.0.0.1:8080/v1.0/$batch?x".to_owned(), &nested),
    ];
    for (url, refusal) in cases {
        for method in ["GET", "POST"] {
            let parts = [
                super::create("1", "S"),
                json!({ "id": "x", "method": method, "url": url }),
            ];
            let answer = house.post(BATCH, &json!({ "requests": parts })).await;
            assert_eq!(error(&answer), *refusal, "{url}");
        }
    }
    let parts = json!({ "requests": [get("1", &format!("{SET}?$filter=serialNumber eq '#'"))] });
    let answer = house.post(BATCH, &parts).await;
    assert!(error(&answer).contains("'%23'"), "{}", error(&answer));
    assert_eq!(house.imports().await, "0");

    // What leads nowhere, by contrast, is the part's own fault.
    let status_of = async |url: &str| {
        let ask = house
            .ask(Method::POST, BATCH)
            .json(&json!({ "requests": [get("1", url)] }));
        responses(&ask.send().await)[0]["status"].clone()
    };
    for url in ["x", "//deviceManagement", "/v2.0/x"] {
        assert_eq!(status_of(url).await, 400, "{url}");
    }
    // What is empty leads to the service document.
    for url in ["", "/", "?a"] {
        assert_eq!(status_of(url).await, 200, "{url}");
    }
    let undecodable = get("1", "/deviceManagement/%ff/x");
    let answer = house
        .post(BATCH, &json!({ "requests": [undecodable] }))
        .await;
    assert_eq!(answer.status, 400);
}
