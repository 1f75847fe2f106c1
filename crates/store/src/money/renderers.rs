//! Receipts and webhooks of authorisations, rendered when the commit knows their new state.
//! Renderers travel with the command and are pure: a commit that is tried again renders again.

use std::fmt;
use std::sync::Arc;

use domain::{Authorisation, Cause, Timestamp, VelocityExcess, WebhookEvent, WebhookId};

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
    /// The network took it back before it arrived.
    Reversed,
}

impl FailedCheck {
    /// The cause of the decline of `it`, which does not pass it.
    #[must_use]
    pub fn cause(self, it: &Authorisation) -> Cause {
        match self {
            Self::Limit(excess) => excess.into(),
            Self::Deposit => Cause::DepositExhausted,
            Self::Original if it.is_completion() => Cause::ReservationGone,
            Self::Original => Cause::OriginalEnded,
            Self::Reversed => Cause::ReversedBeforeArrival,
        }
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
    /// As it was before; None if it is new, or was undecided and therefore not reported.
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
    /// The webhook of a change, if it has one.
    fn webhook(&self, change: &Change<'_>) -> Option<WebhookEvent>;
}

/// Renders the webhooks of a command, if it has any.
pub type Webhooks = Option<Arc<dyn WebhookRenderer>>;
