//! The time of a rehearsal: it can stand, be set forward, and run faster than the machine's. It never
//! goes back, for rows are dated by it.

use std::{
    fs,
    future::Future,
    io::{self, Write as _},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    domain::clock::Clock,
    lifecycle::whole_file::{Existing, WholeFile, WholeFileError},
};

/// Where the clock's course is kept, in the data directory.
pub const FILE: &str = "rehearsal-clock.json";

/// How fast the clock may run.
pub const FASTEST: f64 = 1_000_000.0;

/// How far ahead of the machine's clock it may be: certificates and dates have an end.
pub const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 366 * 100);

/// How long it sleeps at most before it looks again.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// A clock that is set by its user.
pub struct RehearsalClock {
    machine: Arc<dyn Clock>,
    course: watch::Sender<Course>,
    /// Where the course is kept; nowhere for one in memory.
    file: Option<PathBuf>,
    /// Who changes the course does so alone, until it is on disk.
    changing: Mutex<()>,
}

/// How the clock runs, from a common instant of both clocks on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// An instant of the machine's clock.
    pub machine: Timestamp,
    /// What this clock showed then.
    pub shown: Timestamp,
    /// How fast it runs from there: 1 as the machine's, 0 not at all.
    pub rate: f64,
}

/// Why the clock does not change.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// It would go back.
    #[error("the clock shows {now} and never goes back; {asked} is before that")]
    Back {
        /// What it shows.
        now: Timestamp,
        /// What was asked for.
        asked: Timestamp,
    },
    /// It would be too far ahead.
    #[error("the clock goes no farther than a hundred years ahead of the machine's")]
    TooFar,
    /// It would run backwards, or too fast.
    #[error("the clock runs at a rate from 0 to {FASTEST}, and {0} is none")]
    Rate(f64),
    /// The course can't be written down.
    #[error(transparent)]
    File(#[from] WholeFileError),
}

/// Why there is no clock.
#[derive(Debug, thiserror::Error)]
pub enum OpenClockError {
    /// The file can't be read.
    #[error("{path} can't be read: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file says nothing that makes sense.
    #[error("{path} is no clock's: {error}; without it, the clock starts as the machine's")]
    Faulty {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
}

impl RehearsalClock {
    /// A clock that runs as the machine's does, and leaves nothing behind.
    pub fn in_memory(machine: Arc<dyn Clock>) -> Self {
        let course = Course::of(machine.now());
        Self {
            machine,
            course: watch::Sender::new(course),
            file: None,
            changing: Mutex::default(),
        }
    }

    /// The clock that goes on as this file says; without the file, as the machine's.
    pub fn open(machine: Arc<dyn Clock>, file: &Path) -> Result<Self, OpenClockError> {
        let course = match fs::read(file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| OpenClockError::Faulty {
                path: file.to_owned(),
                error,
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Course::of(machine.now()),
            Err(error) => {
                return Err(OpenClockError::Io {
                    path: file.to_owned(),
                    error,
                });
            }
        };
        Ok(Self {
            machine,
            course: watch::Sender::new(course),
            file: Some(file.to_owned()),
            changing: Mutex::default(),
        })
    }

    /// How it runs.
    pub fn course(&self) -> Course {
        *self.course.borrow()
    }

    /// How far it is ahead of the machine's clock.
    pub fn offset(&self) -> SignedDuration {
        let machine = self.machine.now();
        self.course().at(machine).duration_since(machine)
    }

    /// Moves it to this instant, from which it runs on as before.
    pub fn set(&self, to: Timestamp) -> Result<(), ClockError> {
        self.change(|now, rate| Ok((earliest(now, to)?, rate)))
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) -> Result<(), ClockError> {
        self.change(|now, rate| {
            let to = now.checked_add(by).map_err(|_| ClockError::TooFar)?;
            Ok((earliest(now, to)?, rate))
        })
    }

    /// Lets it run at this rate from now on; at 0 it stands.
    pub fn run_at(&self, rate: f64) -> Result<(), ClockError> {
        if !(0.0..=FASTEST).contains(&rate) {
            return Err(ClockError::Rate(rate));
        }
        self.change(|now, _| Ok((now, rate)))
    }

    /// Lets it show what the machine's clock shows, and run as that does.
    pub fn reset(&self) -> Result<(), ClockError> {
        self.put(|machine, _| Ok(Course::of(machine)))
    }

    fn change(
        &self,
        to: impl FnOnce(Timestamp, f64) -> Result<(Timestamp, f64), ClockError>,
    ) -> Result<(), ClockError> {
        self.put(|machine, course| {
            let (shown, rate) = to(course.at(machine), course.rate)?;
            if shown.duration_since(machine) > FARTHEST {
                return Err(ClockError::TooFar);
            }
            Ok(Course {
                machine,
                shown,
                rate,
            })
        })
    }

    fn put(
        &self,
        to: impl FnOnce(Timestamp, Course) -> Result<Course, ClockError>,
    ) -> Result<(), ClockError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let course = to(self.machine.now(), self.course())?;
        if let Some(path) = &self.file {
            write_down(path, &course)?;
        }
        self.course.send_replace(course);
        Ok(())
    }
}

impl Course {
    /// That of the machine's clock, which shows this.
    fn of(machine: Timestamp) -> Self {
        Self {
            machine,
            shown: machine,
            rate: 1.0,
        }
    }

