//! One process by itself.

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::peer::network_of;

const MINUTE: Duration = Duration::from_secs(60);

impl Limiter {
    fn remembered(&self) -> usize {
        self.callers().used.len()
    }
}

/// Names without a key.
pub(super) fn naming() -> Naming {
    Arc::new(|bytes| {
        bytes.iter().fold(7, |name: u128, byte| name.wrapping_mul(1_000_003) ^ u128::from(*byte))
    })
}

fn limiter(limit: Limit) -> Limiter {
    Limiter::new(LimitName::VmTokens, naming(), limit)
}

fn flood() -> impl Iterator<Item = IpAddr> {
    (0..3 * u32::try_from(MAX_CALLERS).unwrap())
        .map(|n| IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
}

#[test]
fn one_call_too_many_waits_for_the_next_window_and_others_do_not() {
    let limit = limiter(Limit::Window { weight: 2, window: MINUTE });
    let start = Instant::now();
    let admits = |address: &str, after_s: u64| {
        let caller = network_of(address.parse().unwrap());
        limit.admits(&caller, start + Duration::from_secs(after_s))
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
    let limit = limiter(Limit::Bucket { burst: 2_000, per_second: 1_000 });
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
    let limit = limiter(Limit::CutOff { weight: 100, window: MINUTE });
    let start = Instant::now();
    for _ in 0..100 {
        assert!(limit.admits("one", start));
    }
    assert!(!limit.is_exceeded("one", start));
    assert!(!limit.admits("one", start));
    assert!(limit.is_exceeded("one", start + Duration::from_secs(59)));
    assert!(!limit.is_exceeded("one", start + MINUTE));
    assert!(!limit.is_exceeded("other", start));
    assert!(limit.admits("one", start + MINUTE));
}

#[test]
fn a_late_call_does_not_end_the_cut_off() {
    let limit = limiter(Limit::CutOff { weight: 100, window: MINUTE });
    let start = Instant::now();
    limit.admits("one", start);
    for _ in 0..100 {
        limit.admits("one", start + Duration::from_secs(59));
    }
    let after_window = start + Duration::from_secs(61);
    assert!(!limit.admits("one", after_window));
    assert!(limit.is_exceeded("one", after_window));
}

#[test]
fn all_addresses_of_an_ipv6_network_are_one_caller() {
    let limit = limiter(Limit::CutOff { weight: 100, window: MINUTE });
    let now = Instant::now();
    let caller = |n: u128| network_of(IpAddr::from((0x2001_0db8_u128 << 96 | n).to_be_bytes()));
    for n in 0..100 {
        assert!(limit.admits(&caller(n), now));
    }
    assert!(!limit.admits(&caller(100), now));
    assert!(limit.is_exceeded(&caller(101), now));
    assert!(!limit.is_exceeded(&caller(1 << 64), now));
}

#[test]
fn a_flood_of_addresses_uses_bounded_memory_and_frees_no_frequent_caller() {
    let limit = limiter(Limit::Window { weight: 3, window: MINUTE });
    let now = Instant::now();
    let often: IpAddr = "192.0.2.1".parse().unwrap();
    while limit.admits(&often, now) {}
    for caller in flood() {
        limit.admits(&caller, now);
        assert!(limit.remembered() <= MAX_CALLERS);
    }
    assert!(!limit.would_grant(&often, now) && !limit.admits(&often, now));
    assert!(limit.admits(&often, now + MINUTE));
}

#[test]
fn a_flood_of_peers_uses_bounded_memory_and_lifts_no_cut_off() {
    let limit = limiter(Limit::CutOff { weight: 100, window: MINUTE });
    let now = Instant::now();
    let bad: IpAddr = "192.0.2.1".parse().unwrap();
    while limit.admits(&bad, now) {}
    for caller in flood() {
        limit.admits(&caller, now);
    }
    assert!(limit.is_exceeded(&bad, now));
    assert!(limit.remembered() <= MAX_CALLERS);
}

#[test]
fn a_bucket_that_is_full_is_forgotten() {
    let limit = limiter(Limit::Bucket { burst: 2_000, per_second: 1_000 });
    let start = Instant::now();
    for n in 0..MAX_CALLERS {
        limit.charge(&n.to_string(), 1, start);
    }
    limit.charge("last", 1, start + Duration::from_secs(2));
    assert_eq!(limit.remembered(), 1);
}

#[test]
fn a_limit_that_is_set_while_running_counts_what_was_used() {
    let limit = limiter(Limit::Bucket { burst: 100, per_second: 10 });
    let now = Instant::now();
    assert!(limit.charge("A", 50, now).is_granted);
    limit.set(Limit::Bucket { burst: 60, per_second: 10 });
    assert!(!limit.charge("A", 11, now).is_granted);
    assert!(limit.charge("A", 10, now).is_granted);
}
