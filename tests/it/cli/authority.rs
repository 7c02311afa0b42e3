//! The development authority over HTTP: each grant gives a token, and the token works.

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{CONTOSO, get};
use crate::process::{Server, client};

const PUBLIC_CLIENT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const DAEMON: &str = "cccccccc-0000-4000-8000-000000000002";
const SCOPE: &str = "https://graph.microsoft.com/.default";

/// Posts a form and returns the status and the body of the answer.
async fn post(server: &Server, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = client()
        .post(format!("{}/{path}", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn every_grant_gives_a_token_that_works() {
    let directory = tempfile::tempdir().unwrap();
    let allow = ["--auth-application-permissions", "allow"];
    let mut command = crate::process::hangar();
    let data = directory.path().join("data");
    let server = Server::start(command.args(crate::process::serve_dev(&data)).args(allow));

    let (status, found) = {
        let path = "contoso/v2.0/.well-known/openid-configuration";
        let answer = client()
            .get(format!("{}/{path}", server.url))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(status, 200);
    assert_eq!(found["issuer"], format!("{}/{CONTOSO}/v2.0", server.url));
    let token_path = found["token_endpoint"].as_str().unwrap();
    let token_path = token_path
        .strip_prefix(&format!("{}/", server.url))
        .unwrap();

    let name = ("username", "administrator@contoso.example");
    let password = |password| {
        let grant = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT)];
        [
            &grant[..],
            &[name, ("password", password), ("scope", SCOPE)],
        ]
        .concat()
    };
    let daemon = |secret| {
        let grant = [("grant_type", "client_credentials"), ("client_id", DAEMON)];
        [&grant[..], &[("client_secret", secret), ("scope", SCOPE)]].concat()
    };
    for form in [password("hangar"), daemon("hangar")] {
        let (status, token) = post(&server, token_path, &form).await;
        assert_eq!(status, 200, "{token}");
        assert_eq!(token["token_type"], "Bearer");
        let token = token["access_token"].as_str().unwrap();
        assert_eq!(get(&server, token).await, 200);
    }
    for (form, error) in [
        (password("wrong"), "invalid_grant"),
        (daemon("wrong"), "invalid_client"),
    ] {
        let (status, answer) = post(&server, token_path, &form).await;
        assert!((400..=401).contains(&status), "{answer}");
        assert_eq!(answer["error"], error);
    }
}

#[tokio::test]
async fn a_device_code_is_approved_and_gives_a_token_that_works() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::dev(&directory.path().join("data"));
    let client = ("client_id", PUBLIC_CLIENT);
    let path = "organizations/oauth2/v2.0";
    let (status, code) = post(
        &server,
        &format!("{path}/devicecode"),
        &[client, ("scope", SCOPE)],
    )
    .await;
    assert_eq!(status, 200, "{code}");
    assert!(code["user_code"].is_string() && code["message"].is_string());
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let form = [
        grant,
        client,
        ("device_code", code["device_code"].as_str().unwrap()),
    ];
    let (status, pending) = post(&server, &format!("{path}/token"), &form).await;
    assert_eq!(
        (status, &pending["error"]),
        (400, &Value::from("authorization_pending"))
    );
    let (status, token) = post(&server, &format!("{path}/token"), &form).await;
    assert_eq!(status, 200, "{token}");
    assert_eq!(
        get(&server, token["access_token"].as_str().unwrap()).await,
        200
    );
}

/// A browser as plain as can be: it follows nothing by itself.
fn browser() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none());
    client.timeout(crate::process::PATIENCE).build().unwrap()
}

#[tokio::test]
async fn a_person_signs_in_on_the_page_and_the_token_works() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::dev(&directory.path().join("data"));
    let browser = browser();
    let base = format!("{}/contoso/oauth2/v2.0", server.url);
    let back = "http://localhost:4321/";
    let wish = [
        ("client_id", PUBLIC_CLIENT),
        ("response_type", "code"),
        ("redirect_uri", back),
        ("scope", SCOPE),
        ("state", "mine"),
    ];
    let query = Serializer::new(String::new()).extend_pairs(wish).finish();
    let page = browser.get(format!("{base}/authorize?{query}"));
    let page = page.send().await.unwrap().text().await.unwrap();
    let (_, rest) = page.split_once("name=\"flow\" value=\"").unwrap();
    let flow = rest.split_once('"').unwrap().0;

    let submit = |origin: String, password| {
        let fields = [
            ("flow", flow),
            ("username", "reader@contoso.example"),
            ("password", password),
        ];
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = browser.post(format!("{base}/sign-in")).body(form);
        request.header("origin", origin).send()
    };
    let foreign = submit("https://evil.example".to_owned(), "hangar").await;
    assert_eq!(foreign.unwrap().status(), 403);
    let again = submit(server.url.clone(), "wrong").await.unwrap();
    assert_eq!(again.status(), 200);
    let led = submit(server.url.clone(), "hangar").await.unwrap();
    assert_eq!(led.status(), 303);
    let location = led.headers()["location"].to_str().unwrap();
    let location = reqwest::Url::parse(location).unwrap();
    let told: std::collections::HashMap<_, _> = location.query_pairs().collect();
    assert_eq!(told["state"], "mine");

    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC_CLIENT),
        ("redirect_uri", back),
        ("code", &told["code"]),
    ];
    let (status, token) = post(&server, "contoso/oauth2/v2.0/token", &exchange).await;
    assert_eq!(status, 200, "{token}");
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(get(&server, token).await, 200);
}
