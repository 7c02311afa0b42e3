//! The suite that every backend must pass: named cases, each on a store of its own.
//!
//! What only one backend can show, such as a full disk, stands in that backend's own tests.

mod assigned;
mod changes;
mod claims;
mod conditions;
mod devices;
mod expiry;
mod hardware;
pub(crate) mod histories;
mod imports;
mod ledger;
mod model;
mod pages;
mod profiles;
mod registration;
mod steps;
mod upkeep;
mod uploads;

use std::{pin::Pin, sync::Arc};

use tokio::task::JoinSet;

use super::Store;
use crate::testing::workbench::Workbench;

/// A case and its name.
type Case = (
    &'static str,
    fn(Workbench) -> Pin<Box<dyn Future<Output = ()> + Send>>,
);

/// Lists async functions as cases. A function can't: it would not know their names.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$((stringify!($case), |bench| Box::pin($case(bench)))),+];
    };
}
use cases;

/// The cases by what they are about.
const ROOMS: [&[Case]; 14] = [
    imports::CASES,
    pages::CASES,
    profiles::CASES,
    assigned::CASES,
    changes::CASES,
    claims::CASES,
    registration::CASES,
    hardware::CASES,
    ledger::CASES,
    upkeep::CASES,
    expiry::CASES,
    uploads::CASES,
    devices::CASES,
    conditions::CASES,
];

/// Runs every case on a fresh store and then says which failed. What they met is printed before.
pub(crate) async fn run(open: impl AsyncFn() -> Arc<dyn Store>) {
    run_cases(ROOMS.into_iter().flatten(), open).await;
}

/// Runs the first cases of each room: enough to ask for everything once, where the way to a store is
/// another and the store is not.
pub(crate) async fn run_firsts(open: impl AsyncFn() -> Arc<dyn Store>) {
    let firsts = ROOMS.into_iter().flat_map(|room| room.iter().take(2));
    run_cases(firsts, open).await;
}

async fn run_cases(
    cases: impl Iterator<Item = &'static Case>,
    open: impl AsyncFn() -> Arc<dyn Store>,
) {
    let mut failed = Vec::new();
    for (name, case) in cases {
        let bench = Workbench::new(open().await);
        // A task of its own, so that a case that panics does not keep the others from running.
        let mut task = JoinSet::new();
        task.spawn(case(bench));
        if !matches!(task.join_next().await, Some(Ok(()))) {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "cases that failed: {failed:#?}");
}
