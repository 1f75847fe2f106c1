//! What the connections of a link share.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Clock, Timestamp};
use iso8583::Mti;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::closing::CloseReason;
use super::garbage::Garbage;
use super::meters::{Meters, Overload, Undelivered};
use super::outgoing::{Answered, Encoding};
use super::rate::Rate;
use super::session::{ConnectionState, Session};
use super::settings::LinkSettings;
use super::status::{ConnectionStatus, LinkCounters, LinkKeyStatus, LinkState, LinkStatus};
use crate::intake::Intake;
use crate::translate::Reply;

/// So many PIN blocks within a minute may be unreadable without a report.
const MOST_UNREADABLE_PINS: usize = 19;

/// A link to a card network.
pub struct Link {
    settings: LinkSettings,
    address: SocketAddr,
    pub(crate) intake: Intake,
    pub(crate) meters: Meters,
    clock: Clock,
    in_flight: Arc<Semaphore>,
    rate: Mutex<Rate>,
    next_id: AtomicU64,
    connections: Mutex<BTreeMap<u64, ConnectionStatus>>,
    counters: Mutex<LinkCounters>,
    unreadable_pins: Mutex<Garbage>,
    key_turn: Arc<Semaphore>,
    is_draining: AtomicBool,
}

impl Link {
    /// A link with these settings, whose listener is bound to `address`.
    #[must_use]
    pub fn new(settings: LinkSettings, address: SocketAddr, intake: Intake) -> Arc<Self> {
        Arc::new(Self {
            address,
            clock: intake.store.clock().clone(),
            intake,
            meters: Meters::new(settings.name.clone()),
            in_flight: Arc::new(Semaphore::new(settings.caps.in_flight)),
            rate: Mutex::new(Rate::new(settings.caps.per_second, Instant::now())),
            next_id: AtomicU64::new(1),
            connections: Mutex::default(),
            counters: Mutex::default(),
            unreadable_pins: Mutex::new(Garbage::new(MOST_UNREADABLE_PINS)),
            key_turn: Arc::new(Semaphore::new(1)),
            is_draining: AtomicBool::new(false),
            settings,
        })
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &LinkSettings {
        &self.settings
    }

    /// The address of its listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an operator sees of it.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        let connections: Vec<_> = locked(&self.connections).values().cloned().collect();
        let is_up = connections.iter().any(|it| it.state == ConnectionState::SignedOn);
        let state = match (self.is_draining.load(Ordering::SeqCst), is_up) {
            (true, _) => LinkState::Draining,
            (false, true) => LinkState::Up,
            (false, false) => LinkState::Down,
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
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }

    /// Waits until no request is under way.
    pub(crate) async fn settled(&self) {
        let all = u32::try_from(self.settings.caps.in_flight).unwrap_or(u32::MAX);
        // The semaphore is never closed, so this cannot fail.
        let _ = self.in_flight.acquire_many(all).await;
    }

    /// Admits a connection; `None` if its address is not allowed or there are too many.
    pub(crate) fn open(&self, peer: SocketAddr) -> Option<u64> {
        let mut connections = locked(&self.connections);
        if !self.allows(peer.ip()) || connections.len() >= self.settings.caps.connections {
            return None;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let status = ConnectionStatus {
            id,
            peer,
            state: Session::new(self.settings.sign_on).state(),
            since: self.real_now(),
            in_flight: 0,
            last_received_at: None,
            last_sent_at: None,
        };
        connections.insert(id, status);
        self.meter(&connections);
        Some(id)
    }

    fn allows(&self, address: IpAddr) -> bool {
        let (allow, address) = (&self.settings.allow, address.to_canonical());
        allow.is_empty() || allow.iter().any(|network| network.contains(&address))
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
        let Some(status) = connections.get_mut(&id) else { return };
        let is_changed = status.state != state;
        (status.state, status.in_flight) = (state, in_flight);
        if is_changed {
            self.meter(&connections);
        }
    }

    /// Something was received.
    pub(crate) fn heard(&self, id: u64) {
        if let Some(status) = locked(&self.connections).get_mut(&id) {
            status.last_received_at = Some(self.real_now());
        }
    }

    fn meter(&self, connections: &BTreeMap<u64, ConnectionStatus>) {
        let states: Vec<_> = connections.values().map(|it| it.state).collect();
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

    /// A request is no longer under way.
    pub(crate) fn release(&self, permit: OwnedSemaphorePermit) {
        drop(permit);
        self.meter_in_flight();
    }

    fn meter_in_flight(&self) {
        self.meters.in_flight(self.settings.caps.in_flight - self.in_flight.available_permits());
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
            Reply::Refused(_) => {
                counters.refused += 1;
                false
            }
            Reply::Accepted | Reply::Silence => false,
        };
        counters.repeats += u64::from(is_repeated);
        drop(counters);
        if is_repeated {
            self.meters.repeated();
        }
        self.meters.message(mti, reply.code().as_ref().map(|code| code.text(mti.version())));
    }

    /// Something was written.
    pub(crate) fn count_written(&self, id: u64, answers: Option<Answered>) {
        if let Some(status) = locked(&self.connections).get_mut(&id) {
            status.last_sent_at = Some(self.real_now());
        }
        let Some(Answered { mti, arrived }) = answers else { return };
        locked(&self.counters).answered += 1;
        self.meters.answered(mti, arrived.elapsed());
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
