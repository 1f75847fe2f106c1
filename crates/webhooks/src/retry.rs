//! The outcome of a try.

use domain::Timestamp;
use store::AttemptOutcome;

/// Pauses after the first, second and third failed try, in seconds of business time;
/// after the fourth the webhook is parked (cardbridge-open-api.md section 14, U35).
pub const RETRY_DELAYS_S: [i64; 3] = [10, 60, 300];

/// The outcome of a try that ended at `now`, with `earlier_tries` before it in the same round.
pub fn outcome(acknowledged: bool, earlier_tries: u32, now: Timestamp) -> AttemptOutcome {
    if acknowledged {
        return AttemptOutcome::Delivered;
    }
    let delay_s = usize::try_from(earlier_tries).ok().and_then(|tries| RETRY_DELAYS_S.get(tries));
    match delay_s {
        Some(delay_s) => AttemptOutcome::RetryAt(now.plus_seconds(*delay_s)),
        None => AttemptOutcome::Dead,
    }
}

/// The outcome's name in logs and metrics.
pub const fn name(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Delivered => "delivered",
        AttemptOutcome::RetryAt(_) => "retry",
        AttemptOutcome::Dead => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_retries_follow_the_first_try_and_then_none() {
        let now = Timestamp::from_micros(1_000_000);
        let after = |tries| outcome(false, tries, now);
        assert_eq!(after(0), AttemptOutcome::RetryAt(now.plus_seconds(10)));
        assert_eq!(after(1), AttemptOutcome::RetryAt(now.plus_seconds(60)));
        assert_eq!(after(2), AttemptOutcome::RetryAt(now.plus_seconds(300)));
        assert_eq!(after(3), AttemptOutcome::Dead);
        assert_eq!(after(u32::MAX), AttemptOutcome::Dead);
    }

    #[test]
    fn an_acknowledged_try_is_the_last() {
        for tries in 0..4 {
            let now = Timestamp::from_micros(0);
            assert_eq!(outcome(true, tries, now), AttemptOutcome::Delivered);
        }
    }
}
