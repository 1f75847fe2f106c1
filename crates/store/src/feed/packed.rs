//! Events of one enterprise as bytes. Ids and times grow, so each is stored as its distance from
//! the one before.

use domain::{EnterpriseId, Event, EventKind, Timestamp, VmAppId};
use serde::{Deserialize, Serialize};

use super::NO_ENTERPRISE;
use crate::StoreError;
use crate::records::NO_APP;

/// The first byte: the form of what follows.
const FORM: u8 = 1;
const CORRUPT: StoreError = StoreError::Corrupt("feed body");

/// The kinds, each at the place that stands for it in stored bytes: new ones go to the end.
const KINDS: [EventKind; 15] = [
    EventKind::AuthorisationBegun,
    EventKind::AuthorisationApproved,
    EventKind::AuthorisationDeclined,
    EventKind::AuthorisationChanged,
    EventKind::AuthorisationPosted,
    EventKind::AuthorisationVoided,
    EventKind::AuthorisationExpired,
    EventKind::WebhookQueued,
    EventKind::WebhookDelivered,
    EventKind::WebhookFailed,
    EventKind::WebhookParked,
    EventKind::WebhookResent,
    EventKind::MessageRecorded,
    EventKind::JobParked,
    EventKind::JobRetried,
];

#[derive(Serialize, Deserialize)]
struct PackedEvent {
    kind: u8,
    vm_app_id: i64,
    subject_step: i64,
    step_us: i64,
}

/// Packs events.
pub(super) fn pack(events: &[Event]) -> Result<Vec<u8>, StoreError> {
    let (mut subject_id, mut at_us) = (0, 0);
    let mut packed = Vec::with_capacity(events.len());
    for event in events {
        let kind = KINDS.iter().position(|kind| *kind == event.kind);
        packed.push(PackedEvent {
            kind: kind.and_then(|place| u8::try_from(place).ok()).ok_or(CORRUPT)?,
            vm_app_id: event.vm_app_id.map_or(NO_APP, VmAppId::as_i64),
            subject_step: event.subject_id.wrapping_sub(subject_id),
            step_us: event.at.as_micros().wrapping_sub(at_us),
        });
        (subject_id, at_us) = (event.subject_id, event.at.as_micros());
    }
    postcard::to_extend(&packed, vec![FORM]).map_err(|_| CORRUPT)
}

/// Unpacks the events of an enterprise. One of a kind that only a later version knows ends the
/// read with an error: numbers must not shift.
pub(super) fn unpack(enterprise_id: EnterpriseId, body: &[u8]) -> Result<Vec<Event>, StoreError> {
    let Some((&FORM, packed)) = body.split_first() else { return Err(CORRUPT) };
    let packed: Vec<PackedEvent> = postcard::from_bytes(packed).map_err(|_| CORRUPT)?;
    let (mut subject_id, mut at_us) = (0_i64, 0_i64);
    let mut events = Vec::with_capacity(packed.len());
    for it in packed {
        subject_id = subject_id.wrapping_add(it.subject_step);
        at_us = at_us.wrapping_add(it.step_us);
        events.push(Event {
            enterprise_id: Some(enterprise_id).filter(|id| *id != NO_ENTERPRISE),
            vm_app_id: Some(it.vm_app_id).filter(|id| *id != NO_APP).map(VmAppId::from_i64),
            kind: *KINDS.get(usize::from(it.kind)).ok_or(CORRUPT)?,
            subject_id,
            at: Timestamp::from_micros(at_us),
        });
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, subject_id: i64, at_us: i64, app: Option<i64>) -> Event {
        Event {
            enterprise_id: Some(EnterpriseId::from_i64(7)),
            vm_app_id: app.map(VmAppId::from_i64),
            kind,
            subject_id,
            at: Timestamp::from_micros(at_us),
        }
    }

    #[test]
    fn every_kind_comes_back() {
        assert_eq!(KINDS.len(), EventKind::ALL.len());
        let edges = [i64::MIN, -1, 0, 1, i64::MAX];
        let all: Vec<_> = EventKind::ALL
            .iter()
            .flat_map(|kind| edges.map(|n| event(*kind, n, n, Some(n).filter(|n| *n != 0))))
            .collect();
        assert_eq!(unpack(EnterpriseId::from_i64(7), &pack(&all).unwrap()).unwrap(), all);
    }

    #[test]
    fn what_was_packed_before_is_read() {
        let body = hex::decode("010201008c0ef403080012c801").unwrap();
        let expected = [
            event(EventKind::AuthorisationApproved, 902, 250, None),
            event(EventKind::WebhookDelivered, 911, 350, None),
        ];
        assert_eq!(pack(&expected).unwrap(), body);
        assert_eq!(unpack(EnterpriseId::from_i64(7), &body).unwrap(), expected);
    }

    #[test]
    fn events_of_a_moment_are_short() {
        let id = 1_234_567_890_123_456_789;
        let at = 1_900_000_000_000_000;
        let events: Vec<_> = (0..20)
            .map(|n| event(EventKind::WebhookQueued, id + n * 4_096, at + n, None))
            .collect();
        assert!(pack(&events).unwrap().len() < 20 * 8);
    }

    #[test]
    fn what_is_no_feed_is_refused() {
        for body in [&b""[..], b"\x02", b"\x01", b"\x01\x01\x0f\x00\x00\x00", b"\x01\x02\x00"] {
            assert!(unpack(NO_ENTERPRISE, body).is_err(), "{body:?}");
        }
    }
}
