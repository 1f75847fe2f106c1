//! Bad envelopes are counted for each app and peer address; too many are cut off
//! (operator-and-sandbox.md section 5, Limits).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::VmAppId;
use listener::address_limit::{make_room, network_of};
use tokio::time::Instant;

/// Bad envelopes that one pair may send within the window.
const MAX_STRIKES: u32 = 100;
/// The window, and how long a pair is cut off.
const WINDOW: Duration = Duration::from_secs(60);
/// Most pairs remembered.
const MAX_PAIRS: usize = 10_000;

struct Pair {
    window_ends_at: Instant,
    strikes: u32,
    cut_off_until: Option<Instant>,
}

/// What each pair of app and address did wrong of late.
#[derive(Default)]
pub(crate) struct Strikes {
    pairs: Mutex<HashMap<(VmAppId, IpAddr), Pair>>,
}

impl Strikes {
    /// Whether a pair is cut off.
    pub(crate) fn is_cut_off(&self, app: VmAppId, peer: IpAddr, now: Instant) -> bool {
        let pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs
            .get(&(app, network_of(peer)))
            .and_then(|it| it.cut_off_until)
            .is_some_and(|end| now < end)
    }

    /// Counts a bad envelope; true if it is one too many, from which on the pair is cut off.
    pub(crate) fn count(&self, app: VmAppId, peer: IpAddr, now: Instant) -> bool {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut pairs, MAX_PAIRS, |it| {
            let is_cut_off = it.cut_off_until > Some(now);
            let is_remembered = is_cut_off || it.window_ends_at > now;
            is_remembered.then_some((is_cut_off, it.strikes, it.window_ends_at))
        });
        let fresh = || Pair { window_ends_at: now + WINDOW, strikes: 0, cut_off_until: None };
        let pair = pairs.entry((app, network_of(peer))).or_insert_with(fresh);
        if pair.cut_off_until > Some(now) {
            // A late one must not begin a new window, which would end the cut-off.
            return true;
        }
        if pair.window_ends_at <= now {
            *pair = fresh();
        }
        pair.strikes = pair.strikes.saturating_add(1);
        if pair.strikes > MAX_STRIKES {
            pair.cut_off_until = Some(now + WINDOW);
        }
        pair.strikes > MAX_STRIKES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hundred_and_first_is_cut_off_for_a_minute_and_others_are_not() {
        let strikes = Strikes::default();
        let (app, other) = (VmAppId::from_i64(1), VmAppId::from_i64(2));
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let start = Instant::now();
        for _ in 0..100 {
            assert!(!strikes.count(app, peer, start));
        }
        assert!(!strikes.is_cut_off(app, peer, start));
        assert!(strikes.count(app, peer, start));
        assert!(strikes.is_cut_off(app, peer, start + Duration::from_secs(59)));
        assert!(!strikes.is_cut_off(app, peer, start + WINDOW));
        assert!(!strikes.is_cut_off(other, peer, start));
        assert!(!strikes.is_cut_off(app, "192.0.2.2".parse().unwrap(), start));
        assert!(!strikes.count(app, peer, start + WINDOW));
    }

    #[test]
    fn a_late_one_does_not_end_the_cut_off() {
        let strikes = Strikes::default();
        let (app, peer) = (VmAppId::from_i64(1), "192.0.2.1".parse().unwrap());
        let start = Instant::now();
        strikes.count(app, peer, start);
        for _ in 0..MAX_STRIKES {
            strikes.count(app, peer, start + Duration::from_secs(59));
        }
        let after_window = start + Duration::from_secs(61);
        assert!(strikes.count(app, peer, after_window));
        assert!(strikes.is_cut_off(app, peer, after_window));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_peer() {
        let strikes = Strikes::default();
        let (app, now) = (VmAppId::from_i64(1), Instant::now());
        let peer = |n: u128| IpAddr::from((0x2001_0db8_u128 << 96 | n).to_be_bytes());
        for n in 0..100 {
            assert!(!strikes.count(app, peer(n), now));
        }
        assert!(strikes.count(app, peer(100), now));
        assert!(strikes.is_cut_off(app, peer(101), now));
        assert!(!strikes.is_cut_off(app, peer(1 << 64), now));
    }

    #[test]
    fn a_flood_of_peers_takes_bounded_memory_and_lifts_no_cut_off() {
        let strikes = Strikes::default();
        let (app, now) = (VmAppId::from_i64(1), Instant::now());
        let bad: IpAddr = "192.0.2.1".parse().unwrap();
        while !strikes.count(app, bad, now) {}
        for n in 0..u32::try_from(2 * MAX_PAIRS).unwrap() {
            strikes.count(app, IpAddr::from((0x0a00_0000 + n).to_be_bytes()), now);
        }
        assert!(strikes.is_cut_off(app, bad, now));
        assert!(strikes.pairs.lock().unwrap().len() <= MAX_PAIRS);
    }
}
