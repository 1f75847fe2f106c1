//! The deliveries under way, and the limit of each destination. A destination that answers quickly
//! gets more places with each answer; one that does not answer gets one. Slow tries have separate
//! places, so there is room for quick destinations however many others hang.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Destination;
use store::{DueDestination, Grant};
use tokio::sync::{Notify, watch};

/// A try that takes longer is slow.
pub const QUICK: Duration = Duration::from_secs(1);
/// Most tries under way that are not known to be slow.
const MAX_QUICK: u32 = 64;
/// Places among them that are reserved for destinations whose latest answer was quick.
const MAX_QUICK_RESERVED: u32 = 16;
/// Most tries under way to destinations that are known to be slow or silent.
const MAX_SLOW: u32 = 64;
/// Most tries under way that turned out to be slow.
const MAX_OVERDUE: u32 = 128;
/// Most tries under way to one destination.
const MAX_PER_DESTINATION: u32 = 16;
/// Most tries under way to a slow destination.
const MAX_PER_SLOW_DESTINATION: u32 = 4;
/// Most tries under way to a destination that did not answer last time.
const PER_SILENT_DESTINATION: u32 = 1;
/// Most tries under way to a destination about which nothing is known.
const PER_UNKNOWN_DESTINATION: u32 = 2;
/// Destinations remembered before those with nothing under way are dropped.
const MAX_REMEMBERED: usize = 4_096;

/// A destination's response to a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// It answered within [`QUICK`], whatever the answer was.
    Quick,
    /// It answered later.
    Slow,
    /// It did not answer.
    Silent,
}

/// The deliveries under way.
pub struct DeliveriesInFlight {
    state: Mutex<State>,
    count: watch::Sender<u32>,
    finished: Notify,
}

#[derive(Default)]
struct State {
    quick: u32,
    slow: u32,
    overdue: u32,
    destinations: HashMap<Destination, Standing>,
}

#[derive(Clone, Copy)]
struct Standing {
    allowed: u32,
    under_way: u32,
    latest: Option<Response>,
    /// The number of those under way that turned out to be slow.
    overdue: u32,
}

impl Standing {
    const UNKNOWN: Self =
        Self { allowed: PER_UNKNOWN_DESTINATION, under_way: 0, latest: None, overdue: 0 };

    fn lane(&self) -> Lane {
        let is_quick = matches!(self.latest, None | Some(Response::Quick)) && self.overdue == 0;
        if is_quick { Lane::Quick } else { Lane::Slow }
    }

    /// The number of further tries it may have; only one may be under way while some turn out to be
    /// slow.
    fn free(&self) -> u32 {
        let allowed = if self.overdue > 0 { PER_SILENT_DESTINATION } else { self.allowed };
        allowed.saturating_sub(self.under_way)
    }

    fn took(&mut self, response: Response) {
        let doubled = self.allowed.saturating_mul(2);
        self.allowed = match response {
            Response::Quick => doubled.min(MAX_PER_DESTINATION),
            Response::Slow => doubled.min(MAX_PER_SLOW_DESTINATION),
            Response::Silent => PER_SILENT_DESTINATION,
        };
        self.latest = Some(response);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Quick,
    Slow,
    Overdue,
}

impl State {
    fn lane(&mut self, lane: Lane) -> &mut u32 {
        match lane {
            Lane::Quick => &mut self.quick,
            Lane::Slow => &mut self.slow,
            Lane::Overdue => &mut self.overdue,
        }
    }

