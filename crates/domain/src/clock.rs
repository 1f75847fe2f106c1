//! The only source of time: real time, and business time that can be moved forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::Timestamp;

/// Where real time comes from.
pub trait TimeSource: Send + Sync {
    /// The present moment.
    fn real_now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    // The one place that may ask the operating system.
    #[allow(clippy::disallowed_methods)]
    fn real_now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// Two readings of one clock. *Real* time authenticates callers; *business* time
/// is real time plus an offset that the sandbox may increase.
/// Clones share the offset.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn TimeSource>,
    offset_us: Arc<AtomicI64>,
}

impl Clock {
    /// A clock over `source` with a business offset in microseconds.
    #[must_use]
    pub fn new(source: Arc<dyn TimeSource>, offset_us: i64) -> Self {
        Self { source, offset_us: Arc::new(AtomicI64::new(offset_us)) }
    }

    /// The operating system's clock with no offset.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemTime), 0)
    }

    /// Business time: everything that happens to cards and money.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let offset_us = self.offset_us.load(Ordering::SeqCst);
        Timestamp::from_micros(self.real_now().as_micros().saturating_add(offset_us))
    }

    /// Real time: signature windows, replay memory, leases.
    #[must_use]
    pub fn real_now(&self) -> Timestamp {
        self.source.real_now()
    }

    /// The business offset in microseconds.
    #[must_use]
    pub fn offset_us(&self) -> i64 {
        self.offset_us.load(Ordering::SeqCst)
    }

    /// Moves business time to `target` if that lies ahead; it never goes back.
    pub fn advance_to(&self, target: Timestamp) {
        let wanted_us = target.as_micros().saturating_sub(self.real_now().as_micros());
        self.offset_us.fetch_max(wanted_us, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl TimeSource for Fixed {
        fn real_now(&self) -> Timestamp {
            Timestamp::from_micros(1_000_000)
        }
    }

    #[test]
    fn business_time_moves_forward_only_and_real_time_never() {
        let clock = Clock::new(Arc::new(Fixed), 0);
        let twin = clock.clone();
        clock.advance_to(Timestamp::from_micros(5_000_000));
        clock.advance_to(Timestamp::from_micros(2_000_000));
        assert_eq!(twin.now(), Timestamp::from_micros(5_000_000));
        assert_eq!(twin.real_now(), Timestamp::from_micros(1_000_000));
    }
}
