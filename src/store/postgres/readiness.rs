//! From an address to a store that is ready: connecting, bringing the schema up to date, and
//! waiting for a server that is not there yet.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use super::{
    connect::Target,
    fault::{Fault, silence, text_of},
    schema::{self, Described, Release, Trouble},
    tasks::Tasks,
};
use crate::store::{OpenError, Opening, StoreError};

/// How long a server that is not there is left alone before it is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it may take to connect, over all hosts and with all that is said first.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Whether the database can be used, and what it says of itself.
pub(super) struct Readiness {
    target: Target,
    opening: Opening,
    release: Release,
    described: OnceLock<Described>,
    /// Why it was not ready when last asked.
    reason: Mutex<String>,
    /// Held by whoever looks for the server.
    looking: tokio::sync::Mutex<Option<tokio::time::Instant>>,
    /// Signs nothing that anybody could have read, as long as nothing can be read.
    stand_in: [u8; 32],
}

impl Readiness {
    pub(super) fn new(target: Target, opening: Opening, release: Release) -> Self {
        let (one, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let mut stand_in = [0; 32];
        let random = one.as_bytes().iter().chain(other.as_bytes());
        stand_in
            .iter_mut()
            .zip(random)
            .for_each(|(to, from)| *to = *from);
        Self {
            target,
            opening,
            release,
            described: OnceLock::new(),
            reason: Mutex::new("it has not been looked for yet".to_owned()),
            looking: tokio::sync::Mutex::new(None),
            stand_in,
        }
    }

    /// Looks for the database once. One that is not there is no failure: it may come.
    pub(super) async fn look(&self) -> Result<(), OpenError> {
        match self.prepare().await {
            Ok(described) => {
                let _ = self.described.set(described);
                Ok(())
            }
            Err(Trouble::Lasting(error)) => {
                self.note(error.to_string());
                Err(error)
            }
            Err(Trouble::Passing(reason)) => {
                self.note(reason);
                Ok(())
            }
        }
    }

    /// What the database says of itself, once it is there.
    pub(super) async fn described(&self) -> Result<&Described, Fault> {
        if let Some(described) = self.described.get() {
            return Ok(described);
        }
        // One looks; whoever comes meanwhile is told at once.
        if let Ok(mut looked_at) = self.looking.try_lock()
            && looked_at.is_none_or(|at| at.elapsed() >= PAUSE)
        {
            let _ = self.look().await;
            *looked_at = Some(tokio::time::Instant::now());
        }
        self.described.get().ok_or_else(|| {
            let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            StoreError::Unavailable(reason.clone()).into()
        })
    }

    /// The newest version of the schema that this program knows.
    pub(super) fn version(&self) -> i64 {
        self.release.version()
    }

    pub(super) fn paging_secret(&self) -> &[u8; 32] {
        self.described
            .get()
            .map_or(&self.stand_in, |described| &described.paging_secret)
    }

    /// Keeps why the database can't be used, and says so where that is news.
    fn note(&self, reason: String) {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != reason {
            let place = self.target.place();
            tracing::warn!(%reason, "the database {place} can't be used");
            *known = reason;
        }
    }

    async fn prepare(&self) -> Result<Described, Trouble> {
        let tasks = Tasks::default();
        let connecting = self.target.connect(&tasks, None);
        let connected = match tokio::time::timeout(CONNECT_PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(|error| with_advice(text_of(&error))),
            Err(_) => Err(silence(CONNECT_PATIENCE)),
        };
        let link = connected.map_err(|reason| match self.opening {
            // Whatever it is, a password, a right, a database that is still to be made: somebody
            // may put it right while the server waits.
            Opening::Serve(_) => Trouble::Passing(reason),
            Opening::Administer => Trouble::Lasting(OpenError::Server {
                place: self.target.place().to_owned(),
                reason: format!("can't be used: {reason}"),
            }),
        })?;
        let place = self.target.place();
        schema::prepare(&link.client, place, self.opening, &self.release).await
    }
}

/// What a server says on connecting, with what to do where it does not say so itself.
fn with_advice(said: String) -> String {
    // PgBouncer's words.
    if said.contains("unsupported startup parameter") {
        return format!(
            "{said}: where PgBouncer stands before the server, database.pooling is transaction, or \
             its ignore_startup_parameters has options"
        );
    }
    said
}

/// Opens on a thread of its own: whoever opens a store may be anywhere, on a runtime or not.
pub(super) fn look_apart(readiness: &Arc<Readiness>) -> Result<(), OpenError> {
    let looking = Arc::clone(readiness);
    let place = readiness.target.place().to_owned();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(looking.look()),
            Err(error) => Err(OpenError::Io {
                path: "a thread".into(),
                error,
            }),
        }
    });
    thread.join().unwrap_or_else(|_| {
        Err(OpenError::Server {
            place,
            reason: "could not be looked for: a fault of Hangar's".to_owned(),
        })
    })
}
