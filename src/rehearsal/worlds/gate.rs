//! The gate of a world's registrar: the rehearsal's rules, to which tenants are those that clients
//! know.

use std::{collections::HashMap, sync::Arc};

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
    rehearsal::rules::Rules,
    store::operation::Settled,
};

/// Asks the rules.
pub(super) struct WorldGate {
    pub(super) rules: Arc<Rules>,
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
        let tenant = self.known_as(import.tenant);
        if tenant == import.tenant {
            return self.rules.judge(import, now);
        }
        let import = Import {
            tenant,
            ..import.clone()
        };
        self.rules.judge(&import, now)
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
        self.rules.settling(self.known_as(tenant), id, device);
    }

    fn settled(&self, tenant: TenantId, id: ImportId, settled: &Settled) {
        self.rules.settled(self.known_as(tenant), id, settled);
    }
}
