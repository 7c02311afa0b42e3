//! Tokens good and bad. Everything is signed here; nothing is fetched.

mod keys;
mod refusals;

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::http::auth::{
    caller::Grant,
    error::AuthErrorKind,
    key_source::{FetchError, FetchFuture, FetchKeys},
};

const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";
const TENANT: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const OTHER_TENANT: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const AUDIENCE: &str = "https://graph.microsoft.com";
const NOW: i64 = 1_700_000_000;
const FIVE_MINUTES: Duration = Duration::from_mins(5);
const ONE_DAY: Duration = Duration::from_hours(24);

/// The clock of token lifetimes. Keys age by tokio's own, which the tests pause.
struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::from_second(NOW).unwrap())))
    }

    fn set(&self, second: i64) {
        *self.0.lock().unwrap() = Timestamp::from_second(second).unwrap();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// An issuer in memory: what it publishes, whether it answers, and how often it was asked.
#[derive(Default)]
struct FakeIssuer {
    documents: Mutex<HashMap<String, String>>,
    mood: Mutex<Mood>,
    discoveries: AtomicUsize,
    key_fetches: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Up,
    Down,
    Hanging,
}

impl FakeIssuer {
    fn publishing(keys: &[Value]) -> Arc<Self> {
        let issuer = Arc::new(Self::default());
        let description = json!({ "issuer": TEMPLATE, "jwks_uri": "https://login.example/keys" });
        issuer.documents.lock().unwrap().insert(
            "https://login.example/common/v2.0/.well-known/openid-configuration".to_owned(),
            description.to_string(),
        );
        issuer.publish(keys);
        issuer
    }

    fn publish(&self, keys: &[Value]) {
        let document = json!({ "keys": keys }).to_string();
        self.publish_text(&document);
    }

    fn publish_text(&self, document: &str) {
        let address = "https://login.example/keys".to_owned();
        self.documents
            .lock()
            .unwrap()
            .insert(address, document.to_owned());
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn key_fetches(&self) -> usize {
        self.key_fetches.load(Ordering::SeqCst)
    }
}

impl FetchKeys for FakeIssuer {
    fn fetch<'a>(&'a self, address: &'a Url) -> FetchFuture<'a> {
        let count = if address.path().ends_with("keys") {
            &self.key_fetches
        } else {
            &self.discoveries
        };
        count.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        Box::pin(async move {
            match mood {
                Mood::Up => {}
                Mood::Down => return Err(FetchError::TimedOut),
                Mood::Hanging => std::future::pending().await,
            }
            // Real fetches take a while, and others run meanwhile.
            tokio::task::yield_now().await;
            let documents = self.documents.lock().unwrap();
            let document = documents
                .get(address.as_str())
                .ok_or(FetchError::TimedOut)?;
            Ok(document.clone().into_bytes())
        })
    }
}

/// A key pair with a name.
struct Signer {
    id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(&'static RsaKeyPair),
    Elliptic(EcdsaKeyPair),
}

impl Signer {
    fn elliptic(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            id,
            pair: Pair::Elliptic(pair),
        }
    }

    /// Generating an RSA key is slow, so that the process has one.
    fn rsa(id: &'static str) -> Self {
        static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
        let pair = PAIR.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Self {
            id,
            pair: Pair::Rsa(pair),
        }
    }

    fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let part = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
                json!({
                    "kty": "RSA", "use": "sig", "kid": self.id,
                    "n": part(key.modulus().big_endian_without_leading_zero()),
                    "e": part(key.exponent().big_endian_without_leading_zero()),
                })
            }
            Pair::Elliptic(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
                    "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
                })
            }
        }
    }

    fn header(&self) -> Value {
        let algorithm = match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Elliptic(_) => "ES256",
        };
        json!({ "typ": "JWT", "alg": algorithm, "kid": self.id })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    signed.as_bytes(),
                    &mut signature,
                )
                .unwrap();
                signature
            }
            Pair::Elliptic(pair) => pair
                .sign(&random, signed.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn claims() -> Value {
    json!({
        "iss": format!("https://login.example/{TENANT}/v2.0"), "aud": AUDIENCE, "tid": TENANT,
        "oid": "user-object", "sub": "subject", "azp": "client", "uti": "1", "ver": "2.0",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3_600,
        "scp": "DeviceManagementServiceConfig.ReadWrite.All User.Read",
    })
}

/// The usual claims with some members replaced, or taken out by null.
fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn settings() -> AuthSettings {
    AuthSettings {
        issuers: vec![TEMPLATE.to_owned()],
        audiences: vec![AUDIENCE.to_owned(), "api://hangar".to_owned()],
        tenants: vec![TENANT.parse().unwrap()],
        jwks_refetch_interval: FIVE_MINUTES,
        jwks_max_stale: ONE_DAY,
    }
}

fn verifier_at(issuer: &Arc<FakeIssuer>, clock: Arc<ManualClock>) -> TokenVerifier {
    let source = KeySource::Remote(Arc::clone(issuer) as Arc<dyn FetchKeys>);
    TokenVerifier::new(&settings(), clock, |_| source.clone()).unwrap()
}

fn verifier(issuer: &Arc<FakeIssuer>) -> TokenVerifier {
    verifier_at(issuer, ManualClock::new())
}

async fn check(verifier: &TokenVerifier, token: &str) -> Result<Arc<Caller>, AuthError> {
    verifier.verify(Some(&format!("Bearer {token}"))).await
}

async fn refusal(verifier: &TokenVerifier, token: &str) -> AuthError {
    check(verifier, token).await.unwrap_err()
}

#[tokio::test]
async fn good_tokens_name_their_callers() {
    let (rsa, elliptic) = (Signer::rsa("r"), Signer::elliptic("e"));
    let verifier = verifier(&FakeIssuer::publishing(&[rsa.jwk(), elliptic.jwk()]));
    for signer in [rsa, elliptic] {
        let caller = check(&verifier, &signer.token(&claims())).await.unwrap();
        assert_eq!(caller.tenant.to_string(), TENANT);
        assert_eq!(caller.object_id, "user-object");
        assert_eq!(caller.application.as_deref(), Some("client"));
        let Grant::Delegated { scopes } = &caller.grant else {
            panic!("a token with scopes is a delegated one");
        };
        assert_eq!(scopes.len(), 2);
    }
}

#[tokio::test]
async fn claims_are_read_as_entra_writes_them() {
    let signer = Signer::elliptic("e");
    let verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    let roles = || Grant::Application {
        roles: vec!["A".to_owned()],
    };
    let none = || Grant::Delegated { scopes: Vec::new() };
    let table = [
        (
            json!({ "scp": null, "roles": ["A"], "idtyp": "app" }),
            roles(),
        ),
        (json!({ "scp": null, "roles": ["A"] }), roles()),
        // Scopes make it delegated whatever roles the user has.
        (json!({ "scp": "", "roles": ["A"] }), none()),
        // An id token with a user's roles is no app-only token.
        (
            json!({ "scp": null, "roles": ["A"], "idtyp": "user" }),
            none(),
        ),
        (
            json!({ "scp": "A", "azp": null, "appid": "client", "upn": "u", "ver": "1.0" }),
            Grant::Delegated {
                scopes: vec!["A".to_owned()],
            },
        ),
        (
            json!({ "scp": "", "aud": ["other", "api://hangar"], "exp": 1_700_000_900.5, "nbf": null }),
            none(),
        ),
    ];
    for (changes, expected) in table {
        let token = signer.token(&claims_with(&changes));
        let caller = check(&verifier, &token).await.unwrap();
        assert_eq!(caller.grant, expected);
        assert_eq!(caller.application.as_deref(), Some("client"));
    }
}

#[tokio::test]
async fn the_authorization_header_is_a_bearer_token_or_empty() {
    let signer = Signer::elliptic("e");
    let verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    let token = signer.token(&claims());
    for empty in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer   "),
        Some("Basic YTpi"),
        Some(&*token),
    ] {
        assert_eq!(
            verifier.verify(empty).await.unwrap_err(),
            AuthError::EmptyToken
        );
    }
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        assert!(
            verifier
                .verify(Some(&format!("{scheme} {token}")))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn a_personal_account_is_known_for_what_it_is() {
    let signer = Signer::elliptic("e");
    let verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    let issuer = format!("https://login.example/{PERSONAL}/v2.0");
    let token = signer.token(&claims_with(&json!({ "tid": PERSONAL, "iss": issuer })));
    assert!(check(&verifier, &token).await.unwrap().is_personal());
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_lifetime() {
    let signer = Signer::elliptic("e");
    let clock = ManualClock::new();
    let verifier = verifier_at(&FakeIssuer::publishing(&[signer.jwk()]), Arc::clone(&clock));
    let token = signer.token(&claims());
    let first = check(&verifier, &token).await.unwrap();
    clock.set(NOW + 3_600 + 299);
    assert!(Arc::ptr_eq(
        &first,
        &check(&verifier, &token).await.unwrap()
    ));
    clock.set(NOW + 3_600 + 300);
    assert_eq!(refusal(&verifier, &token).await, AuthError::Expired);
    assert_eq!(verifier.remembered.len(), 0);
    // Rehearsals turn the clock back as well.
    clock.set(NOW - 301);
    assert_eq!(refusal(&verifier, &token).await, AuthError::NotYetValid);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    const MOST: usize = 16;
    let signer = Signer::elliptic("e");
    let mut verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    verifier.remembered = RememberedTokens::new(MOST);
    for index in 0..MOST * 10 {
        let token = signer.token(&claims_with(&json!({ "uti": index.to_string() })));
        assert!(check(&verifier, &token).await.is_ok());
        assert_eq!(
            refusal(&verifier, &format!("{token}A")).await.kind(),
            AuthErrorKind::Unauthenticated
        );
        assert!(verifier.remembered.len() <= MOST);
    }
}
