//! What tests stand on: the whole API in one process, a clock that only moves when told, made-up
//! tenants and made-up hardware.

mod answer;
mod api;
mod clock;
#[cfg(test)]
pub(crate) mod flawed_store;
mod hardware;
pub mod postgres;
mod secure;
mod server;
#[cfg(test)]
pub(crate) mod small_disk;
#[cfg(test)]
pub(crate) mod workbench;

#[cfg(test)]
pub(crate) use crate::graph::{version, vocabulary};
pub use answer::TestAnswer;
pub use api::{BASE_URL, LocalAuthority, Rehearsing, TestApi, TestOptions, TestPeer};
pub use clock::ManualClock;
pub use hardware::{import_named, import_of};
pub use secure::{secure_client, secure_server};
pub use server::TestServer;

use uuid::Uuid;

use crate::domain::{
    actor::{Actor, ActorKind},
    tenant::TenantId,
};

/// A made-up tenant.
pub const CONTOSO: TenantId = TenantId(Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111));

/// Another made-up tenant.
pub const FABRIKAM: TenantId = TenantId(Uuid::from_u128(0x2222_2222_2222_4222_8222_2222_2222_2222));

/// A made-up user.
pub fn actor() -> Actor {
    Actor {
        kind: ActorKind::User,
        id: "adele".to_owned(),
        application: None,
    }
}
