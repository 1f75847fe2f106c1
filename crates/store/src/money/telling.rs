//! The webhooks of the authorisations that a group changes.

use domain::{Authorisation, AuthorisationStatus, HoldState, WebhookId};

use super::apply::Group;
use super::bill::Bill;
use super::renderers::{Change, Webhooks};

impl Group<'_> {
    /// Reports an authorisation as it is now; call it before the authorisation is kept.
    pub(super) fn tell(&mut self, webhooks: &Webhooks, it: &Authorisation) {
        let Some(renderer) = webhooks else { return };
        let before = self.batch.authorisations.get(&it.auth_id).map(|it| &it.authorisation);
        let before = before.filter(|it| it.status != AuthorisationStatus::Pending);
        let webhook_id = WebhookId::from_i64(self.ids.next());
        let change = Change { before, after: it, webhook_id, now: self.now };
        self.batch.events.extend(renderer.webhook(&change));
    }

    /// Reports an original that a clearing settled, and increments that it released uncleared. The
    /// webhook of the original covers increments that were cleared with it: clients book each
    /// webhook of an authorisation.
    pub(super) fn tell_cleared(&mut self, webhooks: &Webhooks, bill: &Bill) {
        self.tell(webhooks, &bill.original);
        self.tell_released(webhooks, &bill.increments);
    }

    /// Reports the reservation, with its increments, that a completion took over.
    pub(super) fn tell_completed(&mut self, webhooks: &Webhooks, bill: &Bill) {
        self.tell_released(webhooks, std::slice::from_ref(&bill.original));
        self.tell_released(webhooks, &bill.increments);
    }

    fn tell_released(&mut self, webhooks: &Webhooks, members: &[Authorisation]) {
        for it in members.iter().filter(|it| it.hold_state == HoldState::Voided) {
            self.tell(webhooks, it);
        }
    }

    /// Reports the authorisations of a reversed bill: even a part that rounds to zero may end a
    /// hold.
    pub(super) fn tell_reversed(&mut self, webhooks: &Webhooks, bill: &Bill) {
        for it in std::iter::once(&bill.original).chain(&bill.increments) {
            self.tell(webhooks, it);
        }
    }
}
