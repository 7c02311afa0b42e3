//! Tokens of an issuer elsewhere, through the real router: discovery and keys over HTTP, rotation,
//! an issuer that is down, and what clients are told. What a verifier makes of each odd token is in
//! `src/http/auth`.

mod remote;

use std::{sync::Arc, time::Duration};

use hangar::{
    domain::{clock::Clock as _, tenant::TenantId},
    http::auth::{
        http_fetch::HttpFetcher,
        key_source::KeySource,
        token::{AuthSettings, TokenVerifier},
    },
    testing::{TestAnswer, TestApi, TestOptions},
};
use http::Method;
use serde_json::{Value, json};

use self::remote::{Issuer, Key};

const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const CONTOSO: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const FABRIKAM: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
const STRANGER: &str = "dddddddd-0000-4000-8000-00000000000d";
const AUDIENCE: &str = "api://hangar";

/// How long the keys of an issuer that is down are used.
#[derive(Clone, Copy)]
enum Stale {
    ADay,
    Never,
}

/// An API that trusts the issuer of a template, for two tenants.
struct Stage {
    directory: tempfile::TempDir,
    api: TestApi,
}

impl Stage {
    fn set(template: &str, stale: Stale) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tenants = [CONTOSO, FABRIKAM];
        let settings = AuthSettings {
            issuers: vec![template.to_owned()],
            audiences: vec![AUDIENCE.to_owned()],
            tenants: tenants.map(|id| TenantId(id.parse().unwrap())).to_vec(),
            jwks_refetch_interval: Duration::ZERO,
            jwks_max_stale: match stale {
                Stale::ADay => Duration::from_hours(24),
                Stale::Never => Duration::ZERO,
            },
        };
        let fetcher = Arc::new(HttpFetcher::default());
        let api = TestApi::start_with(directory.path(), TestOptions::default(), |_, clock| {
            TokenVerifier::new(&settings, clock, |_| KeySource::Remote(fetcher.clone())).unwrap()
        });
        Self { directory, api }
    }

    fn key(&self, name: &str) -> Key {
        Key::generate(&self.directory.path().join(name))
    }

    /// The claims of an administrator's token.
    fn claims(&self, issuer: &Issuer, tenant: &str) -> Value {
        let now = self.api.clock.now().as_second();
        json!({
            "iss": issuer.of(tenant),
            "aud": AUDIENCE,
            "tid": tenant,
            "oid": "eeeeeeee-0000-4000-8000-000000000001",
            "sub": "administrator",
            "azp": "client",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "scp": "DeviceManagementServiceConfig.ReadWrite.All",
            "uti": uuid::Uuid::new_v4().to_string(),
        })
    }

    async fn get(&self, token: &str) -> TestAnswer {
        self.api.call(Method::GET, IMPORTS, Some(token), None).await
    }

    /// The status and the message of the answer to a token.
    async fn told(&self, token: &str) -> (u16, String) {
        let answer = self.get(token).await;
        let message = answer.json()["error"]["message"]
            .as_str()
            .map(str::to_owned);
        (answer.status.as_u16(), message.unwrap_or_default())
    }
}

/// A stage whose issuer shows one key.
async fn with_one_key(stale: Stale) -> (Stage, Issuer, Key) {
    let directory = tempfile::tempdir().unwrap();
    let key = Key::generate(&directory.path().join("first"));
    let issuer = Issuer::start(&[&key]).await;
    (Stage::set(&issuer.template, stale), issuer, key)
}

#[tokio::test]
async fn a_remote_issuers_users_work_in_their_own_tenants() {
    let (stage, issuer, key) = with_one_key(Stale::ADay).await;
    for (tenant, serial) in [(CONTOSO, "S-1"), (FABRIKAM, "S-2")] {
        let token = key.sign(&stage.claims(&issuer, tenant));
        let body = json!({ "serialNumber": serial });
        let answer = stage
            .api
            .call(Method::POST, IMPORTS, Some(&token), Some(&body))
            .await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        // Another token of the same user, not seen before.
        let token = key.sign(&stage.claims(&issuer, tenant));
        let rows = stage.get(&token).await.json();
        let rows = rows["value"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["serialNumber"], serial);
    }
    assert_eq!(
        issuer.asked(),
        (1, 1),
        "discovered once, not per token or tenant"
    );
}

#[tokio::test]
async fn keys_rotate_without_a_restart() {
    let (stage, issuer, first) = with_one_key(Stale::ADay).await;
    let old = first.sign(&stage.claims(&issuer, CONTOSO));
    assert_eq!(stage.get(&old).await.status, 200);

    let second = stage.key("second");
    issuer.publish(&[&first, &second]);
    let new = second.sign(&stage.claims(&issuer, CONTOSO));
    assert_eq!(stage.get(&new).await.status, 200);
    assert_eq!(stage.get(&old).await.status, 200);

    // The first key is withdrawn. A miss brings the news, and remembered tokens fall with their key.
    issuer.publish(&[&second]);
    let unknown = stage.key("third").sign(&stage.claims(&issuer, CONTOSO));
    let no_key = "Access token validation failure. Unknown signing key.";
    for (token, status, message) in [
        (&unknown, 401, no_key),
        (&old, 401, no_key),
        (&new, 200, ""),
    ] {
        assert_eq!(stage.told(token).await, (status, message.to_owned()));
    }
}

