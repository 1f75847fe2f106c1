//! The only source of time: real time, and business time that can be moved forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::Timestamp;

/// While real time is behind business time, business time runs this many times slower.
const CATCHING_UP: u32 = 2;

/// A source of time.
pub trait TimeSource: Send + Sync {
    /// The present moment, by a clock that people and machines may set, even backwards.
    fn real_now(&self) -> Timestamp;

    /// The time since a fixed moment in the past, by a clock that nobody sets and that goes on
    /// while the machine sleeps. The moment is the same throughout the process.
    fn elapsed(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    // The only place that may ask the operating system.
    #[allow(clippy::disallowed_methods)]
    fn real_now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    fn elapsed(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        Duration::try_from(rustix::time::clock_gettime(id)).unwrap_or_default()
    }
}

/// Two readings of one clock. *Real* time authenticates callers; *business* time is real time plus
/// an offset that the sandbox may increase, and it never goes back. Clones share their offset and
/// progress.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn TimeSource>,
    offset_us: Arc<AtomicI64>,
    course: Arc<Mutex<Course>>,
}

/// The latest business time derived from real time, and when that was.
struct Course {
    latest_us: i64,
    given_at: Duration,
}

impl Clock {
    /// A clock over `source` with a business offset in microseconds.
    #[must_use]
    pub fn new(source: Arc<dyn TimeSource>, offset_us: i64) -> Self {
        let course = Course { latest_us: i64::MIN, given_at: source.elapsed() };
        Self {
            source,
            offset_us: Arc::new(AtomicI64::new(offset_us)),
            course: Arc::new(Mutex::new(course)),
        }
    }

    /// The operating system's clock with no offset.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemTime), 0)
    }

    /// Business time: for everything that happens to cards and money. If the machine's clock is set
    /// back, business time goes on at half speed until real time has caught up, so it never goes
    /// back and events that wait for it still happen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let offset_us = self.offset_us.load(Ordering::SeqCst);
        let by_real_us = self.real_now().as_micros().saturating_add(offset_us);
        let elapsed = self.source.elapsed();
        let since_us = (elapsed.saturating_sub(course.given_at) / CATCHING_UP).as_micros();
        let since_us = i64::try_from(since_us).unwrap_or(i64::MAX);
        let least_us = course.latest_us.saturating_add(since_us);
        if by_real_us < least_us {
            return Timestamp::from_micros(least_us);
        }
        *course = Course { latest_us: by_real_us, given_at: elapsed };
        Timestamp::from_micros(by_real_us)
    }

    /// Real time: signature windows, replay memory, leases.
    #[must_use]
    pub fn real_now(&self) -> Timestamp {
        self.source.real_now()
    }

    /// The time since a fixed moment ([`TimeSource::elapsed`]), for durations that setting a clock
    /// must not shorten or lengthen.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.source.elapsed()
    }

    /// The business offset in microseconds.
    #[must_use]
    pub fn offset_us(&self) -> i64 {
        self.offset_us.load(Ordering::SeqCst)
    }

    /// Moves business time to `target` if that is ahead; it never goes back.
    pub fn advance_to(&self, target: Timestamp) {
        let wanted_us = target.as_micros().saturating_sub(self.real_now().as_micros());
        self.offset_us.fetch_max(wanted_us, Ordering::SeqCst);
    }

    /// Raises the business offset to this many microseconds, unless it is larger already.
    pub fn raise_offset(&self, offset_us: i64) {
        self.offset_us.fetch_max(offset_us, Ordering::SeqCst);
    }

    /// Makes business time continue from `earlier`, a moment that it had already reached, unless it
    /// is later by now.
    pub fn go_on_from(&self, earlier: Timestamp) {
        let now = self.now();
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        if now < earlier && course.latest_us < earlier.as_micros() {
            *course = Course { latest_us: earlier.as_micros(), given_at: self.source.elapsed() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both clocks, in microseconds.
    #[derive(Default)]
    struct Set {
        real_us: AtomicI64,
        elapsed_us: AtomicI64,
    }

    impl TimeSource for Set {
        fn real_now(&self) -> Timestamp {
            Timestamp::from_micros(self.real_us.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_micros(self.elapsed_us.load(Ordering::SeqCst).unsigned_abs())
        }
    }

    fn at(real_us: i64) -> Arc<Set> {
        Arc::new(Set { real_us: AtomicI64::new(real_us), elapsed_us: AtomicI64::new(7) })
    }

    #[test]
    fn business_time_moves_forward_only_and_real_time_never() {
        let clock = Clock::new(at(1_000_000), 0);
        let twin = clock.clone();
        clock.advance_to(Timestamp::from_micros(5_000_000));
        clock.advance_to(Timestamp::from_micros(2_000_000));
        assert_eq!(twin.now(), Timestamp::from_micros(5_000_000));
        assert_eq!(twin.real_now(), Timestamp::from_micros(1_000_000));
    }

    #[test]
    fn business_time_goes_on_at_half_its_speed_until_real_time_has_caught_up() {
        let source = at(1_000_000);
        let clock = Clock::new(source.clone(), 0);
        assert_eq!(clock.now().as_micros(), 1_000_000);
        source.real_us.store(900_000, Ordering::SeqCst);
        assert_eq!(clock.now().as_micros(), 1_000_000);
        for (passed_us, business_us) in
            [(100, 1_000_050), (199_990, 1_099_995), (200_000, 1_100_000), (200_010, 1_100_010)]
        {
            source.real_us.store(900_000 + passed_us, Ordering::SeqCst);
            source.elapsed_us.store(7 + passed_us, Ordering::SeqCst);
            assert_eq!(clock.clone().now().as_micros(), business_us, "after {passed_us} us");
        }
    }

    #[test]
    fn business_time_goes_on_from_where_an_earlier_process_was() {
        let source = at(1_000_000);
        let clock = Clock::new(source.clone(), 0);
        clock.go_on_from(Timestamp::from_micros(3_000_000));
        clock.go_on_from(Timestamp::from_micros(2_000_000));
        assert_eq!(clock.now().as_micros(), 3_000_000);
        source.elapsed_us.store(1_007, Ordering::SeqCst);
        clock.go_on_from(Timestamp::from_micros(3_000_100));
        assert_eq!(clock.now().as_micros(), 3_000_500);
        source.real_us.store(4_000_000, Ordering::SeqCst);
        assert_eq!(clock.now().as_micros(), 4_000_000);
    }
}