    /// What the clock shows when the machine's shows this.
    pub fn at(&self, machine: Timestamp) -> Timestamp {
        let passed = machine.duration_since(self.machine);
        let farthest = || machine.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX);
        // A machine's clock that was set back does not turn this one back.
        let passed = passed.max(SignedDuration::ZERO).mul_f64_or_more(self.rate);
        let shown = self.shown.checked_add(passed).unwrap_or(Timestamp::MAX);
        shown.min(farthest())
    }

    /// How long the machine's clock takes until this one shows the instant; for ever where it stands.
    fn wait_for(&self, instant: Timestamp, machine: Timestamp) -> Option<Duration> {
        let left = instant.duration_since(self.at(machine));
        if !left.is_positive() {
            return Some(Duration::ZERO);
        }
        if self.rate == 0.0 {
            return None;
        }
        let nap = Duration::try_from_secs_f64(left.as_secs_f64() / self.rate);
        // Half a millisecond more: what is rounded down would be asked for again and again.
        Some(nap.unwrap_or(LONGEST_NAP) + Duration::from_micros(500))
    }
}

/// A product that saturates.
trait MulOrMore {
    fn mul_f64_or_more(self, factor: f64) -> SignedDuration;
}

impl MulOrMore for SignedDuration {
    fn mul_f64_or_more(self, factor: f64) -> SignedDuration {
        if (factor - 1.0).abs() < f64::EPSILON {
            return self;
        }
        Self::try_from_secs_f64(self.as_secs_f64() * factor).unwrap_or(FARTHEST)
    }
}

fn earliest(now: Timestamp, asked: Timestamp) -> Result<Timestamp, ClockError> {
    if asked < now {
        return Err(ClockError::Back { now, asked });
    }
    Ok(asked)
}

fn write_down(path: &Path, course: &Course) -> Result<(), WholeFileError> {
    let mut file = WholeFile::begin(path, Existing::Replace)?;
    let text = serde_json::to_vec(course).unwrap_or_default();
    file.file()
        .write_all(&text)
        .map_err(|error| WholeFileError::Io {
            path: path.to_owned(),
            error,
        })?;
    file.finish()
}

impl Clock for RehearsalClock {
    fn now(&self) -> Timestamp {
        self.course().at(self.machine.now())
    }

