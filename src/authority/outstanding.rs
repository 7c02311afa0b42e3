//! What the authority has given out and waits for: pages, codes, refresh tokens. All of it is in
//! memory, bounded in number and time, and lost when the server ends.

use jiff::SignedDuration;
use uuid::Uuid;

use super::{
    authorization::Authorization, device_codes::DeviceCode, kept::Kept, pkce::Challenge,
    realm::Realm, wish::Wish,
};
use crate::domain::tenant::TenantId;

/// How many of a kind are kept, refresh tokens aside.
const MOST: usize = 256;
const MOST_REFRESH_TOKENS: usize = 1024;

/// Everything that is under way.
pub(super) struct Outstanding {
    /// Sign-in pages that somebody has before him.
    pub(super) sign_ins: Kept<SignIn>,
    /// Authorization codes.
    pub(super) codes: Kept<Code>,
    /// Device codes.
    pub(super) device_codes: Kept<DeviceCode>,
    /// Refresh tokens.
    pub(super) refresh_tokens: Kept<Refresh>,
}

/// A page on which somebody is to sign in, and what for.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) realm: Realm,
    /// The id of the client that waits.
    pub(super) client: String,
    pub(super) wish: Wish,
    /// The name that the page begins with.
    pub(super) hint: Option<String>,
    pub(super) purpose: Purpose,
}

/// What becomes of a sign-in.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// An authorization code for a client that can be led back to.
    Code(Authorization),
    /// The approval of the device code that belongs to this user code.
    Device(String),
}

/// Somebody who signed in: in which tenant, by which principal name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) tenant: TenantId,
    pub(super) principal_name: String,
}

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) client: String,
    /// The redirect URI as the client wrote it.
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) wish: Wish,
    pub(super) person: Person,
    /// What comes of this sign-in, so that a code that is shown twice can end it.
    pub(super) family: Uuid,
    /// Whether it was used.
    pub(super) is_spent: bool,
}

/// What a refresh token stands for.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub(super) client: String,
    pub(super) wish: Wish,
    pub(super) person: Person,
    pub(super) family: Uuid,
}

impl Default for Outstanding {
    fn default() -> Self {
        Self {
            sign_ins: Kept::new(MOST, SignedDuration::from_mins(15)),
            codes: Kept::new(MOST, SignedDuration::from_mins(5)),
            device_codes: Kept::new(MOST, SignedDuration::from_mins(15)),
            refresh_tokens: Kept::new(MOST_REFRESH_TOKENS, SignedDuration::from_hours(90 * 24)),
        }
    }
}
