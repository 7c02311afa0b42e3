//! Public keys as an issuer publishes them, reduced to those that may verify a token.
//!
//! When they are fetched, and how long they count, is in `key_ring`.

use aws_lc_rs::{
    encoding::AsDer,
    signature::{
        ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::issuer::fill;

/// More keys than any issuer has; the rest of a longer list is not looked at.
const MOST_KEYS: usize = 100;

/// Smaller RSA keys can be broken, larger ones cost the verifier too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// The signature algorithms that are accepted. Symmetric ones and `none` can't be expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key that may verify tokens.
#[derive(Debug)]
pub(super) struct PublicKey {
    id: Option<String>,
    algorithm: SignatureAlgorithm,
    /// The only issuer that may use the key, possibly a template; Entra says so of its keys.
    issuer: Option<String>,
    /// Parsed once: that costs more than verifying a signature.
    key: ParsedPublicKey,
    thumbprint: Thumbprint,
}

/// What tells keys apart, whatever they are called: a digest of all that they are trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thumbprint([u8; 32]);

/// A document that is no key set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the key set is not a JSON object with a list of `keys`")]
pub struct MalformedKeySet;

#[derive(Deserialize)]
struct WireKeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireKey {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    issuer: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl SignatureAlgorithm {
    /// The algorithm of this name, if it is one of the accepted.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl KeySet {
    /// Reads a key set and keeps what may verify tokens. Keys of another type, for another use, too
    /// weak or unreadable are passed over, so that one of them never costs the issuer the others.
    pub fn parse(document: &[u8]) -> Result<Self, MalformedKeySet> {
        let document: WireKeySet = serde_json::from_slice(document).map_err(|_| MalformedKeySet)?;
        let mut keys: Vec<PublicKey> = document
            .keys
            .into_iter()
            .take(MOST_KEYS)
            .filter_map(|key| PublicKey::read(serde_json::from_value(key).ok()?))
            .collect();
        // Only a lone key can be meant without being named.
        if keys.len() > 1 {
            keys.retain(|key| key.id.is_some());
        }
        Ok(Self { keys })
    }

    /// Tells whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Tells whether a key is among these.
    pub(super) fn contains(&self, thumbprint: Thumbprint) -> bool {
        self.keys.iter().any(|key| key.thumbprint == thumbprint)
    }

    /// The keys that a token means: those of the id, or the only one if it names none.
    pub(super) fn meant_by(&self, id: Option<&str>) -> Vec<&PublicKey> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys
                .iter()
                .filter(|key| key.id.as_deref() == Some(id))
                .collect(),
            (None, [only]) => vec![only],
            (None, _) => Vec::new(),
        }
    }
}

impl PublicKey {
    fn read(wire: WireKey) -> Option<Self> {
        let for_signatures = wire
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig")
            && wire
                .key_ops
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|one| one == "verify"));
        if !for_signatures {
            return None;
        }
        let component = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
        let (algorithm, key, parts) = match wire.kty.as_str() {
            "RSA" => {
                let modulus = without_leading_zeros(component(&wire.n)?);
                let exponent = without_leading_zeros(component(&wire.e)?);
                if !RSA_BITS.contains(&bits(&modulus)) || exponent.is_empty() {
                    return None;
                }
                let components = RsaPublicKeyComponents {
                    n: modulus.as_slice(),
                    e: exponent.as_slice(),
                };
                let der = components.as_der().ok()?;
                let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.as_ref()).ok()?;
                (SignatureAlgorithm::Rs256, key, [modulus, exponent])
            }
            "EC" if wire.crv.as_deref() == Some("P-256") => {
                const COORDINATE_BYTES: usize = 32;
                let (x, y) = (component(&wire.x)?, component(&wire.y)?);
                if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
                    return None;
                }
                // An uncompressed point, by its leading 4.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
                (SignatureAlgorithm::Es256, key, [x, y])
            }
            _ => return None,
        };
        if wire.alg.is_some_and(|alg| alg != algorithm.name()) {
            return None;
        }
        Some(Self {
            thumbprint: Thumbprint::of(algorithm, wire.issuer.as_deref(), &parts),
            id: wire.kid,
            algorithm,
            issuer: wire.issuer,
            key,
        })
    }

    /// Tells whether the key may sign this way for the issuer that a token of `tenant` names.
    pub(super) fn serves(&self, algorithm: SignatureAlgorithm, issuer: &str, tenant: &str) -> bool {
        let own = self.issuer.as_deref();
        self.algorithm == algorithm && own.is_none_or(|own| fill(own, tenant) == issuer)
    }

    /// Tells whether `signature` is this key's under `signed`; an unreadable one is nobody's.
    pub(super) fn verifies(&self, signed: &str, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        self.key.verify_sig(signed.as_bytes(), &signature).is_ok()
    }

    /// What tells the key from others.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }
}