#[tokio::test]
async fn the_last_good_keys_serve_while_the_issuer_is_down() {
    let (stage, issuer, key) = with_one_key(Stale::ADay).await;
    let seen = key.sign(&stage.claims(&issuer, CONTOSO));
    assert_eq!(stage.get(&seen).await.status, 200);
    issuer.go_down();
    let unseen = key.sign(&stage.claims(&issuer, CONTOSO));
    for token in [&seen, &unseen] {
        assert_eq!(stage.get(token).await.status, 200);
    }
    let other = stage.key("other").sign(&stage.claims(&issuer, CONTOSO));
    assert_eq!(stage.told(&other).await.0, 401);
    assert!(
        issuer.asked().1 + issuer.asked().0 > 2,
        "the unknown key was asked for"
    );
    assert_eq!(
        stage.get(&unseen).await.status,
        200,
        "a failed fetch forgets nothing"
    );
}

#[tokio::test]
async fn without_keys_the_answer_is_503_and_says_when_to_come_back() {
    let (stage, issuer, key) = with_one_key(Stale::Never).await;
    issuer.go_down();
    let token = key.sign(&stage.claims(&issuer, CONTOSO));
    let answer = stage.get(&token).await;
    assert_eq!(answer.status, 503, "{:?}", answer.json());
    assert_eq!(answer.json()["error"]["code"], "ServiceUnavailable");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(answer.header("www-authenticate"), None);
    // What needs no key to be refused, is refused.
    assert_eq!(stage.told("nonsense").await.0, 401);
}

#[tokio::test]
async fn an_issuer_that_nobody_listens_for_is_503_too() {
    let directory = tempfile::tempdir().unwrap();
    let key = Key::generate(&directory.path().join("key"));
    let issuer = Issuer::start(&[&key]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let template = format!("http://{}/{{tenantid}}/v2.0", free.local_addr().unwrap());
    drop(free);
    let stage = Stage::set(&template, Stale::ADay);
    let mut claims = stage.claims(&issuer, CONTOSO);
    claims["iss"] = json!(template.replace("{tenantid}", CONTOSO));
    assert_eq!(stage.told(&key.sign(&claims)).await.0, 503);
    // Not this issuer's fault: nobody asked it, and its own tokens are foreign here.
    let foreign = key.sign(&stage.claims(&issuer, CONTOSO));
    assert_eq!(stage.told(&foreign).await.0, 401);
    assert_eq!(issuer.asked(), (0, 0));
}

#[tokio::test]
async fn a_refused_token_is_told_why_in_graphs_words() {
    let (stage, issuer, key) = with_one_key(Stale::ADay).await;
    let good = stage.claims(&issuer, CONTOSO);
    let now = stage.api.clock.now().as_second();
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        key.sign(&claims)
    };
    let signed = key.sign(&good);
    let (head, signature) = signed.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    let failure = |what: &str| format!("Access token validation failure. {what}");
    let table = [
        (String::new(), "Access token is empty.".to_owned()),
        (
            "not-a-jwt".to_owned(),
            "CompactToken parsing failed with error code: 80049217".to_owned(),
        ),
        (
            changed("aud", json!("https://graph.microsoft.com")),
            failure("Invalid audience."),
        ),
        (
            changed("exp", json!(now - 600)),
            "Lifetime validation failed, the token is expired.".to_owned(),
        ),
        (
            format!("{head}.{other}{rest}"),
            failure("Invalid signature."),
        ),
        (
            key.sign(&stage.claims(&issuer, STRANGER)),
            failure("Invalid tenant."),
        ),
        (
            changed("iss", json!(issuer.of(FABRIKAM))),
            failure("Invalid issuer."),
        ),
    ];
    for (token, message) in table {
        let answer = stage.get(&token).await;
        assert_eq!(answer.status, 401, "{message}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "InvalidAuthenticationToken");
        assert_eq!(error["message"], message);
        let challenge = answer.header("www-authenticate").unwrap();
        let expected = "Bearer realm=\"\", authorization_uri=\"http://127.0.0.1:8080/common/oauth2/\
                        authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"";
        assert_eq!(challenge, expected);
    }
    let answer = stage.api.call(Method::GET, IMPORTS, None, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"]["message"], "Access token is empty.");
    assert_eq!(stage.get(&signed).await.status, 200);
}
