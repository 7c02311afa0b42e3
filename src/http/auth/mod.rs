//! Who calls, for which tenant, and what is allowed.
//!
//! `token` verifies a bearer token with keys that `key_ring` keeps for each `issuer`; `permission`
//! holds the result against an operation. No status code is chosen here: that is `http::error`.

pub mod caller;
mod claims;
pub mod error;
pub mod http_fetch;
pub mod issuer;
pub mod jwks;
mod key_ring;
pub mod key_source;
pub mod permission;
mod remembered;
pub mod token;
