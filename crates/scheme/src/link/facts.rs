//! The lane of messages that state facts: advices and reversals. They wait for one another, so that
//! what a peer kept during an outage does not delay requests (network-iso8583.md sections 6.5 and
//! 7.4).

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The lane of one link.
pub(crate) struct FactLane {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    max_in_flight: u32,
}

/// A place in the lane, until it is dropped.
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

/// The turn of one message.
pub(crate) struct Turn {
    _turn: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl FactLane {
    /// A lane with so many messages under way at most, and so many that wait.
    pub(crate) fn new(max_in_flight: u32, max_waiting: u32) -> Self {
        let places = max_in_flight.saturating_add(max_waiting);
        Self {
            places: Arc::new(Semaphore::new(places as usize)),
            turns: Arc::new(Semaphore::new(max_in_flight as usize)),
            max_in_flight,
        }
    }

    /// A place; `None` if too many wait.
    pub(crate) fn place(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _place: place, turns: Arc::clone(&self.turns) })
    }

    /// How many are under way.
    pub(crate) fn in_flight(&self) -> usize {
        (self.max_in_flight as usize).saturating_sub(self.turns.available_permits())
    }

    /// Waits until none is under way.
    pub(crate) async fn settled(&self) {
        // The semaphore is never closed, so this cannot fail.
        let _ = self.turns.acquire_many(self.max_in_flight).await;
    }
}

impl Place {
    /// Waits for the turn.
    pub(crate) async fn turn(self) -> Turn {
        // The semaphore is never closed, so there is a turn.
        let turn = self.turns.acquire_owned().await.ok();
        Turn { _turn: turn, _place: self._place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn facts_wait_for_their_turn_and_too_many_find_no_place() {
        let lane = FactLane::new(1, 1);
        let first = lane.place().unwrap().turn().await;
        let waiting = lane.place().unwrap();
        assert!(lane.place().is_none());
        assert_eq!(lane.in_flight(), 1);
        let mut second = std::pin::pin!(waiting.turn());
        tokio::select! {
            biased;
            _ = second.as_mut() => panic!("the first is under way"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        let second = second.await;
        let third = lane.place().unwrap();
        drop((second, third));
        lane.settled().await;
        assert_eq!(lane.in_flight(), 0);
    }
}
