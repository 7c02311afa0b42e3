//! The gate of a fork's registrar: the rehearsal's, to which tenants are those that clients know.

use std::{collections::HashMap, sync::Weak};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

use crate::{
    domain::{
        device::DeviceId,
        import::{Import, ImportId},
        tenant::TenantId,
    },
    registrar::gate::{Gate, Judgement},
    store::operation::Settled,
};

/// Asks the rehearsal. Its worlds are its own, so that they do not keep it.
pub(super) struct WorldGate {
    pub(super) rehearsal: Weak<dyn Gate>,
    /// By the id that a tenant's rows have here, the one that clients use.
    pub(super) known_as: HashMap<TenantId, TenantId>,
    /// Each registrar hears of every change for itself.
    pub(super) changes: Mutex<watch::Receiver<u64>>,
}

impl WorldGate {
    fn known_as(&self, tenant: TenantId) -> TenantId {
        self.known_as.get(&tenant).copied().unwrap_or(tenant)
    }
}

impl Gate for WorldGate {
    fn judge(&self, import: &Import, now: Timestamp) -> Judgement {
        let Some(gate) = self.rehearsal.upgrade() else {
            return Judgement::Decide;
        };
        let tenant = self.known_as(import.tenant);
        if tenant == import.tenant {
            return gate.judge(import, now);
        }
        let import = Import {
            tenant,
            ..import.clone()
        };
        gate.judge(&import, now)
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let mut changes = self.changes.lock().await;
            // Without rules nothing changes any more.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn settling(&self, tenant: TenantId, id: ImportId, device: DeviceId) {
        if let Some(gate) = self.rehearsal.upgrade() {
            gate.settling(self.known_as(tenant), id, device);
        }
    }

    fn settled(&self, tenant: TenantId, id: ImportId, settled: &Settled) {
        if let Some(gate) = self.rehearsal.upgrade() {
            gate.settled(self.known_as(tenant), id, settled);
        }
    }
}
