//! Limits on the requests of one caller in a period, for any kind of caller.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Most callers remembered.
const MAX_CALLERS: usize = 10_000;

/// The limit on a caller's requests. A call has a weight, usually 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A total weight within a window that begins with a caller's first call.
    Window {
        /// Weight of all calls.
        weight: u64,
        /// Length.
        window: Duration,
    },
    /// The same, but a caller who exceeds it waits for a whole window from then on.
    CutOff {
        /// Weight of all calls.
        weight: u64,
        /// Length of the window, and of the wait.
        window: Duration,
    },
    /// A bucket that calls drain and time refills.
    Bucket {
        /// Weight of a full bucket.
        burst: u64,
        /// Weight refilled per second; at least 1.
        per_second: u64,
    },
}

/// The result of counting a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// True if the call is within the limit.
    pub is_granted: bool,
    /// Weight left.
    pub remaining: u64,
    /// Whole seconds, rounded up, until the full limit is available again.
    pub reset_seconds: u64,
}

/// A caller's use of its limit.
#[derive(Clone, Copy)]
struct Used {
    /// The time from which none of it counts: the end of the window, or of the bucket's refill.
    until: Instant,
    /// Weight of the calls in the window; a bucket keeps its weight in `until`.
    weight: u64,
}

/// One limit for each of many callers, in bounded memory.
pub struct Limiter<K>(Mutex<Callers<K>>);

struct Callers<K> {
    limit: Limit,
    used: HashMap<K, Used>,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// This limit for each caller.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self(Mutex::new(Callers { limit, used: HashMap::new() }))
    }

    /// Sets another limit, which applies from now on to what was used so far.
    pub fn set(&self, limit: Limit) {
        self.callers().limit = limit;
    }

    /// True if another call of weight 1 would be granted; counts nothing.
    pub fn would_grant(&self, caller: &K, now: Instant) -> bool {
        let callers = self.callers();
        callers.limit.charge(callers.counting(caller, now), 1, now).1.is_granted
    }

    /// True if the caller exceeded its limit and has to wait; counts nothing.
    pub fn is_exceeded(&self, caller: &K, now: Instant) -> bool {
        let callers = self.callers();
        callers.counting(caller, now).is_some_and(|used| callers.limit.is_exceeded(used))
    }

    /// Counts a call.
    pub fn charge(&self, caller: K, weight: u64, now: Instant) -> Allowance {
        let mut callers = self.callers();
        callers.make_room(now);
        let before = callers.counting(&caller, now);
        let (after, allowance) = callers.limit.charge(before, weight, now);
        callers.used.insert(caller, after);
        allowance
    }

    /// Counts a call of weight 1; false if it is one too many.
    pub fn admits(&self, caller: K, now: Instant) -> bool {
        self.charge(caller, 1, now).is_granted
    }

    fn callers(&self) -> MutexGuard<'_, Callers<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Callers<K> {
    fn counting(&self, caller: &K, now: Instant) -> Option<Used> {
        self.used.get(caller).copied().filter(|used| used.until > now)
    }

    /// Makes room for one more caller: callers whose use no longer counts are dropped and, if there
    /// are none, the half that used least. A flood of callers who each called once therefore pushes
    /// itself out, and nobody who has called often.
    fn make_room(&mut self, now: Instant) {
        if self.used.len() < MAX_CALLERS {
            return;
        }
        self.used.retain(|_, used| used.until > now);
        if self.used.len() < MAX_CALLERS {
            return;
        }
        let mut callers: Vec<_> =
            self.used.iter().map(|(key, used)| (used.weight, used.until, key.clone())).collect();
        let half = callers.len() / 2;
        callers.select_nth_unstable_by_key(half, |(weight, until, _)| (*weight, *until));
        for (_, _, caller) in &callers[..half] {
            self.used.remove(caller);
        }
    }
}

