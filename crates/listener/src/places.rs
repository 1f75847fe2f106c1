//! The places of a listener and their holders. No single caller can fill it: one address has at
//! most as many places as are still free. When few are free, the connection that has been idle
//! longest gives way, starting with the holder of most places.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use ipnet::IpNet;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::peer::network_of;
use crate::peer::{contains, source_address};

/// The places of one listener.
pub(crate) struct Places {
    max_places: usize,
    trusted_proxies: Vec<IpNet>,
    table: Mutex<Table>,
    /// Notified whenever a place becomes free or a connection idle.
    changed: Notify,
}

/// The holder that a connection counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    /// The network of the peer, or of the caller that a trusted proxy named in its last request.
    Caller(IpAddr),
    /// A trusted proxy that has not named anybody yet. It speaks for many, so it has no share.
    Proxy(IpAddr),
}

#[derive(Default)]
struct Table {
    next_number: u64,
    taken: HashMap<u64, Taken>,
    counts: HashMap<Holder, usize>,
}

struct Taken {
    holder: Holder,
    connection: Arc<Connection>,
}

/// The time after which a connection whose other side still reads an answer gives way like an idle
/// one.
const SLOW_AFTER: Duration = Duration::from_secs(60);
/// The interval at which a newcomer that waits for a place checks for one by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The state of a connection's traffic.
pub(crate) struct Connection {
    traffic: Mutex<Traffic>,
    given_away: Notify,
}

struct Traffic {
    phase: Phase,
    /// True if bytes wait for the other side to read.
    is_waiting_to_write: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Between requests.
    Idle { since: Instant },
    /// The beginning of a request has arrived; the connection counts as idle since its last answer.
    Head { since: Instant, idle_since: Instant },
    /// A request is under way.
    Busy,
    /// The handler has finished the answer; the other side may still have to read it.
    Sending { since: Instant },
}

/// Longest times that a connection may be quiet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Between two requests, and before the first.
    pub(crate) idle: Duration,
    /// From a request's first byte to the end of its headers.
    pub(crate) head: Duration,
    /// From the last byte of an answer until the other side has read all of it.
    pub(crate) sending: Duration,
}

/// A connection's place; free again when dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    peer: IpAddr,
    connection: Arc<Connection>,
}

/// A request that is under way; once this is dropped, only its answer remains to be sent.
pub(crate) struct RequestInFlight {
    connection: Arc<Connection>,
}

/// The result of beginning a request.
pub(crate) enum Began {
    /// It proceeds.
    Going(RequestInFlight),
    /// It proceeds, and the connection closes after the answer: the caller has too many.
    Last(RequestInFlight),
    /// The place was given to another connection at the same moment.
    Gone,
}

/// The decision about a new connection.
enum Decision {
    Free,
    InsteadOf(u64),
    Refuse(NoPlace),
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
enum NoPlace {
    /// Its peer has too many requests under way.
    Refused,
    /// Every place has a request under way.
    NotYet,
}

impl Places {
    pub(crate) fn new(max_places: usize, trusted_proxies: Vec<IpNet>) -> Arc<Self> {
        let table = Mutex::default();
        Arc::new(Self { max_places, trusted_proxies, table, changed: Notify::new() })
    }

    /// A place for a new connection, once there is one; `None` if its peer already has too many
    /// requests under way.
    pub(crate) async fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        loop {
            match self.try_take(peer) {
                Ok(place) => return Some(place),
                Err(NoPlace::Refused) => return None,
                // A connection that takes its answer slowly gives way in time without a
                // notification.
                Err(NoPlace::NotYet) => drop(timeout(LOOK_AGAIN, self.changed.notified()).await),
            }
        }
    }

    fn try_take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, NoPlace> {
        let holder = self.holder(peer, &HeaderMap::new());
        let mut table = self.lock();
        match table.decide(holder, self.max_places) {
            Decision::Free => {}
            Decision::InsteadOf(number) => table.give_away(number),
            Decision::Refuse(why) => return Err(why),
        }
        let connection = Arc::<Connection>::default();
        let number = table.next_number;
        table.next_number += 1;
        table.taken.insert(number, Taken { holder, connection: Arc::clone(&connection) });
        *table.counts.entry(holder).or_default() += 1;
        Ok(Place { places: Arc::clone(self), number, peer, connection })
    }

