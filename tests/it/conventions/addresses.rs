//! The addresses in answers: they start as the client's own did.

use hangar::testing::{TestOptions, TestPeer};
use http::Method;
use serde_json::json;

use crate::harness::{DEVICES, House, IMPORTS, error, string};

/// Asks under a host and with a proxy's headers, and answers what links start with.
async fn base(house: &House, host: &str) -> String {
    let proxied = |method, path: &str| {
        house
            .ask(method, path)
            .header("host", host)
            .header("x-forwarded-host", "front.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-port", "8443")
    };
    let created = proxied(Method::POST, IMPORTS).json(&json!({})).send().await;
    let location = created.header("location").expect("a location");
    let (base, _) = location
        .split_once(&format!("{IMPORTS}('"))
        .expect(location);
    for set in [IMPORTS, DEVICES] {
        let body = proxied(Method::GET, &format!("{set}?$top=1"))
            .send()
            .await
            .json();
        let link = string(&body["@odata.nextLink"]);
        assert!(
            link.starts_with(&format!("{base}{set}?$top=1&$skiptoken=")),
            "{link}"
        );
        assert_eq!(
            string(&body["@odata.context"]),
            format!("{base}/beta/$metadata#{}", &set["/beta/".len()..])
        );
    }
    base.to_owned()
}

async fn house(options: TestOptions) -> House {
    let house = House::with(options);
    for seed in 1..=2 {
        house.register(&house.contoso, seed).await;
    }
    house
}

#[tokio::test]
async fn they_keep_the_host_as_the_client_used_it() {
    let house = house(TestOptions::default()).await;
    for (host, expected) in [
        ("hangar.example", "http://hangar.example"),
        ("Hangar.Example:8443", "http://Hangar.Example:8443"),
        ("[::1]:80", "http://[::1]:80"),
        // One that is none gives way to the address that was reached.
        ("a b", "http://127.0.0.1:8080"),
    ] {
        assert_eq!(base(&house, host).await, expected);
    }
}

#[tokio::test]
async fn they_are_what_a_trusted_proxy_says_or_what_is_configured() {
    let proxied = TestOptions {
        peer: TestPeer::TrustedProxy,
        ..TestOptions::default()
    };
    let proxied = house(proxied).await;
    assert_eq!(
        base(&proxied, "inner:80").await,
        "https://front.example:8443"
    );
    let configured = TestOptions {
        peer: TestPeer::TrustedProxy,
        public_url: Some("https://autopilot.example/graph/"),
        ..TestOptions::default()
    };
    let configured = house(configured).await;
    assert_eq!(
        base(&configured, "inner:80").await,
        "https://autopilot.example/graph"
    );
}

#[tokio::test]
async fn an_observed_error_has_its_own() {
    let house = House::observed();
    let ask = house
        .ask(Method::GET, "/beta/x")
        .header("host", "hangar.example");
    let told = error(&ask.send().await);
    assert!(
        told.contains("Url: http://hangar.example/beta/x\""),
        "{told}"
    );
}
