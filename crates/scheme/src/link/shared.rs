//! What the connections of a link share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Clock, Random, Timestamp};
use iso8583::Mti;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::closing::CloseReason;
use super::command::{Command, MAX_COMMANDS};
use super::deliveries::Deliveries;
use super::facts::FactLane;
use super::garbage::Garbage;
use super::meters::{Meters, Overload, Undelivered};
use super::outgoing::{Answered, Encoding, Outgoing};
use super::rate::Rate;
use super::session::{ConnectionState, Session};
use super::settings::{LinkMode, LinkSettings};
use super::status::{ConnectionStatus, LinkCounters, LinkKeyStatus, LinkState, LinkStatus};
use crate::intake::Intake;
use crate::translate::Reply;

/// The function of advices, and the class of reversals: both state facts.
const ADVICE: u8 = 2;
const REVERSAL: u8 = 4;

/// So many PIN blocks within a minute may be unreadable without a report.
const MOST_UNREADABLE_PINS: usize = 19;

/// Most reconciliations that are under way or wait: they share their lane with advices.
const MAX_RECONCILIATIONS: usize = 4;

/// Most cut-overs of peers that are noted or wait: a peer may announce one on each connection.
const MAX_CUT_OVERS: usize = 16;

/// Whether a link takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drain {
    /// It does.
    No,
    /// It does not, until an operator says otherwise.
    Asked,
    /// It stops for good.
    Stopping,
}

/// A connection as its link knows it.
struct Held {
    status: ConnectionStatus,
    commands: mpsc::Sender<Command>,
}

/// A connection that was admitted.
pub(crate) struct Admitted {
    /// Its number within the link.
    pub(crate) id: u64,
    /// What other tasks ask of it.
    pub(crate) commands: mpsc::Receiver<Command>,
}

/// A link to a card network.
pub struct Link {
    settings: LinkSettings,
    address: Option<SocketAddr>,
    pub(crate) intake: Intake,
    pub(crate) meters: Meters,
    clock: Clock,
    pub(crate) random: Arc<dyn Random>,
    in_flight: Arc<Semaphore>,
    pub(crate) facts: FactLane,
    pub(crate) deliveries: Arc<Deliveries>,
    rate: Mutex<Rate>,
    next_id: AtomicU64,
    connections: Mutex<BTreeMap<u64, Held>>,
    counters: Mutex<LinkCounters>,
    unreadable_pins: Mutex<Garbage>,
    key_turn: Arc<Semaphore>,
    reconciliations: Arc<Semaphore>,
    /// They are computed, and their results kept, one after another in the order of arrival.
    pub(crate) reconciliation_turn: tokio::sync::Mutex<()>,
    cut_overs: Arc<Semaphore>,
    /// They are noted one after another.
    pub(crate) cut_over_turn: tokio::sync::Mutex<()>,
    drain: watch::Sender<Drain>,
}

impl Link {
    /// A link with these settings, whose listener, if it has one, is bound to `address`.
    #[must_use]
    pub fn new(
        settings: LinkSettings,
        address: Option<SocketAddr>,
        intake: Intake,
        random: Arc<dyn Random>,
    ) -> Arc<Self> {
        Arc::new(Self {
            address,
            clock: intake.store.clock().clone(),
            deliveries: Deliveries::new(intake.store.clock().clone()),
            intake,
            random,
            meters: Meters::new(settings.name.clone()),
            in_flight: Arc::new(Semaphore::new(settings.caps.in_flight)),
            facts: FactLane::new(settings.caps.advices_in_flight, settings.caps.advices_waiting),
            rate: Mutex::new(Rate::new(settings.caps.per_second, Instant::now())),
            next_id: AtomicU64::new(1),
            connections: Mutex::default(),
            counters: Mutex::default(),
            unreadable_pins: Mutex::new(Garbage::new(MOST_UNREADABLE_PINS)),
            key_turn: Arc::new(Semaphore::new(1)),
            reconciliations: Arc::new(Semaphore::new(MAX_RECONCILIATIONS)),
            reconciliation_turn: tokio::sync::Mutex::default(),
            cut_overs: Arc::new(Semaphore::new(MAX_CUT_OVERS)),
            cut_over_turn: tokio::sync::Mutex::default(),
            drain: watch::Sender::new(Drain::No),
            settings,
        })
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &LinkSettings {
        &self.settings
    }

    /// The address of its listener, if it has one.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What an operator sees of it.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        let connections: Vec<_> =
            locked(&self.connections).values().map(|held| held.status.clone()).collect();
        let is_up = connections.iter().any(|it| it.state == ConnectionState::SignedOn);
        let state = match (*self.drain.borrow(), is_up) {
            (Drain::Asked | Drain::Stopping, _) => LinkState::Draining,
            (Drain::No, true) => LinkState::Up,
            (Drain::No, false) => LinkState::Down,
        };
        let keys = self.intake.vault.shown_link_keys(&self.settings.name).into_iter();
        let keys = keys.map(|(kind, check_value, activated_at)| LinkKeyStatus {
            kind,
            check_value,
            activated_at,
        });
        LinkStatus { state, connections, counters: *locked(&self.counters), keys: keys.collect() }
    }