    fn holder(&self, peer: IpAddr, headers: &HeaderMap) -> Holder {
        let is_proxy = |address| self.trusted_proxies.iter().any(|it| contains(it, address));
        let source = source_address(peer, headers, &self.trusted_proxies);
        let network = network_of(source);
        if is_proxy(source) { Holder::Proxy(network) } else { Holder::Caller(network) }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn decide(&self, holder: Holder, max_places: usize) -> Decision {
        let own = self.count(holder);
        let free = max_places.saturating_sub(self.taken.len());
        if free > 0 {
            if matches!(holder, Holder::Proxy(_)) || own < free {
                return Decision::Free;
            }
            let own_idlest = self.idlest(|it| it == holder);
            return own_idlest.map_or(Decision::Refuse(NoPlace::Refused), Decision::InsteadOf);
        }
        // Nobody gives way to a holder that has more.
        let gives_way = |it: Holder| it == holder || self.count(it) > own;
        match self.idlest(gives_way) {
            Some(number) => Decision::InsteadOf(number),
            None if self.idlest(|_| true).is_some() => Decision::Refuse(NoPlace::Refused),
            None => Decision::Refuse(NoPlace::NotYet),
        }
    }

    /// Among the idle connections of such holders, the one that has been idle longest, starting
    /// with the holder of most places.
    fn idlest(&self, is_such: impl Fn(Holder) -> bool) -> Option<u64> {
        let now = Instant::now();
        let such = self.taken.iter().filter(|(_, taken)| is_such(taken.holder));
        let idle = such.filter_map(|(number, taken)| {
            let since = taken.connection.idle_since(now)?;
            Some((self.count(taken.holder), Reverse(since), Reverse(*number)))
        });
        idle.max().map(|(_, _, Reverse(number))| number)
    }

    fn count(&self, holder: Holder) -> usize {
        self.counts.get(&holder).copied().unwrap_or(0)
    }

    fn give_away(&mut self, number: u64) {
        if let Some(taken) = self.remove(number) {
            taken.connection.given_away.notify_one();
        }
    }

    fn remove(&mut self, number: u64) -> Option<Taken> {
        let taken = self.taken.remove(&number)?;
        self.uncount(taken.holder);
        Some(taken)
    }

    fn uncount(&mut self, holder: Holder) {
        if let Some(count) = self.counts.get_mut(&holder) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&holder);
            }
        }
    }

    /// Counts a connection for another holder; returns whether that holder now has too many.
    fn name(&mut self, number: u64, holder: Holder, max_places: usize) -> bool {
        let Some(taken) = self.taken.get_mut(&number) else { return false };
        let before = std::mem::replace(&mut taken.holder, holder);
        if before == holder {
            return false;
        }
        self.uncount(before);
        *self.counts.entry(holder).or_default() += 1;
        let free = max_places.saturating_sub(self.taken.len());
        if matches!(holder, Holder::Proxy(_)) || self.count(holder) <= free.max(1) {
            return false;
        }
        match self.idlest(|it| it == holder) {
            Some(idlest) => {
                self.give_away(idlest);
                false
            }
            None => true,
        }
    }
}

impl Place {
    /// A request's head has arrived, and names its caller.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Began {
        let holder = self.places.holder(self.peer, headers);
        let mut table = self.places.lock();
        if !table.taken.contains_key(&self.number) {
            return Began::Gone;
        }
        self.connection.traffic().phase = Phase::Busy;
        let has_too_many = table.name(self.number, holder, self.places.max_places);
        let under_way = RequestInFlight { connection: Arc::clone(&self.connection) };
        if has_too_many { Began::Last(under_way) } else { Began::Going(under_way) }
    }

    /// Nothing more can be done for the connection until its other side acts. An answer has been
    /// sent by now unless a write waits. A flush would not show that, since none follows if the
    /// last part of an answer was written before its end was known.
    pub(crate) fn has_paused(&self) {
        if self.connection.has_paused() {
            self.places.changed.notify_one();
        }
    }

    /// Ends when the place is given to another connection.
    pub(crate) async fn given_away(&self) {
        self.connection.given_away.notified().await;
    }

    /// The address at the other end.
    pub(crate) const fn peer(&self) -> IpAddr {
        self.peer
    }

    /// The connection's state, to be notified of reads and writes.
    pub(crate) const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.number);
        self.places.changed.notify_one();
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        self.connection.traffic().phase = Phase::Sending { since: Instant::now() };
    }
}

