//! The keys of one issuer over time: refreshed, refetched after a miss, and kept while it is down.
//!
//! No task is started: whoever needs the keys drives the fetch. It is shared, so that a request that
//! goes away leaves it to the next one, and no more than one is ever under way.
//! All times are monotonic; nothing moves them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};
use url::Url;

use super::{
    error::AuthError,
    issuer::Issuer,
    jwks::KeySet,
    key_source::{FetchError, FetchKeys, Fetched, KeySource, fetch_keys},
};

/// How old keys become before they are refreshed.
const REFRESH_EVERY: Duration = Duration::from_hours(1);

/// How old keys must be for the hourly call to refresh them. Half of the hour: at exactly one, keys
/// that came a moment after the last call would be left for another hour.
const REFRESH_WHEN_CALLED: Duration = Duration::from_mins(30);

/// The pause between attempts while there is no key at all, so that a flood of requests is no flood
/// of fetches.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// How long discovery and keys may take together. A fetch that is older was left by its requests.
const FETCH_LIMIT: Duration = Duration::from_secs(20);

/// The keys of one issuer.
pub(super) struct KeyRing {
    issuer: Issuer,
    source: KeySource,
    refetch_interval: Duration,
    max_stale: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest keys and since when they are known.
    known: Option<(Arc<KeySet>, Instant)>,
    /// Where the keys were found; forgotten when they can't be had there any more.
    address: Option<Url>,
    /// When the last attempt ended.
    tried: Option<Instant>,
    /// When the last attempt ended that an unknown key caused.
    missed: Option<Instant>,
    under_way: Option<UnderWay>,
    /// How many fetches were begun: the name of the next.
    begun: u64,
}

/// A fetch that somebody began. Whoever awaits it, drives it.
#[derive(Clone)]
struct UnderWay {
    number: u64,
    began: Instant,
    reason: Reason,
    fetch: Shared<BoxFuture<'static, Result<Fetched, FetchError>>>,
}

/// Why keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Age,
    UnknownKey,
}

impl KeyRing {
    pub(super) fn new(
        issuer: Issuer,
        source: KeySource,
        refetch_interval: Duration,
        max_stale: Duration,
    ) -> Self {
        Self {
            issuer,
            source,
            refetch_interval,
            max_stale,
            state: Mutex::default(),
        }
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The keys to verify with, refreshed first if they are due.
    /// While one caller refreshes, the others go on with what is known.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, AuthError> {
        let fetcher = match &self.source {
            KeySource::Local(keys) => return usable(keys),
            KeySource::Remote(fetcher) => fetcher,
        };
        let under_way = {
            let mut state = self.state();
            match (self.fresh_enough(&state), state.under_way()) {
                (Some(keys), Some(_)) => return usable(&keys),
                (Some(keys), None) if !self.is_due(&state) => return usable(&keys),
                (None, Some(joined)) => joined,
                (None, None) if !elapsed(state.tried, PAUSE_WITHOUT_KEYS) => {
                    return Err(AuthError::KeysUnavailable);
                }
                (_, None) => self.begin(&mut state, fetcher, Reason::Age),
            }
        };
        self.finish(under_way).await;
        self.current()
    }

    /// The keys after one that is not among them was asked for: fetched again, unless that was done
    /// within the interval. An unknown key is thus never a way to make this server ask its issuer.
    pub(super) async fn keys_after_miss(&self) -> Result<Arc<KeySet>, AuthError> {
        let KeySource::Remote(fetcher) = &self.source else {
            return self.current();
        };
        let under_way = {
            let mut state = self.state();
            match state.under_way() {
                Some(joined) => Some(joined),
                None if elapsed(state.missed, self.refetch_interval) => {
                    Some(self.begin(&mut state, fetcher, Reason::UnknownKey))
                }
                None => None,
            }
        };
        if let Some(under_way) = under_way {
            self.finish(under_way).await;
        }
        self.current()
    }

