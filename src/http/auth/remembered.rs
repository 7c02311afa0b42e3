//! Tokens that were verified before. Bounded in number, and by digest: no token is kept itself.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{caller::Caller, claims::Lifetime, jwks::Thumbprint, key_ring::KeyRing};

/// The digest of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenDigest([u8; 32]);

/// What is known of a verified token.
pub(super) struct Remembered {
    pub(super) caller: Arc<Caller>,
    pub(super) lifetime: Lifetime,
    /// The keys among which the token's own must still be.
    pub(super) ring: Arc<KeyRing>,
    pub(super) key: Thumbprint,
}

/// The verified tokens, the least used ones forgotten first.
pub(super) struct RememberedTokens {
    tokens: Cache<TokenDigest, Arc<Remembered>>,
}

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl RememberedTokens {
    pub(super) fn new(most: usize) -> Self {
        Self {
            tokens: Cache::new(most),
        }
    }

    pub(super) fn find(&self, digest: &TokenDigest) -> Option<Arc<Remembered>> {
        self.tokens.get(digest)
    }

    pub(super) fn insert(&self, digest: TokenDigest, remembered: Remembered) {
        self.tokens.insert(digest, Arc::new(remembered));
    }

    pub(super) fn forget(&self, digest: &TokenDigest) {
        self.tokens.remove(digest);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }
}
