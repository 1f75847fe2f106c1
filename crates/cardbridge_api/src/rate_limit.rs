//! How fast one API key may call: a bucket of weight per key, charged with each
//! operation's published weight (operator-and-sandbox.md section 5, Limits).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Weight that a key gets back per second.
const WEIGHT_PER_SECOND: u64 = 1_000;
/// Most weight that a key can have saved up.
const BURST_WEIGHT: u64 = 2_000;
/// Time in which an empty bucket fills up.
const FULL_AFTER: Duration = Duration::from_secs(BURST_WEIGHT / WEIGHT_PER_SECOND);
/// Most keys remembered before those with a full bucket are dropped.
const SWEEP_AT_KEYS: usize = 10_000;

/// What a key has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Whether the request is within it.
    pub(crate) is_granted: bool,
    /// Weight left.
    pub(crate) remaining: u64,
    /// Whole seconds, rounded up, until the bucket is full again.
    pub(crate) reset_seconds: u64,
}

/// The buckets of all keys. A bucket is kept as the moment at which it will be full, so
/// that nothing has to run to fill it.
#[derive(Default)]
pub(crate) struct RateLimit {
    full_at: Mutex<HashMap<String, Instant>>,
}

impl RateLimit {
    /// Charges a request, unless the key has not enough left.
    pub(crate) fn charge(&self, api_key: &str, weight: u64, now: Instant) -> Allowance {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= SWEEP_AT_KEYS {
            full_at.retain(|_, moment| *moment > now);
        }
        let before = full_at.get(api_key).copied().filter(|moment| *moment > now).unwrap_or(now);
        let after = before + Duration::from_millis(weight * 1_000 / WEIGHT_PER_SECOND);
        let is_granted = after <= now + FULL_AFTER;
        let standing = if is_granted { after } else { before };
        if is_granted {
            full_at.insert(api_key.to_owned(), after);
        }
        let missing = standing.saturating_duration_since(now);
        let missing_ms = u64::try_from(missing.as_millis()).unwrap_or(u64::MAX);
        Allowance {
            is_granted,
            remaining: BURST_WEIGHT.saturating_sub(missing_ms * WEIGHT_PER_SECOND / 1_000),
            reset_seconds: missing_ms.div_ceil(1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_spends_its_burst_and_gets_it_back_with_time() {
        let limit = RateLimit::default();
        let start = Instant::now();
        for n in 1..=200 {
            let allowance = limit.charge("A", 10, start);
            assert!(allowance.is_granted);
            assert_eq!(allowance.remaining, BURST_WEIGHT - n * 10);
        }
        let refused = limit.charge("A", 1, start);
        assert_eq!(refused, Allowance { is_granted: false, remaining: 0, reset_seconds: 2 });
        assert!(limit.charge("B", 10, start).is_granted);
        let later = start + Duration::from_millis(10);
        assert!(limit.charge("A", 10, later).is_granted);
        assert!(!limit.charge("A", 1, later).is_granted);
        let much_later = start + Duration::from_secs(60);
        assert_eq!(limit.charge("A", 10, much_later).remaining, BURST_WEIGHT - 10);
    }

    #[test]
    fn keys_with_a_full_bucket_are_forgotten() {
        let limit = RateLimit::default();
        let start = Instant::now();
        for n in 0..SWEEP_AT_KEYS {
            limit.charge(&n.to_string(), 1, start);
        }
        limit.charge("last", 1, start + FULL_AFTER);
        assert_eq!(limit.full_at.lock().unwrap().len(), 1);
    }
}
