//! The endpoints through their router, as a client meets them.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
};

use axum::body::to_bytes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use tower::ServiceExt;

use serde_json::json;

use super::*;
use crate::authority::directory::Directory;

mod device;
mod oidc;
mod sign_in;
mod visit;

const BASE: &str = "http://localhost:8080";
const CONTOSO: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const FABRIKAM: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const PUBLIC: &str = "client_id=cccccccc-0000-4000-8000-000000000001";
const DAEMON: &str = "client_id=cccccccc-0000-4000-8000-000000000002&client_secret=hangar";
const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";
const DEFAULT_SCOPE: &str = "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";

/// A clock that is set by hand, to seconds after its start.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

fn authority() -> Router {
    let authority = Authority::in_memory(Directory::ready_made().unwrap()).unwrap();
    Arc::new(authority).router(BASE, Arc::new(SetClock::default()))
}

async fn send(router: &Router, request: Request) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn get_json(router: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    send(router, request).await
}

async fn ask(router: &Router, path: &str, form: &str) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("client-request-id", FABRIKAM)
        .body(Body::from(form.to_owned()))
        .unwrap();
    send(router, request).await
}

fn claims(body: &Value) -> Value {
    let token = body["access_token"].as_str().unwrap();
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn discovery_names_the_issuer_of_its_realm() {
    let router = authority();
    let table = [
        (CONTOSO, CONTOSO),
        ("contoso", CONTOSO),
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", PERSONAL),
    ];
    for (segment, issuer) in table {
        let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
        let (status, body) = get_json(&router, &path).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["issuer"], format!("{BASE}/{issuer}/v2.0"));
        let keys = body["jwks_uri"]
            .as_str()
            .unwrap()
            .strip_prefix(BASE)
            .unwrap();
        let (status, keys) = get_json(&router, keys).await;
        assert_eq!(status, StatusCode::OK);
        let key = keys["keys"][0].as_object().unwrap();
        assert_eq!(key["alg"], "RS256");
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(!key.contains_key(private));
        }
    }
    let (status, body) = get_json(&router, "/nowhere/v2.0/.well-known/openid-configuration").await;
    assert_eq!(
        (status, &body["error_codes"][0]),
        (StatusCode::BAD_REQUEST, &json!(90_002))
    );
}