    fn standing(&mut self, destination: Destination) -> &mut Standing {
        if self.destinations.len() >= MAX_REMEMBERED {
            self.destinations.retain(|_, it| it.under_way > 0);
        }
        self.destinations.entry(destination).or_insert(Standing::UNKNOWN)
    }
}

/// The place of one delivery; free again when dropped.
pub struct Place {
    under_way: Arc<DeliveriesInFlight>,
    destination: Destination,
    lane: Lane,
}

impl DeliveriesInFlight {
    /// No deliveries under way.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            count: watch::Sender::new(0),
            finished: Notify::new(),
        })
    }

    /// The number that the next claim may take for each of these destinations. A destination that
    /// has all of its places, or is slow while there is no room for slow ones, gets none. One that
    /// may have more while all quick places are taken is left out: a place becomes free at any
    /// moment.
    pub fn grants(&self, due: Vec<DueDestination>) -> Vec<Grant> {
        let state = self.state();
        let mut quick = MAX_QUICK.saturating_sub(state.quick);
        let mut slow = MAX_SLOW.saturating_sub(state.slow);
        let mut grants = Vec::new();
        for due in due {
            let standing = state.destinations.get(&due.destination).unwrap_or(&Standing::UNKNOWN);
            let free = standing.free();
            let places = match standing.lane() {
                Lane::Quick => {
                    let is_known = standing.latest.is_some();
                    let reserved = if is_known { 0 } else { MAX_QUICK_RESERVED };
                    let places = free.min(quick.saturating_sub(reserved));
                    if places == 0 && free > 0 {
                        continue;
                    }
                    quick -= places;
                    places
                }
                Lane::Slow | Lane::Overdue => {
                    let places = free.min(slow);
                    slow -= places;
                    places
                }
            };
            grants.push(Grant { due, places });
        }
        grants
    }

    /// Takes a place that was granted.
    pub fn enter(self: &Arc<Self>, destination: Destination) -> Place {
        let mut state = self.state();
        let standing = state.standing(destination);
        standing.under_way += 1;
        let lane = standing.lane();
        *state.lane(lane) += 1;
        drop(state);
        self.count.send_modify(|count| *count += 1);
        Place { under_way: Arc::clone(self), destination, lane }
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        // The sender lives as long as `self`.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits until a delivery is finished; one that finished since the last call counts.
    pub async fn finished(&self) {
        self.finished.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The try takes long: it leaves its place to others, if there is room elsewhere.
    pub fn is_overdue(&mut self) {
        let mut state = self.under_way.state();
        if self.lane != Lane::Quick || state.overdue >= MAX_OVERDUE {
            return;
        }
        state.quick -= 1;
        state.overdue += 1;
        state.standing(self.destination).overdue += 1;
        self.lane = Lane::Overdue;
        drop(state);
        self.under_way.finished.notify_one();
    }

    /// Remembers how the destination responded to the try.
    pub fn took(&self, response: Response) {
        self.under_way.state().standing(self.destination).took(response);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.under_way.state();
        *state.lane(self.lane) -= 1;
        let standing = state.standing(self.destination);
        standing.under_way -= 1;
        if self.lane == Lane::Overdue {
            standing.overdue -= 1;
        }
        drop(state);
        self.under_way.count.send_modify(|count| *count -= 1);
        self.under_way.finished.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use domain::EnterpriseId;

    use super::*;

    fn due(number: i64) -> DueDestination {
        DueDestination {
            destination: Destination::enterprise(EnterpriseId::from_i64(number)),
            version: 1,
        }
    }

    fn places(under_way: &DeliveriesInFlight, number: i64) -> Option<u32> {
        under_way.grants(vec![due(number)]).first().map(|grant| grant.places)
    }

    /// Takes everything that is granted to these destinations.
    fn fill(under_way: &Arc<DeliveriesInFlight>, numbers: impl Iterator<Item = i64>) -> Vec<Place> {
        let grants = under_way.grants(numbers.map(due).collect());
        let taken = grants.iter().flat_map(|it| (0..it.places).map(|_| it.due.destination));
        taken.map(|destination| under_way.enter(destination)).collect()
    }

    #[tokio::test]
    async fn quick_answers_gain_places_and_silence_loses_them() {
        let under_way = DeliveriesInFlight::new();
        let mut seen = Vec::new();
        for response in [Response::Quick, Response::Quick, Response::Quick, Response::Quick] {
            seen.push(places(&under_way, 1).unwrap());
            under_way.enter(due(1).destination).took(response);
        }
        assert_eq!(seen, [2, 4, 8, 16]);
        for (response, expected) in [
            (Response::Silent, 1),
            (Response::Slow, 2),
            (Response::Slow, 4),
            (Response::Slow, 4),
            (Response::Quick, 8),
        ] {
            under_way.enter(due(1).destination).took(response);
            assert_eq!(places(&under_way, 1), Some(expected), "{response:?}");
        }
        under_way.settled().await;
        under_way.finished().await;
    }

    #[test]
    fn a_destination_with_all_its_places_gets_none_and_others_get_theirs() {
        let under_way = DeliveriesInFlight::new();
        let held = fill(&under_way, std::iter::once(1));
        assert_eq!(held.len(), PER_UNKNOWN_DESTINATION as usize);
        assert_eq!((places(&under_way, 1), places(&under_way, 2)), (Some(0), Some(2)));
        drop(held);
        assert_eq!(places(&under_way, 1), Some(2));
    }

    #[test]
    fn a_destination_that_answers_has_room_however_many_hang() {
        let under_way = DeliveriesInFlight::new();
        under_way.enter(due(1_000).destination).took(Response::Quick);
        let mut held = Vec::new();
        // Unknown destinations that take everything they are granted and never answer.
        for round in 0..8 {
            held.extend(fill(&under_way, 0..500));
            assert!(places(&under_way, 1_000) > Some(0), "round {round}");
            held.iter_mut().for_each(Place::is_overdue);
        }
        let most = MAX_QUICK + MAX_SLOW + MAX_OVERDUE;
        assert!(held.len() <= most as usize, "{} under way", held.len());
        // They are known to be silent by now and have separate places.
        held.iter().for_each(|place| place.took(Response::Silent));
        drop(held);
        let silent = fill(&under_way, 0..500);
        assert!(silent.len() <= (MAX_QUICK + MAX_SLOW) as usize);
        assert_eq!(places(&under_way, 1_000), Some(4));
    }

    #[test]
    fn hanging_destinations_leave_room_for_unknown_ones() {
        let under_way = DeliveriesInFlight::new();
        let mut held = fill(&under_way, 0..500);
        assert_eq!(places(&under_way, 1_000), None);
        held.iter_mut().for_each(Place::is_overdue);
        assert_eq!(places(&under_way, 1_000), Some(PER_UNKNOWN_DESTINATION));
        // Those that hang get nothing more.
        assert_eq!(places(&under_way, 0), Some(0));
    }

    #[test]
    fn without_room_a_destination_that_answers_keeps_its_standing() {
        let under_way = DeliveriesInFlight::new();
        for number in 0..40 {
            for _ in 0..4 {
                under_way.enter(due(number).destination).took(Response::Quick);
            }
        }
        let held = fill(&under_way, 0..40);
        assert_eq!(held.len(), MAX_QUICK as usize);
        assert_eq!(places(&under_way, 39), None);
        drop(held);
        assert_eq!(places(&under_way, 39), Some(MAX_PER_DESTINATION));
    }

    #[test]
    fn destinations_with_nothing_under_way_are_eventually_forgotten() {
        let under_way = DeliveriesInFlight::new();
        let kept = under_way.enter(due(-1).destination);
        for number in 0..2 * i64::try_from(MAX_REMEMBERED).unwrap() {
            under_way.enter(due(number).destination).took(Response::Quick);
        }
        assert!(under_way.state().destinations.len() <= MAX_REMEMBERED);
        drop(kept);
    }
}