impl Default for Connection {
    fn default() -> Self {
        let phase = Phase::Idle { since: Instant::now() };
        let traffic = Traffic { phase, is_waiting_to_write: false };
        Self { traffic: Mutex::new(traffic), given_away: Notify::new() }
    }
}

impl Connection {
    /// Bytes were read: between two requests they begin the next one.
    pub(crate) fn has_read(&self) {
        let mut traffic = self.traffic();
        if let Phase::Idle { since: idle_since } = traffic.phase {
            traffic.phase = Phase::Head { since: Instant::now(), idle_since };
        }
    }

    /// Bytes were written, or wait for the other side to read.
    pub(crate) fn has_written(&self, is_waiting: bool) {
        let mut traffic = self.traffic();
        traffic.is_waiting_to_write = is_waiting;
        if is_waiting && !matches!(traffic.phase, Phase::Busy | Phase::Sending { .. }) {
            traffic.phase = Phase::Sending { since: Instant::now() };
        }
    }

    /// True if it has become idle because its answer was sent.
    fn has_paused(&self) -> bool {
        let mut traffic = self.traffic();
        let is_sent =
            matches!(traffic.phase, Phase::Sending { .. }) && !traffic.is_waiting_to_write;
        if is_sent {
            traffic.phase = Phase::Idle { since: Instant::now() };
        }
        is_sent
    }

    /// The time at which it will have been quiet for too long, if nothing happens before; `None`
    /// while a request is under way.
    pub(crate) fn quiet_until(&self, patience: Patience) -> Option<Instant> {
        match self.traffic().phase {
            Phase::Idle { since } => Some(since + patience.idle),
            Phase::Head { since, .. } => Some(since + patience.head),
            Phase::Sending { since } => Some(since + patience.sending),
            Phase::Busy => None,
        }
    }

