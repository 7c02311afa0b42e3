//! Random histories of imports, changes, deletions and tenants, each checked against the model.
//!
//! Whatever happens, an import is decided as the model says and then stays so, and no hardware is
//! ever two devices.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{
    collection::vec,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use super::{
    model::{Asked, Model, Verdict},
    steps::{Capture, Step, TENANTS, What, step},
};
use crate::{
    domain::{
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        import::{ImportChange, ImportId, ImportProperties, ImportState},
        tenant::TenantId,
    },
    store::{
        Store,
        operation::{Claim, DeviceCreation, DeviceDeletion, LedgerQuery, Settled, Updated},
    },
    testing::workbench::Workbench,
};

/// Runs the property on so many fresh stores.
pub(crate) fn check(runtime: &Runtime, cases: u32, open: impl Fn() -> Arc<dyn Store>) {
    let config = Config {
        cases,
        max_shrink_iters: 500,
        // A failure has to be told before whoever runs the tests loses patience.
        max_shrink_time: 30_000,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = vec(step(), 40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(follow(open(), steps));
            Ok(())
        })
        .unwrap();
}

/// An import as it must stand in the store.
struct Expected {
    tenant: TenantId,
    id: ImportId,
    call: usize,
    properties: ImportProperties,
    asked: Asked,
    state: ImportState,
}

/// A store and what it should hold.
struct History {
    bench: Workbench,
    model: Model,
    calls: usize,
    /// In the order of acceptance.
    imports: Vec<Expected>,
    /// What was given back, and is to be handed out alone.
    alone: BTreeSet<ImportId>,
    /// The devices, each with its tenant and the number of its hardware.
    devices: BTreeMap<DeviceId, (TenantId, usize)>,
}

async fn follow(store: Arc<dyn Store>, steps: Vec<Step>) {
    let mut history = History {
        bench: Workbench::new(store),
        model: Model::default(),
        calls: 0,
        imports: Vec::new(),
        alone: BTreeSet::new(),
        devices: BTreeMap::new(),
    };
    for step in steps {
        history.take(step).await;
        history.compare().await;
    }
    loop {
        let claims = history.claim(5).await;
        if claims.is_empty() {
            break;
        }
        history.settle(claims).await;
    }
    history.compare().await;
    history.compare_ledger().await;
    history.bench.store.close().await;
}

