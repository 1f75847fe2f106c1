//! The platform's own sign-on (network-iso8583.md section 7.2). Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::own::{Due, OwnAnswer, OwnKey};

/// A sign-on is answered within this time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a sign-on that failed.
const PAUSE: Duration = Duration::from_secs(5);
/// So many failures close a connection.
const MOST_FAILURES: u32 = 3;

/// The sign-ons of a connection until one is accepted.
#[derive(Debug)]
pub(crate) struct SignOnTries {
    /// When to look again; `None` once there is nothing to try.
    next: Option<Instant>,
    pending: Option<OwnKey>,
    failures: u32,
}

impl SignOnTries {
    /// The tries of a connection that was made now; none unless the platform signs on.
    pub(crate) fn new(is_ours: bool, now: Instant) -> Self {
        Self { next: is_ours.then_some(now), pending: None, failures: 0 }
    }

    /// When to look again; `None` = never.
    pub(crate) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// What is to be done now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        if self.next.is_none_or(|next| now < next) {
            return Due::Nothing;
        }
        if self.pending.take().is_some() {
            self.fail(now);
        }
        match self.next {
            _ if self.failures >= MOST_FAILURES => Due::GiveUp,
            Some(next) if now < next => Due::Nothing,
            _ => Due::Send,
        }
    }

    /// A sign-on was sent.
    pub(crate) fn sent(&mut self, key: OwnKey, now: Instant) {
        (self.pending, self.next) = (Some(key), Some(now + ANSWER_TIMEOUT));
    }

    /// An answer to network management was received; true if it is the one that is waited for.
    pub(crate) fn answered(&mut self, answer: &OwnAnswer, now: Instant) -> bool {
        let is_awaited = self.pending.take_if(|pending| *pending == answer.key).is_some();
        match answer.is_accepted {
            true if is_awaited => self.next = None,
            false if is_awaited => self.fail(now),
            _ => {}
        }
        is_awaited
    }

    /// The connection was signed on or off in another way.
    pub(crate) fn end(&mut self) {
        (self.next, self.pending) = (None, None);
    }

    fn fail(&mut self, now: Instant) {
        self.failures += 1;
        self.next = Some(if self.failures < MOST_FAILURES { now + PAUSE } else { now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(stan: &str) -> OwnKey {
        OwnKey { transmitted_at: "1129120001".to_owned(), stan: stan.to_owned() }
    }

    fn answer(stan: &str, is_accepted: bool) -> OwnAnswer {
        OwnAnswer { key: key(stan), code: "00".to_owned(), is_accepted }
    }

    fn tries() -> (SignOnTries, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (SignOnTries::new(true, start), move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn a_sign_on_is_sent_at_once_and_ends_when_it_is_accepted() {
        let (mut tries, after) = tries();
        assert_eq!(tries.due(after(0)), Due::Send);
        tries.sent(key("000001"), after(0));
        assert_eq!(tries.due(after(9)), Due::Nothing);
        assert!(!tries.answered(&answer("000002", true), after(9)));
        assert!(tries.answered(&answer("000001", true), after(9)));
        assert_eq!((tries.next(), tries.due(after(100))), (None, Due::Nothing));
    }

    #[test]
    fn the_third_failure_gives_up() {
        let (mut tries, after) = tries();
        tries.sent(key("000001"), after(0));
        assert_eq!(tries.due(after(10)), Due::Nothing, "not answered");
        assert_eq!((tries.due(after(14)), tries.due(after(15))), (Due::Nothing, Due::Send));
        tries.sent(key("000002"), after(15));
        assert!(tries.answered(&answer("000002", false), after(16)), "refused");
        assert_eq!((tries.due(after(20)), tries.due(after(21))), (Due::Nothing, Due::Send));
        tries.sent(key("000003"), after(21));
        assert!(tries.answered(&answer("000003", false), after(22)));
        assert_eq!(tries.due(after(22)), Due::GiveUp);
    }

    #[test]
    fn nothing_is_tried_where_the_peer_signs_on() {
        let start = Instant::now();
        assert_eq!(SignOnTries::new(false, start).next(), None);
        let mut tries = SignOnTries::new(true, start);
        tries.sent(key("000001"), start);
        tries.end();
        assert_eq!(tries.due(start + Duration::from_secs(60)), Due::Nothing);
    }
}
