//! How many deliveries are under way, in all and per destination: a receiver that
//! answers slowly must not take the room of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Destination;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Most deliveries under way at once.
const MAX_UNDER_WAY: u32 = 64;
/// Most of them to one destination.
const MAX_PER_DESTINATION: u32 = 16;
/// Most deliveries that one claim may take: a destination is passed over once a claim of
/// only its deliveries could exceed its share.
const MAX_CLAIM: u32 = 8;

/// The deliveries under way.
pub struct UnderWay {
    room: Arc<Semaphore>,
    per_destination: Mutex<HashMap<Destination, u32>>,
    finished: Notify,
}

/// The place of one delivery; dropped, it is free again.
pub struct Place {
    under_way: Arc<UnderWay>,
    destination: Destination,
    _permit: Option<OwnedSemaphorePermit>,
}

impl UnderWay {
    /// Nothing is under way.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(MAX_UNDER_WAY as usize)),
            per_destination: Mutex::new(HashMap::new()),
            finished: Notify::new(),
        })
    }

    /// How many deliveries the next claim may take; none if there is no room.
    pub fn claimable(&self) -> Option<u32> {
        let free = u32::try_from(self.room.available_permits()).unwrap_or(MAX_UNDER_WAY);
        Some(free.min(MAX_CLAIM)).filter(|limit| *limit > 0)
    }

    /// The destinations that the next claim must pass over, at most
    /// `MAX_UNDER_WAY / (MAX_PER_DESTINATION - MAX_CLAIM)`.
    pub fn full(&self) -> Vec<Destination> {
        let per_destination = self.per_destination.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |count: u32| count + MAX_CLAIM > MAX_PER_DESTINATION;
        let full = per_destination.iter().filter(|(_, count)| is_full(**count));
        full.map(|(destination, _)| *destination).collect()
    }

    /// Takes a place, waiting for room if need be.
    pub async fn enter(self: &Arc<Self>, destination: Destination) -> Place {
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let mut counts = self.per_destination.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(destination).or_default() += 1;
        Place { under_way: Arc::clone(self), destination, _permit: permit }
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        drop(self.room.acquire_many(MAX_UNDER_WAY).await);
    }

    /// Waits until a delivery is finished; one that finished since the last call counts.
    pub async fn finished(&self) {
        self.finished.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let counts = &self.under_way.per_destination;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.destination) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.destination);
            }
        }
        drop(counts);
        self.under_way.finished.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use domain::EnterpriseId;

    use super::*;

    fn destination(number: i64) -> Destination {
        Destination::enterprise(EnterpriseId::from_i64(number))
    }

    #[tokio::test]
    async fn one_destination_never_gets_more_than_its_share() {
        let under_way = UnderWay::new();
        let (slow, other) = (destination(1), destination(2));
        let mut places = Vec::new();
        // Claims that bring nothing but the slow destination's deliveries.
        while !under_way.full().contains(&slow) {
            for _ in 0..under_way.claimable().unwrap() {
                places.push(under_way.enter(slow).await);
            }
        }
        assert_eq!(places.len(), MAX_PER_DESTINATION as usize);
        assert!(!under_way.full().contains(&other));
        assert_eq!(under_way.claimable(), Some(MAX_CLAIM));
        drop(places);
        assert!(under_way.full().is_empty());
        under_way.settled().await;
        under_way.finished().await;
    }

    #[tokio::test]
    async fn without_room_nothing_is_claimable() {
        let under_way = UnderWay::new();
        let mut places = Vec::new();
        for number in 0..i64::from(MAX_UNDER_WAY) {
            places.push(under_way.enter(destination(number + 1)).await);
        }
        assert_eq!(under_way.claimable(), None);
        places.pop();
        assert_eq!(under_way.claimable(), Some(1));
    }
}
