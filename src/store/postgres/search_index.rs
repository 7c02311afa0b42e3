//! The indexes that searches by serial number read, in a database of before migration 4: whoever
//! searches first has them made anew.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    connect::Target,
    online_index::{OnlineIndex, Provided, provide},
    tasks::Tasks,
};

/// As migration 4 makes them where no rows are.
const INDEXES: [OnlineIndex<'_>; 2] = [
    OnlineIndex {
        name: "device_search",
        on: "device USING gin (serial_number gin_trgm_ops, tenant) \
             WITH (gin_pending_list_limit = 1024)",
        replaces: Some("device_serial"),
    },
    OnlineIndex {
        name: "import_search",
        on: "import USING gin (serial_number gin_trgm_ops, tenant)",
        replaces: Some("import_serial"),
    },
];

/// How long a process that builds indexes is left to it.
const PAUSE: Duration = Duration::from_mins(1);

/// Whether this process has seen to the indexes.
#[derive(Default)]
pub(super) struct SearchIndexes {
    is_seen_to: Arc<AtomicBool>,
}

impl SearchIndexes {
    /// Has them made beside everything else. Those of before serve until then.
    pub(super) fn provide_beside(&self, target: &Target, tasks: &Tasks) {
        if self.is_seen_to.swap(true, Ordering::Relaxed) {
            return;
        }
        let (target, is_seen_to) = (target.clone(), Arc::clone(&self.is_seen_to));
        tasks.spawn(async move {
            loop {
                match provide(&target, &INDEXES).await {
                    Ok(Provided::Yes | Provided::Never) => return,
                    // Perhaps of another index, or it ends before these are made.
                    Ok(Provided::ByAnother) => tokio::time::sleep(PAUSE).await,
                    Err(error) => {
                        tracing::warn!(%error, "the indexes of serial numbers are as before");
                        // The next search tries again.
                        is_seen_to.store(false, Ordering::Relaxed);
                        return;
                    }
                }
            }
        });
    }
}
