//! Receipts and webhooks of authorisations, rendered once their commit knows how it leaves
//! them. Renderers travel with the command and are pure: a commit that is tried again renders
//! again.

use std::fmt;
use std::sync::Arc;

use domain::{
    Authorisation, AuthorisationStatus, HoldState, ResponseCode, Timestamp, VelocityExcess,
    WebhookEvent, WebhookId,
};

use super::apply::Group;
use super::bill::Bill;

/// The check of the commit that declined an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedCheck {
    /// It would exceed a limit.
    Limit(VelocityExcess),
    /// The deposit does not cover it.
    Deposit,
    /// While the enterprise was asked, the bill that it raises or the reservation that it
    /// completes ended, or the reservation expired and the deposit does not cover the rest.
    Original,
}

impl FailedCheck {
    /// Declines the authorisation that does not pass it.
    pub(super) fn refuse(self, it: &mut Authorisation, now: Timestamp) {
        let (code, detail) = match self {
            Self::Limit(excess) => (ResponseCode::InsufficientFunds, excess.as_str()),
            Self::Deposit => (ResponseCode::InsufficientFunds, Authorisation::DEPOSIT_EXHAUSTED),
            Self::Original if it.is_completion() => {
                (ResponseCode::InsufficientFunds, Authorisation::RESERVATION_GONE)
            }
            Self::Original => (ResponseCode::NotAllowed, Authorisation::ORIGINAL_ENDED),
        };
        it.refuse(code, detail, now);
    }
}

/// Renders the receipt of the authorisation that a command begins or decides.
pub trait ReceiptRenderer: fmt::Debug + Send + Sync {
    /// The receipt of `it` as the commit leaves it; `failed` is the check of the commit that
    /// declined it.
    fn receipt(&self, it: &Authorisation, failed: Option<FailedCheck>) -> String;
}

/// An authorisation that a commit changes.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// As it was before; none if it is new or was undecided, so that nobody was told.
    pub before: Option<&'a Authorisation>,
    /// As the commit leaves it.
    pub after: &'a Authorisation,
    /// Id for the webhook, drawn within the commit: ids are in the order of the changes.
    pub webhook_id: WebhookId,
    /// Business time of the commit.
    pub now: Timestamp,
}

/// Renders the webhooks of changed authorisations.
pub trait WebhookRenderer: fmt::Debug + Send + Sync {
    /// The webhook of a change; none if nobody is to be told of it.
    fn webhook(&self, change: &Change<'_>) -> Option<WebhookEvent>;
}

/// Who renders the webhooks of a command; none = nobody is told.
pub type Webhooks = Option<Arc<dyn WebhookRenderer>>;

impl Group<'_> {
    /// Tells of an authorisation as it is now, which is kept only afterwards.
    pub(super) fn tell(&mut self, webhooks: &Webhooks, it: &Authorisation) {
        let Some(renderer) = webhooks else { return };
        let before = self.batch.authorisations.get(&it.auth_id).map(|it| &it.authorisation);
        let before = before.filter(|it| it.status != AuthorisationStatus::Pending);
        let webhook_id = WebhookId::from_i64(self.ids.next());
        let change = Change { before, after: it, webhook_id, now: self.now };
        self.batch.events.extend(renderer.webhook(&change));
    }

    /// Tells of what a clearing settled, and of increments that it left nothing of. Those
    /// that were settled with their original are told by its webhook: clients book each webhook
    /// of an authorisation.
    pub(super) fn tell_cleared(&mut self, webhooks: &Webhooks, bill: &Bill) {
        self.tell(webhooks, &bill.original);
        self.tell_released(webhooks, &bill.increments);
    }

    /// Tells of the reservation, with its increments, that a completion took over.
    pub(super) fn tell_completed(&mut self, webhooks: &Webhooks, bill: &Bill) {
        self.tell_released(webhooks, std::slice::from_ref(&bill.original));
        self.tell_released(webhooks, &bill.increments);
    }

    fn tell_released(&mut self, webhooks: &Webhooks, members: &[Authorisation]) {
        for it in members.iter().filter(|it| it.hold_state == HoldState::Voided) {
            self.tell(webhooks, it);
        }
    }

    /// Tells of what a reversal changed: a part that rounds to nothing may end a hold too.
    pub(super) fn tell_reversed(&mut self, webhooks: &Webhooks, bill: &Bill) {
        for it in std::iter::once(&bill.original).chain(&bill.increments) {
            self.tell(webhooks, it);
        }
    }
}
