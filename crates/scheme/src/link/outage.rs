//! When a link has been down for so long that an operator should know. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// A link that is down for so long is reported.
const REPORTED_AFTER: Duration = Duration::from_secs(60);

/// The time during which a link is down.
#[derive(Debug)]
pub(crate) struct Outage {
    since: Option<Instant>,
    is_reported: bool,
}

impl Outage {
    /// A link that nobody has signed on to yet.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { since: Some(now), is_reported: false }
    }

    /// Looks at the link; true if it is to be reported now, once in an outage.
    pub(crate) fn look(&mut self, is_up: bool, now: Instant) -> bool {
        if is_up {
            (self.since, self.is_reported) = (None, false);
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let is_due = !self.is_reported && now.duration_since(since) >= REPORTED_AFTER;
        self.is_reported |= is_due;
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_reported_once() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::new(start);
        let mut look = |is_up, seconds| outage.look(is_up, after(seconds));
        assert_eq!([look(false, 59), look(false, 60), look(false, 600)], [false, true, false]);
        assert_eq!([look(true, 700), look(false, 710), look(false, 769)], [false; 3]);
        assert!(look(false, 770));
    }
}
