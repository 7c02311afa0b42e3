//! A balancer as small as can be: it asks `/readyz` of each process all the time, and names one
//! that is ready to whoever is about to send a request.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};

/// How often a process is asked.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that may be sent requests.
pub(super) struct Backend {
    pub(super) url: String,
    pub(super) admin_url: String,
    /// A token of its own authority for each tenant.
    pub(super) tokens: [String; 2],
}

/// A place for a process.
#[derive(Default)]
struct Slot {
    backend: Mutex<Option<Arc<Backend>>>,
    is_ready: watch::Sender<bool>,
}

/// Knows which processes are ready.
pub(super) struct Balancer {
    slots: Arc<[Slot]>,
    next: AtomicUsize,
    _asking: JoinSet<()>,
}

impl Balancer {
    /// A balancer with so many places, all empty.
    pub(super) fn start(count: usize) -> Arc<Self> {
        let slots: Arc<[Slot]> = (0..count).map(|_| Slot::default()).collect();
        let mut asking = JoinSet::new();
        for place in 0..count {
            let slots = Arc::clone(&slots);
            asking.spawn(async move { slots[place].ask_for_ever().await });
        }
        Arc::new(Self {
            slots,
            next: AtomicUsize::new(0),
            _asking: asking,
        })
    }

    /// Puts a process in a place. It gets requests once it says that it is ready.
    pub(super) fn put(&self, place: usize, backend: Backend) {
        let slot = &self.slots[place];
        slot.is_ready.send_replace(false);
        *slot.backend.lock().unwrap() = Some(Arc::new(backend));
    }

    /// The process in a place.
    pub(super) fn backend(&self, place: usize) -> Arc<Backend> {
        let backend = self.slots[place].backend.lock().unwrap();
        Arc::clone(backend.as_ref().expect("nobody is there"))
    }

    /// Completes when the process in a place is ready.
    pub(super) async fn is_ready(&self, place: usize) {
        let mut ready = self.slots[place].is_ready.subscribe();
        ready.wait_for(|is_ready| *is_ready).await.unwrap();
    }

    /// The next process that is ready, if any is.
    pub(super) fn next(&self) -> Option<Arc<Backend>> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        (0..self.slots.len())
            .map(|step| (first + step) % self.slots.len())
            .find(|place| *self.slots[*place].is_ready.borrow())
            .map(|place| self.backend(place))
    }
}

impl Slot {
    async fn ask_for_ever(&self) {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let client = client.build().unwrap();
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            let backend = self.backend.lock().unwrap().clone();
            let Some(backend) = backend else { continue };
            let asked = client.get(format!("{}/readyz", backend.admin_url));
            let is_ready = asked
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200);
            // Another may have taken its place meanwhile.
            let is_same = self
                .backend
                .lock()
                .unwrap()
                .as_ref()
                .is_some_and(|now| Arc::ptr_eq(now, &backend));
            if is_same {
                self.is_ready.send_replace(is_ready);
            }
        }
    }
}