    /// Refreshes keys that are no longer new, or gets the first ones.
    pub(super) async fn refresh_due(&self) {
        let KeySource::Remote(fetcher) = &self.source else {
            return;
        };
        let under_way = {
            let mut state = self.state();
            let since = state.known.as_ref().map(|(_, since)| *since);
            match state.under_way() {
                Some(joined) => joined,
                None if elapsed(since, REFRESH_WHEN_CALLED) => {
                    self.begin(&mut state, fetcher, Reason::Age)
                }
                None => return,
            }
        };
        self.finish(under_way).await;
    }

    /// The keys that are known and not too old.
    fn current(&self) -> Result<Arc<KeySet>, AuthError> {
        match &self.source {
            KeySource::Local(keys) => usable(keys),
            KeySource::Remote(_) => {
                let keys = self.fresh_enough(&self.state());
                usable(&keys.ok_or(AuthError::KeysUnavailable)?)
            }
        }
    }

    /// The known keys, unless they are older than stale keys may be, or none.
    fn fresh_enough(&self, state: &State) -> Option<Arc<KeySet>> {
        let (keys, since) = state.known.as_ref()?;
        (since.elapsed() < self.max_stale && !keys.is_empty()).then(|| Arc::clone(keys))
    }

    /// Tells whether known keys are due; after a failure only when another interval has passed.
    fn is_due(&self, state: &State) -> bool {
        let pause = self.refetch_interval.min(REFRESH_EVERY);
        let since = state.known.as_ref().map(|(_, since)| *since);
        elapsed(since, REFRESH_EVERY) && elapsed(state.tried, pause)
    }

    fn begin(&self, state: &mut State, fetcher: &Arc<dyn FetchKeys>, reason: Reason) -> UnderWay {
        let (fetcher, issuer) = (Arc::clone(fetcher), self.issuer.clone());
        let address = state.address.clone();
        let fetch = async move {
            timeout(FETCH_LIMIT, fetch_keys(&*fetcher, &issuer, address))
                .await
                .unwrap_or(Err(FetchError::TimedOut))
        };
        state.begun += 1;
        let under_way = UnderWay {
            number: state.begun,
            began: Instant::now(),
            reason,
            fetch: fetch.boxed().shared(),
        };
        state.under_way = Some(under_way.clone());
        under_way
    }

    /// Drives a fetch to its end and keeps what it brought. Of all who wait, the first one does.
    async fn finish(&self, under_way: UnderWay) {
        let outcome = under_way.fetch.await;
        let mut state = self.state();
        if state.under_way.as_ref().map(|current| current.number) != Some(under_way.number) {
            return;
        }
        state.under_way = None;
        let now = Instant::now();
        state.tried = Some(now);
        if under_way.reason == Reason::UnknownKey {
            state.missed = Some(now);
        }
        match outcome {
            Ok(fetched) => {
                state.address = Some(fetched.address);
                state.known = Some((fetched.keys, under_way.began));
            }
            Err(error) => {
                state.address = None;
                tracing::warn!(issuer = self.issuer.as_str(), %error, "could not get the issuer's keys");
            }
        }
    }

    /// The state is replaced field by field without a panic in between, so a poisoned lock holds it
    /// whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The fetch that can be joined. One that nobody drove to its end in time is given up.
    fn under_way(&mut self) -> Option<UnderWay> {
        if self.under_way.as_ref()?.began.elapsed() > FETCH_LIMIT {
            self.under_way = None;
        }
        self.under_way.clone()
    }
}

/// Tells whether `pause` has passed since then, or there was no then.
fn elapsed(since: Option<Instant>, pause: Duration) -> bool {
    since.is_none_or(|instant| instant.elapsed() >= pause)
}

fn usable(keys: &Arc<KeySet>) -> Result<Arc<KeySet>, AuthError> {
    if keys.is_empty() {
        return Err(AuthError::KeysUnavailable);
    }
    Ok(Arc::clone(keys))
}
