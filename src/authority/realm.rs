//! Which tenants an address of the authority stands for.

use super::{directory::Directory, oauth_error::OAuthError};
use crate::domain::tenant::{PERSONAL_ACCOUNTS, TenantId};

/// Which tenants an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    /// One tenant; the personal accounts' too, as `consumers`.
    Tenant(TenantId),
    /// Every tenant.
    Common,
    /// Every tenant but the personal accounts'.
    Organizations,
}

impl Realm {
    /// What the tenant in an address stands for.
    pub(super) fn find(segment: &str, directory: &Directory) -> Result<Self, OAuthError> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            "consumers" => Ok(Self::Tenant(PERSONAL_ACCOUNTS)),
            name => match directory.find_tenant(name) {
                Some(tenant) => Ok(Self::Tenant(tenant.id)),
                None => Err(OAuthError::unknown_tenant(segment)),
            },
        }
    }

    /// Whether it is for the users of `tenant`.
    pub(super) fn admits(self, tenant: TenantId) -> bool {
        match self {
            Self::Tenant(own) => own == tenant,
            Self::Common => true,
            Self::Organizations => tenant != PERSONAL_ACCOUNTS,
        }
    }

    /// The one tenant, if it is for one.
    pub(super) fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Common | Self::Organizations => None,
        }
    }
}