impl Thumbprint {
    fn of(algorithm: SignatureAlgorithm, issuer: Option<&str>, parts: &[Vec<u8>; 2]) -> Self {
        let mut digest = Sha256::new();
        let [first, second] = parts;
        let issuer = issuer.unwrap_or_default().as_bytes();
        for part in [algorithm.name().as_bytes(), issuer, first, second] {
            // Each part's length goes first, so that parts can't be shifted into one another.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

/// Some issuers write the sign byte of the number; the verifier wants none.
fn without_leading_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The length of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rsa(bytes: usize) -> Value {
        json!({ "kty": "RSA", "kid": "rsa", "n": URL_SAFE_NO_PAD.encode(vec![0xc1; bytes]), "e": "AQAB" })
    }

    /// The curve's own base point: a public key whose secret is 1.
    fn elliptic() -> Value {
        let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
        let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
        json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": x, "y": y })
    }

    fn with(mut key: Value, member: &str, value: Value) -> Value {
        key[member] = value;
        key
    }

    fn usable(keys: &[Value]) -> usize {
        let document = json!({ "keys": keys }).to_string();
        KeySet::parse(document.as_bytes()).unwrap().keys.len()
    }

    #[test]
    fn only_keys_that_may_verify_tokens_are_kept() {
        let padded = URL_SAFE_NO_PAD.encode([vec![0], vec![0xc1; 256]].concat());
        let table = [
            (rsa(256), 1),
            (with(rsa(256), "use", json!("sig")), 1),
            (with(rsa(256), "alg", json!("RS256")), 1),
            (with(rsa(256), "x5c", json!(["ignored"])), 1),
            (with(rsa(256), "key_ops", json!(["verify"])), 1),
            (with(rsa(256), "n", json!(padded)), 1),
            (elliptic(), 1),
            (rsa(128), 0),
            (rsa(255), 0),
            (rsa(2048), 0),
            (with(rsa(256), "use", json!("enc")), 0),
            (with(rsa(256), "alg", json!("RS512")), 0),
            (with(rsa(256), "alg", json!("HS256")), 0),
            (with(rsa(256), "key_ops", json!(["encrypt"])), 0),
            (with(rsa(256), "e", json!("")), 0),
            (with(rsa(256), "n", json!(7)), 0),
            (with(elliptic(), "crv", json!("P-384")), 0),
            (with(elliptic(), "x", json!("AQ")), 0),
            // A point that is not on the curve.
            (with(elliptic(), "y", elliptic()["x"].clone()), 0),
            (with(elliptic(), "alg", json!("RS256")), 0),
            (json!({ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }), 0),
            (json!({ "kty": "AKP", "kid": "later" }), 0),
            (json!("not a key"), 0),
        ];
        for (key, expected) in table {
            assert_eq!(usable(std::slice::from_ref(&key)), expected, "{key}");
            // A bad neighbour never costs the issuer its good key.
            assert_eq!(
                usable(&[key, with(elliptic(), "kid", json!("good"))]),
                expected + 1
            );
        }
    }

    #[test]
    fn a_nameless_key_counts_only_alone() {
        let mut nameless = elliptic();
        nameless.as_object_mut().unwrap().remove("kid");
        assert_eq!(usable(std::slice::from_ref(&nameless)), 1);
        assert_eq!(usable(&[nameless, rsa(256)]), 1);
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for document in ["", "[]", "{}", "{\"keys\":7}", "<html>"] {
            assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
        }
        assert!(KeySet::parse(b"{\"keys\":[]}").unwrap().is_empty());
    }

    #[test]
    fn a_thumbprint_covers_the_issuer() {
        let read = |key: Value| PublicKey::read(serde_json::from_value(key).unwrap()).unwrap();
        let bound = with(
            elliptic(),
            "issuer",
            json!("https://login.example/{tenantid}/v2.0"),
        );
        assert_eq!(
            read(elliptic()).thumbprint(),
            read(with(elliptic(), "kid", json!("b"))).thumbprint()
        );
        assert_ne!(
            read(elliptic()).thumbprint(),
            read(bound.clone()).thumbprint()
        );
        assert!(read(bound.clone()).serves(
            SignatureAlgorithm::Es256,
            "https://login.example/t/v2.0",
            "t"
        ));
        assert!(!read(bound).serves(SignatureAlgorithm::Es256, "https://sts.example/t/", "t"));
    }
}