impl Limit {
    /// The caller's use after a call, and the result of the call.
    fn charge(self, before: Option<Used>, weight: u64, now: Instant) -> (Used, Allowance) {
        match self {
            Self::Window { weight: most, window } | Self::CutOff { weight: most, window } => {
                let mut used = before.unwrap_or(Used { until: now + window, weight: 0 });
                if !self.is_exceeded(used) {
                    used.weight = used.weight.saturating_add(weight);
                    // A caller who is already cut off must not begin a new window, which would end
                    // the cut-off.
                    if self.is_exceeded(used) && matches!(self, Self::CutOff { .. }) {
                        used.until = now + window;
                    }
                }
                let remaining = most.saturating_sub(used.weight);
                (used, Allowance::new(!self.is_exceeded(used), remaining, used.until, now))
            }
            Self::Bucket { burst, per_second } => {
                let filling = |weight: u64| {
                    Duration::from_millis(weight.saturating_mul(1_000) / per_second.max(1))
                };
                let full_at = before.map_or(now, |used| used.until);
                let charged = full_at + filling(weight.min(burst.saturating_add(1)));
                let is_granted = charged <= now + filling(burst);
                let until = if is_granted { charged } else { full_at };
                let spent = missing_ms(until, now).saturating_mul(per_second) / 1_000;
                let remaining = burst.saturating_sub(spent);
                (Used { until, weight: 0 }, Allowance::new(is_granted, remaining, until, now))
            }
        }
    }

    fn is_exceeded(self, used: Used) -> bool {
        match self {
            Self::Window { weight, .. } | Self::CutOff { weight, .. } => used.weight > weight,
            Self::Bucket { .. } => false,
        }
    }
}

impl Allowance {
    fn new(is_granted: bool, remaining: u64, until: Instant, now: Instant) -> Self {
        let reset_seconds = missing_ms(until, now).div_ceil(1_000);
        Self { is_granted, remaining, reset_seconds }
    }
}

