//! A token in compact form, taken apart. Nothing here is believed before its signature is verified.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    caller::{Caller, Grant},
    error::AuthError,
    issuer::tenant_id,
    jwks::SignatureAlgorithm,
};
use crate::domain::tenant::TenantId;

/// How far the issuer's clock and ours may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What `typ` says of access tokens, apart from saying nothing.
const TOKEN_TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// A token's parts.
pub(super) struct CompactToken<'a> {
    /// The header's claims about the signature.
    pub(super) header: TokenHeader,
    /// What the token says of its holder.
    pub(super) claims: TokenClaims,
    /// The text that is signed.
    pub(super) signed: &'a str,
    /// The signature, in base64url.
    pub(super) signature: &'a str,
}

/// The header, as far as it is looked at. `jku`, `jwk`, `x5u` and `x5c` are left unread on purpose:
/// a token must not bring the key that verifies it.
#[derive(Deserialize)]
pub(super) struct TokenHeader {
    alg: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
    /// Which of the issuer's keys signed.
    pub(super) kid: Option<String>,
}

/// The claims, as far as they are looked at.
#[derive(Deserialize)]
pub(super) struct TokenClaims {
    /// The issuer.
    #[serde(default)]
    pub(super) iss: String,
    /// The tenant, as the token spells it.
    #[serde(default)]
    pub(super) tid: String,
    #[serde(default)]
    aud: Audience,
    exp: Option<serde_json::Number>,
    nbf: Option<serde_json::Number>,
    oid: Option<String>,
    sub: Option<String>,
    azp: Option<String>,
    appid: Option<String>,
    scp: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    idtyp: Option<String>,
}

/// Whom a token is for: one name or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// From when until when a token is valid, before the skew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    not_before: Option<Timestamp>,
    expires: Timestamp,
}

impl<'a> CompactToken<'a> {
    /// Takes a token apart: three parts, the first two JSON objects.
    pub(super) fn parse(token: &'a str) -> Result<Self, AuthError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(AuthError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(AuthError::Malformed)?;
        Ok(Self {
            header: decode(header)?,
            claims: decode(claims)?,
            signed,
            signature,
        })
    }
}

/// Reads one part. A member that stands there twice makes the part unreadable.
fn decode<T: DeserializeOwned>(part: &str) -> Result<T, AuthError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| AuthError::Malformed)?;
    // Without this, a JSON array would be taken for the fields in their order.
    if json.first() != Some(&b'{') {
        return Err(AuthError::Malformed);
    }
    serde_json::from_slice(&json).map_err(|_| AuthError::Malformed)
}

impl TokenHeader {
    /// The algorithm, if it is on the list and the header asks for nothing that is not understood.
    pub(super) fn algorithm(&self) -> Result<SignatureAlgorithm, AuthError> {
        let algorithm = self
            .alg
            .as_deref()
            .and_then(SignatureAlgorithm::from_name)
            .ok_or(AuthError::UnsupportedAlgorithm)?;
        if self.crit.is_some() {
            return Err(AuthError::UnsupportedCriticalHeader);
        }
        match &self.typ {
            Some(typ)
                if !TOKEN_TYPES
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(typ)) =>
            {
                Err(AuthError::UnsupportedTokenType)
            }
            _ => Ok(algorithm),
        }
    }
}

impl TokenClaims {
    /// The tenant.
    pub(super) fn tenant(&self) -> Result<TenantId, AuthError> {
        tenant_id(&self.tid).ok_or(AuthError::MalformedTenant)
    }

    /// Tells whether the token is for one of `audiences`.
    pub(super) fn is_for(&self, audiences: &[String]) -> bool {
        match &self.aud {
            Audience::One(audience) => audiences.contains(audience),
            Audience::Several(several) => several.iter().any(|one| audiences.contains(one)),
        }
    }

    /// From when until when the token is valid.
    pub(super) fn lifetime(&self) -> Result<Lifetime, AuthError> {
        let expires = self.exp.as_ref().ok_or(AuthError::MissingExpiry)?;
        Ok(Lifetime {
            not_before: self.nbf.as_ref().map(instant).transpose()?,
            expires: instant(expires)?,
        })
    }

    /// The caller, in `tenant`.
    pub(super) fn into_caller(self, tenant: TenantId) -> Result<Caller, AuthError> {
        let object_id = self
            .oid
            .or(self.sub)
            .filter(|id| !id.is_empty())
            .ok_or(AuthError::MissingObjectId)?;
        let grant = match (self.scp, self.idtyp.as_deref()) {
            (Some(scopes), _) => Grant::Delegated {
                scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            },
            // An id token says that it is a user's and may carry that user's roles. Those are not
            // the application's, so it must not pass for an app-only token.
            (None, Some(kind)) if kind != "app" => Grant::Delegated { scopes: Vec::new() },
            (None, _) => Grant::Application { roles: self.roles },
        };
        Ok(Caller {
            tenant,
            object_id,
            application: self.azp.or(self.appid),
            grant,
        })
    }
}

impl Lifetime {
    /// Tells whether the token is valid now, give or take the skew.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), AuthError> {
        if now.duration_since(self.expires) >= SKEW {
            return Err(AuthError::Expired);
        }
        match self.not_before {
            Some(begin) if begin.duration_since(now) > SKEW => Err(AuthError::NotYetValid),
            _ => Ok(()),
        }
    }
}

/// Seconds since 1970. Some issuers write them with a fraction, which is far below the skew.
fn instant(seconds: &serde_json::Number) -> Result<Timestamp, AuthError> {
    if let Some(whole) = seconds.as_i64() {
        return Timestamp::from_second(whole).map_err(|_| AuthError::Malformed);
    }
    let duration = seconds
        .as_f64()
        .and_then(|fraction| SignedDuration::try_from_secs_f64(fraction).ok())
        .ok_or(AuthError::Malformed)?;
    Timestamp::from_duration(duration).map_err(|_| AuthError::Malformed)
}
