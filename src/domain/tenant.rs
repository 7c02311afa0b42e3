//! Who a row belongs to, and the world in which hardware has one owner.

use std::fmt;

use uuid::Uuid;

/// An Entra tenant, by its directory id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub Uuid);

/// The pseudo-tenant in which Entra keeps personal Microsoft accounts.
pub const PERSONAL_ACCOUNTS: TenantId =
    TenantId(Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad));

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl std::str::FromStr for TenantId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// The space in which a piece of hardware has at most one owner. Every ledger key starts with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorldId(pub String);

impl Default for WorldId {
    fn default() -> Self {
        Self("main".to_owned())
    }
}
