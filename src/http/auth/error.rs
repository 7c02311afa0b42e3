//! Why a caller is turned away. Which status that becomes is `http::error`'s business.

use thiserror::Error;

/// Why a request may not go on. The text is Graph's, or in Graph's tone, and is meant for the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// There is no bearer token.
    #[error("Access token is empty.")]
    EmptyToken,
    /// The token is longer than any that an issuer writes.
    #[error("Access token validation failure. The token is too long.")]
    TooLong,
    /// The token is not a JWT in compact form.
    #[error("CompactToken parsing failed with error code: 80049217")]
    Malformed,
    /// The token is signed by an algorithm that is not on the list, or not at all.
    #[error("Access token validation failure. Unsupported signature algorithm.")]
    UnsupportedAlgorithm,
    /// The token's header demands an extension; none is understood.
    #[error("Access token validation failure. Unsupported critical header.")]
    UnsupportedCriticalHeader,
    /// The header says that this is something else than an access token.
    #[error("Access token validation failure. Unsupported token type.")]
    UnsupportedTokenType,
    /// The token does not say which of the issuer's keys signed it.
    #[error("Access token validation failure. Missing key id.")]
    MissingKeyId,
    /// The issuer publishes no key of the name that the token gives.
    #[error("Access token validation failure. Unknown signing key.")]
    UnknownKey,
    /// The signature does not fit the token.
    #[error("Access token validation failure. Invalid signature.")]
    InvalidSignature,
    /// The token comes from an issuer that is not trusted, or not for this tenant.
    #[error("Access token validation failure. Invalid issuer.")]
    InvalidIssuer,
    /// The token is meant for another service.
    #[error("Access token validation failure. Invalid audience.")]
    InvalidAudience,
    /// The token names no tenant, or not by a GUID.
    #[error("Access token validation failure. Missing or malformed tenant id.")]
    MalformedTenant,
    /// The tenant is not on the list of those served here.
    #[error("Access token validation failure. Invalid tenant.")]
    InvalidTenant,
    /// The token does not say whose it is.
    #[error("Access token validation failure. Missing object id.")]
    MissingObjectId,
    /// The token has no end.
    #[error("Lifetime validation failed, the token has no expiration time.")]
    MissingExpiry,
    /// The token's time is over.
    #[error("Lifetime validation failed, the token is expired.")]
    Expired,
    /// The token's time has not come.
    #[error("Lifetime validation failed, the token is not yet valid.")]
    NotYetValid,
    /// Personal Microsoft accounts may not use these operations.
    #[error("Personal Microsoft accounts are not supported for this operation.")]
    PersonalAccount,
    /// A token without a user, where only users are admitted.
    #[error(
        "Application is not authorized to perform this operation as called in app only context but does not have application permissions configured."
    )]
    ApplicationOnly,
    /// The token lacks every scope that would do.
    #[error(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        .sufficient.join(", ")
    )]
    MissingScopes {
        /// The scopes of which one would have done.
        sufficient: Vec<&'static str>,
    },
    /// The issuer's keys could not be had, so that nothing can be said about the token.
    #[error("The keys of the token's issuer are not available at present.")]
    KeysUnavailable,
}

/// What kind of refusal an [`AuthError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthErrorKind {
    /// It is not known who calls.
    Unauthenticated,
    /// It is known who calls, and he may not.
    Forbidden,
    /// It cannot be found out at present.
    Unavailable,
}

impl AuthError {
    /// What the client is told.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// What kind of refusal this is.
    pub fn kind(&self) -> AuthErrorKind {
        match self {
            Self::PersonalAccount | Self::ApplicationOnly | Self::MissingScopes { .. } => {
                AuthErrorKind::Forbidden
            }
            Self::KeysUnavailable => AuthErrorKind::Unavailable,
            _ => AuthErrorKind::Unauthenticated,
        }
    }

    /// A word for metrics: one per variant, never a part of the request.
    pub fn label(&self) -> &'static str {
        match self {
            Self::EmptyToken => "empty",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnsupportedCriticalHeader => "unsupported_critical_header",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::MissingKeyId => "missing_key_id",
            Self::UnknownKey => "unknown_key",
            Self::InvalidSignature => "invalid_signature",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::MalformedTenant => "malformed_tenant",
            Self::InvalidTenant => "invalid_tenant",
            Self::MissingObjectId => "missing_object_id",
            Self::MissingExpiry => "missing_expiry",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::PersonalAccount => "personal_account",
            Self::ApplicationOnly => "application_only",
            Self::MissingScopes { .. } => "missing_scopes",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_of_its_kind() {
        assert_eq!(AuthError::Expired.kind(), AuthErrorKind::Unauthenticated);
        assert_eq!(
            AuthError::InvalidTenant.kind(),
            AuthErrorKind::Unauthenticated
        );
        assert_eq!(AuthError::ApplicationOnly.kind(), AuthErrorKind::Forbidden);
        assert_eq!(AuthError::PersonalAccount.kind(), AuthErrorKind::Forbidden);
        assert_eq!(
            AuthError::KeysUnavailable.kind(),
            AuthErrorKind::Unavailable
        );
    }
}