    /// The time since which it has been idle, if it is idle at `now`.
    fn idle_since(&self, now: Instant) -> Option<Instant> {
        match self.traffic().phase {
            Phase::Idle { since } => Some(since),
            Phase::Head { idle_since, .. } => Some(idle_since),
            // A connection that takes an answer drop by drop is as good as idle.
            Phase::Sending { since } => (now >= since + SLOW_AFTER).then_some(since),
            Phase::Busy => None,
        }
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn refused(places: &Arc<Places>, last: u8) -> Option<NoPlace> {
        places.try_take(address(last)).err()
    }

    fn taken(places: &Arc<Places>, last: u8) -> Place {
        places.try_take(address(last)).expect("a place")
    }

    fn is_given_away(place: &Place) -> bool {
        !place.places.lock().taken.contains_key(&place.number)
    }

    fn begun(place: &Place) -> RequestInFlight {
        match place.begin(&HeaderMap::new()) {
            Began::Going(under_way) | Began::Last(under_way) => under_way,
            Began::Gone => panic!("the place is gone"),
        }
    }

    #[test]
    fn an_address_has_as_many_places_as_are_free_and_then_displaces_itself() {
        let places = Places::new(8, Vec::new());
        let own: Vec<_> = (0..6).map(|_| taken(&places, 1)).collect();
        let given: Vec<_> = own.iter().map(is_given_away).collect();
        assert_eq!(given, [true, true, false, false, false, false]);
        let _others: Vec<_> = (2..6).map(|last| taken(&places, last)).collect();
        assert!(!is_given_away(&own[5]));
        // Full: the newcomer takes a place from whoever holds most.
        let _newcomer = taken(&places, 6);
        let given: Vec<_> = own.iter().map(is_given_away).collect();
        assert_eq!(given, [true, true, true, false, false, false]);
        assert_eq!(places.lock().taken.len(), 8);
    }

    #[test]
    fn a_request_under_way_never_gives_way() {
        let places = Places::new(4, Vec::new());
        let own: Vec<_> = (0..2).map(|_| taken(&places, 1)).collect();
        let under_way: Vec<_> = own.iter().map(begun).collect();
        assert_eq!(refused(&places, 1), Some(NoPlace::Refused));
        let others = [taken(&places, 2), taken(&places, 3)];
        let others_under_way: Vec<_> = others.iter().map(begun).collect();
        assert_eq!(refused(&places, 4), Some(NoPlace::NotYet));
        drop(under_way);
        assert_eq!(refused(&places, 4), Some(NoPlace::NotYet), "the answers are being sent");
        own.iter().for_each(Place::has_paused);
        let _newcomer = taken(&places, 4);
        assert!(is_given_away(&own[0]) && !is_given_away(&own[1]));
        assert!(matches!(own[0].begin(&HeaderMap::new()), Began::Gone));
        drop((own, others_under_way, others));
        assert_eq!(places.lock().counts.len(), 1);
    }

    #[test]
    fn the_connections_of_a_trusted_proxy_count_for_whom_it_names() {
        let places = Places::new(8, vec!["192.0.2.1/32".parse().unwrap()]);
        let own: Vec<_> = (0..7).map(|_| taken(&places, 1)).collect();
        assert!(!own.iter().any(is_given_away), "a proxy has no share of its own");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
        let Began::Going(first) = own[0].begin(&headers) else { panic!("refused") };
        let Began::Last(_second) = own[1].begin(&headers) else { panic!("not bounded") };
        // Its next request makes its own idle connection give way.
        drop(first);
        own[0].has_paused();
        assert!(matches!(own[2].begin(&headers), Began::Going(_)));
        assert!(is_given_away(&own[0]));
    }

    #[test]
    fn the_beginning_of_a_request_does_not_end_idleness() {
        let places = Places::new(4, Vec::new());
        let (slow, other) = (taken(&places, 1), taken(&places, 1));
        slow.connection.has_read();
        let _newcomer = taken(&places, 1);
        assert!(is_given_away(&slow) && !is_given_away(&other));
    }

    #[test]
    fn an_answer_that_waits_to_be_read_is_under_way() {
        let patience =
            Patience { idle: Duration::ZERO, head: Duration::ZERO, sending: Duration::ZERO };
        let places = Places::new(4, Vec::new());
        let place = taken(&places, 1);
        let rests = || {
            (place.connection.idle_since(Instant::now()), place.connection.quiet_until(patience))
        };
        drop(begun(&place));
        assert_eq!(rests().0, None, "nothing of it is written yet");
        place.connection.has_written(true);
        place.has_paused();
        assert_eq!(rests().0, None, "it waits");
        place.connection.has_written(false);
        place.has_paused();
        assert!(matches!(rests(), (Some(_), Some(_))));
        // Bytes that the server sends unprompted, for instance about a head that it cannot read.
        place.connection.has_read();
        place.connection.has_written(true);
        assert_eq!(rests().0, None);
    }

    #[test]
    fn a_reader_that_takes_an_answer_drop_by_drop_gives_way_and_ends() {
        let places = Places::new(4, Vec::new());
        let slow = taken(&places, 1);
        let sending = Duration::from_secs(600);
        let patience = Patience { idle: Duration::ZERO, head: Duration::ZERO, sending };
        drop(begun(&slow));
        let ends = slow.connection.quiet_until(patience).unwrap();
        let began = ends - sending;
        for is_waiting in [true, false, true] {
            slow.connection.has_written(is_waiting);
            assert_eq!(slow.connection.quiet_until(patience), Some(ends));
        }
        let just_before = began + SLOW_AFTER - Duration::from_millis(1);
        assert_eq!(slow.connection.idle_since(just_before), None);
        assert_eq!(slow.connection.idle_since(began + SLOW_AFTER), Some(began));
    }
}
