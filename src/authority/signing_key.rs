//! The authority's own key: RSA, 2048 bits, RS256.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A private key, and the name of its public half.
pub(super) struct SigningKey {
    pair: RsaKeyPair,
    id: String,
}

/// The cryptographic library would not do it.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct KeyFailure(pub(super) &'static str);

impl SigningKey {
    pub(super) fn generate() -> Result<Self, KeyFailure> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| KeyFailure("the signing key can't be generated"))?;
        Ok(Self::from(pair))
    }

    /// Reads a key as [`Self::to_pkcs8`] writes it.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFailure> {
        let pair =
            RsaKeyPair::from_pkcs8(der).map_err(|_| KeyFailure("the signing key can't be read"))?;
        Ok(Self::from(pair))
    }

    /// The private key in PKCS #8, DER.
    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, KeyFailure> {
        let der = self
            .pair
            .as_der()
            .map_err(|_| KeyFailure("the signing key can't be written"))?;
        Ok(der.as_ref().to_vec())
    }

    /// The public key as a JWK.
    pub(super) fn jwk(&self) -> Value {
        let key = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(key.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(key.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A signed token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, KeyFailure> {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.id });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| KeyFailure("the signing key can't be used"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl SigningKey {
    /// The claims of a token that this key signed. What they say is for the caller to judge.
    pub(super) fn claims(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Value = serde_json::from_slice(&decoded(header)?).ok()?;
        if header["alg"] != "RS256" {
            return None;
        }
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &decoded(signature)?)
            .ok()?;
        serde_json::from_slice(&decoded(claims)?).ok()
    }
}

impl From<RsaKeyPair> for SigningKey {
    fn from(pair: RsaKeyPair) -> Self {
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(pair.public_key().as_ref()));
        Self { pair, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_this_key_have_claims() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({ "sub": "somebody" })).unwrap();
        assert_eq!(key.claims(&token).unwrap()["sub"], "somebody");
        let other = SigningKey::generate().unwrap();
        assert_eq!(other.claims(&token), None);
        for token in ["", "a.b.c", "..", &token[1..], &format!("{token}A")] {
            assert_eq!(key.claims(token), None, "{token}");
        }
    }
}
