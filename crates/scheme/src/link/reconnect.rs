//! Pauses between connections that the platform makes (network-iso8583.md section 7.2). Pure.

use std::time::Duration;

use domain::Random;
use tokio::time::Instant;

/// The first pause.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause while nobody can be reached: a listener's return is noticed within 5 s.
const MAX_UNREACHABLE_MS: u64 = 4_000;
/// Longest pause after a connection that was made and did not last.
const MAX_UNSTEADY_MS: u64 = 30_000;
/// Each pause is longer or shorter by at most this share at random.
const JITTER_PERCENT: u64 = 20;
/// Once signed on for so long, a connection was steady.
const STEADY: Duration = Duration::from_secs(60);

/// How a try to connect ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// No connection was made.
    Unreachable,
    /// A connection was made and closed.
    Closed {
        /// Whether it was signed on for long.
        was_steady: bool,
    },
}

/// The pauses of one connection that is made again and again.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    doublings: u32,
}

impl Pauses {
    /// The pause after this attempt.
    pub(crate) fn after(&mut self, attempt: Attempt, random: &dyn Random) -> Duration {
        let longest_ms = match attempt {
            Attempt::Unreachable => MAX_UNREACHABLE_MS,
            Attempt::Closed { was_steady } => {
                if was_steady {
                    self.doublings = 0;
                }
                MAX_UNSTEADY_MS
            }
        };
        let doubled_ms = FIRST_PAUSE_MS.saturating_mul(1 << self.doublings.min(u64::BITS / 2));
        self.doublings += 1;
        let percent = 100 - JITTER_PERCENT + random.below(2 * JITTER_PERCENT + 1);
        Duration::from_millis(doubled_ms.min(longest_ms) * percent / 100)
    }
}

/// How long a connection is signed on.
#[derive(Debug, Default)]
pub(crate) struct Steadiness {
    since: Option<Instant>,
    was_steady: bool,
}

impl Steadiness {
    /// The connection is signed on now, or it is not.
    pub(crate) fn note(&mut self, is_signed_on: bool, now: Instant) {
        let since = *self.since.get_or_insert(now);
        self.was_steady |= now.duration_since(since) >= STEADY;
        if !is_signed_on {
            self.since = None;
        }
    }

    /// Whether it was signed on for long.
    pub(crate) const fn was_steady(&self) -> bool {
        self.was_steady
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that make every jitter the same.
    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
            bytes[0] = self.0;
        }
    }

    /// The middle of the jitter.
    const EVEN: Fixed = Fixed(20);

    fn pauses_ms(attempt: Attempt, count: usize, random: &dyn Random) -> Vec<u128> {
        let mut pauses = Pauses::default();
        (0..count).map(|_| pauses.after(attempt, random).as_millis()).collect()
    }

    #[test]
    fn pauses_double_up_to_their_limit() {
        let unsteady = Attempt::Closed { was_steady: false };
        assert_eq!(pauses_ms(Attempt::Unreachable, 4, &EVEN), [1_000, 2_000, 4_000, 4_000]);
        assert_eq!(
            pauses_ms(unsteady, 7, &EVEN),
            [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
        assert_eq!(pauses_ms(unsteady, 100, &EVEN).last(), Some(&30_000));
        let steady = Attempt::Closed { was_steady: true };
        assert_eq!(pauses_ms(steady, 3, &EVEN), [1_000; 3]);
        assert_eq!(pauses_ms(Attempt::Unreachable, 3, &Fixed(0)), [800, 1_600, 3_200]);
        assert_eq!(pauses_ms(Attempt::Unreachable, 3, &Fixed(40)), [1_200, 2_400, 4_800]);
    }

    #[test]
    fn a_connection_is_steady_after_a_minute_signed_on() {
        let start = Instant::now();
        let mut steadiness = Steadiness::default();
        let mut note = |is_signed_on, seconds| {
            steadiness.note(is_signed_on, start + Duration::from_secs(seconds));
            steadiness.was_steady()
        };
        assert!(!note(false, 0) && !note(true, 100) && !note(false, 159) && !note(true, 160));
        assert!(note(false, 220) && note(true, 221));
    }
}
