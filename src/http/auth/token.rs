//! Verifies bearer tokens: signature, issuer, audience, time, tenant, in this order.
//!
//! A verified token is remembered, so that only an unseen one costs a verification. What the caller
//! may then do is in `permission`.

use std::{sync::Arc, time::Duration};

use super::{
    caller::Caller,
    claims::CompactToken,
    error::AuthError,
    issuer::{InvalidIssuer, Issuer},
    jwks::{KeySet, PublicKey, SignatureAlgorithm, Thumbprint},
    key_ring::KeyRing,
    key_source::KeySource,
    remembered::{Remembered, RememberedTokens, TokenDigest},
};
use crate::domain::{
    clock::Clock,
    tenant::{PERSONAL_ACCOUNTS, TenantId},
};

/// Entra's tokens are a few KiB long; a longer one is not worth the work.
const LONGEST_TOKEN_BYTES: usize = 16 * 1024;

/// Some hundred bytes each, so a few MiB at most.
const REMEMBERED_TOKENS: usize = 8_192;

/// Whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Setting: `auth.issuers`. In full, or templates with `{tenantid}`.
    pub issuers: Vec<String>,
    /// Setting: `auth.audiences`. A token is for one of them.
    pub audiences: Vec<String>,
    /// Setting: `auth.tenants`. None listed: any that an issuer vouches for.
    pub tenants: Vec<TenantId>,
    /// Setting: `auth.jwks_refetch_interval`. At most so often an unknown key leads to a fetch.
    pub jwks_refetch_interval: Duration,
    /// Setting: `auth.jwks_max_stale`. So long keys are used while their issuer is down.
    pub jwks_max_stale: Duration,
}

/// Verifies tokens. One for the process; it keeps the issuers' keys and the tokens seen.
pub struct TokenVerifier {
    rings: Vec<Arc<KeyRing>>,
    audiences: Vec<String>,
    tenants: Vec<TenantId>,
    clock: Arc<dyn Clock>,
    remembered: RememberedTokens,
}

/// How a token was accepted.
enum Accepted {
    Remembered(Arc<Caller>),
    Verified(Arc<Caller>),
}

impl TokenVerifier {
    /// Makes a verifier that gets the keys of each issuer from what `key_source` says of it.
    /// Nothing is fetched yet: the first token does it, or [`Self::refresh_due`].
    pub fn new(
        settings: &AuthSettings,
        clock: Arc<dyn Clock>,
        mut key_source: impl FnMut(&str) -> KeySource,
    ) -> Result<Self, InvalidIssuer> {
        let ring = |text: &String| {
            Ok(Arc::new(KeyRing::new(
                Issuer::parse(text)?,
                key_source(text),
                settings.jwks_refetch_interval,
                settings.jwks_max_stale,
            )))
        };
        Ok(Self {
            rings: settings
                .issuers
                .iter()
                .map(ring)
                .collect::<Result<_, _>>()?,
            audiences: settings.audiences.clone(),
            tenants: settings.tenants.clone(),
            clock,
            remembered: RememberedTokens::new(REMEMBERED_TOKENS),
        })
    }

    /// Verifies the bearer token in an `Authorization` header and says who holds it.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Arc<Caller>, AuthError> {
        let outcome = self.accept(authorization).await;
        let label = match &outcome {
            Ok(Accepted::Remembered(_)) => "remembered",
            Ok(Accepted::Verified(_)) => "verified",
            Err(error) => error.label(),
        };
        metrics::counter!("hangar_token_checks_total", "outcome" => label).increment(1);
        outcome.map(|(Accepted::Remembered(caller) | Accepted::Verified(caller))| caller)
    }

    /// Refreshes the keys of every issuer that are no longer new. To be called at the start and
    /// every hour: it keeps requests from waiting for an issuer, and is not needed for correctness.
    pub async fn refresh_due(&self) {
        for ring in &self.rings {
            ring.refresh_due().await;
        }
    }

    async fn accept(&self, authorization: Option<&str>) -> Result<Accepted, AuthError> {
        let token = bearer(authorization)?;
        let digest = TokenDigest::of(token);
        if let Some(remembered) = self.remembered.find(&digest) {
            if let Err(error) = remembered.lifetime.check(self.clock.now()) {
                self.remembered.forget(&digest);
                return Err(error);
            }
            if remembered.ring.keys().await?.contains(remembered.key) {
                return Ok(Accepted::Remembered(Arc::clone(&remembered.caller)));
            }
            // Its key was withdrawn. What is said about the token then, a fresh check finds out.
            self.remembered.forget(&digest);
        }
        let remembered = self.verify_unseen(token).await?;
        let caller = Arc::clone(&remembered.caller);
        self.remembered.insert(digest, remembered);
        Ok(Accepted::Verified(caller))
    }

    async fn verify_unseen(&self, token: &str) -> Result<Remembered, AuthError> {
        let token = CompactToken::parse(token)?;
        let algorithm = token.header.algorithm()?;
        let tenant = token.claims.tenant()?;
        let ring = self
            .rings
            .iter()
            .find(|ring| {
                let (named, spelled) = (&token.claims.iss, &token.claims.tid);
                ring.issuer().issues(named, spelled, tenant)
            })
            .ok_or(AuthError::InvalidIssuer)?;
        let key = signing_key(ring, &token, algorithm).await?;
        if !token.claims.is_for(&self.audiences) {
            return Err(AuthError::InvalidAudience);
        }
        let lifetime = token.claims.lifetime()?;
        lifetime.check(self.clock.now())?;
        // A personal account is in no one's list. It is turned away for what it is, by `permission`.
        if !self.tenants.is_empty()
            && !self.tenants.contains(&tenant)
            && tenant != PERSONAL_ACCOUNTS
        {
            return Err(AuthError::InvalidTenant);
        }
        Ok(Remembered {
            caller: Arc::new(token.claims.into_caller(tenant)?),
            lifetime,
            ring: Arc::clone(ring),
            key,
        })
    }
}

/// The token in an `Authorization` header.
fn bearer(authorization: Option<&str>) -> Result<&str, AuthError> {
    let (scheme, token) = authorization
        .and_then(|value| value.trim().split_once(' '))
        .ok_or(AuthError::EmptyToken)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(AuthError::EmptyToken);
    }
    if token.len() > LONGEST_TOKEN_BYTES {
        return Err(AuthError::TooLong);
    }
    Ok(token)
}

/// The key that signed the token; the issuer is asked again if its keys don't include the one named.
async fn signing_key(
    ring: &KeyRing,
    token: &CompactToken<'_>,
    algorithm: SignatureAlgorithm,
) -> Result<Thumbprint, AuthError> {
    match signer_among(&*ring.keys().await?, token, algorithm) {
        Err(AuthError::UnknownKey) => {
            signer_among(&*ring.keys_after_miss().await?, token, algorithm)
        }
        found => found,
    }
}

fn signer_among(
    keys: &KeySet,
    token: &CompactToken<'_>,
    algorithm: SignatureAlgorithm,
) -> Result<Thumbprint, AuthError> {
    let id = token.header.kid.as_deref();
    let meant = keys.meant_by(id);
    if meant.is_empty() {
        return Err(match id {
            Some(_) => AuthError::UnknownKey,
            None => AuthError::MissingKeyId,
        });
    }
    meant
        .into_iter()
        .filter(|key| key.serves(algorithm, &token.claims.iss, &token.claims.tid))
        .find(|key| key.verifies(token.signed, token.signature))
        .map(PublicKey::thumbprint)
        .ok_or(AuthError::InvalidSignature)
}

#[cfg(test)]
mod tests;
