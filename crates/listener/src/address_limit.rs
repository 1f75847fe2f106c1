//! How often one address, or another caller, may call within a window of time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Most callers remembered.
const MAX_CALLERS: usize = 10_000;
/// The part of an IPv6 address that names its network: one caller has all of the rest.
const IPV6_NETWORK_MASK: u128 = u128::MAX << 64;

/// At most so many calls from one address within a window of time.
pub struct AddressLimit(CallLimit<IpAddr>);

impl AddressLimit {
    /// A limit of `max_calls` within `window`.
    pub fn new(max_calls: u32, window: Duration) -> Self {
        Self(CallLimit::new(max_calls, window))
    }

    /// Whether another call would be admitted; counts nothing.
    pub fn is_open(&self, address: IpAddr, now: Instant) -> bool {
        self.0.is_open(network_of(address), now)
    }

    /// Counts a call; false if it is one too many.
    pub fn admits(&self, address: IpAddr, now: Instant) -> bool {
        self.0.admits(network_of(address), now)
    }
}

/// At most so many calls of one caller within a window of time.
pub struct CallLimit<K> {
    max_calls: u32,
    window: Duration,
    windows: Mutex<HashMap<K, Window>>,
}

struct Window {
    ends_at: Instant,
    calls: u32,
}

impl<K: Copy + Eq + Hash> CallLimit<K> {
    /// A limit of `max_calls` within `window`.
    pub fn new(max_calls: u32, window: Duration) -> Self {
        Self { max_calls, window, windows: Mutex::new(HashMap::new()) }
    }

    fn is_open(&self, caller: K, now: Instant) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get(&caller);
        window.is_none_or(|window| window.ends_at <= now || window.calls < self.max_calls)
    }

    /// Counts a call; false if it is one too many.
    pub fn admits(&self, caller: K, now: Instant) -> bool {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut windows, MAX_CALLERS, |window| {
            (window.ends_at > now).then_some((window.calls, window.ends_at))
        });
        let fresh = Window { ends_at: now + self.window, calls: 0 };
        let window = windows.entry(caller).or_insert(fresh);
        if window.ends_at <= now {
            *window = Window { ends_at: now + self.window, calls: 0 };
        }
        window.calls = window.calls.saturating_add(1);
        window.calls <= self.max_calls
    }
}

/// Makes room for one more caller where so many are remembered: those go whose `worth` is
/// none, and where none of them is, the half that is worth least. A flood of callers, each of
/// whom has called once, so pushes itself out, and nobody who has called often.
pub fn make_room<K: Copy + Eq + Hash, V, W: Ord>(
    remembered: &mut HashMap<K, V>,
    max_callers: usize,
    worth: impl Fn(&V) -> Option<W>,
) {
    if remembered.len() < max_callers {
        return;
    }
    remembered.retain(|_, it| worth(it).is_some());
    if remembered.len() < max_callers {
        return;
    }
    let mut callers: Vec<_> = remembered.iter().map(|(key, it)| (worth(it), *key)).collect();
    let half = callers.len() / 2;
    callers.select_nth_unstable_by(half, |(one, _), (other, _)| one.cmp(other));
    for (_, caller) in &callers[..half] {
        remembered.remove(caller);
    }
}

/// The part of an address that names one caller's network.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & IPV6_NETWORK_MASK)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_too_many_waits_for_the_next_window_and_others_do_not() {
        let limit = AddressLimit::new(2, Duration::from_secs(60));
        let start = Instant::now();
        let admits = |address: &str, after_s: u64| {
            limit.admits(address.parse().unwrap(), start + Duration::from_secs(after_s))
        };
        assert!(admits("192.0.2.1", 0) && admits("::ffff:192.0.2.1", 1));
        assert!(!admits("192.0.2.1", 59));
        assert!(admits("192.0.2.2", 59));
        assert!(admits("192.0.2.1", 60));
        assert!(admits("2001:db8::1", 0) && admits("2001:db8::2", 0));
        assert!(!admits("2001:db8::3", 0) && admits("2001:db8:0:1::1", 0));
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory_and_frees_nobody_who_called_often() {
        let limit = AddressLimit::new(3, Duration::from_secs(60));
        let now = Instant::now();
        let often: IpAddr = "192.0.2.1".parse().unwrap();
        while limit.admits(often, now) {}
        for n in 0..3 * u32::try_from(MAX_CALLERS).unwrap() {
            limit.admits(IpAddr::from((0x0a00_0000 + n).to_be_bytes()), now);
            assert!(limit.0.windows.lock().unwrap().len() <= MAX_CALLERS);
        }
        assert!(!limit.is_open(often, now) && !limit.admits(often, now));
        assert!(limit.admits(often, now + Duration::from_secs(60)));
    }
}
