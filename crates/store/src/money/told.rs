//! What the feed of events is told of an authorisation.

use domain::{Authorisation, AuthorisationStatus, Event, EventKind, HoldState, Timestamp};

/// What events tell of an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    status: AuthorisationStatus,
    hold_state: HoldState,
    hold_expires_at: Option<Timestamp>,
    amounts_minor: [i64; 4],
}

impl Told {
    pub(super) const fn of(it: &Authorisation) -> Self {
        Self {
            status: it.status,
            hold_state: it.hold_state,
            hold_expires_at: it.hold_expires_at,
            amounts_minor: [
                it.hold_remaining_minor,
                it.posted_minor,
                it.cleared_acquirer_minor,
                it.reversed_acquirer_minor,
            ],
        }
    }

    /// What happened between `before`, if it was there, and now, in its order.
    fn since(self, before: Option<Self>) -> Vec<EventKind> {
        let was_undecided = before.is_none_or(|it| it.status == AuthorisationStatus::Pending);
        let had = before.map_or(HoldState::None, |it| it.hold_state);
        let mut kinds = Vec::new();
        match self.status {
            AuthorisationStatus::Pending if before.is_none() => {
                kinds.push(EventKind::AuthorisationBegun);
            }
            AuthorisationStatus::Approved if was_undecided => {
                kinds.push(EventKind::AuthorisationApproved);
            }
            // Its hold ends with it.
            AuthorisationStatus::Declined if was_undecided => {
                return vec![EventKind::AuthorisationDeclined];
            }
            _ => {}
        }
        match self.hold_state {
            HoldState::Posted if had != HoldState::Posted => {
                kinds.push(EventKind::AuthorisationPosted);
            }
            HoldState::Voided if had != HoldState::Voided => {
                kinds.push(EventKind::AuthorisationVoided);
            }
            HoldState::Expired if had != HoldState::Expired => {
                kinds.push(EventKind::AuthorisationExpired);
            }
            _ if kinds.is_empty() && before != Some(self) => {
                kinds.push(EventKind::AuthorisationChanged);
            }
            _ => {}
        }
        kinds
    }
}

/// The events of an authorisation since it was `before`, if it was there; `at` in business time.
pub(super) fn events(
    it: &Authorisation,
    before: Option<Told>,
    at: Timestamp,
) -> impl Iterator<Item = Event> {
    let (enterprise_id, subject_id) = (Some(it.enterprise_id), it.auth_id.as_i64());
    let event = move |kind| Event { enterprise_id, vm_app_id: None, kind, subject_id, at };
    Told::of(it).since(before).into_iter().map(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: AuthorisationStatus, hold_state: HoldState, posted_minor: i64) -> Told {
        let amounts_minor = [0, posted_minor, 0, 0];
        Told { status, hold_state, hold_expires_at: None, amounts_minor }
    }

    #[test]
    fn each_turn_is_told_once_and_what_did_not_move_is_not() {
        use AuthorisationStatus::{Approved, Declined, Pending};
        use EventKind as Kind;
        let begun = told(Pending, HoldState::Pending, 0);
        let held = told(Approved, HoldState::Pending, 0);
        let part = told(Approved, HoldState::Pending, 4);
        let posted = told(Approved, HoldState::Posted, 9);
        let less = told(Approved, HoldState::Posted, 5);
        let expired = told(Approved, HoldState::Expired, 0);
        let late = told(Approved, HoldState::Expired, 3);
        let declined = told(Declined, HoldState::Voided, 0);
        for (before, now, expected) in [
            (None, begun, &[Kind::AuthorisationBegun][..]),
            (Some(begun), held, &[Kind::AuthorisationApproved]),
            (Some(begun), declined, &[Kind::AuthorisationDeclined]),
            (None, declined, &[Kind::AuthorisationDeclined]),
            // A single message is posted with its approval.
            (None, posted, &[Kind::AuthorisationApproved, Kind::AuthorisationPosted]),
            (Some(begun), posted, &[Kind::AuthorisationApproved, Kind::AuthorisationPosted]),
            (Some(held), part, &[Kind::AuthorisationChanged]),
            (Some(part), posted, &[Kind::AuthorisationPosted]),
            // A part of what was posted is given back.
            (Some(posted), less, &[Kind::AuthorisationChanged]),
            (Some(held), expired, &[Kind::AuthorisationExpired]),
            (Some(expired), late, &[Kind::AuthorisationChanged]),
            (Some(held), held, &[]),
            (Some(begun), begun, &[]),
            (Some(posted), posted, &[]),
        ] {
            assert_eq!(now.since(before), expected, "{before:?} -> {now:?}");
        }
    }
}
