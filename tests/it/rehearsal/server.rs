//! `hangar::testing::Server`, as other people's tests use it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use hangar::{
    graph::behavior::Behavior,
    http::auth::permission::ApplicationPermissions,
    testing::{Server, ServerSettings, Time},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{DEVICES, IMPORTS, device};

/// A client that trusts the servers of this process.
fn client() -> Client {
    let ca = Certificate::from_pem(server().ca_pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([ca]);
    client.build().unwrap()
}

fn server() -> Server {
    Server::start()
}

async fn get(client: &Client, url: &str, token: &str) -> (StatusCode, Value) {
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn send(client: &Client, server: &Server, token: &str, body: &Value) -> String {
    let url = format!("{}{IMPORTS}", server.url());
    let request = client.post(&url).bearer_auth(token).json(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let import: Value = answer.json().await.unwrap();
    format!("{url}/{}", import["id"].as_str().unwrap())
}

/// The state of an import, once it is no longer the `unknown` of one that waits.
async fn settled(client: &Client, import: &str, token: &str) -> Value {
    loop {
        let state = get(client, import, token).await.1["state"].clone();
        if state["deviceImportStatus"] != "unknown" {
            return state;
        }
        tokio::task::yield_now().await;
    }
}

/// Asks without a runtime, as a blocking client does.
fn ask(server: &Server, path: &str, token: &str) -> String {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_test_without_a_runtime_has_several_at_once() {
    let servers = [server(), server(), server()];
    for server in &servers {
        let token = server.token("contoso", "reader").unwrap();
        let answer = ask(server, DEVICES, &token);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // A token is good where it was given.
        let answer = ask(
            server,
            DEVICES,
            &servers[0].token("contoso", "reader").unwrap(),
        );
        let is_first = std::ptr::eq(server, &raw const servers[0]);
        assert_eq!(answer.starts_with("HTTP/1.1 200 "), is_first, "{answer}");
    }
    let [first, ..] = servers;
    let address: SocketAddr = first.url()["http://".len()..].parse().unwrap();
    assert_eq!(first.report().requests, 2);
    drop(first);
    TcpStream::connect(address).unwrap_err();
}

#[tokio::test]
async fn an_import_is_decided_when_its_time_has_come() {
    let server = Server::start_with(ServerSettings {
        registration_delay: Duration::from_mins(15),
        time: Time::Stands,
        ..ServerSettings::default()
    });
    let client = client();
    let token = server.token("contoso", "administrator").unwrap();
    let import = send(&client, &server, &token, &device(1)).await;
    let clock = format!("{}/rehearsal/clock", server.admin_url());
    let before: Value = client
        .get(&clock)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(before["frozen"], true);
    server.advance(Duration::from_mins(14)).unwrap();
    let (_, waiting) = get(&client, &import, &token).await;
    assert_eq!(waiting["state"]["deviceImportStatus"], "unknown");
    let advance = client
        .post(format!("{clock}/advance"))
        .json(&json!({ "by": "1m" }));
    let after: Value = advance.send().await.unwrap().json().await.unwrap();
    let shown = |clock: &Value| clock["now"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let passed = shown(&after).duration_since(shown(&before));
    assert_eq!(passed, SignedDuration::from_mins(15));
    let state = settled(&client, &import, &token).await;
    assert_eq!(state["deviceImportStatus"], "complete", "{state}");
    // An hour is over for the token as well.
    server.advance(Duration::from_hours(1)).unwrap();
    assert_eq!(
        get(&client, &import, &token).await.0,
        StatusCode::UNAUTHORIZED
    );
    let token = server.token("contoso", "administrator").unwrap();
    assert_eq!(get(&client, &import, &token).await.0, StatusCode::OK);
    server.advance(Duration::MAX).unwrap_err();
    let kinds: Vec<_> = server
        .report()
        .findings
        .iter()
        .map(|one| one.kind)
        .collect();
    assert!(!kinds.contains(&"retry-after-ignored"), "{kinds:?}");
}

#[tokio::test]
async fn it_is_as_its_settings_say() {
    let client = client();
    let by_default = server();
    let token = by_default.application_token("contoso").unwrap();
    let devices = |server: &Server| format!("{}{DEVICES}", server.secure_url());
    let (status, _) = get(&client, &devices(&by_default), &token).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let observed = Server::start_with(ServerSettings {
        behavior: Behavior::Observed,
        application_permissions: ApplicationPermissions::Allow,
        ..ServerSettings::default()
    });
    let token = observed.application_token("contoso").unwrap();
    let (status, found) = get(&client, &devices(&observed), &token).await;
    assert_eq!((status, &found["value"]), (StatusCode::OK, &json!([])));
    let token = observed.token("fabrikam", "administrator").unwrap();
    let import = send(&client, &observed, &token, &device(1)).await;
    let (_, import) = get(&client, &import, &token).await;
    // The live service keeps the hash to itself.
    assert_eq!(import["hardwareIdentifier"], Value::Null);
    let told = |error: hangar::testing::TokenError| error.to_string();
    let unknown = observed.token("adatum", "administrator").map_err(told);
    assert_eq!(
        unknown.unwrap_err(),
        "there is no tenant `adatum`; there are contoso, fabrikam, personal"
    );
    let unknown = observed.token("fabrikam", "reader").map_err(told);
    assert_eq!(
        unknown.unwrap_err(),
        "the tenant `fabrikam` has no user `reader`"
    );
}

#[tokio::test]
async fn how_a_rehearsal_is_directed_is_in_the_api_s_description() {
    let server = server();
    let client = client();
    for path in ["/openapi.json", "/beta/openapi.json", "/v1.0/openapi.json"] {
        let (_, document) = get(&client, &format!("{}{path}", server.url()), "").await;
        let advance = &document["paths"]["/rehearsal/clock/advance"];
        assert_eq!(advance["servers"], json!([{ "url": server.admin_url() }]));
        assert_eq!(advance["post"]["security"], json!([]));
        // What Graph has stays where it is.
        let devices = &document["paths"]["/deviceManagement/windowsAutopilotDeviceIdentities"];
        assert!(
            devices["get"].is_object() && devices["servers"].is_null(),
            "{path}"
        );
        // It is the rehearsal's own description.
        let own = format!("{}/rehearsal/openapi.json", server.admin_url());
        let (_, own) = get(&client, &own, "").await;
        for (path, item) in own["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert_eq!(&document["paths"][path][method], operation);
            }
        }
    }
    let house = crate::harness::House::new();
    let without = house.get("/openapi.json").await.json();
    let mut paths = without["paths"].as_object().unwrap().keys();
    assert!(paths.all(|path| !path.starts_with("/rehearsal")));
}