    /// How its messages are written.
    pub(crate) fn encoding(&self) -> Encoding<'_> {
        Encoding { settings: &self.settings, vault: &self.intake.vault }
    }

    /// Real time.
    pub(crate) fn real_now(&self) -> Timestamp {
        self.clock.real_now()
    }

    /// The link stops.
    pub(crate) fn stop(&self) {
        self.drain.send_replace(Drain::Stopping);
    }

    /// Changes whether it takes requests, if it is as expected.
    pub(crate) fn change_drain(&self, from: Drain, to: Drain) {
        self.drain.send_if_modified(|drain| {
            let is_changed = *drain == from;
            if is_changed {
                *drain = to;
            }
            is_changed
        });
    }

    /// Where its connections take commands, oldest first.
    pub(crate) fn commands(&self) -> Vec<(u64, mpsc::Sender<Command>)> {
        let connections = locked(&self.connections);
        connections.iter().map(|(id, held)| (*id, held.commands.clone())).collect()
    }

    /// Whether it takes requests, now and later.
    pub(crate) fn watch_drain(&self) -> watch::Receiver<Drain> {
        self.drain.subscribe()
    }

    /// Waits until the link stops.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as the link, so waiting cannot fail.
        let _ = self.watch_drain().wait_for(|drain| *drain == Drain::Stopping).await;
    }

    /// Waits until no message is under way.
    pub(crate) async fn settled(&self) {
        let all = u32::try_from(self.settings.caps.in_flight).unwrap_or(u32::MAX);
        // The semaphore is never closed, so acquiring cannot fail.
        let _ = self.in_flight.acquire_many(all).await;
        self.facts.settled().await;
        // The last result is kept after its answer.
        let all = u32::try_from(MAX_RECONCILIATIONS).unwrap_or(u32::MAX);
        let _ = self.reconciliations.acquire_many(all).await;
    }

    /// Admits a peer's connection; `None` if its address is not allowed or there are too many.
    pub(crate) fn admit_peer(&self, peer: SocketAddr) -> Option<Admitted> {
        let LinkMode::Listen { allow, max_connections, .. } = &self.settings.mode else {
            return None;
        };
        let address = peer.ip().to_canonical();
        let is_allowed = allow.is_empty() || allow.iter().any(|it| it.contains(&address));
        let mut connections = locked(&self.connections);
        let is_room = connections.len() < *max_connections;
        (is_allowed && is_room).then(|| self.open(&mut connections, peer))
    }

    /// Takes a connection that the platform made.
    pub(crate) fn take_connected(&self, peer: SocketAddr) -> Admitted {
        self.open(&mut locked(&self.connections), peer)
    }

    fn open(&self, connections: &mut BTreeMap<u64, Held>, peer: SocketAddr) -> Admitted {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let status = ConnectionStatus {
            id,
            peer,
            tls_peer: None,
            // With TLS it is not ready for messages yet.
            state: match self.settings.tls {
                Some(_) => ConnectionState::Connected,
                None => Session::new(self.settings.sign_on).state(),
            },
            since: self.real_now(),
            in_flight: 0,
            last_received_at: None,
            last_sent_at: None,
        };
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        connections.insert(id, Held { status, commands: sender });
        self.meter(connections);
        Admitted { id, commands }
    }

    /// Removes a connection that was closed.
    pub(crate) fn close(&self, id: u64) {
        let mut connections = locked(&self.connections);
        connections.remove(&id);
        self.meter(&connections);
    }

    /// Counts a closed connection.
    pub(crate) fn count_closed(&self, peer: SocketAddr, reason: CloseReason) {
        self.meters.closed(reason);
        let (link, reason) = (&self.settings.name, reason.as_str());
        tracing::info!(link, %peer, reason, "a connection of a link was closed");
    }

    /// Notes the state of a connection, and how many of its requests are under way.
    pub(crate) fn note(&self, id: u64, state: ConnectionState, in_flight: usize) {
        let mut connections = locked(&self.connections);
        let Some(Held { status, .. }) = connections.get_mut(&id) else { return };
        let is_changed = status.state != state;
        (status.state, status.in_flight) = (state, in_flight);
        if is_changed {
            self.meter(&connections);
        }
    }

    /// TLS was agreed on with a peer that showed a certificate of this name.
    pub(crate) fn identify(&self, id: u64, tls_peer: Option<String>) {
        if let Some(Held { status, .. }) = locked(&self.connections).get_mut(&id) {
            status.tls_peer = tls_peer;
        }
    }

    /// Something was received.
    pub(crate) fn heard(&self, id: u64) {
        if let Some(Held { status, .. }) = locked(&self.connections).get_mut(&id) {
            status.last_received_at = Some(self.real_now());
        }
    }

    fn meter(&self, connections: &BTreeMap<u64, Held>) {
        let states: Vec<_> = connections.values().map(|held| held.status.state).collect();
        self.meters.connections(&states);
    }

    /// Admits a request, unless there are too many.
    pub(crate) fn admit(&self, now: Instant) -> Option<OwnedSemaphorePermit> {
        if !locked(&self.rate).take(now) {
            self.meters.overloaded(Overload::Rate);
            return None;
        }
        let permit = Arc::clone(&self.in_flight).try_acquire_owned().ok();
        if permit.is_none() {
            self.meters.overloaded(Overload::InFlight);
        }
        self.meter_in_flight();
        permit
    }

    /// The turn of a key that comes; `None` while another one is being taken.
    pub(crate) fn key_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.key_turn).try_acquire_owned().ok()
    }

    /// The place of a reconciliation; `None` if too many are under way or wait.
    pub(crate) fn reconciliation_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reconciliations).try_acquire_owned().ok()
    }

    /// The place of a peer's cut-over, in the same way.
    pub(crate) fn cut_over_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.cut_overs).try_acquire_owned().ok()
    }

    /// A request is no longer under way.
    pub(crate) fn release(&self, permit: OwnedSemaphorePermit) {
        drop(permit);
        self.meter_in_flight();
    }

    /// Notes how many advices and reversals are under way.
    pub(crate) fn meter_facts(&self) {
        self.meters.in_flight("advices", self.facts.in_flight());
    }

    fn meter_in_flight(&self) {
        self.meters.in_flight(
            "requests",
            self.settings.caps.in_flight - self.in_flight.available_permits(),
        );
    }

    /// Counts a message that cannot be decoded.
    pub(crate) fn count_undecodable(&self) {
        locked(&self.counters).format_errors += 1;
    }

    /// Counts a message without the right authentication code.
    pub(crate) fn count_bad_mac(&self) {
        locked(&self.counters).mac_errors += 1;
        self.meters.bad_mac();
    }

    /// Counts a PIN block that cannot be opened, and reports many of them: the keys differ.
    pub(crate) fn count_unreadable_pin(&self, now: Instant) {
        locked(&self.counters).pin_errors += 1;
        self.meters.unreadable_pin();
        let mut unreadable = locked(&self.unreadable_pins);
        if unreadable.is_too_much(now) {
            *unreadable = Garbage::new(MOST_UNREADABLE_PINS);
            let name = &self.settings.name;
            tracing::error!(link = name, "20 PIN blocks within a minute could not be opened");
        }
    }

    /// Counts a message that was decoded.
    pub(crate) fn count_received(&self) {
        locked(&self.counters).received += 1;
    }

    /// Counts what a message is answered.
    pub(crate) fn count_reply(&self, mti: Mti, reply: &Reply) {
        let mut counters = locked(&self.counters);
        let is_repeated = match reply {
            Reply::Approved { is_repeated, .. } => {
                counters.approved += 1;
                *is_repeated
            }
            Reply::Declined { is_repeated, .. } => {
                counters.declined += 1;
                *is_repeated
            }
            Reply::Stated { is_repeated, .. } => *is_repeated,
            Reply::Refused(_) => {
                counters.refused += 1;
                false
            }
            Reply::Accepted | Reply::Reconciled(_) | Reply::Silence => false,
        };
        let is_fact = mti.function() == ADVICE || mti.class() == REVERSAL;
        let (is_early, is_unposted) = (reply.is_early(), reply.is_unposted(is_fact));
        counters.repeats += u64::from(is_repeated);
        counters.early_reversals += u64::from(is_early);
        counters.unposted_advices += u64::from(is_unposted);
        drop(counters);
        if is_repeated {
            self.meters.repeated();
        }
        if is_early {
            self.meters.early_reversal();
        }
        if is_unposted {
            self.meters.unposted_advice();
        }
        self.meters.message(mti, reply.code().as_ref().map(|code| code.text(mti.version())));
    }

    /// Something was written.
    pub(crate) fn count_written(&self, id: u64, answers: Option<Answered>) {
        if let Some(Held { status, .. }) = locked(&self.connections).get_mut(&id) {
            status.last_sent_at = Some(self.real_now());
        }
        let Some(Answered { mti, arrived }) = answers else { return };
        locked(&self.counters).answered += 1;
        self.meters.answered(mti, arrived.elapsed());
    }

    /// Gives an answer whose connection is gone to another one that is signed on, if the link
    /// allows that; otherwise it is not written.
    pub(crate) fn hand_over(&self, outgoing: Outgoing) {
        if outgoing.answers.is_none() {
            return;
        }
        let mut command = Command::Answer(Box::new(outgoing));
        if self.settings.answers_anywhere {
            for held in locked(&self.connections).values() {
                if held.status.state != ConnectionState::SignedOn {
                    continue;
                }
                command = match held.commands.try_send(command) {
                    Ok(()) => return,
                    Err(TrySendError::Full(it) | TrySendError::Closed(it)) => it,
                };
            }
        }
        self.count_undelivered(Undelivered::NotWritten, 1);
    }

    /// Counts answers that were not written.
    pub(crate) fn count_undelivered(&self, what: Undelivered, count: usize) {
        if count > 0 {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            locked(&self.counters).undelivered += count;
            self.meters.undelivered(what, count);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
