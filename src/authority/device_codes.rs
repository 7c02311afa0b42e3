//! Device codes that were given out and not yet used up: few, and for a short time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::{issue::random_text, oauth_error::OAuthError, signing_key::KeyFailure};
use crate::domain::tenant::TenantId;

/// How long a code can be used.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// Whoever asks for more pushes out the oldest: nobody can fill the memory.
const MOST_PENDING: usize = 256;

/// What a code stands for.
#[derive(Clone, Debug)]
pub(super) struct DeviceCode {
    pub(super) client: String,
    pub(super) tenant: TenantId,
    pub(super) principal_name: String,
    pub(super) scopes: Vec<String>,
}

struct Pending {
    secret: String,
    code: DeviceCode,
    expires: Timestamp,
    /// Nobody is there to approve, so that the first question about a code does it.
    approved: bool,
}

/// The codes under way, the oldest first.
#[derive(Default)]
pub(super) struct DeviceCodes {
    pending: VecDeque<Pending>,
}

impl DeviceCodes {
    /// Takes a code in and returns the secret that it is asked for by.
    pub(super) fn add(&mut self, code: DeviceCode, now: Timestamp) -> Result<String, KeyFailure> {
        let secret = random_text::<32>()?;
        let expires = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        self.pending.retain(|pending| pending.expires > now);
        if self.pending.len() >= MOST_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(Pending {
            secret: secret.clone(),
            code,
            expires,
            approved: false,
        });
        Ok(secret)
    }

    /// What the code stands for, once, after it was asked for before.
    pub(super) fn take(
        &mut self,
        secret: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<DeviceCode, OAuthError> {
        let position = self
            .pending
            .iter()
            .position(|pending| pending.secret == secret && pending.code.client == client);
        let pending = position
            .and_then(|index| self.pending.get_mut(index))
            .ok_or_else(OAuthError::unknown_code)?;
        if pending.expires <= now {
            return Err(OAuthError::expired_code());
        }
        if !pending.approved {
            pending.approved = true;
            return Err(OAuthError::pending());
        }
        position
            .and_then(|index| self.pending.remove(index))
            .map(|pending| pending.code)
            .ok_or_else(OAuthError::unknown_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_bounded_in_number_and_time() {
        let mut codes = DeviceCodes::default();
        let code = DeviceCode {
            client: "client".to_owned(),
            tenant: TenantId(uuid::Uuid::nil()),
            principal_name: "user".to_owned(),
            scopes: Vec::new(),
        };
        let start = Timestamp::UNIX_EPOCH;
        let secrets: Vec<_> = (0..=MOST_PENDING)
            .map(|_| codes.add(code.clone(), start).unwrap())
            .collect();
        assert_eq!(codes.pending.len(), MOST_PENDING);
        assert!(codes.take(&secrets[0], "client", start).is_err());
        assert!(codes.take(&secrets[1], "other", start).is_err());
        assert!(codes.take(&secrets[1], "client", start).is_err());
        assert!(codes.take(&secrets[1], "client", start).is_ok());
        assert!(codes.take(&secrets[1], "client", start).is_err());
        let end = start + LIFETIME;
        assert!(codes.take(&secrets[2], "client", end).is_err());
        codes.add(code, end).unwrap();
        assert_eq!(codes.pending.len(), 1);
    }
}