fn missing_ms(until: Instant, now: Instant) -> u64 {
    u64::try_from(until.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::peer::network_of;

    const MINUTE: Duration = Duration::from_secs(60);

    impl<K> Limiter<K> {
        fn remembered(&self) -> usize {
            self.0.lock().unwrap().used.len()
        }
    }

    fn flood() -> impl Iterator<Item = IpAddr> {
        (0..3 * u32::try_from(MAX_CALLERS).unwrap())
            .map(|n| IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
    }

    #[test]
    fn one_call_too_many_waits_for_the_next_window_and_others_do_not() {
        let limit = Limiter::new(Limit::Window { weight: 2, window: MINUTE });
        let start = Instant::now();
        let admits = |address: &str, after_s: u64| {
            let caller = network_of(address.parse().unwrap());
            limit.admits(caller, start + Duration::from_secs(after_s))
        };
        assert!(admits("192.0.2.1", 0) && admits("::ffff:192.0.2.1", 1));
        assert!(!admits("192.0.2.1", 59));
        assert!(admits("192.0.2.2", 59));
        assert!(admits("192.0.2.1", 60));
        assert!(admits("2001:db8::1", 0) && admits("2001:db8::2", 0));
        assert!(!admits("2001:db8::3", 0) && admits("2001:db8:0:1::1", 0));
    }

    #[test]
    fn a_key_spends_its_burst_and_gets_it_back_with_time() {
        let limit = Limiter::new(Limit::Bucket { burst: 2_000, per_second: 1_000 });
        let start = Instant::now();
        for n in 1..=200 {
            let allowance = limit.charge("A", 10, start);
            assert!(allowance.is_granted);
            assert_eq!(allowance.remaining, 2_000 - n * 10);
        }
        let refused = limit.charge("A", 1, start);
        assert_eq!(refused, Allowance { is_granted: false, remaining: 0, reset_seconds: 2 });
        assert!(limit.charge("B", 10, start).is_granted);
        let later = start + Duration::from_millis(10);
        assert!(limit.charge("A", 10, later).is_granted);
        assert!(!limit.charge("A", 1, later).is_granted);
        assert_eq!(limit.charge("A", 10, start + MINUTE).remaining, 1_990);
    }

    #[test]
    fn the_hundred_and_first_is_cut_off_for_a_minute_and_others_are_not() {
        let limit = Limiter::new(Limit::CutOff { weight: 100, window: MINUTE });
        let start = Instant::now();
        for _ in 0..100 {
            assert!(limit.admits("one", start));
        }
        assert!(!limit.is_exceeded(&"one", start));
        assert!(!limit.admits("one", start));
        assert!(limit.is_exceeded(&"one", start + Duration::from_secs(59)));
        assert!(!limit.is_exceeded(&"one", start + MINUTE));
        assert!(!limit.is_exceeded(&"other", start));
        assert!(limit.admits("one", start + MINUTE));
    }

    #[test]
    fn a_late_call_does_not_end_the_cut_off() {
        let limit = Limiter::new(Limit::CutOff { weight: 100, window: MINUTE });
        let start = Instant::now();
        limit.admits("one", start);
        for _ in 0..100 {
            limit.admits("one", start + Duration::from_secs(59));
        }
        let after_window = start + Duration::from_secs(61);
        assert!(!limit.admits("one", after_window));
        assert!(limit.is_exceeded(&"one", after_window));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_caller() {
        let limit = Limiter::new(Limit::CutOff { weight: 100, window: MINUTE });
        let now = Instant::now();
        let caller = |n: u128| network_of(IpAddr::from((0x2001_0db8_u128 << 96 | n).to_be_bytes()));
        for n in 0..100 {
            assert!(limit.admits(caller(n), now));
        }
        assert!(!limit.admits(caller(100), now));
        assert!(limit.is_exceeded(&caller(101), now));
        assert!(!limit.is_exceeded(&caller(1 << 64), now));
    }

    #[test]
    fn a_flood_of_addresses_uses_bounded_memory_and_frees_no_frequent_caller() {
        let limit = Limiter::new(Limit::Window { weight: 3, window: MINUTE });
        let now = Instant::now();
        let often: IpAddr = "192.0.2.1".parse().unwrap();
        while limit.admits(often, now) {}
        for caller in flood() {
            limit.admits(caller, now);
            assert!(limit.remembered() <= MAX_CALLERS);
        }
        assert!(!limit.would_grant(&often, now) && !limit.admits(often, now));
        assert!(limit.admits(often, now + MINUTE));
    }

    #[test]
    fn a_flood_of_peers_uses_bounded_memory_and_lifts_no_cut_off() {
        let limit = Limiter::new(Limit::CutOff { weight: 100, window: MINUTE });
        let now = Instant::now();
        let bad: IpAddr = "192.0.2.1".parse().unwrap();
        while limit.admits(bad, now) {}
        for caller in flood() {
            limit.admits(caller, now);
        }
        assert!(limit.is_exceeded(&bad, now));
        assert!(limit.remembered() <= MAX_CALLERS);
    }

    #[test]
    fn a_bucket_that_is_full_is_forgotten() {
        let limit = Limiter::new(Limit::Bucket { burst: 2_000, per_second: 1_000 });
        let start = Instant::now();
        for n in 0..MAX_CALLERS {
            limit.charge(n.to_string(), 1, start);
        }
        limit.charge("last".to_owned(), 1, start + Duration::from_secs(2));
        assert_eq!(limit.remembered(), 1);
    }

    #[test]
    fn a_limit_that_is_set_while_running_counts_what_was_used() {
        let limit = Limiter::new(Limit::Bucket { burst: 100, per_second: 10 });
        let now = Instant::now();
        assert!(limit.charge("A", 50, now).is_granted);
        limit.set(Limit::Bucket { burst: 60, per_second: 10 });
        assert!(!limit.charge("A", 11, now).is_granted);
        assert!(limit.charge("A", 10, now).is_granted);
    }
}
