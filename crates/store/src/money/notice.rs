//! What is told of an authorisation where nobody was asked: made inside the commit that
//! changes it, of the authorisation as that leaves it.

use std::fmt;
use std::sync::Arc;

use domain::{Authorisation, AuthorisationStatus, HoldState, WebhookEvent};

use super::ReverseAuthorisation;
use super::apply::Group;
use super::bill::Bill;

type Tell = dyn Fn(Option<&Authorisation>, &Authorisation) -> Option<WebhookEvent> + Send + Sync;

/// Makes the webhook that tells of an authorisation as a commit leaves it, if it is to be told.
/// It is handed the authorisation as it was before, unless that was told to nobody because it
/// is new or was undecided, and as it is now.
#[derive(Clone)]
pub struct ChangeNotice(Arc<Tell>);

impl ChangeNotice {
    /// A notice made so. It is made again where the commit is tried again.
    pub fn new(
        tell: impl Fn(Option<&Authorisation>, &Authorisation) -> Option<WebhookEvent>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for ChangeNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeNotice").finish_non_exhaustive()
    }
}

impl Group<'_> {
    /// Tells of an authorisation as it is now, which is kept only afterwards.
    pub(super) fn tell(&mut self, notice: Option<&ChangeNotice>, it: &Authorisation) {
        let before = self.batch.authorisations.get(&it.auth_id).map(|it| &it.authorisation);
        let before = before.filter(|it| it.status != AuthorisationStatus::Pending);
        self.batch.events.extend(notice.and_then(|notice| (notice.0)(before, it)));
    }

    /// Tells of what a clearing settled, and of increments that it left nothing of. Those
    /// that were settled with their original are told by its notice: clients book each notice
    /// of an authorisation.
    pub(super) fn tell_cleared(&mut self, notice: Option<&ChangeNotice>, bill: &Bill) {
        self.tell(notice, &bill.original);
        self.tell_released(notice, &bill.increments);
    }

    /// Tells of the reservation, with its increments, that a completion took over.
    pub(super) fn tell_completed(&mut self, notice: Option<&ChangeNotice>, bill: &Bill) {
        self.tell_released(notice, std::slice::from_ref(&bill.original));
        self.tell_released(notice, &bill.increments);
    }

    fn tell_released(&mut self, notice: Option<&ChangeNotice>, members: &[Authorisation]) {
        for it in members.iter().filter(|it| it.hold_state == HoldState::Voided) {
            self.tell(notice, it);
        }
    }

    /// Tells of what a reversal changed: a part that rounds to nothing may end a hold too.
    pub(super) fn tell_reversed(&mut self, bill: &Bill, request: &ReverseAuthorisation) {
        for it in std::iter::once(&bill.original).chain(&bill.increments) {
            self.tell(request.notice.as_ref(), it);
        }
    }
}
