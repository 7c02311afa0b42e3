//! What only PostgreSQL can show: several processes on one database, and a server in bad weather.

mod expiry;
mod lookups;
mod queries;
mod schema;
mod search_index;
mod weather;

use std::sync::Mutex;

use super::*;
use crate::{
    store::{DatabaseKind, conformance},
    testing::postgres::Scratch,
};

/// Databases, which are dropped in the end.
#[derive(Default)]
struct Scratches(Mutex<Vec<Scratch>>);

impl Scratches {
    /// Opens a database that never was.
    fn fresh(&self) -> Arc<dyn Store> {
        let scratch = Scratch::new(DatabaseKind::Production);
        let store = serve(&scratch);
        self.0.lock().unwrap().push(scratch);
        Arc::new(store)
    }
}

fn serve(scratch: &Scratch) -> PostgresStore {
    let database = Database::at(scratch.url());
    PostgresStore::open(&database, Opening::Serve(DatabaseKind::Production)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let scratches = Scratches::default();
    conformance::run(async || scratches.fresh()).await;
}

#[test]
fn histories_follow_the_model() {
    let scratches = Scratches::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    conformance::histories::check(&runtime, 16, || scratches.fresh());
}
