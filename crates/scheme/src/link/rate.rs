//! Requests of a link in a second. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The window.
const SECOND: Duration = Duration::from_secs(1);

/// Counts requests, second by second.
#[derive(Debug)]
pub(crate) struct Rate {
    most: u32,
    since: Instant,
    taken: u32,
}

impl Rate {
    /// At most that many in a second.
    pub(crate) const fn new(most: u32, now: Instant) -> Self {
        Self { most, since: now, taken: 0 }
    }

    /// Takes a place in this second, if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= SECOND {
            (self.since, self.taken) = (now, 0);
        }
        let is_left = self.taken < self.most;
        self.taken += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_places() {
        let start = Instant::now();
        let mut rate = Rate::new(2, start);
        let mut take = |millis| rate.take(start + Duration::from_millis(millis));
        assert_eq!([take(0), take(500), take(999)], [true, true, false]);
        assert_eq!([take(1_000), take(1_001), take(1_999)], [true, true, false]);
        assert!(take(60_000));
    }
}
