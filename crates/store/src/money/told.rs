//! What a group tells the feed of events.

use domain::{Authorisation, AuthorisationStatus, Event, EventKind, HoldState, Timestamp};

use super::batch::Batch;

impl Batch {
    /// The events of the authorisations and messages that are new or changed, `now` in business
    /// time.
    pub(super) fn told(&self, now: Timestamp) -> Vec<Event> {
        let mut told = Vec::new();
        for new in &self.new_authorisations {
            // A later command of the group may have changed it.
            let later = self.authorisations.get(&new.authorisation.auth_id);
            let it = later.map_or(&new.authorisation, |later| &later.authorisation);
            told.push(of_authorisation(it, decision(it.status), now));
        }
        for loaded in self.authorisations.values().filter(|loaded| loaded.is_changed) {
            let it = &loaded.authorisation;
            let is_new =
                self.new_authorisations.iter().any(|new| new.authorisation.auth_id == it.auth_id);
            if !is_new {
                let kind =
                    if loaded.before.is_undecided() { decision(it.status) } else { change(it) };
                told.push(of_authorisation(it, kind, now));
            }
        }
        told.extend(self.new_records.iter().map(|record| record.told(now)));
        told
    }
}

const fn decision(status: AuthorisationStatus) -> EventKind {
    match status {
        AuthorisationStatus::Pending => EventKind::AuthorisationBegun,
        AuthorisationStatus::Approved => EventKind::AuthorisationApproved,
        AuthorisationStatus::Declined => EventKind::AuthorisationDeclined,
    }
}

const fn change(it: &Authorisation) -> EventKind {
    match it.hold_state {
        HoldState::None | HoldState::Pending => EventKind::AuthorisationChanged,
        HoldState::Posted => EventKind::AuthorisationPosted,
        HoldState::Voided => EventKind::AuthorisationVoided,
        HoldState::Expired => EventKind::AuthorisationExpired,
    }
}

const fn of_authorisation(it: &Authorisation, kind: EventKind, at: Timestamp) -> Event {
    let (enterprise_id, subject_id) = (Some(it.enterprise_id), it.auth_id.as_i64());
    Event { enterprise_id, vm_app_id: None, kind, subject_id, at }
}
