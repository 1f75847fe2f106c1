//! The result of a message before anybody is asked.

use std::sync::Arc;
use std::time::Duration;

use domain::{Authorisation, Enterprise};
use store::{VmTariff, Webhooks};
use tokio::time::Instant;

use crate::forward::AuthEndpoint;
use crate::receipt::Receipt;

/// An authorisation whose hold is taken, or a reversal whose money has moved.
pub(crate) struct Held {
    pub(crate) authorisation: Arc<Authorisation>,
    /// The enterprise to ask; `None` = it is approved here.
    pub(crate) endpoint: Option<Arc<AuthEndpoint>>,
    /// The webhooks of the decision.
    pub(crate) webhooks: Webhooks,
    /// The fees of the decision.
    pub(crate) tariff: Option<VmTariff>,
    pub(crate) deadline: Instant,
    pub(crate) receipt: Receipt,
}

/// The result of a message before anybody is asked.
pub(crate) enum HoldOutcome {
    /// Decided without asking.
    Answered { authorisation: Box<Authorisation>, repeated: bool },
    /// The enterprise is to be asked, or nobody is and it is approved.
    Held(Box<Held>),
}

/// The time that an enterprise has to answer, from the message's arrival.
pub(crate) fn deadline_of(enterprise: &Enterprise) -> Duration {
    Duration::from_millis(u64::from(enterprise.auth_deadline_ms))
}
