//! How often a caller may ask: by application and tenant, and by tenant, reads and writes apart.
//!
//! A window opens with the first request that it counts and lasts its time by the rules' clock;
//! within it so many requests are let through, and none after. So a client that waits until its end
//! finds all of its limit again, which is what `Retry-After` says. The buckets are this process's own.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::Method;
use jiff::Timestamp;
use metrics::counter;

use crate::{domain::tenant::TenantId, http::error::ApiError};

/// How many parts the buckets are in, so that callers seldom wait for each other.
const SHARDS: usize = 16;
/// How many buckets a part keeps of each of its two generations: about six megabytes in all.
const SHARD_BUCKETS: usize = 4_096;

/// How many requests a window lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one application in one tenant.
    pub app_requests: u32,
    /// Requests of one tenant.
    pub tenant_requests: u32,
    /// Writes of one application in one tenant.
    pub app_writes: u32,
    /// Writes of one tenant.
    pub tenant_writes: u32,
}

/// Whether a refusal says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// It does.
    Sent,
    /// It does not: the live service often leaves it out.
    Omitted,
}

/// The throttle: what it lets through, and what it has let through.
pub struct Throttle {
    limits: Limits,
    window_ms: i64,
    retry_after: RetryAfter,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// Which limit a request ran into, by its setting's name.
type Exhausted = &'static str;

/// What one request is counted in.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Key {
    Tenant(TenantId),
    /// An application in a tenant, in short: of two that look the same, which no tenant will meet,
    /// both are of one tenant.
    Application(TenantId, u64),
}

/// Buckets in two generations. A bucket that is asked for moves to the younger; when a window has
/// passed, or there is no room, the older one goes. Whoever was not heard of for a window has all of
/// his limits anyway.
#[derive(Default)]
struct Shard {
    young: HashMap<Key, Bucket>,
    old: HashMap<Key, Bucket>,
    turned_at_ms: i64,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    requests: Window,
    writes: Window,
}

/// A window, and how much it has let through.
#[derive(Clone, Copy, Default)]
struct Window {
    opened_at_ms: i64,
    count: u32,
}

impl Throttle {
    /// A throttle whose windows are this long, at least a millisecond.
    pub fn new(limits: Limits, window: Duration, retry_after: RetryAfter) -> Self {
        Self {
            limits,
            window_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1),
            retry_after,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Counts a request, or refuses it. A refused one is counted nowhere.
    pub fn admit(
        &self,
        tenant: TenantId,
        application: Option<&str>,
        method: &Method,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let is_write = *method != Method::GET;
        let keys = [
            Key::Application(tenant, self.hasher.hash_one(application)),
            Key::Tenant(tenant),
        ];
        let now_ms = now.as_millisecond();
        let shard = self.shard(tenant).lock();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        shard.turn(now_ms, self.window_ms);
        let [Some(of_app), Some(of_tenant)] = shard.buckets(keys) else {
            return Ok(());
        };
        let counted = self.count(of_app, of_tenant, is_write, now_ms);
        drop(shard);
        counted.map_err(|(limit, wait)| {
            counter!("hangar_throttled_requests_total", "limit" => limit).increment(1);
            ApiError::throttled(match self.retry_after {
                RetryAfter::Sent => Some(wait),
                RetryAfter::Omitted => None,
            })
        })
    }

    /// Counts a request in all its windows, or in none: then the limit is told whose window is open
    /// longest, and for how long it still is.
    fn count(
        &self,
        of_app: &mut Bucket,
        of_tenant: &mut Bucket,
        is_write: bool,
        now_ms: i64,
    ) -> Result<(), (Exhausted, Duration)> {
        let limits = &self.limits;
        let requests = [
            (&mut of_app.requests, limits.app_requests, "app_requests"),
            (
                &mut of_tenant.requests,
                limits.tenant_requests,
                "tenant_requests",
            ),
        ];
        let writes = is_write.then_some([
            (&mut of_app.writes, limits.app_writes, "app_writes"),
            (&mut of_tenant.writes, limits.tenant_writes, "tenant_writes"),
        ]);
        let [one, two] = requests.map(Some);
        let [three, four] = match writes {
            Some(writes) => writes.map(Some),
            None => [None, None],
        };
        let mut windows = [one, two, three, four];
        let exhausted = windows
            .iter_mut()
            .flatten()
            .filter_map(|(window, limit, name)| {
                window.renew(now_ms, self.window_ms);
                let left_ms = window.opened_at_ms + self.window_ms - now_ms;
                (window.count >= *limit).then_some((*name, left_ms))
            });
        if let Some((name, left_ms)) = exhausted.max_by_key(|(_, left_ms)| *left_ms) {
            return Err((name, Duration::from_millis(left_ms.unsigned_abs())));
        }
        for (window, ..) in windows.into_iter().flatten() {
            window.count += 1;
        }
        Ok(())
    }

    /// All buckets of a tenant are in one part.
    fn shard(&self, tenant: TenantId) -> &Mutex<Shard> {
        let [first, ..] = &self.shards;
        let number = usize::try_from(self.hasher.hash_one(tenant) % SHARDS as u64);
        self.shards.get(number.unwrap_or(0)).unwrap_or(first)
    }
}

impl Shard {
    /// Lets the older generation go when its time is over, or there is no room for more.
    fn turn(&mut self, now_ms: i64, window_ms: i64) {
        let since_ms = now_ms - self.turned_at_ms;
        if (0..window_ms).contains(&since_ms) && self.young.len() < SHARD_BUCKETS {
            return;
        }
        self.turned_at_ms = now_ms;
        self.old = mem::take(&mut self.young);
    }