    fn sleep_until(&self, instant: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut changes = self.course.subscribe();
        Box::pin(async move {
            loop {
                let course = *changes.borrow_and_update();
                let nap = course.wait_for(instant, self.machine.now());
                if nap == Some(Duration::ZERO) {
                    return;
                }
                let asleep = async {
                    match nap {
                        Some(nap) => tokio::time::sleep(nap.min(LONGEST_NAP)).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = asleep => {}
                    // The sender lives as long as `self`, so this can't fail.
                    _ = changes.changed() => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::testing::ManualClock;

    fn clock() -> (Arc<ManualClock>, RehearsalClock) {
        let machine = Arc::new(ManualClock::new());
        let clock = RehearsalClock::in_memory(machine.clone());
        (machine, clock)
    }

    fn after(hours: i64) -> Timestamp {
        ManualClock::new().now() + SignedDuration::from_hours(hours)
    }

    #[test]
    fn it_runs_as_the_machines_until_it_is_told_otherwise() {
        let (machine, clock) = clock();
        let hour = SignedDuration::from_hours(1);
        machine.advance(hour);
        assert_eq!(
            (clock.now(), clock.offset()),
            (after(1), SignedDuration::ZERO)
        );
        clock.advance(hour).unwrap();
        assert_eq!((clock.now(), clock.offset()), (after(2), hour));
        clock.run_at(0.0).unwrap();
        machine.advance(hour * 5);
        assert_eq!(clock.now(), after(2));
        clock.set(after(10)).unwrap();
        assert_eq!(clock.now(), after(10));
        clock.run_at(60.0).unwrap();
        machine.advance(hour);
        assert_eq!(clock.now(), after(70));
        clock.reset().unwrap();
        assert_eq!(
            (clock.now(), clock.offset()),
            (after(7), SignedDuration::ZERO)
        );
    }

    #[test]
    fn it_never_goes_back_nor_out_of_bounds() {
        let (machine, clock) = clock();
        let told = clock.set(after(-1)).unwrap_err().to_string();
        assert!(
            told.contains("never goes back; 2025-12-31T23:00:00Z"),
            "{told}"
        );
        let back = SignedDuration::from_secs(-1);
        assert!(matches!(clock.advance(back), Err(ClockError::Back { .. })));
        for rate in [-1.0, f64::NAN, f64::INFINITY, FASTEST * 2.0] {
            assert!(matches!(clock.run_at(rate), Err(ClockError::Rate(_))));
        }
        for far in [FARTHEST * 2, SignedDuration::MAX] {
            assert!(matches!(clock.advance(far), Err(ClockError::TooFar)));
        }
        assert_eq!(clock.now(), after(0));
        clock.run_at(FASTEST).unwrap();
        machine.advance(SignedDuration::from_hours(24 * 365 * 200));
        assert_eq!(clock.offset(), FARTHEST);
        let (machine, clock) = self::clock();
        machine.advance(SignedDuration::from_hours(-1));
        assert_eq!(clock.now(), after(0), "a machine's clock that is set back");
    }

    #[tokio::test]
    async fn who_sleeps_wakes_when_the_clock_is_moved_far_enough() {
        let (_, clock) = clock();
        let mut asleep = clock.sleep_until(after(2));
        assert!(asleep.as_mut().now_or_never().is_none());
        clock.advance(SignedDuration::from_hours(1)).unwrap();
        assert!(asleep.as_mut().now_or_never().is_none());
        clock.advance(SignedDuration::from_hours(1)).unwrap();
        asleep.await;
        clock.run_at(0.0).unwrap();
        let mut asleep = clock.sleep_until(after(3));
        assert!(asleep.as_mut().now_or_never().is_none());
        clock.set(after(3)).unwrap();
        asleep.await;
    }

    #[test]
    fn it_goes_on_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock.json");
        let machine = Arc::new(ManualClock::new());
        let open = || RehearsalClock::open(machine.clone(), &file).unwrap();
        let clock = open();
        clock.advance(SignedDuration::from_hours(5)).unwrap();
        machine.advance(SignedDuration::from_hours(1));
        assert_eq!(open().now(), after(6));
        clock.run_at(0.0).unwrap();
        machine.advance(SignedDuration::from_hours(1));
        assert_eq!(open().now(), after(6));
        fs::write(&file, "{}").unwrap();
        let told = RehearsalClock::open(machine.clone(), &file).err().unwrap();
        assert!(told.to_string().contains("is no clock's"), "{told}");
    }
}
