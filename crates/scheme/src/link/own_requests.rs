//! What a connection sends first, and what became of it: sign-ons, echo tests and what operators
//! ask for (network-iso8583.md sections 7.2, 7.3 and 7.6). Pure.

use std::time::Duration;

use domain::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::closing::CloseReason;
use super::echo::EchoTests;
use super::own::{Due, Management, OwnAnswer, OwnKey, transmission_time};
use super::settings::{LinkSettings, SignOn};
use super::sign_on::SignOnTries;

/// Numbers of messages that the platform sends first are below this.
const STANS: u32 = 1_000_000;
/// Most requests of operators that wait for the peer's answer.
const MAX_ASKED: usize = 16;

/// A peer's answer to an operator's request.
#[derive(Debug, Clone)]
pub struct ManagementAnswer {
    /// The number of the connection within the link.
    pub connection: u64,
    /// DE39; `None` if the peer did not answer in time.
    pub code: Option<String>,
    /// Whether it agrees.
    pub is_accepted: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// An operator's request that was sent.
struct Asked {
    what: Management,
    key: OwnKey,
    sent_at: Instant,
    answer: oneshot::Sender<ManagementAnswer>,
}

/// What an answer of the peer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It accepts a sign-on.
    SignedOn,
    /// It answered an echo test after this time.
    Echoed(Duration),
}

/// The requests of the platform on one connection.
pub(crate) struct OwnRequests {
    connection: u64,
    sign_on: SignOnTries,
    echo: EchoTests,
    asked: Vec<Asked>,
    last_stan: u32,
}

impl OwnRequests {
    /// Those of a connection that was made now.
    pub(crate) fn new(connection: u64, settings: &LinkSettings, now: Instant) -> Self {
        let times = &settings.times;
        Self {
            connection,
            sign_on: SignOnTries::new(settings.sign_on == SignOn::Us, now),
            echo: EchoTests::new(times.echo_interval, times.echo_timeout, now),
            asked: Vec::new(),
            last_stan: 0,
        }
    }

    /// When to look again; `None` = never.
    pub(crate) fn next(&self) -> Option<Instant> {
        [self.sign_on.next(), self.echo.next()].into_iter().flatten().min()
    }

    /// What is to be sent now.
    ///
    /// # Errors
    /// The peer failed to answer so often that the connection is of no use.
    pub(crate) fn due(&mut self, now: Instant) -> Result<Option<Management>, CloseReason> {
        match self.sign_on.due(now) {
            Due::Nothing => {}
            Due::Send => return Ok(Some(Management::SignOn)),
            Due::GiveUp => return Err(CloseReason::NoSignOn),
        }
        match self.echo.due(now) {
            Due::Nothing => Ok(None),
            Due::Send => Ok(Some(Management::EchoTest)),
            Due::GiveUp => Err(CloseReason::NoEcho),
        }
    }

    /// The numbers of the next message.
    pub(crate) fn next_key(&mut self, real_now: Timestamp) -> OwnKey {
        self.last_stan = (self.last_stan + 1) % STANS;
        OwnKey {
            transmitted_at: transmission_time(&real_now.to_string()),
            stan: format!("{:06}", self.last_stan),
        }
    }

    /// What was due was sent.
    pub(crate) fn sent(&mut self, what: Management, key: OwnKey, now: Instant) {
        match what {
            Management::SignOn => self.sign_on.sent(key, now),
            Management::EchoTest => self.echo.sent(key, now),
            Management::SignOff | Management::CutOver | Management::KeyRequest => {}
        }
    }

    /// An operator's request is to be sent; true unless too many wait already.
    pub(crate) fn ask(
        &mut self,
        what: Management,
        key: OwnKey,
        now: Instant,
        answer: oneshot::Sender<ManagementAnswer>,
    ) -> bool {
        self.asked.retain(|asked| !asked.answer.is_closed());
        let is_room = self.asked.len() < MAX_ASKED;
        if is_room {
            self.asked.push(Asked { what, key, sent_at: now, answer });
        }
        is_room
    }

    /// Something was received.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.echo.heard(now);
    }

    /// The connection was signed on or off by either side.
    pub(crate) fn end_sign_on(&mut self) {
        self.sign_on.end();
    }

    /// An answer to network management was received; what it means, if anything.
    pub(crate) fn answered(&mut self, answer: OwnAnswer, now: Instant) -> Option<Outcome> {
        if self.sign_on.answered(&answer, now) {
            return answer.is_accepted.then_some(Outcome::SignedOn);
        }
        if let Some(elapsed) = self.echo.answered(&answer.key, now) {
            return Some(Outcome::Echoed(elapsed));
        }
        let index = self.asked.iter().position(|asked| asked.key == answer.key)?;
        let asked = self.asked.swap_remove(index);
        let elapsed = now.duration_since(asked.sent_at);
        let OwnAnswer { code, is_accepted, .. } = answer;
        let connection = self.connection;
        let told = ManagementAnswer { connection, code: Some(code), is_accepted, elapsed };
        // The operator may have gone; the answer counts all the same.
        let _ = asked.answer.send(told);
        match asked.what {
            Management::SignOn => is_accepted.then_some(Outcome::SignedOn),
            Management::EchoTest => Some(Outcome::Echoed(elapsed)),
            Management::SignOff | Management::CutOver | Management::KeyRequest => None,
        }
    }
}