    /// The buckets of two different keys.
    fn buckets(&mut self, keys: [Key; 2]) -> [Option<&mut Bucket>; 2] {
        for key in keys {
            let old = &mut self.old;
            self.young
                .entry(key)
                .or_insert_with(|| old.remove(&key).unwrap_or_default());
        }
        let [one, other] = &keys;
        self.young.get_disjoint_mut([one, other])
    }
}

impl Window {
    /// Opens a new window where the last one is over. A clock that was set back ends one, too.
    fn renew(&mut self, now_ms: i64, window_ms: i64) {
        if self.count == 0 || !(0..window_ms).contains(&(now_ms - self.opened_at_ms)) {
            *self = Self {
                opened_at_ms: now_ms,
                count: 0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::{CONTOSO, FABRIKAM};

    const WINDOW: Duration = Duration::from_secs(20);
    const LIMITS: Limits = Limits {
        app_requests: 10,
        tenant_requests: 15,
        app_writes: 3,
        tenant_writes: 5,
    };

    /// A throttle and those who run into it.
    struct Gate(Throttle);

    impl Gate {
        fn new() -> Self {
            Self(Throttle::new(LIMITS, WINDOW, RetryAfter::Sent))
        }

        /// How many of 100 requests are let through, at this many milliseconds.
        fn passed(&self, tenant: TenantId, app: &str, method: &Method, at_ms: i64) -> u32 {
            (0..100)
                .map(|_| u32::from(self.passes(tenant, app, method, at_ms)))
                .sum()
        }

        fn passes(&self, tenant: TenantId, app: &str, method: &Method, at_ms: i64) -> bool {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(at_ms);
            let admitted = self.0.admit(tenant, Some(app), method, now);
            if let Err(error) = &admitted {
                assert_eq!(error.code(), "TooManyRequests");
            }
            admitted.is_ok()
        }
    }

    #[test]
    fn an_application_has_its_limits_and_a_tenant_has_its_own() {
        let gate = Gate::new();
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 0), 3);
        assert_eq!(gate.passed(CONTOSO, "two", &Method::DELETE, 0), 2);
        assert_eq!(gate.passed(CONTOSO, "three", &Method::PATCH, 0), 0);
        // Writes count as requests too, and those that were refused do not.
        assert_eq!(gate.passed(CONTOSO, "one", &Method::GET, 0), 7);
        assert_eq!(gate.passed(CONTOSO, "two", &Method::GET, 0), 3);
        assert_eq!(gate.passed(CONTOSO, "three", &Method::GET, 0), 0);
    }

    #[test]
    fn a_tenant_never_throttles_another() {
        let gate = Gate::new();
        gate.passed(CONTOSO, "one", &Method::POST, 0);
        assert_eq!(gate.passed(FABRIKAM, "one", &Method::POST, 0), 3);
    }

    #[test]
    fn a_window_opens_with_its_first_request_and_ends_in_time() {
        let gate = Gate::new();
        assert!(gate.passes(CONTOSO, "one", &Method::POST, 5_000));
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 24_999), 2);
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 25_000), 3);
        // Long silence changes nothing, and a clock that is set back locks nobody out.
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 900_000), 3);
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 1_000), 3);
    }

    #[test]
    fn who_waits_as_long_as_he_is_told_passes() {
        for first_ms in [0, 1, 19_999] {
            let gate = Gate::new();
            assert!(gate.passes(CONTOSO, "one", &Method::GET, first_ms));
            let later = first_ms + 7_350;
            gate.passed(CONTOSO, "one", &Method::POST, later);
            let bucket = |gate: &Gate| {
                let mut shard = gate.0.shard(CONTOSO).lock().unwrap();
                let app = Key::Application(CONTOSO, gate.0.hasher.hash_one(Some("one")));
                let [app, tenant] = shard.buckets([app, Key::Tenant(CONTOSO)]);
                let (app, tenant) = (app.unwrap(), tenant.unwrap());
                let counted = gate.0.count(app, tenant, true, later);
                counted.unwrap_err()
            };
            let (limit, wait) = bucket(&gate);
            assert_eq!((limit, wait), ("app_writes", WINDOW));
            let then = later + i64::try_from(wait.as_millis()).unwrap();
            assert!(!gate.passes(CONTOSO, "one", &Method::POST, then - 1));
            assert!(gate.passes(CONTOSO, "one", &Method::POST, then));
        }
    }

    #[test]
    fn buckets_are_bounded_and_the_old_go_first() {
        let gate = Gate::new();
        let tenant = |number: u128| TenantId(uuid::Uuid::from_u128(number));
        for number in 0..300_000 {
            assert!(gate.passes(tenant(number), "one", &Method::GET, 0));
        }
        let kept = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        };
        let kept: usize = gate.0.shards.iter().map(kept).sum();
        assert!(kept <= SHARDS * 2 * (SHARD_BUCKETS + 2), "{kept}");
        // A tenant that is heard of is remembered, whoever else comes.
        assert_eq!(gate.passed(tenant(299_999), "one", &Method::GET, 0), 9);
        for number in 0..1_000 {
            gate.passes(tenant(number), "one", &Method::GET, 0);
        }
        assert!(!gate.passes(tenant(299_999), "one", &Method::GET, 0));
    }

    #[test]
    fn a_bucket_outlives_a_turn_of_generations() {
        let gate = Gate::new();
        assert!(gate.passes(CONTOSO, "one", &Method::GET, 0));
        assert_eq!(gate.passed(CONTOSO, "one", &Method::POST, 19_000), 3);
        // At 20 s the generations turn; the window for writes is open until 39 s.
        assert!(!gate.passes(CONTOSO, "one", &Method::POST, 20_500));
        assert!(!gate.passes(CONTOSO, "one", &Method::POST, 38_999));
        assert!(gate.passes(CONTOSO, "one", &Method::POST, 39_000));
    }
}
