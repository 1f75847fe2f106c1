//! When a connection is tested by an echo (network-iso8583.md section 7.3). Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::own::{Due, OwnKey};

/// Unanswered echo tests in a row that close a connection.
const MOST_UNANSWERED: u32 = 3;

/// The echo tests of a connection.
#[derive(Debug)]
pub(crate) struct EchoTests {
    interval: Option<Duration>,
    timeout: Duration,
    heard_at: Instant,
    pending: Option<(OwnKey, Instant)>,
    unanswered: u32,
}

impl EchoTests {
    /// The tests of a connection that was made now.
    pub(crate) const fn new(interval: Option<Duration>, timeout: Duration, now: Instant) -> Self {
        Self { interval, timeout, heard_at: now, pending: None, unanswered: 0 }
    }

    /// When to look again; `None` = never.
    pub(crate) fn next(&self) -> Option<Instant> {
        let interval = self.interval?;
        Some(match &self.pending {
            Some((_, sent_at)) => *sent_at + self.timeout,
            None => self.heard_at + interval,
        })
    }

    /// What is to be done now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        if self.next().is_none_or(|next| now < next) {
            return Due::Nothing;
        }
        if self.pending.take().is_some() {
            self.unanswered += 1;
        }
        if self.unanswered >= MOST_UNANSWERED { Due::GiveUp } else { Due::Send }
    }

    /// A test was sent.
    pub(crate) fn sent(&mut self, key: OwnKey, now: Instant) {
        self.pending = Some((key, now));
    }

    /// Something was received.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// An answer to network management was received; returns how long it took, if it is the one
    /// that is waited for.
    pub(crate) fn answered(&mut self, key: &OwnKey, now: Instant) -> Option<Duration> {
        let (_, sent_at) = self.pending.take_if(|(pending, _)| pending == key)?;
        self.unanswered = 0;
        Some(now.duration_since(sent_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(stan: &str) -> OwnKey {
        OwnKey { transmitted_at: "1129120001".to_owned(), stan: stan.to_owned() }
    }

    fn tests() -> (EchoTests, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let (interval, timeout) = (Duration::from_secs(60), Duration::from_secs(10));
        let after = move |seconds| start + Duration::from_secs(seconds);
        (EchoTests::new(Some(interval), timeout, start), after)
    }

    #[test]
    fn silence_is_tested_and_an_answer_ends_the_test() {
        let (mut tests, after) = tests();
        assert_eq!(tests.due(after(59)), Due::Nothing);
        tests.heard(after(59));
        assert_eq!(tests.next(), Some(after(119)));
        assert_eq!(tests.due(after(119)), Due::Send);
        tests.sent(key("000001"), after(119));
        assert_eq!(tests.due(after(120)), Due::Nothing);
        assert_eq!(tests.answered(&key("000002"), after(120)), None);
        assert_eq!(tests.answered(&key("000001"), after(121)), Some(Duration::from_secs(2)));
        assert_eq!(tests.answered(&key("000001"), after(121)), None);
    }

    #[test]
    fn the_third_test_without_answer_closes() {
        let (mut tests, after) = tests();
        for (number, second) in [(1, 60), (2, 70), (3, 80)] {
            assert_eq!(tests.due(after(second)), Due::Send, "{number}");
            tests.sent(key("000001"), after(second));
        }
        assert_eq!(tests.due(after(90)), Due::GiveUp);
    }

    #[test]
    fn without_an_interval_nothing_is_tested() {
        let start = Instant::now();
        let mut tests = EchoTests::new(None, Duration::from_secs(10), start);
        assert_eq!(tests.next(), None);
        assert_eq!(tests.due(start + Duration::from_secs(1_000_000)), Due::Nothing);
    }
}