#[tokio::test]
async fn a_client_signs_in_as_itself() {
    let router = authority();
    let form = format!("grant_type=client_credentials&{DAEMON}&{DEFAULT_SCOPE}");
    let (status, body) = ask(&router, &format!("/{FABRIKAM}/oauth2/v2.0/token"), &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(3_600))
    );
    let claims = claims(&body);
    assert_eq!(claims["iss"], format!("{BASE}/{FABRIKAM}/v2.0"));
    assert_eq!(claims["tid"], FABRIKAM);
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims["roles"], json!([WRITE]));
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    assert_eq!(
        (&claims["nbf"], &claims["exp"]),
        (&json!(1_700_000_000), &json!(1_700_003_600))
    );
    assert!(claims.get("scp").is_none());

    let basic = base64::engine::general_purpose::STANDARD
        .encode("cccccccc-0000-4000-8000-000000000002:hangar");
    let request = Request::post(format!("/{CONTOSO}/oauth2/v2.0/token"))
        .header("authorization", format!("Basic {basic}"))
        .body(Body::from(format!(
            "grant_type=client_credentials&{DEFAULT_SCOPE}"
        )))
        .unwrap();
    assert_eq!(send(&router, request).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_user_gets_what_the_file_grants_him() {
    let router = authority();
    let service = "https%3A%2F%2Fgraph.microsoft.com%2F";
    // User, address, scope asked for, then the tenant and the scopes of the token.
    let table = [
        (
            "administrator@contoso.example",
            "common",
            ".default",
            CONTOSO,
            format!("{WRITE} User.Read"),
        ),
        (
            "administrator@fabrikam.example",
            "organizations",
            WRITE,
            FABRIKAM,
            WRITE.to_owned(),
        ),
        (
            "Reader@contoso.example",
            CONTOSO,
            ".default",
            CONTOSO,
            "DeviceManagementServiceConfig.Read.All User.Read".to_owned(),
        ),
        (
            "reader@contoso.example",
            CONTOSO,
            "User.Read",
            CONTOSO,
            "User.Read".to_owned(),
        ),
        (
            "somebody@personal.example",
            "consumers",
            WRITE,
            PERSONAL,
            WRITE.to_owned(),
        ),
    ];
    for (user, realm, scope, tenant, granted) in table {
        let form = format!(
            "grant_type=password&{PUBLIC}&username={user}&password=hangar&scope=openid+offline_access+{service}{scope}"
        );
        let (status, body) = ask(&router, &format!("/{realm}/oauth2/v2.0/token"), &form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let claims = claims(&body);
        assert_eq!(claims["scp"], granted);
        assert_eq!(claims["tid"], tenant);
        assert!(
            claims["preferred_username"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(user)
        );
        assert_eq!(claims["ver"], "2.0");
        assert!(
            body["scope"]
                .as_str()
                .unwrap()
                .starts_with("https://graph.microsoft.com/")
        );
    }
}

#[tokio::test]
async fn a_device_code_is_approved_after_one_question() {
    let router = authority();
    let form = format!("{PUBLIC}&scope={WRITE}");
    let (status, code) = ask(&router, "/common/oauth2/v2.0/devicecode", &form).await;
    assert_eq!(status, StatusCode::OK, "{code}");
    assert_eq!(
        (&code["expires_in"], &code["interval"]),
        (&json!(900), &json!(1))
    );
    let secret = code["device_code"].as_str().unwrap();
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&{PUBLIC}&device_code={secret}"
    );
    let (status, pending) = ask(&router, "/common/oauth2/v2.0/token", &form).await;
    assert_eq!(
        (status, &pending["error"]),
        (StatusCode::BAD_REQUEST, &json!("authorization_pending"))
    );
    let (status, body) = ask(&router, "/common/oauth2/v2.0/token", &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        claims(&body)["preferred_username"],
        "administrator@contoso.example"
    );
    let (_, again) = ask(&router, "/common/oauth2/v2.0/token", &form).await;
    assert_eq!(again["error"], "bad_verification_code");
}

/// Address, form, then the expected status, word and number.
type Refusal<'a> = (&'a str, String, u16, &'a str, u32);

async fn all_refused(table: &[Refusal<'_>]) {
    let router = authority();
    for (tenant, form, status, error, number) in table {
        let (met, body) = ask(&router, &format!("/{tenant}/oauth2/v2.0/token"), form).await;
        assert_eq!(
            (met.as_u16(), &body["error"]),
            (*status, &json!(error)),
            "{body}"
        );
        assert_eq!(body["error_codes"], json!([number]));
        assert_eq!(body["timestamp"], "2023-11-14 22:13:20Z");
        assert_eq!(body["correlation_id"], FABRIKAM);
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")));
        assert!(!description.contains("hangar"), "no secret is repeated");
    }
}

#[tokio::test]
async fn users_are_refused_in_entras_shape() {
    let password = format!("grant_type=password&{PUBLIC}&password=hangar&{DEFAULT_SCOPE}");
    let long = format!("grant_type={}", "x".repeat(LONGEST_FORM_BYTES));
    all_refused(&[
        ("common", String::new(), 400, "invalid_request", 900_144),
        (
            "common",
            "grant_type=nothing".to_owned(),
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (
            "common",
            "grant_type=password&grant_type=password".to_owned(),
            400,
            "invalid_request",
            90_014,
        ),
        ("common", long, 413, "invalid_request", 90_014),
        ("nowhere", password.clone(), 400, "invalid_tenant", 90_002),
        (
            CONTOSO,
            format!("{password}&username=nobody@contoso.example"),
            400,
            "invalid_grant",
            50_126,
        ),
        (
            FABRIKAM,
            format!("{password}&username=reader@contoso.example"),
            400,
            "invalid_grant",
            50_126,
        ),
        (
            "organizations",
            format!("{password}&username=somebody@personal.example"),
            400,
            "invalid_grant",
            50_126,
        ),
        (
            CONTOSO,
            format!("{password}x&username=reader@contoso.example").replace("=hangar", "=wrong"),
            400,
            "invalid_grant",
            50_126,
        ),
        (
            CONTOSO,
            format!(
                "grant_type=password&{PUBLIC}&password=hangar&username=reader@contoso.example&scope={WRITE}"
            ),
            400,
            "invalid_grant",
            65_001,
        ),
    ])
    .await;
}

#[tokio::test]
async fn clients_are_refused_in_entras_shape() {
    let daemon = "client_id=cccccccc-0000-4000-8000-000000000002";
    all_refused(&[
        (
            "common",
            format!("grant_type=client_credentials&{DAEMON}&{DEFAULT_SCOPE}"),
            400,
            "invalid_request",
            50_059,
        ),
        (
            PERSONAL,
            format!("grant_type=client_credentials&{DAEMON}&{DEFAULT_SCOPE}"),
            400,
            "invalid_request",
            9_002_331,
        ),
        (
            CONTOSO,
            format!("grant_type=client_credentials&{DAEMON}&scope={WRITE}"),
            400,
            "invalid_scope",
            1_002_012,
        ),
        (
            CONTOSO,
            format!("grant_type=client_credentials&{DAEMON}x&{DEFAULT_SCOPE}"),
            401,
            "invalid_client",
            7_000_215,
        ),
        (
            CONTOSO,
            format!("grant_type=client_credentials&{daemon}&{DEFAULT_SCOPE}"),
            401,
            "invalid_client",
            7_000_218,
        ),
        (
            CONTOSO,
            format!("grant_type=client_credentials&{PUBLIC}&{DEFAULT_SCOPE}"),
            400,
            "unauthorized_client",
            700_025,
        ),
        (
            CONTOSO,
            format!("grant_type=client_credentials&client_id=x&{DEFAULT_SCOPE}"),
            400,
            "unauthorized_client",
            700_016,
        ),
    ])
    .await;
}
