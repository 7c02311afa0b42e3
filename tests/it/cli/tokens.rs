//! `hangar token`: what its tokens say, and what they open.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{CONTOSO, FABRIKAM, get, post};
use crate::process::{Server, hangar, run, serve_for_real, token};

const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";
const READ: &str = "DeviceManagementServiceConfig.Read.All";

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_token_says_and_opens_what_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    // What is typed; the tenant; the claims; what a GET and a POST are answered.
    let scopes = format!("{WRITE} User.Read");
    let table: [(&[&str], &str, Value, u16, u16); 8] = [
        (
            &[],
            CONTOSO,
            json!({"scp": scopes, "idtyp": "user"}),
            200,
            201,
        ),
        (
            &["--tenant", "fabrikam"],
            FABRIKAM,
            json!({"scp": scopes}),
            200,
            201,
        ),
        (
            &["--tenant", FABRIKAM],
            FABRIKAM,
            json!({"idtyp": "user"}),
            200,
            201,
        ),
        (
            &["--user", "reader"],
            CONTOSO,
            json!({"preferred_username": "reader@contoso.example"}),
            200,
            403,
        ),
        (
            &["--scope", WRITE],
            CONTOSO,
            json!({"scp": WRITE}),
            200,
            201,
        ),
        (
            &["--scope", "User.Read"],
            CONTOSO,
            json!({"scp": "User.Read"}),
            403,
            403,
        ),
        (
            &["--app-only"],
            CONTOSO,
            json!({"roles": [WRITE], "idtyp": "app"}),
            403,
            403,
        ),
        (
            &["--lifetime=-1h"],
            CONTOSO,
            json!({"idtyp": "user"}),
            401,
            401,
        ),
    ];
    for (arguments, tenant, expected, to_get, to_post) in table {
        let token = token(&data, arguments);
        let claims = claims(&token);
        assert_eq!(claims["tid"], tenant, "{arguments:?}");
        assert_eq!(claims["iss"], format!("{}/{tenant}/v2.0", server.url));
        assert_eq!(claims["aud"], "https://graph.microsoft.com");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(claims[name], *value, "{arguments:?}: {name}");
        }
        assert_eq!(get(&server, &token).await, to_get, "{arguments:?}");
        let (status, answer) = post(&server, &token, &json!({})).await;
        assert_eq!(status, to_post, "{arguments:?}: {answer}");
    }
    assert!(claims(&token(&data, &["--app-only"])).get("scp").is_none());
    let reader = claims(&token(&data, &["--user", "reader"]));
    assert_eq!(reader["scp"], format!("{READ} User.Read"));
}

#[test]
fn a_token_lives_as_long_as_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::dev(&data);
    for (arguments, seconds) in [
        (&[][..], 3600),
        (&["--lifetime", "30m"], 1800),
        (&["--lifetime", "2h"], 7200),
        (&["--lifetime", "-5m"], -300),
    ] {
        let claims = claims(&token(&data, arguments));
        let at = |name: &str| claims[name].as_i64().unwrap();
        assert_eq!(at("exp") - at("iat"), seconds, "{arguments:?}");
        assert_eq!(at("nbf"), at("iat"));
    }
}

#[tokio::test]
async fn without_development_there_are_no_tokens_and_none_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let development = directory.path().join("development");
    let _issuing = Server::dev(&development);
    let token = token(&development, &[]);
    let production = directory.path().join("production");
    let serving = Server::start(hangar().args(serve_for_real(&production)));
    assert_eq!(get(&serving, &token).await, 401);
    let (status, answer) = post(&serving, &token, &json!({})).await;
    assert_eq!(status, 401);
    let message = &answer["error"]["message"];
    assert_eq!(message, "Access token validation failure. Invalid issuer.");
    // Its authority has no address there either.
    for path in [
        "oauth2/v2.0/token",
        "oauth2/v2.0/authorize",
        "oauth2/v2.0/sign-in",
        "oauth2/v2.0/deviceauth",
        "openid/userinfo",
        "userrealm/somebody",
    ] {
        let url = format!("{}/contoso/{path}", serving.url);
        let answer = crate::process::client().post(url).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }

    let mut command = hangar();
    let none = run(command.args(["token", "--data-dir"]).arg(&production));
    assert_eq!((none.code, none.stdout.as_str()), (Some(2), ""));
    assert!(
        none.stderr.contains("start `hangar serve --dev` first"),
        "{}",
        none.stderr
    );
}