impl History {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Request(tenant, rows) => self.request(TENANTS[tenant], &rows).await,
            Step::Settle(limit) => {
                let claims = self.claim(limit).await;
                self.settle(claims).await;
            }
            Step::Meddle(limit, pick, what) => {
                let claims = self.claim(limit).await;
                if claims.is_empty() {
                    return;
                }
                let id = pick.get(&claims).key.id;
                let number = self.imports.iter().position(|one| one.id == id).unwrap();
                match what {
                    Some(what) => self.change(number, &what).await,
                    None => self.delete_import(number).await,
                }
                let settled = self.bench.settle(claims.clone()).await;
                for (claim, settled) in claims.iter().zip(settled) {
                    if claim.key.id == id {
                        assert_eq!(settled, Settled::Superseded);
                    } else {
                        self.expect(claim, settled).await;
                    }
                }
            }
            Step::GiveBack(limit) => {
                let claims = self.claim(limit).await;
                let keys = claims.iter().map(|claim| claim.key).collect();
                self.alone.extend(claims.iter().map(|claim| claim.key.id));
                self.bench.store.relinquish(keys).await.unwrap();
            }
            Step::Change(pick, what) => {
                if !self.imports.is_empty() {
                    self.change(pick.index(self.imports.len()), &what).await;
                }
            }
            Step::DeleteImport(pick) => {
                if !self.imports.is_empty() {
                    self.delete_import(pick.index(self.imports.len())).await;
                }
            }
            Step::Describe(tenant, capture) => self.describe(TENANTS[tenant], &capture).await,
            Step::DeleteDevice(pick) => {
                if let Some((id, tenant)) = self.forget_device(pick) {
                    let deletion = self.bench.delete_device(tenant, id, 70).await;
                    assert_eq!(deletion, DeviceDeletion::Deleted);
                }
            }
            Step::Release(pick) => {
                let numbers: Vec<_> = self.devices.keys().copied().collect();
                if numbers.is_empty() {
                    return;
                }
                let (_, number) = self.devices[pick.get(&numbers)];
                self.forget_device(pick);
                let entry = self.model.0[number].entry.unwrap();
                assert!(self.bench.release(entry).await);
            }
        }
    }

    async fn request(&mut self, tenant: TenantId, rows: &[What]) {
        let properties: Vec<_> = rows.iter().map(What::properties).collect();
        let ids = self.bench.accept_all(tenant, properties.clone()).await;
        self.calls += 1;
        for ((id, what), properties) in ids.into_iter().zip(rows).zip(properties) {
            self.imports.push(Expected {
                tenant,
                id,
                call: self.calls,
                properties,
                asked: what.asked(),
                state: ImportState::Waiting,
            });
        }
    }

    /// Claims imports, which must be those whose turn it is.
    async fn claim(&mut self, limit: usize) -> Vec<Claim> {
        let claims = self.bench.claim(limit).await;
        let ids: Vec<_> = claims.iter().map(|claim| claim.key.id).collect();
        if self.alone.is_empty() {
            let waiting = self.imports.iter().filter(|one| one.waits());
            let turn: Vec<_> = waiting.map(|one| one.id).take(limit).collect();
            assert_eq!(ids, turn);
            assert!(claims.iter().all(|claim| !claim.alone));
        } else {
            assert_eq!(ids.len(), 1);
            assert!(claims[0].alone && self.alone.remove(&ids[0]));
        }
        claims
    }

    async fn settle(&mut self, claims: Vec<Claim>) {
        let settled = self.bench.settle(claims.clone()).await;
        assert_eq!(settled.len(), claims.len());
        for (claim, settled) in claims.iter().zip(settled) {
            self.expect(claim, settled).await;
        }
    }

    /// Compares an outcome with the model's.
    async fn expect(&mut self, claim: &Claim, settled: Settled) {
        let number = self.imports.iter().position(|one| one.id == claim.key.id);
        let import = &mut self.imports[number.unwrap()];
        let verdict = self.model.decide(import.tenant, import.call, &import.asked);
        match (verdict, settled) {
            (Verdict::Refused(code), Settled::Refused(error)) => {
                assert_eq!(error.code(), code, "{:?}", import.asked);
                import.state = ImportState::Refused(DirectoryError::from_code(code).unwrap());
            }
            (Verdict::Registered(number), Settled::Registered(id)) => {
                import.state = ImportState::Complete(id);
                let device = self.bench.device(import.tenant, id).await.unwrap();
                self.gain(&device, number);
            }
            _ => panic!("{settled:?} is not {verdict:?}: {:?}", import.asked),
        }
    }

    /// Registers a device without a hash and compares with the model.
    async fn describe(&mut self, tenant: TenantId, capture: &Capture) {
        let Some(description) = capture.description() else {
            return;
        };
        self.calls += 1;
        let verdict = self.model.describe(tenant, self.calls, &capture.traits());
        match (verdict, self.bench.create_device(tenant, description).await) {
            (Verdict::Registered(number), DeviceCreation::Registered(device)) => {
                self.gain(&device, number);
            }
            (Verdict::Refused(code), DeviceCreation::Refused(error)) => {
                assert_eq!(error.code(), code, "{capture:?}");
            }
            (verdict, creation) => panic!("{creation:?} is not {verdict:?}: {capture:?}"),
        }
    }

    /// Notes a new device, which is the hardware of this number in the model.
    fn gain(&mut self, device: &Device, number: usize) {
        let hardware = &mut self.model.0[number];
        let entry = *hardware.entry.get_or_insert(device.ledger_entry);
        assert_eq!(device.ledger_entry, entry, "known as other hardware");
        let before = self.devices.insert(device.id, (device.tenant, number));
        assert_eq!(before, None, "every registration makes a new device");
    }

    async fn change(&mut self, number: usize, what: &What) {
        let import = &mut self.imports[number];
        let new = what.properties();
        let change = ImportChange {
            serial_number: Some(new.serial_number.clone()),
            product_key: Some(new.product_key.clone()),
            hardware_blob: Some(new.hardware_blob.clone()),
            ..ImportChange::default()
        };
        let updated = self.bench.update(import.tenant, import.id, change).await;
        if import.waits() || import.properties == new {
            assert!(matches!(updated, Updated::Done(_)), "{updated:?}");
            import.properties = new;
            import.asked = what.asked();
        } else {
            assert!(matches!(updated, Updated::TooLate(_)), "{updated:?}");
        }
    }

    async fn delete_import(&mut self, number: usize) {
        let import = self.imports.remove(number);
        assert!(self.bench.delete(import.tenant, import.id).await);
        self.alone.remove(&import.id);
    }

    /// Takes a device out of what should be there, and its hardware from its owner.
    fn forget_device(&mut self, pick: Index) -> Option<(DeviceId, TenantId)> {
        let ids: Vec<_> = self.devices.keys().copied().collect();
        let id = *ids.get(pick.index(ids.len().max(1)))?;
        let (tenant, number) = self.devices.remove(&id)?;
        self.model.0[number].owner = None;
        Some((id, tenant))
    }

    /// Compares all that tenants can see.
    async fn compare(&self) {
        let mut entries = BTreeSet::new();
        for tenant in TENANTS {
            let ours = self.imports.iter().filter(|one| one.tenant == tenant);
            let mut expected: Vec<_> = ours
                .map(|one| (one.id, one.state, one.properties.clone()))
                .collect();
            expected.sort_by_key(|(id, ..)| *id);
            let imports = self.bench.imports(tenant).await;
            let found: Vec<_> = imports
                .into_iter()
                .map(|one| (one.id, one.state, one.properties))
                .collect();
            assert_eq!(found, expected);

            for device in self.bench.devices(tenant).await {
                let (owner, number) = self.devices[&device.id];
                assert_eq!(owner, tenant);
                assert_eq!(self.model.0[number].entry, Some(device.ledger_entry));
                assert!(
                    entries.insert(device.ledger_entry),
                    "one device, two owners"
                );
            }
        }
        assert_eq!(entries.len(), self.devices.len());
    }

    /// Compares what administrators see.
    async fn compare_ledger(&self) {
        let entries = self.bench.ledger(LedgerQuery::default()).await;
        assert_eq!(entries.len(), self.model.0.len());
        for (number, hardware) in self.model.0.iter().enumerate() {
            let entry = entries
                .iter()
                .find(|entry| Some(entry.id) == hardware.entry);
            let owner = entry.unwrap().owner;
            assert_eq!(
                owner.map(|(tenant, _)| tenant),
                hardware.owner.map(|(tenant, _)| tenant)
            );
            if let Some((tenant, device)) = owner {
                assert_eq!(self.devices[&device], (tenant, number));
            }
        }
    }
}

impl Expected {
    fn waits(&self) -> bool {
        self.state == ImportState::Waiting
    }
}
